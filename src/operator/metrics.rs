//! What is counted and measured. Names and labels are a contract that dashboards and alerts use; no label
//! has values that a user of the gateway chooses.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::pulls::metrics::PullMetrics;
use crate::api::Reason;

/// The objects of a kind by what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ObjectsLabels {
    /// The plural with its group.
    pub kind: String,
    /// The reason of `Ready`, or `Pending`.
    pub reason: &'static str,
}

/// A JwtIssuer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct IssuerLabels {
    /// Its name.
    pub issuer: String,
}

/// The fetches of a JwtIssuer's keys by how they ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FetchLabels {
    /// The JwtIssuer's name.
    pub issuer: String,
    /// `ok`, or the reason of the failure.
    pub result: &'static str,
}

/// What kind of object was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WriteLabels {
    /// `shard`, `index`, `deletion`, `status`.
    pub object: &'static str,
    /// `ok`, `stale`, `failed`.
    pub result: &'static str,
}

/// What kind of object was put back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RepairLabels {
    /// `shard`, `index`, `status`.
    pub object: &'static str,
}

/// A kind of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabels {
    /// The plural with its group.
    pub kind: String,
}

/// Everything that is measured.
#[derive(Debug)]
pub struct Metrics {
    /// All of it, for `/metrics`.
    pub registry: Registry,
    /// Objects by kind and reason.
    pub objects: Family<ObjectsLabels, Gauge>,
    /// The generation of the bundle that the cluster holds.
    pub generation: Gauge,
    /// Its size.
    pub size: Gauge,
    /// Its shards.
    pub shards: Gauge,
    /// Shards that no index lists.
    pub orphans: Gauge,
    /// How often everything was compiled; echoes of our own writes compile nothing.
    pub compiles: Counter,
    /// How long compiling takes.
    pub compile: Histogram,
    /// Writes by object and result.
    pub writes: Family<WriteLabels, Counter>,
    /// What was put back after somebody had undone it.
    pub repairs: Family<RepairLabels, Counter>,
    /// Fetches of keys.
    pub fetches: Family<FetchLabels, Counter>,
    /// When keys were read last.
    pub fetched: Family<IssuerLabels, Gauge<f64, AtomicU64>>,
    /// Whether this one leads.
    pub leader: Gauge,
    /// Fields that a kind's definition lacks.
    pub missing_fields: Family<KindLabels, Gauge>,
    /// Whether the index's name is somebody else's.
    pub index_taken: Gauge,
    /// Pull secrets.
    pub pulls: PullMetrics,
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("faas_iam");
        let metrics = Self {
            objects: Family::default(),
            generation: Gauge::default(),
            size: Gauge::default(),
            shards: Gauge::default(),
            orphans: Gauge::default(),
            compiles: Counter::default(),
            compile: Histogram::new(exponential_buckets(0.000_1, 4.0, 9)),
            writes: Family::default(),
            repairs: Family::default(),
            fetches: Family::default(),
            fetched: Family::default(),
            leader: Gauge::default(),
            missing_fields: Family::default(),
            index_taken: Gauge::default(),
            pulls: PullMetrics::new(&mut registry),
            registry: Registry::default(),
        };
        let r = &mut registry;
        r.register(
            "objects",
            "Objects by kind and the reason of their Ready condition",
            metrics.objects.clone(),
        );
        r.register(
            "bundle_generation",
            "Generation of the bundle that the cluster holds",
            metrics.generation.clone(),
        );
        r.register_with_unit("bundle_size", "Size of the bundle", Unit::Bytes, metrics.size.clone());
        r.register("bundle_shards", "Shards of the bundle", metrics.shards.clone());
        r.register(
            "unlisted_shards",
            "Shards that no index lists and nobody reads, left by an operator that was killed",
            metrics.orphans.clone(),
        );
        r.register("compiles", "Compiles of all objects into a bundle", metrics.compiles.clone());
        r.register_with_unit(
            "compile_duration",
            "Time of one compile",
            Unit::Seconds,
            metrics.compile.clone(),
        );
        r.register("writes", "Writes to the cluster", metrics.writes.clone());
        r.register(
            "repairs",
            "What was put back after somebody had undone it; who that is stands in Events and conditions",
            metrics.repairs.clone(),
        );
        r.register("key_fetches", "Fetches of issuers' keys by result", metrics.fetches.clone());
        r.register_with_unit(
            "keys_fetched_timestamp",
            "When an issuer's keys were read last",
            Unit::Seconds,
            metrics.fetched.clone(),
        );
        r.register("leader", "Whether this operator leads", metrics.leader.clone());
        r.register(
            "definition_missing_fields",
            "Fields of ours that a kind's installed definition lacks",
            metrics.missing_fields.clone(),
        );
        r.register(
            "index_name_taken",
            "Whether somebody else's Secret has the index's name, so that no bundle is written",
            metrics.index_taken.clone(),
        );
        Self { registry, ..metrics }
    }

    /// Everything was compiled, in this time.
    pub fn compiled(&self, took: Duration) {
        self.compiles.inc();
        self.compile.observe(took.as_secs_f64());
    }

    /// Something was put back after somebody had undone it.
    pub fn repaired(&self, object: &'static str) {
        self.repairs.get_or_create(&RepairLabels { object }).inc();
    }

    /// An issuer is fetched no more, and nothing is said of it any longer: an alert on the age of its keys would
    /// never end, and names would pile up.
    pub fn forget(&self, issuer: &str) {
        let issuer = || issuer.to_owned();
        self.fetched.remove(&IssuerLabels { issuer: issuer() });
        for result in Reason::ALL.into_iter().map(Reason::as_str).chain(["ok"]) {
            self.fetches.remove(&FetchLabels { issuer: issuer(), result });
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn of_an_issuer_that_is_gone_nothing_is_said_any_longer() {
        let metrics = Metrics::new();
        let said = |metrics: &Metrics| {
            let mut text = String::new();
            encode(&mut text, &metrics.registry).unwrap();
            text.matches("transient").count()
        };
        let issuer = || "transient".to_owned();
        metrics.fetched.get_or_create(&IssuerLabels { issuer: issuer() }).set(1.0);
        for result in ["ok", Reason::IssuerUnreachable.as_str()] {
            metrics.fetches.get_or_create(&FetchLabels { issuer: issuer(), result }).inc();
        }
        assert_eq!(said(&metrics), 3);
        metrics.forget("transient");
        assert_eq!(said(&metrics), 0);
    }
}
