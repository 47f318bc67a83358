//! `/metrics`, `/livez`, `/readyz`, on a port of their own (`security-rules.md` 7).

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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
    axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await }).await
}

async fn readyz(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    match gateway.snapshot() {
        Some(now_is) => (StatusCode::OK, format!("ok\ndecides by generation {}\n", now_is.generation)),
        None => (StatusCode::SERVICE_UNAVAILABLE, "not ready\nno bundle was read yet\n".to_owned()),
    }
}

async fn metrics(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    let mut text = String::new();
    let status = match encode(&mut text, &gateway.metrics.registry) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
