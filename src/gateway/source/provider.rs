//! Which functions there are, by the provider's own list: their protected labels, their own word that they are
//! private, and whether their watchdog checks tokens. Asked for every few seconds and when a deployment has
//! passed through; a list that cannot be read leaves the last one, and what is not in that is not public.
//!
//! Used without a cluster alone; in a cluster the bundle says it. Decides nothing: a function's own word can
//! only tighten, which is the engine's rule.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::bundle::Record;
use crate::gateway::answer::Denial;
use crate::gateway::buffers::Whole;
use crate::gateway::case::Case;
use crate::gateway::listing::MAX_LIST_BYTES;
use crate::gateway::service::Gateway;
use crate::model::{Action, FunctionName, Namespace, Request as Question, Resource};
use crate::process::jitter;
use crate::route::{Forward, PROTECTED_PREFIX};

/// The annotation by which a function says itself that it is private.
const PRIVACY: &str = "iam.openfaas.com/privacy";
/// The pause between two lists; half of it more by chance.
const PAUSE: Duration = Duration::from_secs(3);
/// How long one list of all functions may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Namespaces that are asked for, at most.
const NAMESPACES: usize = 1_000;
/// Functions that are taken, at most.
const FUNCTIONS: usize = 100_000;
/// Namespaces that are asked for at the same time.
const AT_ONCE: usize = 4;
/// Deployments that may wait for the next list at the same time; others go on without.
const WAITING: usize = 64;

/// Functions by `namespace/name`.
pub type Functions = BTreeMap<String, Function>;

/// What is known of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    labels: BTreeMap<Box<str>, Box<str>>,
    watchdog: Option<bool>,
    private: bool,
}

/// A list, and who waits for it to decide: they go on when this is dropped.
pub struct News {
    /// All functions.
    pub functions: Functions,
    _waiting: Vec<oneshot::Sender<()>>,
}

/// How the provider is asked.
#[derive(Debug, Default)]
pub struct Provider {
    /// Nothing is known yet of what functions say of themselves.
    unlisted: AtomicBool,
    /// The last list could not be read.
    failing: AtomicBool,
    /// Tells that the first list was read, or not.
    tried: Notify,
    ask: OnceLock<mpsc::Sender<oneshot::Sender<()>>>,
}

impl Provider {
    /// From now on a list is needed before any function is public.
    pub fn expect_list(&self) {
        self.unlisted.store(true, Ordering::Release);
    }

    /// There is a list.
    pub fn listed(&self) {
        self.unlisted.store(false, Ordering::Release);
        self.failing.store(false, Ordering::Release);
        self.tried.notify_waiters();
    }

    /// Whether it is known what functions say of themselves; waits for a list that is on its way. Whoever asks
    /// and then looks at what is decided by sees what the list says.
    pub async fn is_listed(&self) -> bool {
        if !self.is_unlisted() {
            return true;
        }
        let tried = self.tried.notified();
        // Without somebody who asks nobody would tell.
        if self.is_unlisted() && self.ask.get().is_some() {
            let _ = tokio::time::timeout(PATIENCE, tried).await;
        }
        !self.is_unlisted()
    }

    /// Whether the last list could not be read: a function that is in none may be new, and say that it is private.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Whether a list is needed and none was read yet: a function may have said that it is private
    /// (`security-rules.md` 29).
    fn is_unlisted(&self) -> bool {
        self.unlisted.load(Ordering::Acquire)
    }

    /// Whether nobody asks yet.
    #[cfg(test)]
    pub fn is_deaf(&self) -> bool {
        self.ask.get().is_none()
    }

    /// Waits for a list that was begun after this call, where lists are read at all, but not for ever.
    pub async fn list_anew(&self) {
        let Some(ask) = self.ask.get() else { return };
        let (done, listed) = oneshot::channel();
        if ask.try_send(done).is_ok() {
            let _ = tokio::time::timeout(PATIENCE, listed).await;
        }
    }
}

/// Asks for as long as it is polled, and tells of each list.
pub async fn ask(gateway: Arc<Gateway>, tell: mpsc::Sender<News>) {
    let (ask, mut asked) = mpsc::channel(WAITING);
    let _ = gateway.provider.ask.set(ask);
    let (mut waiting, mut failing) = (Vec::new(), false);
    loop {
        while let Ok(another) = asked.try_recv() {
            waiting.push(another);
        }
        let read = tokio::time::timeout(PATIENCE, gateway.functions()).await;
        match read.unwrap_or(Err(Unlisted::TooSlow)) {
            Ok(functions) => {
                gateway.metrics.listed(true);
                if failing {
                    tracing::info!(functions = functions.len(), "the provider lists its functions again");
                }
                failing = false;
                if tell.send(News { functions, _waiting: std::mem::take(&mut waiting) }).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                gateway.metrics.listed(false);
                if !failing {
                    tracing::warn!(error = %error, "the provider's functions cannot be listed; what was known of them stays, and others are not public");
                }
                failing = true;
                gateway.provider.failing.store(true, Ordering::Release);
                waiting.clear();
                gateway.provider.tried.notify_waiters();
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE.mul_f64(1.0 + jitter() / 2.0)) => {}
            Some(another) = asked.recv() => waiting.push(another),
        }
    }
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum Unlisted {
    #[error("it took more than {} s", PATIENCE.as_secs())]
    TooSlow,
    #[error("`{path}` is answered {status}")]
    Status { path: String, status: StatusCode },
    #[error("`{path}`: {text}")]
    Denied { path: String, text: String },
    #[error("`{path}` is no list")]
    NoList { path: String },
    #[error("there are more than {0}")]
    TooMany(usize),
}

impl Gateway {
    /// All functions of all namespaces.
    async fn functions(&self) -> Result<Functions, Unlisted> {
        let namespaces = self.namespaces().await?;
        let lists = stream::iter(namespaces).map(|namespace| self.functions_of(namespace));
        let all: Vec<Functions> = lists.buffer_unordered(AT_ONCE).try_collect().await?;
        let all: Functions = all.into_iter().flatten().collect();
        if all.len() > FUNCTIONS { Err(Unlisted::TooMany(FUNCTIONS)) } else { Ok(all) }
    }

    /// The namespaces, the default one among them, which is all there is where the provider has no such list.
    async fn namespaces(&self) -> Result<Vec<Namespace>, Unlisted> {
        let path = "/system/namespaces";
        let listed: Option<Vec<String>> = match self.list(path, "", Resource::Cluster).await {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|_| Unlisted::NoList { path: path.into() })?
            }
            Err(Unlisted::Status { status: StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED, .. }) => None,
            Err(error) => return Err(error),
        };
        let mut all: Vec<_> =
            listed.unwrap_or_default().iter().filter_map(|n| Namespace::new(n).ok()).collect();
        all.push(self.settings.default_namespace.clone());
        all.sort();
        all.dedup();
        if all.len() > NAMESPACES { Err(Unlisted::TooMany(NAMESPACES)) } else { Ok(all) }
    }

    async fn functions_of(&self, namespace: Namespace) -> Result<Functions, Unlisted> {
        let (path, query) = ("/system/functions", format!("namespace={namespace}"));
        let bytes = self.list(path, &query, Resource::Namespace(namespace.clone())).await?;
        let listed: Option<Vec<Listed>> = serde_json::from_slice(&bytes)
            .map_err(|_| Unlisted::NoList { path: format!("{path}?{query}") })?;
        Ok(listed.unwrap_or_default().into_iter().filter_map(|item| item.read(&namespace)).collect())
    }

    async fn list(&self, path: &str, query: &str, resource: Resource) -> Result<Whole, Unlisted> {
        let denied = |denial: Denial| Unlisted::Denied {
            path: path.to_owned(),
            text: format!("{}: {}", denial.text, denial.detail).trim_end_matches(": ").to_owned(),
        };
        let action = match resource {
            Resource::Cluster => Action::NamespaceList,
            _ => Action::FunctionList,
        };
        let permit =
            Question::new(action, resource).ok().and_then(|q| self.snapshot()?.engine.permit_own(&q));
        let permit = permit.ok_or_else(|| Unlisted::NoList { path: path.to_owned() })?;
        let forward = Forward { method: "GET", path: path.to_owned(), query: query.to_owned(), body: None };
        // Nobody's call: it is counted nowhere.
        let mut case = Case::new(path, IpAddr::V4(Ipv4Addr::LOCALHOST), false);
        let answer =
            self.to_provider(&permit, &forward, &HeaderMap::new(), &mut case).await.map_err(denied)?;
        if answer.status() != StatusCode::OK {
            return Err(Unlisted::Status { path: path.to_owned(), status: answer.status() });
        }
        self.buffers.of_provider(answer.into_body(), MAX_LIST_BYTES, None).await.map_err(denied)
    }
}

/// A function as the provider lists it: keys match as they are written, and what is null is absent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    env_vars: Option<BTreeMap<String, String>>,
}

impl Listed {
    /// By its key; nothing for what is no function of this namespace.
    fn read(self, namespace: &Namespace) -> Option<(String, Function)> {
        let elsewhere = self.namespace.as_deref().filter(|ns| !ns.is_empty() && *ns != namespace.as_str());
        let name = FunctionName::new(&self.name).ok().filter(|_| elsewhere.is_none())?;
        let protected = self.labels.unwrap_or_default().into_iter();
        let protected = protected.filter(|(key, _)| key.starts_with(PROTECTED_PREFIX));
        let says = |map: &BTreeMap<String, String>, key: &str, value: &str| {
            map.get(key).is_some_and(|found| found.eq_ignore_ascii_case(value))
        };
        let function = Function {
            labels: protected.map(|(key, value)| (key.into(), value.into())).collect(),
            watchdog: self.env_vars.map(|vars| says(&vars, "jwt_auth", "true")),
            private: self.annotations.is_some_and(|map| says(&map, PRIVACY, "private")),
        };
        Some((format!("{namespace}/{name}"), function))
    }
}

impl Function {
    /// As the bundle has it.
    pub fn record(&self) -> Record {
        Record::Function { labels: self.labels.clone(), watchdog: self.watchdog, private: self.private }
    }
}
