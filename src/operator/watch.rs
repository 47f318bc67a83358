//! The watches: each one a task that turns what the API server shows into messages. Decides nothing, and
//! goes on for ever, with a growing pause where the API server does not answer.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use super::arrived::Arrived;
use super::names::SELECTOR;
use super::objects::Schema;
use super::references::Content;
use super::rivals::rival;
use super::seen::{self, Seen};
use super::shown::Shown;
use super::trusted;
use crate::api::{GROUP, Kind};
use crate::bundle::names::{INDEX_SECRET, SIGNING_SECRET};
use crate::causes::chain;
use crate::compile::ObjectRef;
use crate::model::{KeyRef, RefKind};
use crate::watched::watched;

/// The pause before a list that did not count is asked for again; doubles,
const RELIST_PAUSE: Duration = Duration::from_secs(1);
/// but not beyond this. After a longer time without one it begins anew.
const LONGEST_RELIST_PAUSE: Duration = Duration::from_secs(8);

/// Objects in one answer to a list. Not many: each may have a mebibyte and more, and an answer is in memory as a
/// whole, while of what it holds little is kept. Whoever may write ConfigMaps must not be able to end the operator.
const PAGE: u32 = 32;

/// Where the watches run and whom they tell.
#[derive(Clone)]
pub struct Watches {
    client: Client,
    namespace: Arc<str>,
    tell: mpsc::Sender<Seen>,
    limit: usize,
    relist: Arc<BTreeMap<Kind, Notify>>,
}

impl Watches {
    /// Watches of one namespace; `limit` is what the bundle may have, bytes.
    pub fn new(client: Client, namespace: &str, limit: usize, tell: mpsc::Sender<Seen>) -> Self {
        let relist = Kind::ACCESS.into_iter().map(|kind| (kind, Notify::new())).collect();
        Self { client, namespace: namespace.into(), tell, limit, relist: Arc::new(relist) }
    }

    /// Starts everything that is watched from the beginning.
    pub fn start(&self, tasks: &mut JoinSet<()>) {
        for kind in Kind::ACCESS {
            tasks.spawn(self.clone().definition(kind));
            tasks.spawn(self.clone().kind(kind));
        }
        tasks.spawn(self.clone().maps());
        tasks.spawn(self.clone().index());
        tasks.spawn(self.clone().signing_key());
        tasks.spawn(self.clone().ca_bundle());
    }

    /// A list of this kind does not count: ask for it again, soon.
    pub fn relist(&self, kind: Kind) {
        if let Some(notify) = self.relist.get(&kind) {
            notify.notify_one();
        }
    }

    async fn tell(&self, seen: Seen) {
        // Only at the end of the process is nobody there to be told.
        let _ = self.tell.send(seen).await;
    }

    fn namespaced<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn definition(self, kind: Kind) {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        self.one(api, &kind.resource(), |found| Seen::Definition(kind, Schema::of(found.as_ref()))).await;
    }

    /// The definition as it is now, however long it takes to be told.
    async fn defined(&self, kind: Kind) -> Schema {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        loop {
            match api.get_opt(&kind.resource()).await {
                Ok(found) => return Schema::of(found.as_ref()),
                Err(error) => {
                    tracing::warn!(%kind, error = %chain(&error), "the definition cannot be read");
                    tokio::time::sleep(RELIST_PAUSE).await;
                }
            }
        }
    }

    async fn kind(self, kind: Kind) {
        let mut pause = RELIST_PAUSE;
        loop {
            let began = Instant::now();
            let schema = self.defined(kind).await;
            self.tell(Seen::Definition(kind, schema)).await;
            tokio::select! {
                () = self.objects(kind) => {}
                () = self.told_to_relist(kind, pause) => {}
            }
            let long = began.elapsed() > LONGEST_RELIST_PAUSE.saturating_mul(2);
            pause = if long { RELIST_PAUSE } else { pause.saturating_mul(2).min(LONGEST_RELIST_PAUSE) };
        }
    }

    /// Ends some time after it was told. The watch goes on until then, so that deletions count however often
    /// somebody overwrites the definition.
    async fn told_to_relist(&self, kind: Kind, pause: Duration) {
        match self.relist.get(&kind) {
            Some(notify) => notify.notified().await,
            None => std::future::pending().await,
        }
        tokio::time::sleep(pause).await;
    }

    async fn objects(&self, kind: Kind) {
        let gvk = GroupVersionKind::gvk(GROUP, kind.version(), kind.kind());
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
        let api: Api<Arrived> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let mut events = watched(api, watcher::Config::default().page_size(PAGE)).boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => self.tell(Seen::Begin(kind)).await,
                Ok(Event::InitApply(object)) if object.is_going() => {}
                Ok(Event::InitApply(Arrived(object))) => {
                    self.tell(Seen::Item(Shown::new(kind, object).into())).await;
                }
                Ok(Event::InitDone) => {
                    let after = self.defined(kind).await;
                    self.tell(Seen::End(kind, after)).await;
                }
                Ok(Event::Apply(object)) if object.is_going() => self.gone(kind, &object).await,
                Ok(Event::Apply(Arrived(object))) => {
                    self.tell(Seen::Changed(Shown::new(kind, object).into())).await;
                }
                Ok(Event::Delete(object)) => self.gone(kind, &object).await,
                Err(error) => tracing::warn!(%kind, error = %chain(&error), "the watch was interrupted"),
            }
        }
    }

    async fn gone(&self, kind: Kind, object: &Arrived) {
        self.tell(Seen::Gone(ObjectRef { kind, name: object.name_any().into() })).await;
    }

    async fn maps(self) {
        let config = watcher::Config::default().labels(SELECTOR).page_size(PAGE);
        let mut events = watched(self.namespaced::<ConfigMap>(), config).boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => self.tell(Seen::MapsBegin).await,
                Ok(Event::InitApply(map)) => {
                    let (name, map) = seen::map(&map);
                    self.tell(Seen::MapsItem(name, map)).await;
                }
                Ok(Event::InitDone) => self.tell(Seen::MapsEnd).await,
                Ok(Event::Apply(map)) => {
                    let (name, map) = seen::map(&map);
                    self.tell(Seen::Map(name, map)).await;
                }
                Ok(Event::Delete(map)) => self.tell(Seen::MapGone(map.name_any().into())).await,
                Err(error) => tracing::warn!(error = %chain(&error), "the watch of shards was interrupted"),
            }
        }
    }

    async fn index(self) {
        let limit = self.limit;
        let seen = |found: Option<Secret>| {
            let rival = found.as_ref().and_then(|found| rival(&found.metadata, None));
            Seen::Index(seen::index(found.as_ref(), limit), rival)
        };
        self.one(self.namespaced(), INDEX_SECRET, seen).await;
    }

    async fn signing_key(self) {
        let seen = |found: Option<Secret>| Seen::SigningKey(seen::signing_key(found.as_ref()));
        self.one(self.namespaced(), SIGNING_SECRET, seen).await;
    }

    async fn ca_bundle(self) {
        self.one(self.namespaced(), trusted::SECRET, |found| Seen::CaBundle(seen::ca_bundle(found))).await;
    }

    /// Watches what a JwtIssuer refers to, until it is aborted.
    pub async fn reference(self, to: KeyRef) {
        let data = |data| Seen::Reference(to.clone(), seen::content(data, &to.key));
        let refused = || Some(Seen::Reference(to.clone(), Content::Refused));
        match to.kind {
            RefKind::Secret => {
                let seen = |found: Option<Secret>| data(found.map(seen::secret_data));
                self.one_or(self.namespaced(), &to.name, seen, refused).await;
            }
            RefKind::ConfigMap => {
                let seen = |found: Option<ConfigMap>| data(found.map(seen::map_data));
                self.one_or(self.namespaced(), &to.name, seen, refused).await;
            }
        }
    }

    /// Watches one object by its name, so that the right to read it is enough; tells of each version, and
    /// of its absence.
    async fn one<K>(&self, api: Api<K>, name: &str, seen: impl Fn(Option<K>) -> Seen)
    where
        K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
        K::DynamicType: Default,
    {
        self.one_or(api, name, seen, || None).await;
    }

    /// The same, and tells where we may not watch it.
    async fn one_or<K>(
        &self,
        api: Api<K>,
        name: &str,
        seen: impl Fn(Option<K>) -> Seen,
        refused: impl Fn() -> Option<Seen>,
    ) where
        K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
        K::DynamicType: Default,
    {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut events = watched(api, config).boxed();
        let mut listed = None;
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed = None,
                Ok(Event::InitApply(object)) => listed = Some(object),
                Ok(Event::InitDone) => self.tell(seen(listed.take())).await,
                Ok(Event::Apply(object)) => self.tell(seen(Some(object))).await,
                Ok(Event::Delete(_)) => self.tell(seen(None)).await,
                Err(error) => {
                    tracing::warn!(name, error = %chain(&error), "the watch was interrupted");
                    if let Some(seen) = refused().filter(|_| is_refusal(&error)) {
                        self.tell(seen).await;
                    }
                }
            }
        }
    }
}

/// Whether the API server says that we may not.
pub(super) fn is_refusal(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => {
            super::apply::code(error) == Some(403)
        }
        _ => false,
    }
}
