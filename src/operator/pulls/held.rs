//! What the cluster holds that matters for pull secrets, as far as somebody needs it: namespaces, ServiceAccounts, the
//! accounts that functions run as, their Pods, and the Secrets of our names. Of Secrets that are not ours nothing is kept but that
//! they are there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStatus, Namespace, Pod, PodSpec, Secret, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;

use super::mirror::Kept;
use super::names;
use crate::bundle::Digest;
use crate::model::Registry;
use crate::model::is_function_namespace;
use crate::operator::holdings::Version;
use crate::operator::rivals::rival;
use crate::registry::{ADDED, Account, DOCKER_CONFIG_JSON, Login, Marks, merge, read};

/// The type of every pull secret.
pub const TYPE: &str = "kubernetes.io/dockerconfigjson";
/// The label that OpenFaaS' provider puts on the Deployments of functions, and on their Pods with the function's name.
pub const FUNCTION: &str = "faas_function";

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldNamespace {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it takes credentials.
    pub takes: bool,
    /// Whether it is being deleted: nothing can be made in it any more.
    pub ends: bool,
    /// When it was created, seconds since 1970.
    pub created: i64,
    version: Version,
}

impl HeldNamespace {
    /// As it was seen; `default` is the default function namespace.
    pub fn of(namespace: &Namespace, default: &str) -> Self {
        let name = namespace.name_any();
        Self {
            labels: namespace.labels().clone(),
            takes: is_function_namespace(&name, namespace.annotations(), default),
            ends: namespace.metadata.deletion_timestamp.is_some(),
            created: created(&namespace.metadata),
            version: version(&namespace.metadata),
        }
    }
}

/// A ServiceAccount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAccount {
    /// What it says of pull secrets.
    pub account: Account,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Who has changed it last, where that is not us.
    pub rival: Option<Box<str>>,
    /// Whether the API server records who changes it.
    pub recorded: bool,
    version: Version,
}

impl HeldAccount {
    /// As it was seen.
    pub fn of(account: &ServiceAccount) -> Self {
        let meta = &account.metadata;
        let references = account.image_pull_secrets.as_ref();
        let version = version(meta);
        Self {
            account: Account {
                resource_version: version.resource_version.clone(),
                annotations: meta.annotations.as_ref().map(noted),
                references: references.map(|all| all.iter().map(|one| one.name.clone()).collect()),
            },
            labels: account.labels().clone(),
            rival: rival(meta, None),
            recorded: meta.managed_fields.as_ref().is_some_and(|entries| !entries.is_empty()),
            version,
        }
    }
}

/// What we have noted, and nothing that others have: whoever may write ServiceAccounts must not be able to end the operator.
fn noted(annotations: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    annotations.get_key_value(ADDED).map(|(key, value)| (key.clone(), value.clone())).into_iter().collect()
}

/// As whom a function runs, and whether its Pods get a list of pull secrets of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldFunction {
    /// The ServiceAccount's name.
    pub account: Box<str>,
    /// Whether it lists pull secrets, so that those of the ServiceAccount count for none of its Pods.
    pub lists: bool,
    /// Which version.
    pub version: Version,
}

impl HeldFunction {
    /// As it was seen.
    pub fn of(deployment: &Deployment) -> Self {
        let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        let lists = pod.is_some_and(|pod| !names(pod).is_empty());
        Self { account: account(pod), lists, version: version(&deployment.metadata) }
    }
}

/// A Pod of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPod {
    /// The function's name.
    pub function: Box<str>,
    /// The ServiceAccount's name.
    pub account: Box<str>,
    /// The names in its `imagePullSecrets`, which never change.
    pub names: BTreeSet<Box<str>>,
    /// Whether a container waits for an image that cannot be pulled.
    pub waits: bool,
    /// Whether it is being deleted.
    pub ends: bool,
    /// The uid of the ReplicaSet that makes another one when it is gone.
    pub maker: Option<Box<str>>,
    /// When it was created, seconds since 1970.
    pub created: i64,
    /// Which version.
    pub version: Version,
}

impl HeldPod {
    /// As it was seen.
    pub fn of(pod: &Pod) -> Self {
        let owners = pod.metadata.owner_references.iter().flatten();
        let mut makers = owners.filter(|owner| owner.controller == Some(true) && owner.kind == "ReplicaSet");
        Self {
            function: pod.labels().get(FUNCTION).map(|name| name.as_str().into()).unwrap_or_default(),
            account: account(pod.spec.as_ref()),
            names: pod.spec.as_ref().map(names).unwrap_or_default(),
            waits: waits(pod),
            ends: pod.metadata.deletion_timestamp.is_some(),
            maker: makers.next().map(|owner| owner.uid.as_str().into()),
            created: created(&pod.metadata),
            version: version(&pod.metadata),
        }
    }
}

fn account(pod: Option<&PodSpec>) -> Box<str> {
    let account = pod.and_then(|pod| pod.service_account_name.as_deref()).filter(|name| !name.is_empty());
    account.unwrap_or("default").into()
}

fn names(pod: &PodSpec) -> BTreeSet<Box<str>> {
    pod.image_pull_secrets.iter().flatten().map(|one| one.name.as_str().into()).collect()
}

/// Whether the kubelet has tried to pull, in vain.
fn waits(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let containers = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    let reason = |one: &ContainerStatus| one.state.as_ref()?.waiting.as_ref()?.reason.clone();
    containers.filter_map(reason).any(|reason| matches!(&*reason, "ErrImagePull" | "ImagePullBackOff"))
}

/// A Secret of one of our names. Has no `Debug`: it holds logins.
#[derive(Clone, PartialEq, Eq)]
pub struct HeldSecret {
    /// Which version.
    pub version: Version,
    /// Whether it says that we made it, for this installation.
    pub ours: bool,
    /// Whether it is of [`TYPE`], which nobody can change.
    pub fits: bool,
    /// Whether nobody can change it.
    pub immutable: bool,
    /// Of the file in it.
    pub digest: Option<Digest>,
    /// Keys beside the file, where it is ours.
    pub others: BTreeSet<String>,
    /// What it says of the entries in it, where it is ours.
    pub marks: Marks,
    /// Whether Argo CD is told to leave it alone.
    pub marked: bool,
    /// What is in it, where it is ours.
    pub logins: Arc<BTreeMap<Registry, Login>>,
    /// Of the file that we would have written for the same logins.
    pub meaning: Digest,
    /// Who has changed it last, where that is not us.
    pub rival: Option<Box<str>>,
}

impl HeldSecret {
    /// As it was seen, by an installation in the IAM namespace `owner`.
    pub fn of(secret: &Secret, owner: &str, known: &mut Contents) -> Self {
        let data = secret.data.as_ref();
        let file = data.and_then(|data| data.get(DOCKER_CONFIG_JSON));
        let (logins, meaning) = file.map_or_else(Default::default, |file| known.of(&file.0));
        let ours = names::is_ours(secret.labels(), owner);
        let keys = data.filter(|_| ours).into_iter().flatten().map(|(key, _)| key.clone());
        Self {
            version: version(&secret.metadata),
            ours,
            fits: secret.type_.as_deref() == Some(TYPE),
            immutable: secret.immutable == Some(true),
            digest: file.map(|file| Digest::of(&file.0)),
            others: keys.filter(|key| key != DOCKER_CONFIG_JSON).collect(),
            marks: if ours { names::marks(secret.annotations()) } else { Marks::default() },
            marked: names::is_marked(secret.annotations()),
            logins: if ours { logins } else { Arc::default() },
            meaning,
            rival: rival(&secret.metadata, None),
        }
    }
}

/// What the files of many namespaces say, each once: they mostly say the same.
#[derive(Default)]
pub struct Contents(BTreeMap<Digest, (Weak<BTreeMap<Registry, Login>>, Digest)>);

impl Contents {
    fn of(&mut self, file: &[u8]) -> (Arc<BTreeMap<Registry, Login>>, Digest) {
        let digest = Digest::of(file);
        if let Some((logins, meaning)) = self.0.get(&digest)
            && let Some(logins) = logins.upgrade()
        {
            return (logins, *meaning);
        }
        self.0.retain(|_, (logins, _)| logins.strong_count() > 0);
        let logins = Arc::new(read(file));
        let meaning = Digest::of(&merge(logins.iter()).file);
        self.0.insert(digest, (Arc::downgrade(&logins), meaning));
        (logins, meaning)
    }
}

macro_rules! kept {
    ($($of:ty),*) => {$(
        impl Kept for $of {
            fn is_older_than(&self, other: &Self) -> bool {
                self.version.is_older_than(&other.version)
            }
        }
    )*};
}
kept!(HeldNamespace, HeldAccount, HeldFunction, HeldPod, HeldSecret);

fn version(meta: &ObjectMeta) -> Version {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Version { uid: text(&meta.uid), resource_version: text(&meta.resource_version) }
}

fn created(meta: &ObjectMeta) -> i64 {
    meta.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    fn meta(annotations: &[(&str, &str)]) -> ObjectMeta {
        let annotations = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        ObjectMeta { annotations: Some(annotations.collect()), ..ObjectMeta::default() }
    }

    #[test]
    fn s27_a_service_account_is_held_without_what_others_note_on_it() {
        let of = |annotations: &[(&str, &str)]| {
            HeldAccount::of(&ServiceAccount { metadata: meta(annotations), ..ServiceAccount::default() })
        };
        let (ours, noise) = ((ADDED, "openfaas/pull"), "x".repeat(1 << 17));
        assert_eq!(of(&[ours, ("example.com/note", &noise)]), of(&[ours]));
        // An empty field is no absent one: a patch has to make that first.
        assert_ne!(of(&[("example.com/note", &noise)]), HeldAccount::of(&ServiceAccount::default()));
    }

    #[test]
    fn s27_of_somebody_elses_secret_nothing_is_held_that_they_can_make_long() {
        let of = |annotations: &[(&str, &str)], keys: &[&str]| {
            let data = keys.iter().map(|key| ((*key).to_owned(), ByteString(b"{}".to_vec())));
            let data = Some(data.collect());
            let secret = Secret { metadata: meta(annotations), data, ..Secret::default() };
            HeldSecret::of(&secret, "openfaas", &mut Contents::default())
        };
        let (registries, names) = ("ghcr.io,".repeat(1 << 14), "a,".repeat(1 << 16));
        let full =
            [("iam.openfaas.com/retained-registries", &*registries), ("iam.openfaas.com/logins-of", &names)];
        assert!(of(&full, &[DOCKER_CONFIG_JSON, "other"]) == of(&[], &[DOCKER_CONFIG_JSON]));
    }
}
