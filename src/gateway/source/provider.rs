//! Asks the provider which functions there are, every few seconds and when a deployment has passed through: the lists
//! of all namespaces, each for itself, so that one that hangs or cannot be read concerns its own functions alone.
//!
//! Used without a cluster alone; in a cluster the bundle says it. Decides nothing: a function's own word can
//! only tighten, which is the engine's rule, and where it was not heard no function is public.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode};
use tokio::sync::{Notify, mpsc, oneshot};

use super::lists::{Everything, Functions, Listed, Lists};
use crate::gateway::answer::Denial;
use crate::gateway::buffers::Whole;
use crate::gateway::case::Case;
use crate::gateway::listing::MAX_LIST_BYTES;
use crate::gateway::service::Gateway;
use crate::model::{Action, Namespace, Request as Question, Resource};
use crate::process::jitter;
use crate::route::Forward;

/// The pause between two lists; half of it more by chance.
const PAUSE: Duration = Duration::from_secs(3);
/// How long all lists together may take,
const PATIENCE: Duration = Duration::from_secs(10);
/// and how long one of them.
const EACH: Duration = Duration::from_secs(5);
/// Namespaces that are asked for, at most.
const NAMESPACES: usize = 1_000;
/// Namespaces that are asked for at the same time.
const AT_ONCE: usize = 4;
/// Namespaces that cannot be read and are named in the log.
const NAMED: usize = 10;
/// Deployments that may wait for the next list at the same time; others go on without.
const WAITING: usize = 64;

/// What was listed, and who waits for it to decide: they go on when this is dropped.
pub struct News {
    /// All functions.
    pub functions: Everything,
    /// The namespaces in which they are known by now.
    pub heard: BTreeSet<Namespace>,
    _waiting: Vec<oneshot::Sender<()>>,
}

/// How the provider is asked.
#[derive(Debug, Default)]
pub struct Provider {
    /// It takes lists to hear what functions say of themselves.
    needed: AtomicBool,
    /// The first lists were read, or not.
    tried: AtomicBool,
    /// Tells of that.
    told: Notify,
    /// The namespaces that were listed the last time.
    heard: ArcSwap<BTreeSet<Namespace>>,
    ask: OnceLock<mpsc::Sender<oneshot::Sender<()>>>,
}

impl Provider {
    /// From now on a list is needed before any function is public.
    pub fn expect_list(&self) {
        self.needed.store(true, Ordering::Release);
    }

    /// What was listed decides now; of other namespaces nothing was heard this time.
    pub fn hear(&self, namespaces: BTreeSet<Namespace>) {
        self.heard.store(Arc::new(namespaces));
        self.tried.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    /// Whether it is known what the functions of a namespace say of themselves: any of them may have said that it is
    /// private (`security-rules.md` 29). Waits for the first list where that is on its way. Whoever asks and then
    /// looks at what is decided by sees what the list says.
    pub async fn hears(&self, namespace: &Namespace) -> bool {
        if !self.needed.load(Ordering::Acquire) || self.heard.load().contains(namespace) {
            return true;
        }
        let told = self.told.notified();
        // Without somebody who asks nobody would tell.
        if !self.tried.load(Ordering::Acquire) && self.ask.get().is_some() {
            let _ = tokio::time::timeout(PATIENCE, told).await;
        }
        self.heard.load().contains(namespace)
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

/// Asks for as long as it is polled, and tells of each round.
pub async fn ask(gateway: Arc<Gateway>, tell: mpsc::Sender<News>) {
    let (ask, mut asked) = mpsc::channel(WAITING);
    let _ = gateway.provider.ask.set(ask);
    let (mut waiting, mut lists, mut log) = (Vec::new(), Lists::default(), Log::default());
    loop {
        while let Ok(another) = asked.try_recv() {
            waiting.push(another);
        }
        let unnamed = gateway.list_all(&mut lists).await.err();
        gateway.metrics.listed(unnamed.is_none() && lists.unheard().0.is_empty());
        log.tell(unnamed.as_ref(), &lists);
        let (functions, heard) = (lists.functions(), lists.heard());
        if tell.send(News { functions, heard, _waiting: std::mem::take(&mut waiting) }).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE.mul_f64(1.0 + jitter() / 2.0)) => {}
            Some(another) = asked.recv() => waiting.push(another),
        }
    }
}

/// What the log was told last: it is told of changes alone.
#[derive(Default)]
struct Log {
    unnamed: bool,
    unheard: Vec<String>,
}

impl Log {
    fn tell(&mut self, unnamed: Option<&Unlisted>, lists: &Lists) {
        let (unheard, why) = lists.unheard();
        if self.unnamed == unnamed.is_some() && unheard == self.unheard {
            return;
        }
        (self.unnamed, self.unheard) = (unnamed.is_some(), unheard.iter().map(ToString::to_string).collect());
        if let Some(error) = unnamed {
            tracing::warn!(%error, "the provider's namespaces cannot be listed; in those that are not known no function is public");
        }
        if !unheard.is_empty() {
            let named = unheard.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let (count, error) = (unheard.len(), why.unwrap_or("there was no time left for them"));
            tracing::warn!(
                namespaces = named,
                count,
                error,
                "the provider's functions cannot be listed there; what was known of them stays, and others are not public"
            );
        } else if unnamed.is_none() {
            tracing::info!(namespaces = lists.heard().len(), "the provider lists all its functions again");
        }
    }
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
enum Unlisted {
    #[error("it took more than {} s", EACH.as_secs())]
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
    /// Asks for the lists of all namespaces; of those that were known where they cannot be asked for.
    async fn list_all(&self, lists: &mut Lists) -> Result<(), Unlisted> {
        let read = tokio::time::timeout(EACH, self.namespaces()).await.unwrap_or(Err(Unlisted::TooSlow));
        let (named, unnamed) = match read {
            Ok(Some(named)) => (named, Ok(())),
            // There is no such list, and never was one.
            Ok(None) if lists.namespaces().len() < 2 => (Vec::new(), Ok(())),
            Ok(None) => (
                lists.namespaces(),
                Err(Unlisted::Status { path: "/system/namespaces".into(), status: StatusCode::NOT_FOUND }),
            ),
            Err(error) => (lists.namespaces(), Err(error)),
        };
        let default = self.settings.default_namespace.clone();
        let order = lists.begin(named.into_iter().chain([default]));
        let each = stream::iter(order).map(|namespace| async {
            let read = tokio::time::timeout(EACH, self.functions_of(&namespace)).await;
            (namespace, read.unwrap_or(Err(Unlisted::TooSlow)))
        });
        let mut each =
            std::pin::pin!(each.buffer_unordered(AT_ONCE).take_until(tokio::time::sleep(PATIENCE)));
        while let Some((namespace, read)) = each.next().await {
            lists.take(&namespace, read.map_err(|error| error.to_string()));
        }
        unnamed
    }

    /// The namespaces; nothing where the provider has no such list, and so the default one alone.
    async fn namespaces(&self) -> Result<Option<Vec<Namespace>>, Unlisted> {
        let path = "/system/namespaces";
        let bytes = match self.list(path, "", Resource::Cluster).await {
            Ok(bytes) => bytes,
            Err(Unlisted::Status { status: StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED, .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let listed: Option<Vec<String>> =
            serde_json::from_slice(&bytes).map_err(|_| Unlisted::NoList { path: path.into() })?;
        let all: Vec<_> = listed.unwrap_or_default().iter().filter_map(|n| Namespace::new(n).ok()).collect();
        if all.len() > NAMESPACES { Err(Unlisted::TooMany(NAMESPACES)) } else { Ok(Some(all)) }
    }

    async fn functions_of(&self, namespace: &Namespace) -> Result<Functions, Unlisted> {
        let (path, query) = ("/system/functions", format!("namespace={namespace}"));
        let bytes = self.list(path, &query, Resource::Namespace(namespace.clone())).await?;
        let listed: Option<Vec<Listed>> = serde_json::from_slice(&bytes)
            .map_err(|_| Unlisted::NoList { path: format!("{path}?{query}") })?;
        Ok(listed.unwrap_or_default().into_iter().filter_map(|item| item.read(namespace)).collect())
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
        let question = Question::new(action, resource).ok();
        let permit = question.as_ref().and_then(|question| self.snapshot()?.engine.permit_own(question));
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
