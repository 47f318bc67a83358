//! The loop: take what was seen, wait for a moment of quiet, then read → compile → apply → report. The one
//! task that knows the world; whatever takes time elsewhere tells it what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::apply::Applier;
use super::lease::Leadership;
use super::metrics::WriteLabels;
use super::notices::Notices;
use super::pace::{Budget, Pace, Repairs};
use super::plan::Goal;
use super::references::{References, Way};
use super::reporting::{Reported, Reporting};
use super::seen::Seen;
use super::served::Served;
use super::shown_state;
use super::statuses::{News, StatusWrite};
use super::watch::Watches;
use super::world::{Due, SigningKey, World};
use crate::api::Kind;
use crate::causes::chain;
use crate::compile::ObjectRef;
use crate::fetch::{Fetcher, TrustRoots};
use crate::model::KeyRef;

/// A pass waits until nothing was seen for this long,
const QUIET: Duration = Duration::from_millis(20);
/// but not longer than this; what waits then is taken, however much it is.
const AT_MOST: Duration = Duration::from_millis(200);
/// Statuses that are written at once.
const AT_ONCE: usize = 8;

/// What the loop works with.
pub struct Operator {
    pub(super) world: World,
    pub(super) references: References,
    pub(super) watching: BTreeMap<KeyRef, AbortHandle>,
    pub(super) watches: Watches,
    pub(super) applier: Applier,
    pub(super) reporting: Arc<Reporting>,
    /// The statuses that are being written: what came of them, once it is known of all of them.
    pub(super) reports: JoinSet<Vec<(StatusWrite, Reported)>>,
    pub(super) fetcher: Arc<Fetcher>,
    pub(super) leadership: Leadership,
    pub(super) served: Arc<Served>,
    pub(super) tell: mpsc::Sender<Seen>,
    pub(super) keep_shards_for: i64,
    pub(super) stale_keys_for: i64,
    pub(super) pace: Pace,
    pub(super) budget: Budget,
    pub(super) repairs: Repairs,
    pub(super) notices: Notices,
    /// Who has changed the index last, where that is not us.
    pub(super) rival: Option<Box<str>>,
    /// Whom the installation trusts, for others who ask; `None` until that was seen.
    pub(super) roots: watch::Sender<Option<TrustRoots>>,
    pub(super) tasks: JoinSet<()>,
}

impl Operator {
    /// Goes on until stopped; a turn that has begun is finished.
    pub async fn run(mut self, mut seen: mpsc::Receiver<Seen>, stop: CancellationToken) {
        loop {
            tokio::select! {
                // However much there is to be done, each turn knows what was seen before it.
                biased;
                () = stop.cancelled() => break,
                one = seen.recv() => match one {
                    None => break,
                    Some(one) => {
                        self.take(one).await;
                        self.take_until_quiet(&mut seen).await;
                    }
                },
                Some(written) = self.reports.join_next() => self.take_reports(written.unwrap_or_default()),
                () = sleep_until(self.pace.next()) => {}
            }
            while let Some(written) = self.reports.try_join_next() {
                self.take_reports(written.unwrap_or_default());
            }
            self.turn().await;
            while self.tasks.try_join_next().is_some() {}
        }
        self.tasks.shutdown().await;
        // What is written has its Event, too.
        while self.reports.join_next().await.is_some() {}
    }

    async fn take_until_quiet(&mut self, seen: &mut mpsc::Receiver<Seen>) {
        let end = tokio::time::Instant::now() + AT_MOST;
        while let Ok(Some(one)) = tokio::time::timeout(QUIET, seen.recv()).await {
            self.take(one).await;
            if tokio::time::Instant::now() >= end {
                break;
            }
        }
        for _ in 0..seen.len() {
            if let Ok(one) = seen.try_recv() {
                self.take(one).await;
            }
        }
    }

    /// One turn: everything that can be done with what is known now.
    async fn turn(&mut self) {
        let now = now();
        self.pace.begin();
        for kind in self.world.objects.take_relist() {
            self.watches.relist(kind);
        }
        self.served.metrics.leader.set(i64::from(self.leadership.leads()));
        self.tell_notices().await;
        if self.leadership.leads() {
            self.lead(now).await;
        }
        self.show();
    }

    async fn lead(&mut self, now: i64) {
        if self.world.signing == SigningKey::Absent {
            match self.applier.make_signing_key().await {
                Ok(key) => {
                    if key != SigningKey::Unknown {
                        tracing::info!("made the Secret `issuer-key`");
                    }
                    self.world.signing = key;
                }
                Err(error) => self.failed(&error),
            }
        }
        if !self.world.is_known() {
            return;
        }
        self.pace.by(self.world.keybook.expire(now, self.stale_keys_for));
        let goal = self.compiled(now);
        self.world.keybook.take_gone().iter().for_each(|issuer| self.served.metrics.forget(issuer));
        self.ask(now);
        self.pace.by(self.world.keybook.next_due());
        if let Some(goal) = goal
            && self.publish(&goal, now).await
        {
            self.report();
        }
    }

    /// What the cluster should hold; `None` while a compile is needed and has to wait.
    fn compiled(&mut self, now: i64) -> Option<Arc<Goal>> {
        if self.world.is_stale() {
            if let Some(later) = self.budget.wait(now) {
                self.pace.at(later);
                return None;
            }
            let began = std::time::Instant::now();
            self.world.compile(now);
            self.budget.spent(began.elapsed(), self::now());
            self.served.metrics.compiled(began.elapsed());
            shown_state::measure_objects(&self.world, &self.served.metrics);
            self.follow_references();
        }
        self.world.goal()
    }

    /// Watches what JwtIssuers refer to, and nothing else.
    fn follow_references(&mut self) {
        let wanted = self.world.references();
        self.references.follow(&wanted);
        self.watching.retain(|reference, task| {
            let wanted = wanted.contains(reference);
            if !wanted {
                task.abort();
            }
            wanted
        });
        for reference in wanted {
            let (watches, tasks) = (&self.watches, &mut self.tasks);
            self.watching
                .entry(reference.clone())
                .or_insert_with(|| tasks.spawn(watches.clone().reference(reference)));
        }
    }

    /// Asks for the keys that are due.
    fn ask(&mut self, now: i64) {
        if !self.world.trusted.known() {
            return;
        }
        for (name, want) in self.world.keybook.take_due(now) {
            match self.references.way(&want, self.world.trusted.roots(), now / 1000) {
                Way::Unknown => self.world.keybook.put_back(&name),
                Way::Here(answer) => self.answered(&name, &want, answer, now),
                Way::Gone(missed) => {
                    self.world.keybook.forget(&name);
                    self.answered(&name, &want, Err(missed), now);
                }
                Way::Ask(roots) => {
                    let (fetcher, tell) = (self.fetcher.clone(), self.tell.clone());
                    self.tasks.spawn(async move {
                        let answer = fetcher.fetch(&want.iss, &want.source, &roots).await;
                        let _ = tell.send(Seen::Keys(name, want, answer)).await;
                    });
                }
            }
        }
    }

    /// Has the statuses written that do not say what they should. Turns go on meanwhile: however many there are, nobody's
    /// edit waits for them. Those of an earlier turn come first, and lead to another turn when they are done.
    fn report(&mut self) {
        if !self.reports.is_empty() {
            return;
        }
        let Due { writes, wake } = self.world.due(Timestamp::now());
        self.pace.by(wake);
        self.reporting.settle();
        if writes.is_empty() {
            return;
        }
        let (reporting, leadership) = (self.reporting.clone(), self.leadership.clone());
        let write = move |write: StatusWrite| {
            let (reporting, leadership) = (reporting.clone(), leadership.clone());
            async move {
                let reported =
                    if leadership.leads() { reporting.report(&write).await } else { Reported::Stale };
                (write, reported)
            }
        };
        self.reports.spawn(futures::stream::iter(writes).map(write).buffer_unordered(AT_ONCE).collect());
    }

    fn take_reports(&mut self, written: Vec<(StatusWrite, Reported)>) {
        for (write, reported) in written {
            let result = self.reported(write, reported);
            self.served.metrics.writes.get_or_create(&WriteLabels { object: "status", result }).inc();
        }
    }

    fn reported(&mut self, write: StatusWrite, reported: Reported) -> &'static str {
        match reported {
            Reported::Written(version, status) => {
                if write.repair {
                    self.served.metrics.repaired("status");
                }
                self.world.reported(write, version, status, now());
                "ok"
            }
            Reported::Stale => {
                self.world.beaten(write, now());
                self.pace.soon(now());
                "stale"
            }
            Reported::Failed(why) => {
                let ObjectRef { kind, name } = &write.key;
                tracing::warn!(%kind, %name, error = why, "a status could not be written");
                self.world.report_again(write.key);
                self.pace.failed(now());
                "failed"
            }
        }
    }

    pub(super) fn failed(&mut self, error: &dyn std::error::Error) {
        tracing::warn!(error = %chain(error), "a write failed");
        self.pace.failed(now());
    }

    pub(super) async fn tell_of_bundle(&self, ready: bool, reason: &str, message: String) {
        if ready {
            tracing::info!(reason, message);
        } else {
            tracing::warn!(reason, message);
        }
        self.reporting.tell_of_bundle(&News { ready, reason: reason.to_owned(), message }).await;
    }

    /// Shows how things are, for `/readyz` and `/metrics`.
    fn show(&self) {
        self.served.set_readyz(shown_state::readyz(&self.world, self.leadership.leads()));
        shown_state::measure_bundle(&self.world, &self.served.metrics);
    }
}

/// What `/readyz` and the Event say of a definition that drops fields.
pub(super) fn pruned(kind: Kind, fields: &[String]) -> String {
    format!(
        "the installed definition of {kind} lacks {}: the API server drops these fields, the last known forms serve, \
         and edits wait; deleting an object revokes at once; install the definitions of `faas-iam crds` again",
        fields.join(", ")
    )
}

async fn sleep_until(ms: Option<i64>) {
    match ms {
        None => std::future::pending().await,
        Some(at) => tokio::time::sleep(Duration::from_millis(u64::try_from(at - now()).unwrap_or(0))).await,
    }
}

/// Ms since 1970.
pub(super) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
