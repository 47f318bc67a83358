//! To the upstream and back: one connection pool, no redirect, no retry. Sends what it is given.

use std::error::Error as _;
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::answer::{Body, Denial};
use crate::engine::Permit;

/// How long the upstream may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Idle connections that are kept.
const IDLE: usize = 256;

/// The upstream's address, which is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of an upstream, such as http://gateway:8080: plain http, a host, no path")]
pub struct UpstreamError(String);

/// The upstream.
pub struct Upstream {
    client: Client<HttpConnector, Body>,
    authority: Authority,
}

impl Upstream {
    /// The upstream at this URL.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub fn new(url: &str) -> Result<Self, UpstreamError> {
        // A user or password in it is not repeated.
        let shown = url.rsplit_once('@').map_or(url, |(_, behind)| behind);
        let wrong = || UpstreamError(shown.to_owned());
        let parts = url.parse::<Uri>().map_err(|_| wrong())?.into_parts();
        let plain = parts.scheme == Some(Scheme::HTTP);
        let bare = parts.path_and_query.is_none_or(|path| path == "/");
        let authority =
            parts.authority.filter(|a| plain && bare && !a.as_str().contains('@')).ok_or_else(wrong)?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE)
            .retry_canceled_requests(false)
            .build(connector);
        Ok(Self { client, authority })
    }

    /// Sends what was permitted to a path and query of the upstream.
    ///
    /// # Errors
    /// [`Denial`] with 502 where the upstream does not answer, and 400 for a target that is none.
    pub async fn send(
        &self,
        _permit: &Permit,
        mut request: Request<Body>,
        target: &str,
    ) -> Result<Response<Incoming>, Denial> {
        let path = target.parse::<PathAndQuery>().map_err(|_| Denial::bad("path", "the path is no path"))?;
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone()).path_and_query(path);
        *request.uri_mut() = uri.build().map_err(|_| Denial::bad("path", "the path is no path"))?;
        *request.version_mut() = http::Version::HTTP_11;
        self.client.request(request).await.map_err(|error| failed(&error))
    }
}

/// Whose fault it is that there is no answer.
fn failed(error: &hyper_util::client::legacy::Error) -> Denial {
    let detail = crate::gateway::chain(error);
    if is_clients(error) {
        return Denial::bad("body", "the body ends too soon, or its chunks are none").because(detail);
    }
    Denial::new(StatusCode::BAD_GATEWAY, "upstream", "the upstream does not answer").because(detail)
}

/// Whether the client's body could not be read on: hyper calls whoever gave it the body its user.
fn is_clients(error: &hyper_util::client::legacy::Error) -> bool {
    let found = error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
    found.is_some_and(|error| error.is_user() && error.source().is_some())
}
