//! What is counted and measured of pull secrets. Labels are names of RegistryCredentials, which administrators choose.

use std::collections::BTreeMap;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::access::{Verb, Watched};
use super::checks::Answer;
use super::turns::Measured;

/// A RegistryCredential.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CredentialLabels {
    /// Its name.
    pub credential: String,
}

/// The namespaces of a RegistryCredential by how it stands there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct NamespaceLabels {
    /// Its name.
    pub credential: String,
    /// `desired`, `ready`, `failed`.
    pub state: &'static str,
}

/// Something that the operator may not watch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedLabels {
    /// The resource.
    pub resource: &'static str,
    /// `list`, `watch`.
    pub verb: &'static str,
}

/// What registries said of its login.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AnswerLabels {
    /// Its name.
    pub credential: String,
    /// `accepted`, `refused`, `unknown`.
    pub result: &'static str,
}

/// Everything that is measured of pull secrets.
#[derive(Debug)]
pub struct PullMetrics {
    expires: Family<CredentialLabels, Gauge>,
    namespaces: Family<NamespaceLabels, Gauge>,
    propagation: Histogram,
    verifications: Family<AnswerLabels, Counter>,
    recreated: Counter,
    refused: Family<RefusedLabels, Gauge>,
}

impl PullMetrics {
    /// Everything at zero, for `/metrics`.
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            expires: Family::default(),
            namespaces: Family::default(),
            propagation: Histogram::new(exponential_buckets(0.005, 2.0, 14)),
            verifications: Family::default(),
            recreated: Counter::default(),
            refused: Family::default(),
        };
        registry.register(
            "registry_credential_expiry_timestamp_seconds",
            "When the login of a RegistryCredential ends, seconds since 1970",
            metrics.expires.clone(),
        );
        registry.register(
            "registry_credential_namespaces",
            "Namespaces that get a RegistryCredential, that have it, and in which something is in the way",
            metrics.namespaces.clone(),
        );
        registry.register_with_unit(
            "registry_credential_propagation",
            "From the moment at which a namespace was seen to lack something until it was written",
            Unit::Seconds,
            metrics.propagation.clone(),
        );
        registry.register(
            "registry_credential_verifications",
            "Answers of registries about the login of a RegistryCredential",
            metrics.verifications.clone(),
        );
        registry.register(
            "recreated_pods",
            "Pods of functions that could not pull and were deleted, so that new ones can",
            metrics.recreated.clone(),
        );
        registry.register(
            "registry_credential_refused_watches",
            "What the operator may not look at for pull secrets, for want of a right",
            metrics.refused.clone(),
        );
        metrics
    }

    /// What the API server refuses to show.
    pub fn show_refused<'w>(&self, all: impl Iterator<Item = (&'w Watched, Verb)>) {
        self.refused.clear();
        for (watched, verb) in all {
            let labels = RefusedLabels { resource: watched.resource(), verb: verb.as_str() };
            self.refused.get_or_create(&labels).inc();
        }
    }

    /// A namespace has what it lacked, after so many ms.
    pub fn propagated(&self, ms: i64) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
        self.propagation.observe(ms as f64 / 1000.0);
    }

    /// A Pod that could not pull was deleted.
    pub fn recreated(&self) {
        self.recreated.inc();
    }

    /// A registry has answered.
    pub fn verified(&self, credential: &str, answer: &Answer) {
        let result = match answer {
            Answer::Accepted => "accepted",
            Answer::Refused(_) => "refused",
            Answer::Unknown { .. } => "unknown",
        };
        self.verifications.get_or_create(&AnswerLabels { credential: credential.to_owned(), result }).inc();
    }

    /// How every credential stands. Of those that are gone nothing is said any longer.
    pub fn show(&self, all: &BTreeMap<Box<str>, Measured>) {
        self.expires.clear();
        self.namespaces.clear();
        for (name, Measured { namespaces, expires }) in all {
            let credential = name.to_string();
            for (state, count) in namespaces {
                let labels = NamespaceLabels { credential: credential.clone(), state };
                self.namespaces.get_or_create(&labels).set(i64::try_from(*count).unwrap_or(i64::MAX));
            }
            if let Some(expires) = expires {
                self.expires.get_or_create(&CredentialLabels { credential }).set(*expires);
            }
        }
    }
}
