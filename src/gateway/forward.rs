//! To the upstream and back: one connection pool, no redirect, no retry, and an end to waiting. Sends what it
//! is given; an answer whose end or protocol is not beyond doubt is none (`security-rules.md` 10).

use std::error::Error as StdError;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{Either, Full};
use hyper::client::conn::TrySendError;
use tokio::time::timeout;

use super::answer::Denial;
use super::connection::{Connection, Passing};
use super::dial::{Dial, DialError};
use super::headers;
use super::idle::Idle;
use super::service::Asking;
use super::steady::{Course, Steady, Unsteady};
use crate::engine::Permit;
use crate::fetch::causes;
use crate::trust::TrustBundle;

/// What the system says where there are no more descriptors or ports: EMFILE, ENFILE, EADDRNOTAVAIL.
const EXHAUSTED: [i32; 3] = [24, 23, 99];

/// The body of a request to the upstream: a client's, or one of ours.
pub type Sent = Either<Steady, Full<Bytes>>;

/// The upstream's address, which is none, or which nobody can speak to.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No address.
    #[error(
        "`{0}` is no address of an upstream, such as http://gateway:8080: http or https, a host, no path"
    )]
    Address(String),
    /// No TLS.
    #[error(transparent)]
    Dial(#[from] DialError),
}

/// How long is waited.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the head of an answer of the provider's.
    pub provider: Duration,
    /// For the head of a function's answer; `None` leaves that to the upstream.
    pub function: Option<Duration>,
    /// For the next piece of a client's body.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [connect, provider, body] = [5, 60, 60].map(Duration::from_secs);
        Self { connect, provider, function: None, body }
    }
}

/// The upstream.
pub struct Upstream {
    host: HeaderValue,
    dial: Dial,
    idle: Arc<Idle>,
    patience: Patience,
}

impl Upstream {
    /// The upstream at this URL, trusted by the system's roots where it is https.
    ///
    /// # Errors
    /// [`UpstreamError`].
    #[cfg(test)]
    pub fn new(url: &str) -> Result<Self, UpstreamError> {
        Self::with(url, None, Patience::default())
    }

    /// The upstream at this URL; one by https is trusted by the system's roots and these.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub fn with(url: &str, roots: Option<&TrustBundle>, patience: Patience) -> Result<Self, UpstreamError> {
        // A user or password in it is not repeated.
        let shown = url.rsplit_once('@').map_or(url, |(_, behind)| behind);
        let wrong = || UpstreamError::Address(shown.to_owned());
        let parts = url.parse::<Uri>().map_err(|_| wrong())?.into_parts();
        let scheme = parts.scheme.filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
        let bare = parts.path_and_query.is_none_or(|path| path == "/");
        let authority = parts.authority.filter(|a| bare && !a.as_str().contains('@'));
        let (scheme, authority) = scheme.zip(authority).ok_or_else(wrong)?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| wrong())?;
        let to = Uri::builder().scheme(scheme).authority(authority).path_and_query("/");
        let dial = Dial::new(to.build().map_err(|_| wrong())?, roots, patience.connect)?;
        Ok(Self { host, dial, idle: Arc::default(), patience })
    }

    /// Sends a client's request for a function to a path and query of the upstream.
    ///
    /// # Errors
    /// [`Denial`]: 502 where the upstream does not answer, or not in HTTP; 503 where nobody else could be
    /// served either, 504 where it takes too long; 408 and 400 where the client's body stops or breaks; 400
    /// for a target that is none.
    pub async fn send(
        &self,
        permit: &Permit<'_>,
        request: Asking,
        target: String,
    ) -> Result<Response<Passing>, Denial> {
        let body = |body| Either::Left(Steady::new(body, self.patience.body));
        let mut request: Box<Request<Sent>> = Box::new(request.map(body));
        let mut course = Course::default();
        if let Either::Left(body) = request.body_mut() {
            body.settle().await.map_err(|error| failed(&error))?;
            course = body.course();
        }
        let answer = self.exchange(permit, request, target, &course, self.patience.function).await?;
        course.answered();
        Ok(answer)
    }

    /// Asks the provider something of ours.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn ask(
        &self,
        permit: &Permit<'_>,
        request: Request<Bytes>,
        target: String,
    ) -> Result<Response<Passing>, Denial> {
        let request = Box::new(request.map(|body| Either::Right(Full::new(body))));
        self.exchange(permit, request, target, &Course::default(), Some(self.patience.provider)).await
    }

    async fn exchange(
        &self,
        _permit: &Permit<'_>,
        mut request: Box<Request<Sent>>,
        target: String,
        course: &Course,
        within: Option<Duration>,
    ) -> Result<Response<Passing>, Denial> {
        *request.uri_mut() = path(target)?;
        request.headers_mut().entry(HOST).or_insert_with(|| self.host.clone());
        *request.version_mut() = http::Version::HTTP_11;
        let asked = request.headers().get(UPGRADE).cloned();
        let answer = self.answer(request, course);
        let mut answer = match within {
            Some(within) => timeout(within, answer).await.map_err(|_| late(within))??,
            None => answer.await?,
        };
        match doubtful(&answer, asked.as_ref()) {
            None => Ok(answer),
            Some(why) => {
                answer.body_mut().never_again();
                Err(unusable(why))
            }
        }
    }

    /// By an idle connection, or by a new one where there is none that still stands.
    async fn answer(
        &self,
        mut request: Box<Request<Sent>>,
        course: &Course,
    ) -> Result<Response<Passing>, Denial> {
        loop {
            let (connection, is_new) = match self.idle.take() {
                Some(connection) => (connection, false),
                None => Box::pin(self.another()).await?,
            };
            match connection.ask(request, course, &self.idle).await.map_err(unsent) {
                Err((Some(again), _)) if !is_new => request = Box::new(again),
                answer => return answer.map_err(|(_, error)| failed(&error)),
            }
        }
    }

    /// A new connection, or one that is given back before that is there; whether it is new.
    async fn another(&self) -> Result<(Connection, bool), Denial> {
        let given = self.idle.wait();
        let mut new = pin!(self.connect());
        tokio::select! {
            biased;
            Ok(connection) = given => Ok((connection, false)),
            connection = new.as_mut() => Ok((connection?, true)),
        }
    }

    async fn connect(&self) -> Result<Connection, Denial> {
        let dialled = self.dial.dial().await.map_err(|error| failed(error.as_ref()))?;
        Connection::new(dialled).await.map_err(|error| failed(&error))
    }
}

/// The request of which nothing was sent, and what went wrong.
fn unsent(mut error: TrySendError<Request<Sent>>) -> (Option<Request<Sent>>, hyper::Error) {
    (error.take_message(), error.into_error())
}

fn path(target: String) -> Result<Uri, Denial> {
    let path = PathAndQuery::from_maybe_shared(Bytes::from(target));
    path.map(Uri::from).map_err(|_| Denial::bad("path", "the path is no path"))
}

/// Why an answer is not to be handed on, where that is so.
fn doubtful(answer: &Response<Passing>, asked: Option<&HeaderValue>) -> Option<&'static str> {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let agreed = headers::upgrade(answer.headers());
        let is_asked = asked.is_some() && agreed.as_ref() == asked;
        return (!is_asked).then_some("it goes over to a protocol that was not asked for");
    }
    ambiguous(answer.headers()).then_some("where its answer ends is ambiguous")
}

/// Whether two who read these headers may see the end in different places (RFC 9112 section 6.3).
fn ambiguous(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    match (codings.next(), codings.next()) {
        (None, _) => lengths > 1,
        (Some(coding), None) => lengths > 0 || !coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => true,
    }
}

fn unusable(why: impl Into<String>) -> Denial {
    Denial::new(StatusCode::BAD_GATEWAY, "upstream", "the upstream does not answer as it should").because(why)
}

fn late(within: Duration) -> Denial {
    let text = format!("the upstream did not answer within {} s", within.as_secs());
    Denial::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", text)
}

fn failed(error: &(dyn StdError + 'static)) -> Denial {
    let why = super::chain(error);
    let denial = match Unsteady::behind(error) {
        Some(Unsteady::Slow) => {
            let text = "nothing came of the body for too long";
            Denial::new(StatusCode::REQUEST_TIMEOUT, "slow_body", text)
        }
        Some(Unsteady::Broken(_)) => Denial::bad("body", "the body ends too soon, or its chunks are none"),
        None if exhausted(error) => {
            let text = "there are too many connections to the upstream; try again soon";
            Denial::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", text)
        }
        None => Denial::new(StatusCode::BAD_GATEWAY, "upstream", "the upstream does not answer"),
    };
    denial.because(why)
}

fn exhausted(error: &(dyn StdError + 'static)) -> bool {
    let mut codes =
        causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error));
    codes.any(|code| EXHAUSTED.contains(&code))
}
