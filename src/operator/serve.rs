//! `/metrics`, `/livez`, `/readyz`. Serves what others have set; `/livez` is about the process alone, so that
//! an API server that cannot be reached restarts nothing.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;

/// What `/readyz` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readyz {
    /// Whether the status is 200.
    pub ready: bool,
    /// What there is to say, a line each.
    pub lines: Vec<String>,
}

/// What is served.
#[derive(Debug)]
pub struct Served {
    /// The measurements.
    pub metrics: Metrics,
    readyz: Mutex<Readyz>,
}

impl Served {
    /// Nothing is known yet, so not ready.
    pub fn new() -> Self {
        let readyz = Readyz { ready: false, lines: vec!["the cluster was not read yet".to_owned()] };
        Self { metrics: Metrics::new(), readyz: Mutex::new(readyz) }
    }

    /// Says something else from now on.
    pub fn set_readyz(&self, readyz: Readyz) {
        *self.readyz.lock().unwrap_or_else(PoisonError::into_inner) = readyz;
    }

    fn readyz(&self) -> Readyz {
        self.readyz.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Default for Served {
    fn default() -> Self {
        Self::new()
    }
}

/// Serves until stopped.
///
/// # Errors
/// What the listener meets.
pub async fn serve(
    listener: TcpListener,
    served: Arc<Served>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(served);
    axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await }).await
}

async fn readyz(State(served): State<Arc<Served>>) -> impl IntoResponse {
    let Readyz { ready, lines } = served.readyz();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let first = if ready { "ok" } else { "not ready" };
    (status, format!("{first}\n{}", lines.iter().map(|line| format!("{line}\n")).collect::<String>()))
}

async fn metrics(State(served): State<Arc<Served>>) -> impl IntoResponse {
    let mut text = String::new();
    let status = match encode(&mut text, &served.metrics.registry) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
