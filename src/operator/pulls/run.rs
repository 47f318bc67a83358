//! The loop: take what was seen, write where something lacks, report. The one task that knows the world of pull secrets;
//! whatever takes time elsewhere tells it what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::apply::{OPERATOR, Writer};
use super::checks::{Answer, Question};
use super::held::HeldSecret;
use super::mirror::Change;
use super::plan::{Ended, Miss, Object, Step};
use super::report::Told;
use super::stuck::{Cure, Remedy};
use super::verify::Verifier;
use super::watch::Watches;
use super::world::{Install, Key, Seen, World};
use crate::operator::lease::Leadership;
use crate::operator::metrics::WriteLabels;
use crate::operator::reporting::{Reported, Reporting};
use crate::operator::served::Served;
use crate::process::jitter;

/// Namespaces that are written at once.
const AT_ONCE: usize = 16;
/// Statuses that are written at once.
const STATUSES_AT_ONCE: usize = 8;
/// While namespaces are being written, statuses are no oftener than this, ms.
const REPORT_EVERY: i64 = 1000;
/// Messages that may wait; who tells waits where there are more.
const WAITING: usize = 1024;

/// What the loop is told.
pub enum Message {
    /// Something was seen.
    Seen(Seen),
    /// A merged Secret was; what of it is kept is decided where all of them are.
    Secret(Change<Key, Box<Secret>>),
    /// The Secret of a single credential was, or that there is none.
    Dedicated(Key, Option<Box<Secret>>),
    /// The writes of a namespace have ended.
    Ended(Ended),
    /// A registry was asked.
    Answered(Question, Answer),
    /// Something was done about a Pod, or why it was not.
    Remedied(Remedy, Option<Miss>),
}

/// What the loop works with.
pub struct Pulls {
    world: World,
    watches: Watches,
    watching: BTreeMap<Box<str>, AbortHandle>,
    writer: Writer,
    reporting: Arc<Reporting>,
    verifier: Arc<Verifier>,
    leadership: Leadership,
    served: Arc<Served>,
    tell: mpsc::Sender<Message>,
    tasks: JoinSet<()>,
    /// Whether a status may say something else than it should.
    unreported: bool,
    reported_at: i64,
}

/// Runs until stopped.
pub async fn run(
    client: Client,
    install: Install,
    identity: &str,
    verifier: Verifier,
    leadership: Leadership,
    served: Arc<Served>,
    stop: CancellationToken,
) {
    let (tell, seen) = mpsc::channel(WAITING);
    let watches = Watches::new(client.clone(), install.clone(), tell.clone());
    let mut tasks = JoinSet::new();
    watches.start(&mut tasks);
    let pulls = Pulls {
        watches,
        watching: BTreeMap::new(),
        writer: Writer::new(client.clone(), &install.namespace, OPERATOR),
        reporting: Arc::new(Reporting::new(client, &install.namespace, identity)),
        verifier: Arc::new(verifier),
        world: World::new(install),
        leadership,
        served,
        tell,
        tasks,
        unreported: true,
        reported_at: 0,
    };
    pulls.go_on(seen, stop).await;
}

impl Pulls {
    async fn go_on(mut self, mut seen: mpsc::Receiver<Message>, stop: CancellationToken) {
        let mut leads = self.leadership.changes();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                one = seen.recv() => match one {
                    None => break,
                    Some(one) => {
                        self.take(one);
                        // Whatever waits is taken before anything is done about it.
                        while let Ok(one) = seen.try_recv() {
                            self.take(one);
                        }
                    }
                },
                _ = leads.changed() => self.unreported = true,
                () = sleep_until(self.due()) => {}
            }
            self.turn().await;
            while self.tasks.try_join_next().is_some() {}
        }
        self.tasks.shutdown().await;
    }

    fn take(&mut self, message: Message) {
        let now = now();
        match message {
            // No status depends on Pods.
            Message::Seen(pod @ Seen::Pod(_)) => return self.world.take(pod, now),
            Message::Remedied(remedy, missed) => return self.remedied(&remedy, missed.as_ref(), now),
            Message::Seen(seen) => {
                self.world.take(seen, now);
                self.follow_sources();
            }
            Message::Secret(change) => {
                let change = self.held(change);
                self.world.take(Seen::Secret(change), now);
            }
            Message::Dedicated(key, secret) => {
                let secret = secret.map(|secret| self.world.kept(&secret));
                self.world.take(Seen::Dedicated(key, secret), now);
            }
            Message::Ended(ended) => self.ended(ended, now),
            Message::Answered(question, answer) => {
                self.served.metrics.pulls.verified(&question.credential, &answer);
                self.world.answered(&question, answer, jitter(), now);
            }
        }
        self.unreported = true;
    }

    fn held(&mut self, change: Change<Key, Box<Secret>>) -> Change<Key, HeldSecret> {
        let mut of = |secret: &Secret| self.world.kept(secret);
        match change {
            Change::Begin => Change::Begin,
            Change::End => Change::End,
            Change::Gone(key) => Change::Gone(key),
            Change::Item(key, secret) => Change::Item(key, of(&secret)),
            Change::Set(key, secret) => Change::Set(key, of(&secret)),
        }
    }

    /// Watches the Secrets that credentials name, and no others.
    fn follow_sources(&mut self) {
        let wanted = self.world.sources_wanted();
        self.watching.retain(|name, task| {
            let wanted = wanted.contains(name);
            if !wanted {
                task.abort();
            }
            wanted
        });
        for name in wanted {
            let (watches, tasks) = (&self.watches, &mut self.tasks);
            self.watching.entry(name.clone()).or_insert_with(|| tasks.spawn(watches.clone().source(name)));
        }
    }

    /// Everything that can be done with what is known now.
    async fn turn(&mut self) {
        self.show();
        if !self.world.has_word() || !self.leadership.leads() {
            return;
        }
        let now = now();
        if self.world.is_known() {
            self.do_all(now);
        }
        self.unreported |= self.world.is_to_report(now);
        if self.unreported && (self.world.work.is_idle() || now >= self.reported_at + REPORT_EVERY) {
            (self.unreported, self.reported_at) = (false, now);
            self.report().await;
        }
    }

    fn do_all(&mut self, now: i64) {
        self.world.work.wake(now);
        while self.world.work.under_way() < AT_ONCE
            && let Some((namespace, steps)) = self.world.next_job(now)
        {
            self.begin(namespace, steps);
        }
        self.ask(now);
        self.remedy(now);
    }

    /// Shows how things are, for `/readyz` and `/metrics`.
    fn show(&self) {
        self.served.set_pulls(self.world.readyz());
        self.served.metrics.pulls.show_refused(self.world.access.refused());
    }

    fn begin(&mut self, namespace: Box<str>, steps: Vec<Step>) {
        let (writer, tell, leadership) = (self.writer.clone(), self.tell.clone(), self.leadership.clone());
        self.tasks.spawn(async move {
            let (mut done, mut missed, mut undone) = (Vec::new(), None, Vec::new());
            for step in steps {
                if !leadership.leads() {
                    missed = Some(Miss::Beaten);
                    break;
                }
                // What is wrong with one object keeps no other one back, but what is to be let go of last.
                if undone.iter().any(|other| step.waits_for(other)) {
                    continue;
                }
                match writer.write(&namespace, &step).await {
                    Ok(wrote) => done.push((step.object, step.goal, wrote)),
                    Err(miss) => {
                        missed = missed.or(Some(miss));
                        undone.push(step);
                    }
                }
            }
            let _ = tell.send(Message::Ended(Ended { namespace, done, missed })).await;
        });
    }

    fn ended(&mut self, ended: Ended, now: i64) {
        ended.done.iter().for_each(|(object, ..)| self.count(object, "ok"));
        if let Some(miss) = &ended.missed {
            self.missed(&ended.namespace, miss);
        }
        let after = self.world.ended(ended, now);
        after.repaired.into_iter().for_each(|object| self.served.metrics.repaired(object));
        if let Some(took) = after.took {
            self.served.metrics.pulls.propagated(took);
        }
    }

    fn missed(&self, namespace: &str, miss: &Miss) {
        let result = match miss {
            Miss::Beaten => "stale",
            Miss::Failed(reason, message) => {
                tracing::warn!(namespace, %reason, message, "a pull secret could not be written");
                "failed"
            }
        };
        self.served.metrics.writes.get_or_create(&WriteLabels { object: "pull-secret", result }).inc();
    }

    fn count(&self, object: &Object, result: &'static str) {
        let labels = WriteLabels { object: object.kind(), result };
        self.served.metrics.writes.get_or_create(&labels).inc();
    }

    /// Asks the registries that are due.
    fn ask(&mut self, now: i64) {
        for question in self.world.take_questions(now) {
            let (verifier, tell) = (self.verifier.clone(), self.tell.clone());
            self.tasks.spawn(async move {
                let answer = verifier.ask(&question).await;
                let _ = tell.send(Message::Answered(question, answer)).await;
            });
        }
    }

    /// Does something about the Pods that cannot pull.
    fn remedy(&mut self, now: i64) {
        for remedy in self.world.next_remedies(now) {
            let (writer, reporting, tell) = (self.writer.clone(), self.reporting.clone(), self.tell.clone());
            let leadership = self.leadership.clone();
            self.tasks.spawn(async move {
                let missed = match remedy.cure {
                    _ if !leadership.leads() => Some(Miss::Beaten),
                    Cure::Delete => writer.delete_pod(&remedy.key, &remedy.version).await.err(),
                    Cure::Tell | Cure::TellOfList => None,
                };
                if missed.is_none() {
                    reporting.tell_of_other(&remedy.about(), &remedy.news()).await;
                }
                let _ = tell.send(Message::Remedied(remedy, missed)).await;
            });
        }
    }

    fn remedied(&mut self, remedy: &Remedy, missed: Option<&Miss>, now: i64) {
        let (namespace, name) = &remedy.key;
        if let Some(Miss::Failed(reason, message)) = missed {
            tracing::warn!(%namespace, %name, %reason, message, "a Pod that cannot pull could not be deleted");
        }
        if self.world.remedied(remedy, missed, now) && remedy.cure == Cure::Delete {
            self.served.metrics.pulls.recreated();
        }
    }

    /// Writes the statuses that do not say what they should.
    async fn report(&mut self) {
        let time = Timestamp::now();
        let told = self.world.statuses(time);
        self.served.metrics.pulls.show(&self.world.measured());
        self.reporting.settle();
        let (reporting, leadership) = (&self.reporting, &self.leadership);
        let write = |told: Told| async move {
            if !leadership.leads() {
                return (told, Reported::Stale);
            }
            let reported = reporting.report(&told.write).await;
            if let (Reported::Written(..), Some(end)) = (&reported, &told.end) {
                reporting.tell_of(&told.write.key, &told.write.uid, end).await;
            }
            (told, reported)
        };
        let all: Vec<_> =
            futures::stream::iter(told).map(write).buffer_unordered(STATUSES_AT_ONCE).collect().await;
        for (told, reported) in all {
            if let Reported::Failed(why) = &reported {
                tracing::warn!(name = &*told.write.key.name, error = why, "a status could not be written");
            }
            let result = self.world.reported(&told, reported, now());
            self.served.metrics.writes.get_or_create(&WriteLabels { object: "status", result }).inc();
        }
    }

    /// When something is due that nobody tells of, ms since 1970.
    fn due(&self) -> Option<i64> {
        if !self.world.has_word() || !self.leadership.leads() {
            return None;
        }
        let report =
            (self.unreported && !self.world.work.is_idle()).then_some(self.reported_at + REPORT_EVERY);
        let work = self.world.due().filter(|_| self.world.is_known());
        report.into_iter().chain(work).min()
    }
}

async fn sleep_until(ms: Option<i64>) {
    match ms {
        None => std::future::pending().await,
        Some(at) => tokio::time::sleep(Duration::from_millis(u64::try_from(at - now()).unwrap_or(0))).await,
    }
}

/// Ms since 1970.
fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
