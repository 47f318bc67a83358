//! The proxy: every request passes by here, is named, and meets the fault that a test has asked for, if any.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, future::pending, stream};
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Call,
    call::name,
    forward::{self, Server},
};
use crate::support::{Failure, Result, certs::Authority, cluster::write_private, ports, tls};

type Body = BoxBody<Bytes, io::Error>;

/// What may become of a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It goes no further until the gate opens.
    Hold(Gate),
    /// It goes no further, and the connection ends.
    DropBefore,
    /// The API server does it; the answer is lost with the connection.
    DropAfter,
    /// The API server does it; half of the answer comes, and the connection ends.
    Truncate,
    /// It is answered later.
    Delay(Duration),
    /// It goes no further; this is the answer.
    Answer(u16),
}

/// When a program is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The request is made and goes no further.
    Before,
    /// The API server has done it, and nobody was told.
    Lost,
    /// It is answered, and nothing else is asked any more.
    After,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Before, Self::Lost, Self::After];
}

/// What holds requests until it is opened.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A closed one.
    pub fn closed() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everything through, from now on.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        // It cannot be closed while we hold it.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

/// How often something has happened.
#[derive(Clone, Debug)]
pub struct Count(watch::Sender<usize>);

impl Default for Count {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Count {
    /// How often so far.
    pub fn get(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until it has happened so often, at most for a minute.
    ///
    /// # Errors
    /// When it has not.
    pub async fn reaches(&self, times: usize) -> Result<()> {
        let mut count = self.0.subscribe();
        let reached = count.wait_for(|count| *count >= times);
        let waited = tokio::time::timeout(Duration::from_secs(60), reached).await;
        waited.map(drop).map_err(|_| Failure::new(format!("it happened {} times, not {times}", self.get())))
    }

    fn add(&self) {
        self.0.send_modify(|count| *count += 1);
    }
}

struct Rule {
    when: Box<dyn Fn(&Call) -> bool + Send + Sync>,
    fault: Fault,
    met: Count,
}

struct Strike {
    call: Call,
    moment: Moment,
    struck: Count,
}

/// What a request meets.
type Met = (Option<Arc<Strike>>, Option<Arc<Rule>>);

#[derive(Default)]
struct Told {
    calls: Vec<Call>,
    counts: BTreeMap<String, usize>,
    rules: Vec<Arc<Rule>>,
    strike: Option<Arc<Strike>>,
    /// Whether whoever asks is about to be killed: nothing of it gets anywhere.
    dead: bool,
}

struct State {
    server: Server,
    told: Mutex<Told>,
    /// Changes whenever watches are cut.
    cut: watch::Sender<()>,
    /// Watches that the API server ended with 410.
    gone: Count,
}

/// A running proxy; dropping it ends it.
pub struct Proxy {
    kubeconfig: PathBuf,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// A proxy before the API server of a kubeconfig; its own kubeconfig lies beside that.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used, or nothing can be listened on.
    pub async fn before(kubeconfig: &Path) -> Result<Self> {
        let authority = Authority::new("faas-iam test proxy")?;
        let port = ports::free();
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let acceptor = tls::acceptor(&authority.server(&["127.0.0.1"])?);
        let given = forward::read(kubeconfig)?;
        let server = Server::of(&given)?;
        let own = kubeconfig.with_extension(format!("by-{port}"));
        let leading = forward::leading_to(given, &format!("https://127.0.0.1:{port}"), &authority);
        write_private(&own, &leading.to_string())?;
        let (told, cut, gone) = (Mutex::default(), watch::Sender::new(()), Count::default());
        let state = Arc::new(State { server, told, cut, gone });
        let task = tokio::spawn(accept(listener, acceptor, state.clone()));
        Ok(Self { kubeconfig: own, state, task })
    }

    /// A kubeconfig that leads here, with the credentials of the one it was made from.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Everything that was asked, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state.told().calls.clone()
    }

    /// What is asked from now on and is so meets a fault; who asks that twice has the first. Counts how often.
    pub fn on(&self, when: impl Fn(&Call) -> bool + Send + Sync + 'static, fault: Fault) -> Count {
        let met = Count::default();
        self.state.told().rules.push(Arc::new(Rule { when: Box::new(when), fault, met: met.clone() }));
        met
    }

    /// No fault any more.
    pub fn heal(&self) {
        self.state.told().rules.clear();
    }

    /// Ends every watch that goes on, in the middle of its answer.
    pub fn cut_watches(&self) {
        self.state.cut.send_replace(());
    }

    /// How often the API server has said that it does not know any more what a watch asks for.
    pub fn gone(&self) -> Count {
        self.state.gone.clone()
    }

    /// From this moment of a request on nothing gets anywhere, as if who asks were dead already; who waits for the
    /// count kills it, and says [`Self::reborn`].
    pub fn strike(&self, call: Call, moment: Moment) -> Count {
        let struck = Count::default();
        self.state.told().strike = Some(Arc::new(Strike { call, moment, struck: struck.clone() }));
        struck
    }

    /// The dead one is gone: another one may ask.
    pub fn reborn(&self) {
        self.state.told().dead = false;
    }
}

impl State {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names a request, and what is to become of it; `None` where who asks is about to be killed.
    fn met(&self, what: String) -> Option<Met> {
        let mut told = self.told();
        if told.dead {
            return None;
        }
        let count = told.counts.entry(what.clone()).or_default();
        *count += 1;
        let call = Call { what, ordinal: *count };
        told.calls.push(call.clone());
        let strike = told.strike.take_if(|strike| strike.call == call);
        let rule = told.rules.iter().find(|rule| (rule.when)(&call)).cloned();
        told.dead |= strike.as_ref().is_some_and(|strike| strike.moment == Moment::Before);
        Some((strike, rule))
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let what = name(&head.method, &head.uri, &body);
        let Some((strike, rule)) = self.met(what.clone()) else { return pending().await };
        let request = Request::from_parts(head, Full::new(body));
        match (strike, rule) {
            (Some(strike), _) => self.strikes(&strike, request).await,
            (None, Some(rule)) => {
                rule.met.add();
                self.faulty(&rule.fault, &what, request).await
            }
            (None, None) => self.passes(&what, request).await,
        }
    }

    /// What meets no fault, or no longer does.
    async fn passes(&self, what: &str, request: Request<Full<Bytes>>) -> Result<Response<Body>> {
        if what.ends_with(" (watch)") {
            self.watched(request).await
        } else {
            whole(self.server.ask(request).await?).await
        }
    }

    async fn strikes(&self, strike: &Strike, request: Request<Full<Bytes>>) -> Result<Response<Body>> {
        if strike.moment == Moment::Before {
            strike.struck.add();
            return pending().await;
        }
        let answer = whole(self.server.ask(request).await?).await?;
        self.told().dead = true;
        if strike.moment == Moment::Lost {
            strike.struck.add();
            return pending().await;
        }
        let struck = strike.struck.clone();
        // Dropped when it is written.
        Ok(answer.map(|body| {
            body.map_frame(move |frame| {
                struck.add();
                frame
            })
            .boxed()
        }))
    }

    async fn faulty(
        &self,
        fault: &Fault,
        what: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Body>> {
        match fault {
            Fault::DropBefore => Err(lost()),
            Fault::DropAfter => {
                self.server.ask(request).await?;
                Err(lost())
            }
            Fault::Truncate => Ok(self.server.ask(request).await?.map(halved)),
            Fault::Hold(gate) => {
                gate.passed().await;
                self.passes(what, request).await
            }
            Fault::Delay(time) => {
                tokio::time::sleep(*time).await;
                self.passes(what, request).await
            }
            Fault::Answer(code) => Ok(refusal(*code)),
        }
    }

    /// An answer that may go on for ever, and ends when watches are cut.
    async fn watched(&self, request: Request<Full<Bytes>>) -> Result<Response<Body>> {
        let (mut cut, gone) = (self.cut.subscribe(), self.gone.clone());
        let answer = self.server.ask(request).await?;
        if answer.status() == StatusCode::GONE {
            gone.add();
        }
        let ends = async move { cut.changed().await.map_or((), drop) };
        Ok(answer.map(|body| {
            let frames = frames(body).inspect_ok(move |frame| {
                let text = frame.data_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                if text.is_some_and(|text| text.contains(r#""code":410"#)) {
                    gone.add();
                }
            });
            let cut = stream::once(async { Err(io::Error::other("cut")) });
            BoxBody::new(StreamBody::new(frames.take_until(Box::pin(ends)).chain(cut)))
        }))
    }
}

fn lost() -> Failure {
    Failure::new("the connection ends, as the test has asked")
}

fn frames(body: Incoming) -> impl futures::Stream<Item = io::Result<Frame<Bytes>>> {
    futures::TryStreamExt::map_err(BodyStream::new(body), io::Error::other)
}

/// An answer that was read to its end, so that what is passed on is what was done.
async fn whole(answer: Response<Incoming>) -> Result<Response<Body>> {
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response::from_parts(head, Full::new(body).map_err(|never| match never {}).boxed()))
}

/// The first half of a body's first piece, and an end where none should be.
fn halved(body: Incoming) -> Body {
    let half = |frame: Frame<Bytes>| frame.map_data(|bytes| bytes.slice(..bytes.len() / 2));
    let broken = stream::once(async { Err(io::Error::other("cut")) });
    BoxBody::new(StreamBody::new(frames(body).take(1).map_ok(half).chain(broken)))
}

/// A refusal as the API server words it.
fn refusal(code: u16) -> Response<Body> {
    let reason = match code {
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    let status = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "refused by a test", "reason": reason, "code": code,
    });
    let body = Full::new(Bytes::from(status.to_string())).map_err(|never: Infallible| match never {});
    let mut answer = Response::new(body.boxed());
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or_default();
    answer.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("application/json"));
    answer
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, acceptor.clone(), state.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, state: Arc<State>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { state.answer(request).await.map_err(|failure| io::Error::other(failure.to_string())) }
    });
    // Whatever ends it, who asks sees a connection that has ended.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
