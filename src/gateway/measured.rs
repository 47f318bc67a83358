//! What is measured of connections. Label values are of fixed sets.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Why something was not served, or left.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Why {
    /// One of a fixed set.
    pub reason: &'static str,
}

/// How a certificate was read anew.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reload {
    /// `ok` or `failed`.
    pub result: &'static str,
}

/// What is measured of connections.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Connections that were left: `peer_limit`, `handshake`, `slow`, `abuse`.
    pub left: Family<Why, Counter>,
    /// Requests that were answered with 503 because there were too many at once.
    pub refused: Counter,
    /// When the certificate that serves expires, seconds since 1970; 0 without TLS.
    pub certificate_expires: Gauge,
    /// How often the certificate was read anew.
    pub reloads: Family<Reload, Counter>,
}

impl Measured {
    /// Has all of it shown, at zero, too.
    pub fn register(&self, registry: &mut Registry) {
        for reason in ["peer_limit", "handshake", "slow", "abuse"] {
            self.left.get_or_create(&Why { reason }).inc_by(0);
        }
        for result in ["ok", "failed"] {
            self.reloads.get_or_create(&Reload { result }).inc_by(0);
        }
        let Self { left, refused, certificate_expires, reloads } = self.clone();
        registry.register("connections_left", "Connections that were refused or left, by reason", left);
        registry.register(
            "requests_over_limit",
            "Requests refused because there were too many at once",
            refused,
        );
        registry.register(
            "tls_certificate_expires",
            "When the certificate that serves expires, seconds since 1970; 0 without TLS",
            certificate_expires,
        );
        registry.register("tls_reloads", "Certificates read anew, by result", reloads);
    }

    /// A connection is not kept.
    pub fn left(&self, reason: &'static str) {
        self.left.get_or_create(&Why { reason }).inc();
    }

    /// The certificate was read anew.
    pub fn reloaded(&self, ok: bool) {
        self.reloads.get_or_create(&Reload { result: if ok { "ok" } else { "failed" } }).inc();
    }
}
