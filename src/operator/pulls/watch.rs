//! The watches for pull secrets: each one a task that turns what the API server shows into messages, and keeps of it only
//! what is needed. Decides nothing.

use std::collections::BTreeMap;
use std::fmt::Debug;

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, ServiceAccount};
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::declared::Declared;
use super::held::{FUNCTION, HeldAccount, HeldFunction, HeldNamespace, HeldPod};
use super::mirror::Change;
use super::run::Message;
use super::source::{KEYS, Source};
use super::world::{Install, Key, Seen};
use crate::api::{GROUP, Kind};
use crate::causes::chain;
use crate::operator::arrived::Arrived;
use crate::operator::shown::Shown;
use crate::watched::watched;

/// Objects in one answer to a list: small ones,
const PAGE: u32 = 500;
/// and those that may have a mebibyte each.
const LARGE_PAGE: u32 = 16;

/// We may not look.
struct Refused;

/// Where the watches run and whom they tell.
#[derive(Clone)]
pub struct Watches {
    client: Client,
    install: Install,
    tell: mpsc::Sender<Message>,
}

impl Watches {
    /// Of one installation.
    pub fn new(client: Client, install: Install, tell: mpsc::Sender<Message>) -> Self {
        Self { client, install, tell }
    }

    /// Starts what is watched from the beginning.
    pub fn start(&self, tasks: &mut JoinSet<()>) {
        tasks.spawn(self.clone().credentials());
        tasks.spawn(self.clone().namespaces());
        tasks.spawn(self.clone().accounts());
        tasks.spawn(self.clone().functions());
        tasks.spawn(self.clone().secrets());
        if self.install.stuck_pods {
            tasks.spawn(self.clone().pods());
        }
        for key in self.install.dedicated.clone() {
            tasks.spawn(self.clone().dedicated(key));
        }
    }

    async fn credentials(self) {
        let kind = Kind::RegistryCredential;
        let gvk = GroupVersionKind::gvk(GROUP, kind.version(), kind.kind());
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
        let api: Api<Arrived> = Api::namespaced_with(self.client.clone(), &self.install.namespace, &resource);
        let name = |object: &Arrived| Box::from(object.name_any());
        let kept = |Arrived(object)| Declared::of(&Shown::new(kind, object));
        self.all(api, config(LARGE_PAGE), name, kept, Seen::Credential).await;
    }

    async fn namespaces(self) {
        let default = self.install.default_namespace.clone();
        let name = |object: &Namespace| Box::from(object.name_any());
        let kept = move |object: Namespace| HeldNamespace::of(&object, &default);
        self.all(Api::all(self.client.clone()), config(PAGE), name, kept, Seen::Namespace).await;
    }

    async fn accounts(self) {
        let kept = |object: ServiceAccount| HeldAccount::of(&object);
        self.all(Api::all(self.client.clone()), config(PAGE), key, kept, Seen::Account).await;
    }

    async fn functions(self) {
        let kept = |object: Deployment| HeldFunction::of(&object);
        let config = config(PAGE).labels(FUNCTION);
        self.all(Api::all(self.client.clone()), config, key, kept, Seen::Function).await;
    }

    async fn pods(self) {
        let kept = |object: Pod| HeldPod::of(&object);
        let config = config(PAGE).labels(FUNCTION);
        self.all(Api::all(self.client.clone()), config, key, kept, Seen::Pod).await;
    }

    /// The merged Secret of every namespace: the only name that we may list.
    async fn secrets(self) {
        let config = config(LARGE_PAGE).fields(&format!("metadata.name={}", self.install.secret));
        let api: Api<Secret> = Api::all(self.client.clone());
        let kept = |object: Secret| Box::new(object);
        let mut events = watched(api, config).boxed();
        while let Some(event) = events.next().await {
            if let Some(change) = change(event, "Secret", key, kept) {
                self.tell(Message::Secret(change)).await;
            }
        }
    }

    /// The Secret of a single credential. Where we may not see it, it counts as absent, and writing it tells why.
    async fn dedicated(self, (namespace, name): Key) {
        let message = |secret: Result<Option<Secret>, Refused>| {
            let secret = secret.unwrap_or_default().map(Box::new);
            Message::Dedicated((namespace.clone(), name.clone()), secret)
        };
        self.one(&namespace, &name, message).await;
    }

    /// Watches the Secret of a `secretRef`, until it is aborted.
    pub async fn source(self, name: Box<str>) {
        let message = |secret: Result<Option<Secret>, Refused>| {
            let source = secret.map_or(Source::Refused, |found| found.map_or(Source::Absent, source));
            Message::Seen(Seen::Source(name.clone(), source))
        };
        self.one(&self.install.namespace, &name, message).await;
    }

    /// Watches one Secret by its name, so that the right to read it is enough; tells of each version, of its absence, and
    /// where we may not.
    async fn one(
        &self,
        namespace: &str,
        name: &str,
        message: impl Fn(Result<Option<Secret>, Refused>) -> Message,
    ) {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut events = watched(api, config).boxed();
        let mut listed = None;
        while let Some(event) = events.next().await {
            let found = match event {
                Ok(Event::Init) => {
                    listed = None;
                    continue;
                }
                Ok(Event::InitApply(secret)) => {
                    listed = Some(secret);
                    continue;
                }
                Ok(Event::InitDone) => Ok(listed.take()),
                Ok(Event::Apply(secret)) => Ok(Some(secret)),
                Ok(Event::Delete(_)) => Ok(None),
                Err(error) => {
                    tracing::warn!(namespace, name, error = %chain(&error), "the watch was interrupted");
                    if !crate::operator::watch::is_refusal(&error) {
                        continue;
                    }
                    Err(Refused)
                }
            };
            self.tell(message(found)).await;
        }
    }

    async fn all<K, I, V>(
        &self,
        api: Api<K>,
        config: watcher::Config,
        name: impl Fn(&K) -> I,
        kept: impl Fn(K) -> V,
        seen: impl Fn(Change<I, V>) -> Seen,
    ) where
        K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let mut events = watched(api, config).boxed();
        while let Some(event) = events.next().await {
            if let Some(change) = change(event, std::any::type_name::<V>(), &name, &kept) {
                self.tell(Message::Seen(seen(change))).await;
            }
        }
    }

    async fn tell(&self, message: Message) {
        // Nobody listens any more where we are ending.
        let _ = self.tell.send(message).await;
    }
}

fn change<K, I, V>(
    event: Result<Event<K>, watcher::Error>,
    what: &str,
    name: impl Fn(&K) -> I,
    kept: impl Fn(K) -> V,
) -> Option<Change<I, V>> {
    Some(match event {
        Ok(Event::Init) => Change::Begin,
        Ok(Event::InitApply(object)) => Change::Item(name(&object), kept(object)),
        Ok(Event::InitDone) => Change::End,
        Ok(Event::Apply(object)) => Change::Set(name(&object), kept(object)),
        Ok(Event::Delete(object)) => Change::Gone(name(&object)),
        Err(error) => {
            tracing::warn!(what, error = %chain(&error), "the watch was interrupted");
            return None;
        }
    })
}

fn config(page: u32) -> watcher::Config {
    watcher::Config::default().page_size(page)
}

/// The key of an object in a namespace.
pub fn key<K: kube::Resource>(object: &K) -> Key {
    (object.namespace().unwrap_or_default().into(), object.name_any().into())
}

fn source(secret: Secret) -> Source {
    let mut data = secret.data.unwrap_or_default();
    let values = KEYS.into_iter().filter_map(|key| Some((key, Zeroizing::new(data.remove(key)?.0))));
    let values: BTreeMap<_, _> = values.collect();
    Source::Secret(secret.type_.unwrap_or_default(), values)
}
