//! Holding the Lease: reads and writes it as the election says, and tells when we begin or cease to lead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::election::{Election, Step, Terms, View};
use super::names::{LEASE, MANAGER};
use super::seen::Seen;
use crate::causes::chain;

/// Whether we lead, to be asked before every write.
#[derive(Debug, Clone)]
pub struct Leadership {
    began: Instant,
    until: Arc<AtomicU64>,
    told: watch::Sender<bool>,
}

impl Leadership {
    /// Nobody leads yet.
    pub fn new() -> Self {
        Self { began: Instant::now(), until: Arc::default(), told: watch::Sender::new(false) }
    }

    /// Nobody else is asked: we lead for ever.
    pub fn alone() -> Self {
        Self { until: Arc::new(AtomicU64::new(u64::MAX)), told: watch::Sender::new(true), ..Self::new() }
    }

    /// Whether we lead now.
    pub fn leads(&self) -> bool {
        self.now() < self.until.load(Ordering::Acquire)
    }

    /// Tells whenever it has changed.
    pub fn changes(&self) -> watch::Receiver<bool> {
        self.told.subscribe()
    }

    /// Ms on a clock that no one sets.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Default for Leadership {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs for the Lease until stopped, and gives it back then.
pub struct Candidate {
    api: Api<Lease>,
    identity: String,
    terms: Terms,
    election: Election,
    leadership: Leadership,
    /// The lease as it was read or written last.
    last: Option<Lease>,
}

impl Candidate {
    /// A candidate for the Lease of this namespace.
    pub fn new(
        client: Client,
        namespace: &str,
        identity: String,
        terms: Terms,
        leadership: Leadership,
    ) -> Self {
        let election = Election::new(identity.clone(), terms);
        Self { api: Api::namespaced(client, namespace), identity, terms, election, leadership, last: None }
    }

    /// Runs until `stop`; tells of each change.
    pub async fn run(mut self, tell: mpsc::Sender<Seen>, stop: CancellationToken) {
        let mut led = false;
        loop {
            if let Err(error) = self.turn().await {
                tracing::warn!(error = %chain(&error), "the Lease cannot be read or written");
                self.last = None;
            }
            self.leadership.until.store(self.election.leads_until().unwrap_or(0), Ordering::Release);
            let leads = self.leadership.leads();
            if leads != led {
                led = leads;
                tracing::info!(identity = self.identity, leads, "leadership has changed");
                self.leadership.told.send_replace(leads);
                let _ = tell.send(Seen::Leading).await;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(self.terms.retry) => {}
            }
        }
        self.give_back().await;
    }

    /// One look at the Lease, and what follows from it. Who leads renews without looking.
    async fn turn(&mut self) -> kube::Result<()> {
        let asked = self.leadership.now();
        if !(self.election.leads(asked) && self.last.is_some()) {
            self.last = self.api.get_opt(LEASE).await?;
        }
        let step = self.election.see(self.last.as_ref().map(view), self.leadership.now());
        let written = match step {
            Step::Wait => return Ok(()),
            Step::Create => self.api.create(&params(), &self.lease(None)).await,
            Step::Take(_) | Step::Renew(_) => {
                self.api.replace(LEASE, &params(), &self.lease(self.last.as_ref())).await
            }
        };
        match written {
            Ok(lease) => {
                self.election.granted(view(&lease), asked, self.leadership.now());
                self.last = Some(lease);
                Ok(())
            }
            Err(error) if super::apply::code(&error) == Some(409) => {
                self.last = None;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn lease(&self, over: Option<&Lease>) -> Lease {
        let before = over.and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let now = MicroTime(Timestamp::now());
        let ours = before.holder_identity.as_deref() == Some(&self.identity)
            && self.election.leads(self.leadership.now());
        let changes = before.lease_transitions.unwrap_or(0);
        Lease {
            metadata: over
                .map_or_else(named, |lease| ObjectMeta { managed_fields: None, ..lease.metadata.clone() }),
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: i32::try_from(self.terms.lasts.as_secs()).ok(),
                acquire_time: if ours { before.acquire_time } else { Some(now.clone()) },
                renew_time: Some(now),
                lease_transitions: Some(if ours || over.is_none() {
                    changes
                } else {
                    changes.saturating_add(1)
                }),
                ..LeaseSpec::default()
            }),
        }
    }

    /// Gives the Lease back, so that another need not wait for its end.
    async fn give_back(mut self) {
        let led = self.leadership.leads();
        self.leadership.until.store(0, Ordering::Release);
        let Some(mut lease) = self.last.take().filter(|_| led) else { return };
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = Some(String::new());
        }
        lease.metadata.managed_fields = None;
        if let Err(error) = self.api.replace(LEASE, &params(), &lease).await {
            tracing::warn!(error = %chain(&error), "the Lease could not be given back");
        }
    }
}

fn view(lease: &Lease) -> View {
    let spec = lease.spec.as_ref();
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|s| u64::try_from(s).ok());
    View {
        holder: spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default(),
        resource_version: lease.metadata.resource_version.clone().unwrap_or_default(),
        lasts: seconds.map(Duration::from_secs),
    }
}

fn named() -> ObjectMeta {
    ObjectMeta { name: Some(LEASE.to_owned()), ..ObjectMeta::default() }
}

fn params() -> PostParams {
    PostParams { dry_run: false, field_manager: Some(MANAGER.to_owned()) }
}
