//! One request from beginning to end: find the route, hand it over, answer; every refusal has an id, under
//! which log and audit tell the whole reason.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use serde_json::json;

use super::answer::{Answer, Denial, json, own, text};
use super::audit::Audit;
use super::buffers::{Budget, Buffers};
use super::cache::Verified;
use super::callback::CallbackHost;
use super::case::Case;
use super::config::BasicAuth;
use super::credential::Admin;
use super::forward::Upstream;
use super::guard::Ours;
use super::hearing::Hearing;
use super::keys::Refresher;
use super::metrics::Metrics;
use super::snapshot::{Known, Now, Snapshot};
use super::source::provider::Provider;
use super::taken;
use crate::bundle::Bundle;
use crate::engine::Permit;
use crate::model::Namespace;
use crate::process::{now, since_1970};
use crate::route::{KEYS_PATH, Route, route};
use crate::token::{SigningKey, VerifyingKeys};

/// How long discovery and keys may be kept by who reads them.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// What the gateway is set to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `iss` and `aud` of our tokens.
    pub public_url: String,
    /// The namespace of functions whose caller names none.
    pub default_namespace: Namespace,
    /// The Secrets that nobody changes, and no function is given, through the gateway.
    pub ours: Ours,
    /// What becomes of the administrator's credential.
    pub basic_auth: BasicAuth,
    /// Whether functions are private where nothing says otherwise.
    pub private: bool,
    /// Hosts that results of queued calls may be sent to; any if there is none.
    pub callback_hosts: Vec<CallbackHost>,
}

/// A client's request. In a box, so that whoever hands it on hands on an address.
pub type Asking = Box<Request<Incoming>>;

/// Where a request came from.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The address of the connection.
    pub address: IpAddr,
    /// The same as text, for those who are told of it with every request.
    pub shown: HeaderValue,
    /// Whether it is encrypted.
    pub tls: bool,
    /// Whether it is a front end that is believed what it says of its client's address.
    pub trusted: bool,
}

/// The gateway.
pub struct Gateway {
    /// What it is set to.
    pub settings: Settings,
    /// The credential for the upstream, which is also the one that `migrate` lets in.
    pub admin: Option<Admin>,
    /// Where to forward.
    pub upstream: Upstream,
    /// Who reads whole bodies.
    pub buffers: Buffers,
    /// Verified tokens.
    pub verified: Verified,
    /// Who asks issuers.
    pub refresher: Refresher,
    /// What is measured.
    pub metrics: Metrics,
    /// Who is told of decisions.
    pub audit: Audit,
    /// The next decision's id.
    pub ids: AtomicU64,
    /// How the provider is asked which functions there are.
    pub provider: Provider,
    /// What is decided by.
    pub current: Arc<Now>,
    epochs: AtomicU64,
}

impl Peer {
    /// The client at this address.
    pub fn new(address: IpAddr, tls: bool, trusted: bool) -> Self {
        // An address is visible ASCII always.
        let shown = HeaderValue::from_str(&address.to_string());
        Self { address, shown: shown.unwrap_or(HeaderValue::from_static("")), tls, trusted }
    }
}

impl Gateway {
    /// A gateway that decides by nothing yet.
    pub fn new(settings: Settings, admin: Option<Admin>, upstream: Upstream, refresher: Refresher) -> Self {
        Self {
            settings,
            admin,
            upstream,
            buffers: Buffers::new(Budget::default()),
            verified: Verified::new(),
            refresher,
            metrics: Metrics::new(),
            audit: Audit::default(),
            provider: Provider::default(),
            current: Arc::default(),
            epochs: AtomicU64::new(1),
            // Ids of two processes should differ; nothing depends on it.
            ids: AtomicU64::new(since_1970().as_micros() as u64),
        }
    }

    /// Decides by this bundle from now on.
    pub fn publish(&self, bundle: &Bundle, generation: u64, signing: Arc<SigningKey>) {
        let snapshot = Snapshot::new(bundle, generation, self.epoch(), signing, &self.refresher.newer());
        self.metrics.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        taken::tell(self.snapshot().as_deref(), &snapshot, &self.settings.public_url);
        self.current.set(snapshot);
    }

    /// Verifies an issuer's tokens by these keys from now on, unless it is another one meanwhile.
    pub fn replace_keys(&self, asked: &Known, keys: &Arc<VerifyingKeys>) {
        let epoch = self.epoch();
        self.current.update(|snapshot| snapshot.with_keys(epoch, asked, keys.clone()));
    }

    fn epoch(&self) -> u64 {
        self.epochs.fetch_add(1, Ordering::Relaxed)
    }

    /// What is decided by now; `None` before the first bundle.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.current.get()
    }

    /// The time, seconds since 1970.
    pub fn now(&self) -> i64 {
        now()
    }

    /// Answers a request.
    pub async fn answer(&self, request: Asking, peer: &Peer) -> Answer {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let mut hearing = Hearing::new(self, &method, uri.path(), peer);
        if peer.trusted {
            hearing.forwarded(request.headers());
        }
        let result = self.dispatch(request, peer, method.as_str(), uri.path(), &mut hearing.case).await;
        hearing.end(result)
    }

    async fn dispatch(
        &self,
        request: Asking,
        peer: &Peer,
        method: &str,
        path: &str,
        case: &mut Case,
    ) -> Result<Answer, Denial> {
        super::host::check(&request)?;
        match route(method, path, &self.settings.default_namespace)? {
            Route::Health => Ok(text(StatusCode::OK, "ok\n")),
            Route::Page => Box::pin(self.front(&request, case)).await,
            Route::Discovery => Ok(self.discovery()),
            Route::Keys => self.keys(),
            // Boxed, so that a connection keeps no room for what most never ask.
            Route::Token => Box::pin(self.exchange(request, case)).await,
            Route::Api(endpoint) => Box::pin(self.api(&endpoint, request, case)).await,
            Route::CancelCall(id) => Box::pin(self.cancel(id, request, case)).await,
            Route::Function(call) => self.invoke(call, request, peer, case).await,
        }
    }

    /// What is decided by, or that there is nothing yet (`security-rules.md` 29).
    pub fn ready(&self) -> Result<Arc<Snapshot>, Denial> {
        self.snapshot().ok_or_else(no_bundle)
    }

    /// Remembers and counts that a call is allowed.
    pub fn allow(&self, permit: &Permit<'_>, case: &mut Case) {
        case.allowed = Some(permit.because());
        self.metrics.allowed(permit.request().action());
    }

    fn discovery(&self) -> Answer {
        let url = self.settings.public_url.trim_end_matches('/');
        let mut answer = json(
            StatusCode::OK,
            &json!({
                "issuer": self.settings.public_url,
                "jwks_uri": format!("{url}{KEYS_PATH}"),
                "token_endpoint": format!("{url}/oauth/token"),
                "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["none"],
            }),
        );
        answer.headers_mut().insert(CACHE_CONTROL, KEPT);
        answer
    }

    fn keys(&self) -> Result<Answer, Denial> {
        let now_is = self.ready()?;
        let mut jwk = now_is.signing.public().to_jwk();
        jwk.insert("use".to_owned(), "sig".into());
        let body = serde_json::to_vec(&json!({ "keys": [jwk] })).unwrap_or_default();
        let mut answer = own(StatusCode::OK, HeaderValue::from_static("application/jwk-set+json"), body);
        answer.headers_mut().insert(CACHE_CONTROL, KEPT);
        Ok(answer)
    }
}

/// There is nothing yet that decides.
pub fn no_bundle() -> Denial {
    let text = "no bundle was read yet; try again soon";
    Denial::new(StatusCode::SERVICE_UNAVAILABLE, "no_bundle", text)
}
