//! What the gateway measures. Label values are of fixed sets, or names that an administrator gave. What a call
//! counts on its way was looked up before: it takes no lock that others hold.

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::case::{Case, Kind};
use super::contact::Contact;
use super::durations::Durations;
use super::measured::Measured;
use super::times::Times;
use crate::model::Action;

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DecisionLabels {
    /// The action; `other` for what has none.
    pub action: &'static str,
    /// `allowed`, or the reason of the refusal.
    pub outcome: &'static str,
}

/// An exchange.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ExchangeLabels {
    /// The JwtIssuer's name; `unknown` where none is declared.
    pub issuer: String,
    /// `ok`, or the reason of the refusal.
    pub result: &'static str,
}

/// A refresh of keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefreshLabels {
    /// The issuer's `iss`, which is declared.
    pub iss: String,
    /// `ok` or `failed`.
    pub result: &'static str,
}

/// A list of the provider's functions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ListLabels {
    /// `ok` or `failed`.
    pub result: &'static str,
}

/// Events for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AuditLabels {
    /// `file` or `webhook`.
    pub sink: &'static str,
    /// `written` or `dropped`.
    pub result: &'static str,
}

/// A place of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SinkLabels {
    /// `file` or `webhook`.
    pub sink: &'static str,
}

/// A key of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KeyLabels {
    /// Its `kid`.
    pub kid: String,
}

/// A JwtIssuer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct IssuerLabels {
    /// Its name.
    pub issuer: String,
}

/// Everything that is measured.
pub struct Metrics {
    /// What is measured of connections.
    pub measured: Measured,
    /// All of it, for `/metrics`.
    pub registry: Registry,
    /// Decisions.
    decisions: Family<DecisionLabels, Counter>,
    /// Those that allow, by action in the order of the table.
    allowed: Box<[Counter]>,
    /// Exchanges.
    exchanges: Family<ExchangeLabels, Counter>,
    /// Refreshes of keys by need.
    refreshes: Family<RefreshLabels, Counter>,
    /// How long calls took.
    pub durations: Durations,
    /// Events for the audit trail.
    pub audit: Family<AuditLabels, Counter>,
    /// Those that wait; set when it is read.
    pub audit_waiting: Family<SinkLabels, Gauge>,
    /// Tokens that were remembered.
    pub cache_hits: Counter,
    /// Tokens that had to be verified.
    pub cache_misses: Counter,
    /// Tokens that are remembered; set when it is read.
    pub cache_entries: Gauge,
    /// The generation of the bundle that decides.
    pub generation: Gauge,
    /// The key that signs; set when it is read.
    pub signing_key: Family<KeyLabels, Gauge>,
    /// The keys that verify, by issuer; set when it is read.
    pub issuer_keys: Family<IssuerLabels, Gauge>,
    /// Open connections.
    pub connections: Gauge,
    /// Requests whose answers are not sent whole yet.
    pub in_flight: Gauge,
    /// Bundles that were not taken.
    pub refused_bundles: Counter,
    /// Lists of the provider's functions that were asked for.
    pub lists: Family<ListLabels, Counter>,
    /// Whether the API server answers.
    pub contact: Arc<Contact>,
    /// How long it has been out of contact, seconds; set when it is read.
    pub out_of_contact: Gauge,
}

fn allowed(decisions: &Family<DecisionLabels, Counter>) -> Box<[Counter]> {
    let of = |action: &Action| DecisionLabels { action: action.as_str(), outcome: "allowed" };
    Action::ALL.iter().map(|action| decisions.get_or_create_owned(&of(action))).collect()
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let decisions = Family::default();
        let mut metrics = Self {
            measured: Measured::default(),
            registry: Registry::with_prefix("faas_iam_gateway"),
            allowed: allowed(&decisions),
            decisions,
            exchanges: Family::default(),
            refreshes: Family::default(),
            durations: Durations::new(),
            audit: Family::default(),
            audit_waiting: Family::default(),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
            cache_entries: Gauge::default(),
            generation: Gauge::default(),
            signing_key: Family::default(),
            issuer_keys: Family::default(),
            connections: Gauge::default(),
            in_flight: Gauge::default(),
            refused_bundles: Counter::default(),
            lists: Family::default(),
            contact: Arc::new(Contact::new(Instant::now())),
            out_of_contact: Gauge::default(),
        };
        metrics.register_calls();
        metrics.register_state();
        metrics
    }

    fn register_calls(&mut self) {
        self.measured.register(&mut self.registry);
        let r = &mut self.registry;
        r.register("decisions", "Decisions by action and outcome", self.decisions.clone());
        r.register("exchanges", "Token exchanges by JwtIssuer and result", self.exchanges.clone());
        let mut time = |name, help, times: &Times| {
            r.register_with_unit(name, help, Unit::Seconds, times.family.clone());
        };
        time("request_duration", "From a request to the head of its answer", &self.durations.requests);
        time("judgement_duration", "The same without the time of the upstream", &self.durations.judgements);
        time(
            "upstream_duration",
            "From a forwarded request to the head of its answer",
            &self.durations.upstream,
        );
        let r = &mut self.registry;
        r.register(
            "requests_in_flight",
            "Requests whose answers are not sent whole yet",
            self.in_flight.clone(),
        );
        r.register("connections", "Open connections of clients", self.connections.clone());
        r.register("audit_events", "Events for the audit trail by sink and result", self.audit.clone());
        r.register("audit_events_waiting", "Events that wait to be written", self.audit_waiting.clone());
    }

    fn register_state(&mut self) {
        let r = &mut self.registry;
        r.register(
            "key_refreshes",
            "Refreshes of keys because a token named an unknown one",
            self.refreshes.clone(),
        );
        r.register("token_cache_hits", "Tokens that were verified before", self.cache_hits.clone());
        r.register("token_cache_misses", "Tokens that were verified anew", self.cache_misses.clone());
        r.register("token_cache_entries", "Verified tokens that are remembered", self.cache_entries.clone());
        r.register("bundle_generation", "Generation of the bundle that decides", self.generation.clone());
        r.register("bundles_refused", "Bundles that were not whole, or older", self.refused_bundles.clone());
        r.register(
            "function_lists",
            "Lists of the provider's functions that were asked for, without a cluster",
            self.lists.clone(),
        );
        r.register("signing_key", "The key that signs, by its kid", self.signing_key.clone());
        r.register("issuer_keys", "Keys that verify tokens, by JwtIssuer", self.issuer_keys.clone());
        r.register_with_unit(
            "out_of_contact",
            "How long the API server has not answered; 0 while it does",
            Unit::Seconds,
            self.out_of_contact.clone(),
        );
    }

    /// Counts a bundle that is not taken.
    pub fn bundle_refused(&self) {
        self.refused_bundles.inc();
    }

    /// Counts a call that is allowed.
    pub fn allowed(&self, action: Action) {
        match self.allowed.get(action as usize) {
            Some(counter) => counter.inc(),
            None => 0,
        };
    }

    /// Counts and times how a call ended. What was allowed before is not counted once more where the upstream
    /// failed.
    pub fn answered(&self, case: &Case, refused: Option<&'static str>) {
        match (case.kind, refused) {
            (Kind::Exchange, _) => self.exchanged(case, refused.unwrap_or("ok")),
            (_, Some(reason)) if case.allowed.is_none() => self.decided(case.action, reason),
            _ => {}
        }
        self.durations.took(case.kind, case.took(), case.waited());
    }

    fn exchanged(&self, case: &Case, result: &'static str) {
        let issuer = case.exchange.issuer.as_deref().unwrap_or("unknown").to_owned();
        self.exchanges.get_or_create(&ExchangeLabels { issuer, result }).inc();
    }

    fn decided(&self, action: Option<Action>, outcome: &'static str) {
        let action = action.map_or("other", Action::as_str);
        self.decisions.get_or_create(&DecisionLabels { action, outcome }).inc();
    }

    /// Counts a list of the provider's functions.
    pub fn listed(&self, ok: bool) {
        self.lists.get_or_create(&ListLabels { result: if ok { "ok" } else { "failed" } }).inc();
    }

    /// Counts a refresh.
    pub fn refreshed(&self, iss: &str, ok: bool) {
        let result = if ok { "ok" } else { "failed" };
        self.refreshes.get_or_create(&RefreshLabels { iss: iss.to_owned(), result }).inc();
    }

    /// A counter of events for one place of the audit trail.
    pub fn audited(&self, sink: &'static str, result: &'static str) -> Counter {
        self.audit.get_or_create_owned(&AuditLabels { sink, result })
    }
}
