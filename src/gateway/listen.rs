//! Connections of clients: HTTP/1.1 and HTTP/2, so many at once, with time to send their headers, and an
//! end that lets running requests finish.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::service::{Gateway, Peer};

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 20_000;
/// How long a client may take to send its headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// Headers of one request.
const MAX_HEADERS: usize = 100;
/// Bytes of all headers of one request.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 250;
/// How long running requests may take once the end was asked for.
const DRAIN: Duration = Duration::from_secs(25);
/// The pause after a failed accept, which is for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until stopped, and then until running requests have finished, within bounds.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>, stop: CancellationToken) {
    let (builder, graceful) = (builder(), GracefulShutdown::new());
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Some((stream, peer, place)) => {
                connection(stream, peer, place, &builder, &graceful, gateway.clone());
            }
            None => tokio::time::sleep(PAUSE).await,
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running when their time was over");
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES);
    let header_bytes = u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(header_bytes);
    builder
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            // Small answers should not wait for more to come; where it fails they do.
            let _ = stream.set_nodelay(true);
            Some((stream, Peer { address: address.ip(), tls: false }, place))
        }
        Err(error) => {
            tracing::warn!(error = %error, "a connection cannot be accepted");
            None
        }
    }
}

fn connection(
    stream: TcpStream,
    peer: Peer,
    place: OwnedSemaphorePermit,
    builder: &Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    gateway: Arc<Gateway>,
) {
    let metrics = gateway.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let gateway = gateway.clone();
        async move { Ok::<_, std::convert::Infallible>(gateway.answer(request, peer).await) }
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        metrics.metrics.connections.inc();
        if let Err(error) = connection.await {
            tracing::debug!(error = %error, "a connection ended badly");
        }
        metrics.metrics.connections.dec();
        drop(place);
    });
}
