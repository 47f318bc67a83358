//! Fetching issuers' keys: discovery, key sets, the cluster's own issuer. And asking others with a password in the same
//! bounds.
//!
//! `route` and `document` decide where to ask and whether to believe the answer; they are pure. `guard`
//! keeps addresses from being dialled, `http`, `cluster` and `secret` ask. When to ask again, and how long old keys
//! serve, is decided elsewhere; nothing here is ever asked because of what a token says.

mod cluster;
mod document;
mod guard;
mod http;
mod roots;
mod route;
mod secret;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use url::Url;

use crate::api::Reason;
use crate::model::KeySource;
use crate::token::{KeySet, Parsed, Source, Unusable};

pub use cluster::Cluster;
pub use guard::{Forbidden, Guard, SystemResolver};
pub use http::GetError;
pub(crate) use http::{causes, distrusted};
pub use roots::TrustRoots;
pub use secret::{Answer, SecretAsker};

use http::{Clients, Manner};
use route::{Asked, Route};

/// Issuers that are asked at once; each answer may have a mebibyte.
const AT_ONCE: usize = 32;

/// Keys that were read, and what is worth saying about how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The usable keys; at least one.
    pub set: KeySet,
    /// Becomes warnings: a sentence each, without its full stop.
    pub notes: Vec<String>,
}

/// Why keys could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Missed {
    /// The condition's reason.
    pub reason: Reason,
    /// What happened and what to do; no secret, no body of an answer.
    pub message: String,
}

impl Missed {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// How fetching is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether private and loopback addresses are forbidden, too.
    pub forbid_private: bool,
    /// The time of one request from the name's resolution to the last byte.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { forbid_private: false, timeout: Duration::from_secs(5) }
    }
}

/// Fetches the keys of declared issuers.
pub struct Fetcher {
    clients: Clients,
    cluster: Option<Cluster>,
    room: Semaphore,
    /// What the API server calls its issuer; `None` while nobody has asked.
    reported: Mutex<Option<Option<Box<str>>>>,
}

impl Fetcher {
    /// A fetcher that resolves names as the system does. `cluster` is the connection to the API server,
    /// where there is one.
    pub fn new(options: Options, cluster: Option<Cluster>) -> Self {
        Self::with_resolver(options, cluster, Arc::new(SystemResolver))
    }

    /// The same with another resolver of names; what it answers is guarded all the same.
    pub fn with_resolver(
        options: Options,
        cluster: Option<Cluster>,
        resolver: Arc<dyn reqwest::dns::Resolve>,
    ) -> Self {
        let guard = Guard::new(options.forbid_private, resolver);
        let cluster = cluster.map(|cluster| cluster.within(options.timeout));
        let room = Semaphore::new(AT_ONCE);
        let clients = Clients::new(guard, options.timeout, Manner::Openly);
        Self { clients, cluster, room, reported: Mutex::new(None) }
    }

    /// Reads the keys of the issuer `iss` from where they come from, once few enough others are being read. `roots` are the installation's trust
    /// roots and the issuer's own together.
    ///
    /// # Errors
    /// [`Missed`]; also where `source` is none that is fetched (`System`, `Inline`, `Ref`).
    pub async fn fetch(&self, iss: &str, source: &KeySource, roots: &TrustRoots) -> Result<Found, Missed> {
        // Never closed, so that there is nothing to fail.
        let _room = self.room.acquire().await.ok();
        let reported = self.reported(source).await;
        let asked = Asked {
            iss,
            source,
            api: self.cluster.as_ref().map(Cluster::url),
            reported: reported.as_deref(),
        };
        match route::plan(&asked)? {
            Route::Cluster { any_issuer } => self.ask_cluster(iss, any_issuer).await,
            Route::Provider { document, internal } => {
                let found = self.ask_provider(iss, document, internal, roots).await;
                if found.is_err() {
                    // Perhaps the cluster has taken over this issuer meanwhile: ask anew the next time.
                    self.remember(None);
                }
                found
            }
        }
    }

    async fn ask_provider(
        &self,
        iss: &str,
        document: Url,
        internal: Option<Url>,
        roots: &TrustRoots,
    ) -> Result<Found, Missed> {
        let client = self.clients.with(roots).map_err(|why| why.at(&document))?;
        let answer = client.get(&document).await.map_err(|why| why.at(&document))?;
        let answer = document::read(&answer).map_err(|why| why.at(&document))?;
        let (keys, note) = document::judge(&answer, iss, &document, internal.as_ref())?;
        let set = client.get(&keys).await.map_err(|why| why.at(&keys))?;
        let mut found = read_keys(&set, Source::Remote).map_err(|why| at(&keys, why))?;
        found.notes.extend(note);
        Ok(found)
    }

    async fn ask_cluster(&self, iss: &str, any_issuer: bool) -> Result<Found, Missed> {
        let cluster = self.cluster.as_ref().ok_or_else(|| {
            Missed::new(
                Reason::IssuerUnreachable,
                "its keys come from the API server, and there is no connection to one",
            )
        })?;
        let reported = cluster.issuer().await?;
        self.remember(Some(Some(reported.clone())));
        let note = document::judge_cluster(&reported, iss, any_issuer)?;
        let mut found = read_keys(&cluster.keys().await?, Source::Remote)?;
        found.notes.extend(note);
        Ok(found)
    }

    /// What the API server calls its issuer, where that matters; asked once, since a quiet cluster should
    /// see no requests.
    async fn reported(&self, source: &KeySource) -> Option<Box<str>> {
        let cluster = self.cluster.as_ref().filter(|_| matches!(source, KeySource::Discovery))?;
        let known = self.reported.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return known;
        }
        let reported = cluster.issuer().await.ok();
        self.remember(Some(reported.clone()));
        reported
    }

    fn remember(&self, reported: Option<Option<Box<str>>>) {
        *self.reported.lock().unwrap_or_else(PoisonError::into_inner) = reported;
    }
}

/// Reads the key set that `jwksRef` leads to.
///
/// # Errors
/// [`Missed`] with [`Reason::KeysInvalid`].
pub fn read_reference(bytes: &[u8]) -> Result<Found, Missed> {
    read_keys(bytes, Source::Inline)
}

fn read_keys(bytes: &[u8], source: Source) -> Result<Found, Missed> {
    let parsed =
        KeySet::parse_text(bytes, source).map_err(|why| Missed::new(Reason::KeysInvalid, why.to_string()))?;
    let Parsed { set, left_out } = parsed;
    // Keys for encryption stand in many sets and are worth no word; a secret that everybody can read is.
    let leaked = left_out.iter().filter(|key| key.why == Unusable::Secret);
    Ok(Found {
        notes: leaked.map(|key| format!("the key set shows a secret to everybody: {key}")).collect(),
        set,
    })
}

fn at(url: &Url, why: Missed) -> Missed {
    Missed { reason: why.reason, message: format!("{}: {}", route::shown(url), why.message) }
}

#[cfg(test)]
mod tests;
