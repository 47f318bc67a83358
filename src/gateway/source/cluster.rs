//! A cluster's bundle, watched: the index and our own key by their names, the shards as the index lists
//! them. What is not whole is not taken, an older generation neither, and the last good one stays
//! (`security-rules.md` 29).

use std::collections::HashMap;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client};
use serde::de::DeserializeOwned;

use crate::bundle::names::{INDEX_KEY, INDEX_SECRET, INDEX_TYPE, SHARD_KEY, SIGNING_KEY, SIGNING_SECRET};
use crate::bundle::{AssembleError, Bundle, Digest, Index, IndexError, assemble};
use crate::gateway::chain;
use crate::gateway::service::Gateway;
use crate::token::SigningKey;
use crate::watched::watched;

/// Shards that are read at the same time.
const AT_ONCE: usize = 8;
/// The pause before a bundle is tried again that was not whole.
const PAUSE: Duration = Duration::from_secs(1);

/// Why an index does not serve.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("the Secret `{INDEX_SECRET}` is not the operator's")]
    Taken,
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Shards(#[from] AssembleError),
    #[error("a shard cannot be read")]
    Read(#[from] kube::Error),
}

/// What was seen.
enum Seen {
    Index(Option<Secret>),
    Key(Option<Secret>),
    Again,
}

/// What the cluster has said so far.
pub struct Source {
    client: Client,
    namespace: String,
    /// A key from a file, which no Secret replaces.
    fixed: bool,
    signing: Option<Arc<SigningKey>>,
    serving: Option<(u64, Bundle)>,
    /// The last index that was seen and is not served.
    waiting: Option<Secret>,
    /// Texts of the shards that serve, by their digest: a new index asks for what is new alone.
    shards: HashMap<Digest, String>,
}

impl Source {
    /// A source in this namespace. `signing` is a key from a file.
    pub fn new(client: Client, namespace: &str, signing: Option<Arc<SigningKey>>) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
            fixed: signing.is_some(),
            signing,
            serving: None,
            waiting: None,
            shards: HashMap::new(),
        }
    }

    /// Follows the cluster until it is dropped.
    pub async fn follow(mut self, gateway: Arc<Gateway>) {
        let index = self.watch(INDEX_SECRET).map(Seen::Index);
        let key = self.watch(SIGNING_SECRET).map(Seen::Key);
        let mut seen = pin!(stream::select(index, key));
        loop {
            let next = tokio::select! {
                next = seen.next() => next,
                () = tokio::time::sleep(PAUSE), if self.waiting.is_some() => Some(Seen::Again),
            };
            match next {
                None => return,
                Some(Seen::Index(secret)) => self.waiting = secret,
                Some(Seen::Key(secret)) => {
                    if self.take_key(secret.as_ref()) {
                        self.publish(&gateway);
                    }
                    continue;
                }
                Some(Seen::Again) => {}
            }
            self.take_index(&gateway).await;
        }
    }

    async fn take_index(&mut self, gateway: &Gateway) {
        let Some(secret) = self.waiting.take() else { return };
        match self.read(&secret).await {
            Ok(served) => {
                tracing::info!(generation = served.0, records = served.1.len(), "a new bundle decides");
                self.serving = Some(served);
                self.publish(gateway);
            }
            Err(Unfit::Index(IndexError::Old { found, serving })) if found == serving => {}
            Err(error) => {
                gateway.metrics.bundle_refused();
                tracing::warn!(error = %chain(&error), "the bundle is not taken; the last good one stays");
                // A shard may be on its way; what is wrong in itself is tried again when it changes.
                if matches!(error, Unfit::Shards(AssembleError::Missing(_)) | Unfit::Read(_)) {
                    self.waiting = Some(secret);
                }
            }
        }
    }

    async fn read(&mut self, secret: &Secret) -> Result<(u64, Bundle), Unfit> {
        if secret.type_.as_deref() != Some(INDEX_TYPE) {
            return Err(Unfit::Taken);
        }
        let bytes = secret.data.as_ref().and_then(|data| data.get(INDEX_KEY)).map(|bytes| bytes.0.as_slice());
        let index = Index::decode(bytes.unwrap_or_default(), usize::MAX)?;
        index.supersedes(self.serving.as_ref().map(|(serving, _)| *serving))?;
        let texts = self.texts(&index).await?;
        let bundle = assemble(&index, |name| texts.get(name).map(String::as_str))?;
        self.shards = texts.into_values().map(|text| (Digest::of(text.as_bytes()), text)).collect();
        Ok((index.generation, bundle))
    }

    /// The shards' texts by the names of their ConfigMaps; those that are not there are left out.
    async fn texts(&self, index: &Index) -> Result<HashMap<Box<str>, String>, kube::Error> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let read = async |shard: &crate::bundle::ShardRef| {
            if let Some(text) = self.shards.get(&shard.sha256) {
                return Ok(Some((shard.name.clone(), text.clone())));
            }
            let map = maps.get_opt(&shard.name).await?;
            let text = map.and_then(|map| map.data?.remove(SHARD_KEY));
            Ok(text.map(|text| (shard.name.clone(), text)))
        };
        let found = stream::iter(&index.shards).map(read).buffer_unordered(AT_ONCE);
        found.try_filter_map(|pair| async { Ok(pair) }).try_collect().await
    }

    /// Takes our own key; whether that changes anything. A broken one or none leaves the last good one.
    fn take_key(&mut self, secret: Option<&Secret>) -> bool {
        if self.fixed {
            return false;
        }
        let pem = secret.and_then(|secret| secret.data.as_ref()?.get(SIGNING_KEY));
        match pem.map(|pem| SigningKey::from_pem(&pem.0)) {
            Some(Ok(key)) => {
                let same = self.signing.as_ref().is_some_and(|known| known.kid() == key.kid());
                self.signing = Some(Arc::new(key));
                !same
            }
            Some(Err(why)) => {
                tracing::warn!(
                    "`{}` of the Secret `{}` {why}; the last good key signs",
                    SIGNING_KEY,
                    SIGNING_SECRET
                );
                false
            }
            None => false,
        }
    }

    fn publish(&self, gateway: &Gateway) {
        if let (Some((generation, bundle)), Some(signing)) = (&self.serving, &self.signing) {
            gateway.publish(bundle, *generation, signing.clone());
        }
    }

    /// Each version of an object by its name, and its absence.
    fn watch<K>(&self, name: &'static str) -> impl Stream<Item = Option<K>> + use<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
        K::DynamicType: Default,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), &self.namespace);
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut listed = None;
        watched(api, config).filter_map(move |event| {
            let seen = match event {
                Ok(Event::Init) => {
                    listed = None;
                    None
                }
                Ok(Event::InitApply(object)) => {
                    listed = Some(object);
                    None
                }
                Ok(Event::InitDone) => Some(listed.take()),
                Ok(Event::Apply(object)) => Some(Some(object)),
                Ok(Event::Delete(_)) => Some(None),
                Err(error) => {
                    tracing::warn!(name, error = %chain(&error), "the watch was interrupted");
                    None
                }
            };
            futures::future::ready(seen)
        })
    }
}
