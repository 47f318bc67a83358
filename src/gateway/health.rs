//! What `/readyz` and `/metrics` say of the gateway.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::encoding::text::encode;

use super::metrics::{IssuerLabels, KeyLabels, SinkLabels};
use super::service::Gateway;
use crate::endpoints::{Readyz, Served};

/// One reader at a time sets what is looked up only when it is read.
static READING: Mutex<()> = Mutex::new(());

impl Served for Gateway {
    fn readyz(&self) -> Readyz {
        let now_is = self.snapshot();
        let line = now_is.as_ref().map_or_else(
            || "no bundle was read yet".to_owned(),
            |now_is| format!("decides by generation {}", now_is.generation),
        );
        Readyz { ready: now_is.is_some(), lines: vec![line] }
    }

    fn measured(&self) -> Result<String, fmt::Error> {
        let reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
        self.look_up();
        let mut text = String::new();
        encode(&mut text, &self.metrics.registry)?;
        drop(reading);
        Ok(text)
    }
}

impl Gateway {
    fn look_up(&self) {
        let metrics = &self.metrics;
        metrics.durations.settle();
        let lost = metrics.contact.lost_for(Instant::now());
        metrics.out_of_contact.set(i64::try_from(lost.as_secs()).unwrap_or(i64::MAX));
        metrics.cache_entries.set(count(self.verified.len()));
        for sink in self.audit.sinks() {
            metrics.audit_waiting.get_or_create(&SinkLabels { sink: sink.name() }).set(count(sink.len()));
        }
        // Of a key or issuer that is gone nothing is said any longer.
        metrics.signing_key.clear();
        metrics.issuer_keys.clear();
        let Some(now_is) = self.snapshot() else { return };
        metrics.signing_key.get_or_create(&KeyLabels { kid: now_is.signing.kid().to_owned() }).set(1);
        for known in now_is.issuers() {
            let labels = IssuerLabels { issuer: known.name.to_string() };
            metrics.issuer_keys.get_or_create(&labels).set(count(known.keys.len()));
        }
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
