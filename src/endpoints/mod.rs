//! `/metrics`, `/livez`, `/readyz`, on a port of their own (`security-rules.md` 7): of operator and gateway alike.
//! Says what it is told; `/livez` is about the process alone, so that an API server that cannot be reached restarts nothing.

mod few;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use few::FEW;

/// What `/readyz` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readyz {
    /// Whether the status is 200.
    pub ready: bool,
    /// What there is to say, a line each.
    pub lines: Vec<String>,
}

/// Who is asked.
pub trait Served: Send + Sync + 'static {
    /// Whether it is ready, and why not.
    fn readyz(&self) -> Readyz;

    /// Everything that is measured, as OpenMetrics.
    ///
    /// # Errors
    /// None in practice: a text takes everything.
    fn measured(&self) -> Result<String, fmt::Error>;
}

/// Serves until stopped.
pub async fn serve<S: Served>(listener: TcpListener, served: Arc<S>, stop: CancellationToken) {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz::<S>))
        .route("/metrics", get(metrics::<S>))
        .with_state(served);
    let serving = axum::serve(few::Few::new(listener), router);
    if let Err(error) = serving.with_graceful_shutdown(async move { stop.cancelled().await }).await {
        tracing::error!(error = %error, "the endpoints have ended");
    }
}

async fn readyz<S: Served>(State(served): State<Arc<S>>) -> impl IntoResponse {
    let Readyz { ready, lines } = served.readyz();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let first = if ready { "ok" } else { "not ready" };
    (status, format!("{first}\n{}", lines.iter().map(|line| format!("{line}\n")).collect::<String>()))
}

async fn metrics<S: Served>(State(served): State<Arc<S>>) -> impl IntoResponse {
    let (status, text) = match served.measured() {
        Ok(text) => (StatusCode::OK, text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    };
    (status, [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
