//! A gateway on loopback, a provider behind it that records every request byte for byte, people with
//! tokens. Says nothing of what is right.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::signature::EcdsaKeyPair;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::bundle::{Bundle, Origin, Record, Sort};
pub use crate::endpoints::Served as _;
use crate::fetch::{Fetcher, Options};
use crate::gateway::audit::{Audit, Writers};
use crate::gateway::buffers::Buffers;
use crate::gateway::config::BasicAuth;
use crate::gateway::credential::Admin;
use crate::gateway::forward::Upstream;
use crate::gateway::guard::Ours;
use crate::gateway::keys::Refresher;
use crate::gateway::listen::{self, Listening};
use crate::gateway::metrics::Metrics;
use crate::gateway::service::{Gateway, Settings};
use crate::model::Namespace;
use crate::token::testing::{P256, Signer};
use crate::token::{KeySet, SigningKey, Source};

pub const US: &str = "https://gw.example.com";
pub const IDP: &str = "https://idp.example.com";
pub const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// A request as the provider got it.
#[derive(Debug, Clone, PartialEq)]
pub struct Got {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

#[derive(Clone, Default)]
pub struct Provider(Arc<Mutex<Vec<Got>>>);

impl Provider {
    pub async fn start(&self) -> SocketAddr {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// What came since the last time.
    pub fn take(&self) -> Vec<Got> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The one request that came.
    pub fn only(&self) -> Got {
        let mut got = self.take();
        assert_eq!(got.len(), 1, "{got:?}");
        got.remove(0)
    }
}

pub fn json_answer(body: Value) -> Response {
    ([("content-type", "application/json")], body.to_string()).into_response()
}

async fn answer(State(provider): State<Provider>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    provider.0.lock().unwrap().push(Got {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    match (parts.method.as_str(), parts.uri.path()) {
        ("GET", "/system/functions") => json_answer(json!([
            {"name": "env", "namespace": "dev", "replicas": 1}, {"name": "other", "namespace": "dev"},
            {"name": "api", "namespace": "prod"}])),
        ("GET", "/system/namespaces") => json_answer(json!(["dev", "prod", "kube-system"])),
        ("GET", "/system/secrets") => {
            json_answer(json!([{"name": "s", "namespace": "dev", "value": "hunter2"}]))
        }
        ("GET", "/system/function/env") => {
            json_answer(json!({"name": "env", "labels": {"iam.openfaas.com/g": "1", "free": "x"}}))
        }
        ("GET", path) if path.starts_with("/system/function/") => {
            (axum::http::StatusCode::NOT_FOUND, "not found").into_response()
        }
        _ => "done".into_response(),
    }
}

/// A gateway that runs until it is dropped.
pub struct Running {
    pub gateway: Arc<Gateway>,
    pub provider: Provider,
    pub address: SocketAddr,
    pub bundle: Bundle,
    writers: Option<Writers>,
    signing: Arc<SigningKey>,
    pem: Vec<u8>,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What is granted in these tests: `dev:*` to people with the group dev, lists of `dev:env` and secrets of
/// `dev`; System and everything of all to `root`.
pub fn world() -> Bundle {
    let mut bundle = Bundle::new();
    let keys =
        KeySet::parse(&json!({"keys": [P256.jwk(json!({"kid": "idp"}))]}), Source::Remote).unwrap().set;
    let idp = json!({"iss": IDP, "aud": ["gw"], "token_expiry": 1800, "keys": "inline"});
    let system = json!({"iss": US, "aud": [US], "token_expiry": 1800, "keys": "system"});
    for (name, issuer, keys) in [("idp", idp, keys), ("system", system, KeySet::default())] {
        let issuer = serde_json::from_value(issuer).unwrap();
        bundle.insert(name, Record::Issuer { origin: Origin::default(), issuer, keys, stale_since: None });
    }
    for (name, actions, resources) in [
        ("dev", &["Function:*", "Secret:*", "Namespace:*"][..], &["dev:*"][..]),
        ("see", &["Function:List", "Function:Get", "Function:Invoke"][..], &["dev:env"][..]),
        ("root", &["*"][..], &["*"][..]),
    ] {
        let policy = json!({"statements": [{"sid": "s", "actions": actions, "resources": resources}]});
        let policy = serde_json::from_value(policy).unwrap();
        bundle.insert(name, Record::Policy { origin: Origin::default(), policy });
    }
    for (name, iss, sub) in [
        ("dev", IDP, "alice"),
        ("see", IDP, "eve"),
        ("root", IDP, "root"),
        ("root-basic", "urn:faas-iam:basic-auth", "admin"),
    ] {
        let policy = name.split('-').next().unwrap();
        bundle.insert(name, role(policy, iss, sub));
    }
    bundle
}

pub fn role(policy: &str, iss: &str, sub: &str) -> Record {
    let role = json!({"policies": [policy], "subjects": [sub],
        "condition": [{"op": "StringEqual", "claim": "iss", "values": [iss]}]});
    Record::Role { origin: Origin::default(), role: serde_json::from_value(role).unwrap() }
}

pub fn private(functions: &[&str]) -> Record {
    let functions = functions.iter().map(|f| crate::model::ResourcePattern::parse(f).unwrap()).collect();
    Record::Privacy { origin: Origin::default(), functions, private: true, last_valid: None }
}

pub fn watchdog(checks: bool) -> Record {
    Record::Function { labels: Default::default(), watchdog: Some(checks), private: false }
}

impl Running {
    pub async fn new() -> Self {
        Self::with(BasicAuth::Deny, Some(world())).await
    }

    pub async fn with(basic_auth: BasicAuth, bundle: Option<Bundle>) -> Self {
        let provider = Provider::default();
        let upstream = Upstream::new(&format!("http://{}", provider.start().await)).unwrap();
        Self::before(provider, upstream, basic_auth, bundle).await
    }

    pub async fn before(
        provider: Provider,
        upstream: Upstream,
        basic_auth: BasicAuth,
        bundle: Option<Bundle>,
    ) -> Self {
        Self::telling(provider, upstream, basic_auth, bundle, |_| Default::default()).await
    }

    /// With other bounds than usual.
    pub async fn bounded(upstream: Upstream, listening: Listening) -> Self {
        let (provider, nobody) = (Provider::default(), |_: &Metrics| Default::default());
        Self::listening(provider, upstream, BasicAuth::Deny, Some(world()), nobody, (listening, None)).await
    }

    /// With another budget than usual.
    pub async fn holding(upstream: Upstream, buffers: Buffers) -> Self {
        let (provider, nobody) = (Provider::default(), |_: &Metrics| Default::default());
        let more = (Listening::default(), Some(buffers));
        Self::listening(provider, upstream, BasicAuth::Deny, Some(world()), nobody, more).await
    }

    /// One whose decisions somebody is told of.
    pub async fn telling(
        provider: Provider,
        upstream: Upstream,
        basic_auth: BasicAuth,
        bundle: Option<Bundle>,
        audit: impl FnOnce(&Metrics) -> (Audit, Writers),
    ) -> Self {
        Self::listening(provider, upstream, basic_auth, bundle, audit, Default::default()).await
    }

    async fn listening(
        provider: Provider,
        upstream: Upstream,
        basic_auth: BasicAuth,
        bundle: Option<Bundle>,
        audit: impl FnOnce(&Metrics) -> (Audit, Writers),
        (listening, buffers): (Listening, Option<Buffers>),
    ) -> Self {
        let settings = Settings {
            public_url: US.to_owned(),
            default_namespace: Namespace::new("openfaas-fn").unwrap(),
            ours: Ours { namespace: "openfaas".to_owned(), guarded: vec!["guarded".parse().unwrap()] },
            basic_auth,
            private: false,
            callback_hosts: Vec::new(),
        };
        let admin = Admin { user: "admin".into(), password: Zeroizing::new("hunter2".into()) };
        let refresher = Refresher::new(Fetcher::new(Options::default(), None));
        let mut gateway = Gateway::new(settings, Some(admin), upstream, refresher);
        let (audit, writers) = audit(&gateway.metrics);
        gateway.audit = audit;
        gateway.buffers = buffers.unwrap_or(gateway.buffers);
        let gateway = Arc::new(gateway);
        let pem = crate::operator::signing::generate().unwrap();
        let signing = Arc::new(SigningKey::from_pem(pem.as_bytes()).unwrap());
        if let Some(bundle) = &bundle {
            gateway.publish(bundle, 1, signing.clone());
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(listen::serve(listener, gateway.clone(), listening, stop.clone()));
        Self {
            gateway,
            provider,
            address,
            bundle: bundle.unwrap_or_default(),
            writers: Some(writers),
            signing,
            pem: pem.as_bytes().to_vec(),
            stop,
        }
    }

    /// Waits until whoever is told of decisions has written them down.
    pub async fn written(&mut self) {
        self.writers.take().unwrap().end(&self.gateway.audit).await;
    }

    /// A sample of what is measured, by the text before its value.
    pub fn metric(&self, sample: &str) -> Option<f64> {
        let text = self.gateway.measured().unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.map(|value| value.parse().unwrap())
    }

    /// Changes what is decided by.
    pub fn change(&mut self, change: impl FnOnce(&mut Bundle)) {
        change(&mut self.bundle);
        self.gateway.publish(&self.bundle, 2, self.signing.clone());
    }

    pub fn remove(&mut self, sort: Sort, name: &str) {
        let key = crate::bundle::Key::new(sort, name);
        self.change(|bundle| assert!(bundle.remove(&key).is_some(), "{name}"));
    }

    /// A token that we signed.
    pub fn own(&self, claims: Value) -> String {
        let random = aws_lc_rs::rand::SystemRandom::new();
        self.signing.sign(claims.as_object().unwrap(), &random).unwrap()
    }

    /// Our own key, for tokens that we would never make.
    pub fn signer(&self) -> Signer {
        let pem = x509_parser::pem::Pem::iter_from_buffer(&self.pem).map(Result::unwrap);
        let der = pem.last().unwrap().contents;
        let alg = &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_der(alg, &der);
        Signer::Ec(pair.or_else(|_| EcdsaKeyPair::from_pkcs8(alg, &der)).unwrap(), "P-256")
    }

    pub fn signing(&self) -> Arc<SigningKey> {
        self.signing.clone()
    }

    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// Sends a request with a bearer token, where there is one.
    pub async fn send(&self, method: &str, target: &str, token: Option<&str>, body: &str) -> (u16, String) {
        let mut request = client().request(method.parse().unwrap(), self.url(target)).body(body.to_owned());
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Exchanges a token.
    pub async fn exchange(&self, token: &str, more: &[(&str, &str)]) -> Result<String, Value> {
        let mut form =
            vec![("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ID_TOKEN)];
        form.extend(more);
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = client().post(self.url("/oauth/token")).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = read_json(request.send().await.unwrap()).await;
        answer["access_token"].as_str().map(ToOwned::to_owned).ok_or(answer)
    }

    pub async fn api_token(&self, sub: &str) -> String {
        self.exchange(&self.id_token(sub), &[]).await.unwrap()
    }

    pub async fn function_token(&self, sub: &str, audience: &[&str]) -> String {
        let mut more = vec![("scope", "function")];
        more.extend(audience.iter().map(|a| ("audience", *a)));
        self.exchange(&self.id_token(sub), &more).await.unwrap()
    }

    /// A token of the identity provider.
    pub fn id_token(&self, sub: &str) -> String {
        signed("idp", json!({"iss": IDP, "aud": "gw", "sub": sub, "exp": self.gateway.now() + 600}))
    }
}

pub fn signed(kid: &str, claims: Value) -> String {
    P256.token(&json!({"alg": "ES256", "kid": kid}).to_string(), &claims.to_string())
}

pub async fn read_json(answer: reqwest::Response) -> Value {
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

/// One for all tests: its roots take long to read. Each test has a runtime of its own, so that no connection
/// may be kept.
static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let none = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(none).pool_max_idle_per_host(0).build().unwrap()
});

pub fn client() -> &'static reqwest::Client {
    &CLIENT
}
