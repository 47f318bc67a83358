//! `/metrics`, `/livez`, `/readyz`, on a port of their own (`security-rules.md` 7).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::few::Few;
use super::metrics::{IssuerLabels, KeyLabels, SinkLabels};
use super::service::Gateway;

/// Serves until stopped.
///
/// # Errors
/// What the listener meets.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(gateway);
    axum::serve(Few::new(listener), router)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
}

async fn readyz(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    match gateway.snapshot() {
        Some(now_is) => (StatusCode::OK, format!("ok\ndecides by generation {}\n", now_is.generation)),
        None => (StatusCode::SERVICE_UNAVAILABLE, "not ready\nno bundle was read yet\n".to_owned()),
    }
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    let (status, text) = match gateway.measured() {
        Ok(text) => (StatusCode::OK, text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    };
    (status, [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}

/// One reader at a time sets what is looked up only when it is read.
static READING: Mutex<()> = Mutex::new(());

impl Gateway {
    /// Everything that is measured, as text.
    ///
    /// # Errors
    /// None in practice: a text takes everything.
    pub fn measured(&self) -> Result<String, std::fmt::Error> {
        let reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
        self.look_up();
        let mut text = String::new();
        encode(&mut text, &self.metrics.registry)?;
        drop(reading);
        Ok(text)
    }

    fn look_up(&self) {
        let metrics = &self.metrics;
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
