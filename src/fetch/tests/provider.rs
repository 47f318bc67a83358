//! Identity providers on loopback, honest and lying ones, by TLS or in clear; and names that lead to them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::{Response, Uri};
use futures::{StreamExt as _, stream};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::token::testing::P256;
use crate::trust::TrustBundle;
use crate::trust::testing::{Authority, Tls};

/// The name that leads to every provider here.
pub const HOST: &str = "idp.test";

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new("test root").unwrap());

/// The root behind which every provider here is.
pub fn root() -> TrustBundle {
    TrustBundle::read(AUTHORITY.pem().as_bytes(), 1_800_000_000).unwrap()
}

/// A root behind which nobody is.
pub fn other_root() -> TrustBundle {
    TrustBundle::read(Authority::new("other").unwrap().pem().as_bytes(), 1_800_000_000).unwrap()
}

/// What a path answers.
pub enum Page {
    Json(Value),
    Text(String),
    Status(u16),
    Redirect(String),
    /// Bytes without end.
    Endless,
    /// A byte, and then nothing.
    Stalled,
}

impl Page {
    fn answer(&self) -> Response<Body> {
        let response = Response::builder();
        let whole = match self {
            Self::Json(json) => response.body(json.to_string().into()),
            Self::Text(text) => response.body(text.clone().into()),
            Self::Status(status) => response.status(*status).body(Body::empty()),
            Self::Redirect(to) => response.status(302).header("location", to).body(Body::empty()),
            Self::Endless => {
                let bytes = stream::repeat_with(|| Ok::<_, Infallible>(vec![b' '; 64 * 1024]));
                response.body(Body::from_stream(bytes))
            }
            Self::Stalled => {
                let byte = stream::iter([Ok::<_, Infallible>(b" ".to_vec())]);
                response.body(Body::from_stream(byte.chain(stream::pending())))
            }
        };
        whole.unwrap()
    }
}

/// A running provider; it ends when this is dropped.
pub struct Provider {
    /// Its origin, without a slash at the end.
    pub base: String,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Provider {
    /// By TLS under [`HOST`]; `pages` are made from the origin.
    pub async fn tls(pages: impl FnOnce(&str) -> Vec<(&'static str, Page)>) -> Self {
        let tls = Tls::bind(&AUTHORITY.server(&[HOST]).unwrap()).await.unwrap();
        let base = format!("https://{HOST}:{}", tls.port().unwrap());
        Self::serve(tls, base, pages)
    }

    /// In clear, under this host.
    pub async fn clear(host: &str, pages: impl FnOnce(&str) -> Vec<(&'static str, Page)>) -> Self {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{host}:{}", tcp.local_addr().unwrap().port());
        Self::serve(tcp, base, pages)
    }

    fn serve<L>(listener: L, base: String, pages: impl FnOnce(&str) -> Vec<(&'static str, Page)>) -> Self
    where
        L: axum::serve::Listener<Addr = SocketAddr>,
    {
        let asked = Arc::new(AtomicUsize::new(0));
        let (pages, counter) = (Arc::new(BTreeMap::from_iter(pages(&base))), Arc::clone(&asked));
        let router = Router::new().fallback(move |uri: Uri| {
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = pages.get(uri.path()).unwrap_or(&Page::Status(404)).answer();
            async { answer }
        });
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { base, asked, serving }
    }

    /// How many requests it has had.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A discovery document.
pub fn discovery(issuer: &str, jwks_uri: &str) -> (&'static str, Page) {
    ("/.well-known/openid-configuration", Page::Json(json!({ "issuer": issuer, "jwks_uri": jwks_uri })))
}

/// A key set of one key.
pub fn one_key() -> Value {
    json!({ "keys": [P256.jwk(json!({ "kid": "k" }))] })
}

/// An honest provider's pages.
pub fn honest(base: &str) -> Vec<(&'static str, Page)> {
    vec![discovery(base, &format!("{base}/keys")), ("/keys", Page::Json(one_key()))]
}

/// Names with these addresses, and no others.
pub struct Names(BTreeMap<&'static str, Vec<IpAddr>>);

impl Names {
    pub fn new(names: &[(&'static str, &[&str])]) -> Arc<Self> {
        let parsed = |addresses: &[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self(names.iter().map(|(name, addresses)| (*name, parsed(addresses))).collect()))
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.0.get(name.as_str()).cloned();
        Box::pin(async move {
            let addresses = addresses.ok_or_else(|| io::Error::other("no such name"))?;
            let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

/// Names that nobody knows, which is told only once those who ask are let go.
#[derive(Clone)]
pub struct Crowd(Arc<Gate>);

struct Gate {
    inside: AtomicUsize,
    most: AtomicUsize,
    arrived: mpsc::UnboundedSender<()>,
    open: Semaphore,
}

impl Crowd {
    /// The names, and a message for each who asks.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<()>) {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        (Self(Arc::new(Gate { inside, most, arrived, open: Semaphore::new(0) })), arrivals)
    }

    pub fn let_go(&self) {
        self.0.open.add_permits(1);
    }

    /// How many asked at once, at most.
    pub fn most(&self) -> usize {
        self.0.most.load(Ordering::Relaxed)
    }
}

impl Resolve for Crowd {
    fn resolve(&self, _: Name) -> Resolving {
        let gate = self.0.clone();
        Box::pin(async move {
            let inside = gate.inside.fetch_add(1, Ordering::Relaxed) + 1;
            gate.most.fetch_max(inside, Ordering::Relaxed);
            gate.arrived.send(()).unwrap();
            let _turn = gate.open.acquire().await.unwrap();
            gate.inside.fetch_sub(1, Ordering::Relaxed);
            Err("no such name".into())
        })
    }
}
