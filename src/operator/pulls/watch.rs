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

use super::access::{Verb, Watched};
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
use crate::watched::{Told, told};

/// Objects in one answer to a list, which is in memory as a whole: those that are small, and may have a quarter of a
/// mebibyte of annotations each all the same,
const PAGE: u32 = 64;
/// and those that may have a mebibyte each.
const LARGE_PAGE: u32 = 16;

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
        self.all(Watched::Credentials, api, config(LARGE_PAGE), name, kept, Seen::Credential).await;
    }

    async fn namespaces(self) {
        let default = self.install.default_namespace.clone();
        let name = |object: &Namespace| Box::from(object.name_any());
        let kept = move |object: Namespace| HeldNamespace::of(&object, &default);
        self.all(
            Watched::Namespaces,
            Api::all(self.client.clone()),
            config(PAGE),
            name,
            kept,
            Seen::Namespace,
        )
        .await;
    }

    async fn accounts(self) {
        let kept = |object: ServiceAccount| HeldAccount::of(&object);
        self.all(Watched::Accounts, Api::all(self.client.clone()), config(PAGE), key, kept, Seen::Account)
            .await;
    }

    async fn functions(self) {
        let kept = |object: Deployment| HeldFunction::of(&object);
        let config = config(PAGE).labels(FUNCTION);
        self.all(Watched::Functions, Api::all(self.client.clone()), config, key, kept, Seen::Function).await;
    }

    async fn pods(self) {
        let kept = |object: Pod| HeldPod::of(&object);
        let config = config(PAGE).labels(FUNCTION);
        self.all(Watched::Pods, Api::all(self.client.clone()), config, key, kept, Seen::Pod).await;
    }

    /// The merged Secret of every namespace: the only name that we may list.
    async fn secrets(self) {
        let config = config(LARGE_PAGE).fields(&format!("metadata.name={}", self.install.secret));
        let api: Api<Secret> = Api::all(self.client.clone());
        let mut ear = self.ear(Watched::Secrets);
        let mut told = told(api, config).boxed();
        while let Some(told) = told.next().await {
            if let Some(event) = ear.hear(told).await {
                self.tell(Message::Secret(change(event, key, Box::new))).await;
            }
        }
    }

    /// The Secret of a single credential.
    async fn dedicated(self, (namespace, name): Key) {
        let message = |secret: Option<Secret>| {
            Message::Dedicated((namespace.clone(), name.clone()), secret.map(Box::new))
        };
        let ear = self.ear(Watched::Dedicated((namespace.clone(), name.clone())));
        self.one(ear, &namespace, &name, message).await;
    }

    /// Watches the Secret of a `secretRef`, until it is aborted.
    pub async fn source(self, name: Box<str>) {
        let message = |secret: Option<Secret>| {
            Message::Seen(Seen::Source(name.clone(), secret.map_or(Source::Absent, source)))
        };
        let ear = self.ear(Watched::Source(name.clone()));
        self.one(ear, &self.install.namespace, &name, message).await;
    }

    /// Watches one Secret by its name, so that the right to read it is enough; tells of each version, and of its absence.
    async fn one(
        &self,
        mut ear: Ear,
        namespace: &str,
        name: &str,
        message: impl Fn(Option<Secret>) -> Message,
    ) {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut told = told(api, config).boxed();
        let mut listed = None;
        while let Some(told) = told.next().await {
            let found = match ear.hear(told).await {
                None => continue,
                Some(Event::Init) => {
                    listed = None;
                    continue;
                }
                Some(Event::InitApply(secret)) => {
                    listed = Some(secret);
                    continue;
                }
                Some(Event::InitDone) => listed.take(),
                Some(Event::Apply(secret)) => Some(secret),
                Some(Event::Delete(_)) => None,
            };
            self.tell(message(found)).await;
        }
    }

    async fn all<K, I, V>(
        &self,
        of: Watched,
        api: Api<K>,
        config: watcher::Config,
        name: impl Fn(&K) -> I,
        kept: impl Fn(K) -> V,
        seen: impl Fn(Change<I, V>) -> Seen,
    ) where
        K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let mut ear = self.ear(of);
        let mut told = told(api, config).boxed();
        while let Some(told) = told.next().await {
            if let Some(event) = ear.hear(told).await {
                self.tell(Message::Seen(seen(change(event, &name, &kept)))).await;
            }
        }
    }

    fn ear(&self, of: Watched) -> Ear {
        Ear { of, refused: false, tell: self.tell.clone() }
    }

    async fn tell(&self, message: Message) {
        // Nobody listens any more where we are ending.
        let _ = self.tell.send(message).await;
    }
}

/// Who hears what a watch tells, and tells itself when it is refused, and when no more.
struct Ear {
    of: Watched,
    refused: bool,
    tell: mpsc::Sender<Message>,
}

impl Ear {
    async fn hear<K>(&mut self, told: Told<K>) -> Option<Event<K>> {
        match told {
            // A list is about to be asked for.
            Told::Event(Event::Init) => Some(Event::Init),
            Told::Event(event) => {
                self.allowed().await;
                Some(event)
            }
            Told::GoesOn => {
                self.allowed().await;
                None
            }
            Told::Failed(error) => {
                tracing::warn!(what = %self.of, error = %chain(&error), "the watch was interrupted");
                if let Some(verb) = refused(&error) {
                    self.refused = true;
                    self.say(Some(verb)).await;
                }
                None
            }
        }
    }

    async fn allowed(&mut self) {
        if std::mem::take(&mut self.refused) {
            self.say(None).await;
        }
    }

    async fn say(&self, refused: Option<Verb>) {
        // Nobody listens any more where we are ending.
        let _ = self.tell.send(Message::Seen(Seen::Access(self.of.clone(), refused))).await;
    }
}

/// The right for want of which the API server refuses to show something.
fn refused(error: &watcher::Error) -> Option<Verb> {
    let verb = match error {
        watcher::Error::InitialListFailed(_) => Verb::List,
        _ => Verb::Watch,
    };
    crate::operator::watch::is_refusal(error).then_some(verb)
}

fn change<K, I, V>(event: Event<K>, name: impl Fn(&K) -> I, kept: impl Fn(K) -> V) -> Change<I, V> {
    match event {
        Event::Init => Change::Begin,
        Event::InitApply(object) => Change::Item(name(&object), kept(object)),
        Event::InitDone => Change::End,
        Event::Apply(object) => Change::Set(name(&object), kept(object)),
        Event::Delete(object) => Change::Gone(name(&object)),
    }
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
