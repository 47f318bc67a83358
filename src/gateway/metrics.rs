//! What the gateway measures. Label values are of fixed sets, or names that an administrator gave.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::case::{Case, Kind};
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

/// Everything that is measured.
pub struct Metrics {
    /// All of it, for `/metrics`.
    pub registry: Registry,
    /// Decisions.
    pub decisions: Family<DecisionLabels, Counter>,
    /// Exchanges.
    pub exchanges: Family<ExchangeLabels, Counter>,
    /// Refreshes of keys by need.
    pub refreshes: Family<RefreshLabels, Counter>,
    /// Tokens that were remembered.
    pub cache_hits: Counter,
    /// Tokens that had to be verified.
    pub cache_misses: Counter,
    /// The generation of the bundle that decides.
    pub generation: Gauge,
    /// Open connections.
    pub connections: Gauge,
    /// Requests that are not answered yet.
    pub in_flight: Gauge,
    /// Bundles that were not taken.
    pub refused_bundles: Counter,
    /// Lists of the provider's functions that were asked for.
    pub lists: Family<ListLabels, Counter>,
    /// Since when the API server has been out of contact, seconds since 1970; 0 while it answers.
    pub out_of_contact_since: Gauge,
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("faas_iam_gateway");
        let mut metrics = Self {
            registry: Registry::default(),
            decisions: Family::default(),
            exchanges: Family::default(),
            refreshes: Family::default(),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
            generation: Gauge::default(),
            connections: Gauge::default(),
            in_flight: Gauge::default(),
            refused_bundles: Counter::default(),
            lists: Family::default(),
            out_of_contact_since: Gauge::default(),
        };
        let r = &mut registry;
        r.register("decisions", "Decisions by action and outcome", metrics.decisions.clone());
        r.register("exchanges", "Token exchanges by result", metrics.exchanges.clone());
        r.register(
            "key_refreshes",
            "Refreshes of keys because a token named an unknown one",
            metrics.refreshes.clone(),
        );
        r.register("token_cache_hits", "Tokens that were verified before", metrics.cache_hits.clone());
        r.register("token_cache_misses", "Tokens that were verified anew", metrics.cache_misses.clone());
        r.register("bundle_generation", "Generation of the bundle that decides", metrics.generation.clone());
        r.register("connections", "Open connections of clients", metrics.connections.clone());
        r.register("requests_in_flight", "Requests that are not answered yet", metrics.in_flight.clone());
        r.register(
            "bundles_refused",
            "Bundles that were not whole, or older",
            metrics.refused_bundles.clone(),
        );
        r.register(
            "function_lists",
            "Lists of the provider's functions that were asked for, without a cluster",
            metrics.lists.clone(),
        );
        r.register(
            "out_of_contact_since",
            "Since when the API server has been out of contact, seconds since 1970; 0 while it answers",
            metrics.out_of_contact_since.clone(),
        );
        metrics.registry = registry;
        metrics
    }

    /// Counts a bundle that is not taken.
    pub fn bundle_refused(&self) {
        self.refused_bundles.inc();
    }

    /// The API server answered, or did not.
    pub fn contact(&self, answered: bool) {
        let since = self.out_of_contact_since.get();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        match (answered, since) {
            (true, _) => self.out_of_contact_since.set(0),
            (false, 0) => self.out_of_contact_since.set(i64::try_from(now).unwrap_or(i64::MAX)),
            (false, _) => 0,
        };
    }

    /// Counts a decision.
    fn decided(&self, action: Option<Action>, outcome: &'static str) {
        let action = action.map_or("other", Action::as_str);
        self.decisions.get_or_create(&DecisionLabels { action, outcome }).inc();
    }

    /// Counts a call that is allowed.
    pub fn allowed(&self, action: Action) {
        self.decided(Some(action), "allowed");
    }

    /// Counts how a call ended. What was allowed before is not counted once more where the upstream failed.
    pub fn answered(&self, case: &Case, refused: Option<&'static str>) {
        match (case.kind, refused) {
            (Kind::Exchange, _) => self.exchanged(refused.unwrap_or("ok")),
            (_, Some(reason)) if case.allowed.is_none() => self.decided(case.action, reason),
            _ => {}
        }
    }

    fn exchanged(&self, result: &'static str) {
        self.exchanges.get_or_create(&ExchangeLabels { result }).inc();
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
}
