//! Connections of clients: HTTP/1.1 and HTTP/2, plain or by TLS, so many at once, with time to send their
//! heads, and an end that lets running requests finish. A slow or broken client holds up nobody else:
//! whatever waits for it is in its connection's own task.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use http::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Either;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, text};
use super::line::{Line, Look, Times};
use super::peers::{Limits, Place, Places};
use super::sending::{Sending, Streams};
use super::service::{Asking, Gateway, Peer};
use super::stream::{Stream, Wire};
use super::tls::Tls;
use super::trusted::Network;

/// Bytes of all headers of one request.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 100;
/// Bytes that an HTTP/2 client may send ahead, on one stream and altogether.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 512 * 1024;
/// Bytes of an answer that wait for an HTTP/2 client.
const SEND_BUFFER: usize = 64 * 1024;
/// How often an HTTP/2 client is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);
/// How long running requests may take once the end was asked for.
const DRAIN: Duration = Duration::from_secs(25);
/// The pause after a failed accept, which is for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// How clients are listened to.
#[derive(Default)]
pub struct Listening {
    /// The certificate; without it everything is plain.
    pub tls: Option<Arc<Tls>>,
    /// Front ends that are believed.
    pub trusted: Vec<Network>,
    /// How much there may be at once.
    pub limits: Limits,
    /// How long it may take.
    pub times: Times,
}

/// What every connection is served with.
struct Server {
    gateway: Arc<Gateway>,
    listening: Listening,
    places: Arc<Places>,
    http1: http1::Builder,
    either: Builder<Streams>,
}

/// Serves until stopped, and then until running requests have finished, within bounds.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    listening: Listening,
    stop: CancellationToken,
) {
    let places = Places::new(listening.limits, gateway.metrics.in_flight.clone());
    let (http1, either) = (http1(), either(&listening.times));
    let server = Arc::new(Server { gateway, listening, places, http1, either });
    // Each connection holds one end for as long as it is served.
    let (end, ends) = watch::channel(());
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = server.accept(&listener) => accepted,
        };
        match accepted {
            Some((stream, peer, permit)) => server.clone().take(stream, peer, permit, ends.clone()),
            None => sleep(PAUSE).await,
        }
    }
    drop(listener);
    drop(ends);
    let _ = end.send(());
    if timeout(DRAIN, end.closed()).await.is_err() {
        tracing::warn!("requests were still running when their time was over");
    }
}

/// HTTP/1.1. Headers are 100 at most, as hyper has room for without asking for memory; said here, it would ask.
fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The connection's task has this and other times in hand.
    builder.header_read_timeout(None).max_buf_size(MAX_HEADER_BYTES);
    builder
}

/// HTTP/2, or what only more bytes will tell. It reads the first ones by itself and leaves twice the room for all
/// that follow, so what is HTTP/1.1 beyond doubt is not for it.
fn either(times: &Times) -> Builder<Streams> {
    let mut builder = Builder::new(Streams { read: times.read });
    builder.http1().header_read_timeout(None).max_buf_size(MAX_HEADER_BYTES);
    let header_bytes = u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG_WITHIN)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(header_bytes);
    builder
}

impl Server {
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
        let permit = self.places.free().await?;
        match listener.accept().await {
            Ok((stream, address)) => {
                // Small answers should not wait for more to come; where it fails they do.
                let _ = stream.set_nodelay(true);
                let address = address.ip().to_canonical();
                let trusted = self.listening.trusted.iter().any(|network| network.contains(address));
                Some((stream, Peer::new(address, self.listening.tls.is_some(), trusted), permit))
            }
            Err(error) => {
                tracing::warn!(error = %error, "a connection cannot be accepted");
                None
            }
        }
    }

    /// Serves a connection in a task of its own; one too many of its address is closed.
    fn take(
        self: Arc<Self>,
        stream: TcpStream,
        peer: Peer,
        permit: OwnedSemaphorePermit,
        end: watch::Receiver<()>,
    ) {
        let Some(place) = self.places.take(peer.address, permit, !peer.trusted) else {
            self.gateway.metrics.measured.left("peer_limit");
            return;
        };
        tokio::spawn(self.connection(stream, peer, place, end));
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: Peer,
        place: Place,
        mut end: watch::Receiver<()>,
    ) {
        let line = Line::new(place, self.listening.times, self.gateway.metrics.connections.clone());
        let begun = tokio::select! {
            begun = self.begin(stream) => begun,
            _ = end.changed() => return,
        };
        let Some((wire, is_http1)) = begun else { return };
        let client = Arc::new(Client { gateway: self.gateway.clone(), line: line.clone(), peer });
        let service = service_fn(move |request| client.clone().answer(Box::new(request)));
        let stream = TokioIo::new(Stream::new(wire, line.clone()));
        // In a task of its own, which keeps no room for how it began.
        if is_http1 {
            let connection = self.http1.serve_connection(stream, service).with_upgrades();
            tokio::spawn(follow(
                connection,
                |http1| http1.graceful_shutdown(),
                line,
                end,
                self.gateway.clone(),
            ));
        } else {
            let connection = self.either.serve_connection_with_upgrades(stream, service).into_owned();
            tokio::spawn(follow(
                connection,
                |either| either.graceful_shutdown(),
                line,
                end,
                self.gateway.clone(),
            ));
        }
    }

    /// The connection once it is encrypted, where it is to be, and the client has said something; whether that is
    /// HTTP/1.1 beyond doubt.
    async fn begin(&self, stream: TcpStream) -> Option<(Wire, bool)> {
        let wire = self.wire(stream).await?;
        match timeout(self.listening.times.head, wire.is_http1()).await {
            Ok(Ok(is_http1)) => return Some((wire, is_http1)),
            Ok(Err(error)) => tracing::debug!(%error, "a connection ended badly"),
            Err(_) => self.gateway.metrics.measured.left("slow"),
        }
        None
    }

    /// The connection once it is encrypted, where it is to be.
    async fn wire(&self, stream: TcpStream) -> Option<Wire> {
        let Some(tls) = &self.listening.tls else { return Some(Wire::Plain(stream)) };
        match timeout(self.listening.times.handshake, tls.accept(stream)).await {
            Ok(Ok(stream)) => return Some(Wire::Tls(Box::new(stream))),
            Ok(Err(error)) => tracing::debug!(error = %error, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake took too long"),
        }
        self.gateway.metrics.measured.left("handshake");
        None
    }
}

/// Has a connection's requests answered until it ends, or its time is over.
async fn follow<C, E>(
    connection: C,
    shut_down: fn(Pin<&mut C>),
    line: Arc<Line>,
    end: watch::Receiver<()>,
    gateway: Arc<Gateway>,
) where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut connection = pin!(connection);
    let mut look = Instant::now() + line.times().look.min(line.times().head);
    let (mut ending, mut leaving) = (false, false);
    // Asked when it has something to tell, and not with whatever is read or written.
    let mut events = FuturesUnordered::new();
    let left = loop {
        // Its own end is held until it has ended, which is what the end waits for.
        events.push(event(line.clone(), (!ending).then(|| end.clone()), look));
        let event = tokio::select! {
            biased;
            done = connection.as_mut() => {
                if let Err(error) = done {
                    tracing::debug!(%error, "a connection ended badly");
                }
                return;
            }
            Some(event) = events.next() => event,
        };
        match event {
            Event::Abuse => break "abuse",
            Event::End => {
                ending = true;
                shut_down(connection.as_mut());
            }
            Event::Look => match line.look() {
                Look::Again(at) => look = at,
                Look::Over if leaving => break "slow",
                Look::Over => {
                    leaving = true;
                    shut_down(connection.as_mut());
                    look = Instant::now() + line.times().leave;
                }
            },
        }
    };
    gateway.metrics.measured.left(left);
}

/// What happens to a connection beside its requests.
enum Event {
    /// The gateway ends.
    End,
    /// The client takes back too much.
    Abuse,
    /// It is time to look at it.
    Look,
}

async fn event(line: Arc<Line>, mut end: Option<watch::Receiver<()>>, look: Instant) -> Event {
    let ended = async {
        match &mut end {
            Some(end) => drop(end.changed().await),
            None => pending().await,
        }
    };
    tokio::select! {
        () = ended => Event::End,
        () = line.abused() => Event::Abuse,
        () = sleep_until(look) => Event::Look,
    }
}

/// Who asks by one connection.
struct Client {
    gateway: Arc<Gateway>,
    line: Arc<Line>,
    peer: Peer,
}

impl Client {
    /// Answers a request, unless there are too many at once.
    async fn answer(self: Arc<Self>, request: Asking) -> Result<Response<Sending>, Infallible> {
        let fetch = self.line.times().fetch;
        let Some(mut begun) = self.line.begin(request.version()) else {
            self.gateway.metrics.measured.refused.inc();
            let mut busy =
                text(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once; try again soon\n");
            of_ours(&mut busy);
            return Ok(busy.map(|body| Sending::new(body, None, fetch)));
        };
        // In a box for as long as it takes: an idle connection keeps no room for it.
        let mut answer = Box::pin(self.gateway.answer(request, &self.peer)).await;
        begun.answered();
        of_ours(&mut answer);
        Ok(answer.map(|body| Sending::new(body, Some(begun), fetch)))
    }
}

/// Says when to try again with a 503 of ours, and ends a connection on which half a body stands.
fn of_ours(answer: &mut Answer) {
    if !matches!(answer.body(), Either::Right(_)) {
        return;
    }
    match answer.status() {
        StatusCode::SERVICE_UNAVAILABLE => {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        StatusCode::REQUEST_TIMEOUT => {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
}
