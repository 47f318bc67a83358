//! A cluster in memory, as far as pull secrets see it: it takes the writes as an API server does (versions, tests of JSON
//! Patch, immutable Secrets), tells of every change, and counts.

mod writes;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::api::{Kind, Reason};
use crate::operator::pulls::access::{Verb, Watched};
use crate::operator::pulls::declared::Declared;
use crate::operator::pulls::held::{HeldAccount, HeldFunction, HeldNamespace, HeldPod};
use crate::operator::pulls::mirror::Change;
use crate::operator::pulls::source::Source;
use crate::operator::pulls::world::{Install, Key, Seen, World};
use crate::operator::shown::Shown;

pub const IAM: &str = "openfaas";
pub const PULL: &str = "faas-iam-pull";
pub const START: i64 = 1_800_000_000_000;

/// An object of the cluster, as JSON.
pub type Objects = BTreeMap<Key, Value>;

pub struct Cluster {
    pub world: World,
    pub now: i64,
    pub namespaces: BTreeMap<Box<str>, Value>,
    pub accounts: Objects,
    pub secrets: Objects,
    pub functions: Objects,
    pub pods: Objects,
    pub credentials: BTreeMap<Box<str>, Value>,
    pub sources: BTreeMap<Box<str>, Source>,
    /// Every write, as `namespace verb object`.
    pub writes: Vec<String>,
    /// What the API server says to every write in a namespace.
    pub refusing: BTreeMap<Box<str>, (Reason, &'static str)>,
    pub install: Install,
    /// Whether the operator may list ServiceAccounts.
    pub lists_accounts: bool,
    /// A Secret that somebody deletes while the answer to the next write in its namespace is on its way.
    pub late: Option<Key>,
    version: i64,
}

pub fn key(namespace: &str, name: &str) -> Key {
    (namespace.into(), name.into())
}

impl Cluster {
    /// With these function namespaces, each with its `default` ServiceAccount, and an operator that knows them.
    pub fn of(namespaces: &[&str]) -> Self {
        let install = Install {
            namespace: IAM.into(),
            secret: PULL.into(),
            default_namespace: "openfaas-fn".into(),
            dedicated: [key("dev", "own")].into(),
            stuck_pods: true,
        };
        let mut cluster = Self {
            world: World::new(install.clone()),
            now: START,
            namespaces: BTreeMap::new(),
            accounts: BTreeMap::new(),
            secrets: BTreeMap::new(),
            functions: BTreeMap::new(),
            pods: BTreeMap::new(),
            credentials: BTreeMap::new(),
            sources: BTreeMap::new(),
            writes: Vec::new(),
            refusing: BTreeMap::new(),
            install,
            lists_accounts: true,
            late: None,
            version: 0,
        };
        cluster.restart();
        namespaces.iter().for_each(|name| cluster.namespace(name, json!({"openfaas": "1"})));
        cluster
    }

    /// Another operator, which lists everything.
    pub fn restart(&mut self) {
        self.world = World::new(self.install.clone());
        self.list();
        for name in self.world.sources_wanted() {
            let source = self.sources.get(&name).cloned().unwrap_or(Source::Absent);
            self.see(Seen::Source(name, source));
        }
    }

    /// Everything is listed, as after a watch that broke off.
    pub fn list(&mut self) {
        let default = self.install.default_namespace.clone();
        self.see(Seen::Namespace(Change::Begin));
        for (name, object) in self.namespaces.clone() {
            let held = HeldNamespace::of(&typed(&object), &default);
            self.see(Seen::Namespace(Change::Item(name, held)));
        }
        self.see(Seen::Namespace(Change::End));
        self.list_accounts();
        self.see(Seen::Function(Change::Begin));
        for (key, object) in self.functions.clone() {
            self.see(Seen::Function(Change::Item(key, HeldFunction::of(&typed(&object)))));
        }
        self.see(Seen::Function(Change::End));
        self.see(Seen::Pod(Change::Begin));
        for (key, object) in self.pods.clone() {
            self.see(Seen::Pod(Change::Item(key, HeldPod::of(&typed(&object)))));
        }
        self.see(Seen::Pod(Change::End));
        self.see(Seen::Secret(Change::Begin));
        for (key, object) in self.secrets.clone().into_iter().filter(|((_, name), _)| **name == *PULL) {
            let held = self.world.kept(&typed(&object));
            self.see(Seen::Secret(Change::Item(key, held)));
        }
        self.see(Seen::Secret(Change::End));
        for key in self.install.dedicated.clone() {
            let held = self.secrets.get(&key).cloned().map(|object| self.world.kept(&typed(&object)));
            self.see(Seen::Dedicated(key, held));
        }
        self.see(Seen::Credential(Change::Begin));
        for (name, object) in self.credentials.clone() {
            self.see(Seen::Credential(Change::Item(name, declared(&object))));
        }
        self.see(Seen::Credential(Change::End));
    }

    fn list_accounts(&mut self) {
        self.see(Seen::Account(Change::Begin));
        if !self.lists_accounts {
            return;
        }
        for (key, object) in self.accounts.clone() {
            self.see(Seen::Account(Change::Item(key, HeldAccount::of(&typed(&object)))));
        }
        self.see(Seen::Account(Change::End));
    }

    /// The API server refuses to show something, so many times in a row.
    pub fn refuse(&mut self, watched: &Watched, verb: Verb, times: usize) {
        (0..times).for_each(|_| self.see(Seen::Access(watched.clone(), Some(verb))));
    }

    /// It shows that again.
    pub fn allow(&mut self, watched: &Watched) {
        self.see(Seen::Access(watched.clone(), None));
    }

    fn see(&mut self, seen: Seen) {
        self.world.take(seen, self.now);
    }

    pub fn next(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    /// A namespace with these annotations, and its `default` ServiceAccount.
    pub fn namespace(&mut self, name: &str, annotations: Value) {
        let second = self.version;
        let version = self.next();
        let object = json!({"metadata": {
            "name": name, "uid": format!("n-{name}"), "resourceVersion": version, "annotations": annotations,
            "labels": {"name": name},
            "creationTimestamp": Timestamp::from_second(1_700_000_000 + second).unwrap().to_string(),
        }});
        self.namespaces.insert(name.into(), object.clone());
        let held = HeldNamespace::of(&typed(&object), &self.install.default_namespace);
        self.see(Seen::Namespace(Change::Set(name.into(), held)));
        if !self.accounts.contains_key(&key(name, "default")) {
            self.account(name, "default", json!({}));
        }
    }

    /// A namespace is being deleted.
    pub fn ends(&mut self, name: &str) {
        let version = self.next();
        let object = self.namespaces.get_mut(name).unwrap();
        object["metadata"]["deletionTimestamp"] = json!("2027-01-01T00:00:00Z");
        object["metadata"]["resourceVersion"] = json!(version);
        let held = HeldNamespace::of(&typed(object), &self.install.default_namespace);
        self.see(Seen::Namespace(Change::Set(name.into(), held)));
    }

    /// A ServiceAccount, as somebody writes it.
    pub fn account(&mut self, namespace: &str, name: &str, mut object: Value) {
        let (version, key) = (self.next(), key(namespace, name));
        object["metadata"]["name"] = json!(name);
        object["metadata"]["namespace"] = json!(namespace);
        object["metadata"]["uid"] = json!(format!("a-{namespace}-{name}"));
        object["metadata"]["resourceVersion"] = json!(version);
        self.accounts.insert(key.clone(), object.clone());
        self.see(Seen::Account(Change::Set(key, HeldAccount::of(&typed(&object)))));
    }

    /// A function that runs as this ServiceAccount.
    pub fn function(&mut self, namespace: &str, name: &str, account: &str) {
        self.deployment(namespace, name, json!({"containers": [], "serviceAccountName": account}));
    }

    /// A function whose Pods have this spec.
    pub fn deployment(&mut self, namespace: &str, name: &str, pod: Value) {
        let (version, key) = (self.next(), key(namespace, name));
        let object = json!({
            "metadata": {"name": name, "namespace": namespace, "uid": name, "resourceVersion": version},
            "spec": {"selector": {}, "template": {"spec": pod}},
        });
        self.functions.insert(key.clone(), object.clone());
        self.see(Seen::Function(Change::Set(key, HeldFunction::of(&typed(&object)))));
    }

    /// A Pod of a function, made by its ReplicaSet and admitted as by an API server, which cannot pull.
    pub fn pod(&mut self, namespace: &str, name: &str, function: &str) {
        let mut spec = self.functions[&key(namespace, function)]["spec"]["template"]["spec"].clone();
        let account = spec["serviceAccountName"].as_str().unwrap().to_owned();
        if spec["imagePullSecrets"].is_null() {
            spec["imagePullSecrets"] =
                self.references(namespace, &account).iter().map(|name| json!({"name": name})).collect();
        }
        let object = json!({
            "metadata": {
                "name": name, "namespace": namespace, "uid": format!("p-{}", self.version),
                "labels": {"faas_function": function},
                "creationTimestamp": Timestamp::from_second(1_700_000_000 + self.version).unwrap().to_string(),
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": function,
                    "uid": format!("r-{function}"), "controller": true,
                }],
            },
            "spec": spec, "status": {"containerStatuses": [waiting("ErrImagePull")]},
        });
        self.change_pod(namespace, name, object);
    }

    /// A Pod as it is since; what is not given stays.
    pub fn change_pod(&mut self, namespace: &str, name: &str, change: Value) {
        let (version, key) = (self.next(), key(namespace, name));
        let object = self.pods.entry(key.clone()).or_default();
        json_patch::merge(object, &change);
        object["metadata"]["resourceVersion"] = json!(version);
        let held = HeldPod::of(&typed(object));
        self.see(Seen::Pod(Change::Set(key, held)));
    }

    /// A Secret, as somebody writes it; `None` deletes it.
    pub fn secret(&mut self, namespace: &str, name: &str, object: Option<Value>) {
        let key = key(namespace, name);
        let Some(mut object) = object else {
            self.secrets.remove(&key);
            return self.told(key);
        };
        object["metadata"]["name"] = json!(name);
        object["metadata"]["uid"] = json!(format!("s-{}", self.version));
        object["metadata"]["resourceVersion"] = json!(self.next());
        self.secrets.insert(key.clone(), object);
        self.told(key);
    }

    fn told(&mut self, key: Key) {
        let held = self.secrets.get(&key).cloned().map(|object| self.world.kept(&typed(&object)));
        let seen = match held {
            held if *key.1 != *PULL => Seen::Dedicated(key, held),
            Some(held) => Seen::Secret(Change::Set(key, held)),
            None => Seen::Secret(Change::Gone(key)),
        };
        self.see(seen);
    }

    /// The login in the Secret `name` of the IAM namespace.
    pub fn source(&mut self, name: &str, username: &str, password: &str) {
        let data = [("username", username), ("password", password)];
        let data = data.map(|(key, value)| (key, Zeroizing::new(value.as_bytes().to_vec())));
        self.sourced(name, Source::Secret("kubernetes.io/basic-auth".to_owned(), data.into()));
    }

    pub fn sourced(&mut self, name: &str, source: Source) {
        self.sources.insert(name.into(), source.clone());
        if self.world.sources_wanted().contains(name) {
            self.see(Seen::Source(name.into(), source));
        }
    }

    /// A RegistryCredential; the first is the oldest.
    pub fn credential(&mut self, name: &str, spec: Value) {
        let version = self.next();
        let before = self.credentials.get(name);
        let created = before.map_or_else(
            || json!(Timestamp::from_second(1_700_000_000 + self.version).unwrap().to_string()),
            |before| before["metadata"]["creationTimestamp"].clone(),
        );
        let generation = before.map_or(1, |before| before["metadata"]["generation"].as_i64().unwrap() + 1);
        let status = before.map_or(Value::Null, |before| before["status"].clone());
        let object = json!({
            "apiVersion": "iam.openfaas.com/v1alpha1", "kind": "RegistryCredential",
            "metadata": {
                "name": name, "uid": format!("c-{name}"), "resourceVersion": version, "generation": generation,
                "creationTimestamp": created,
            },
            "spec": spec, "status": status,
        });
        self.credentials.insert(name.into(), object.clone());
        self.see(Seen::Credential(Change::Set(name.into(), declared(&object))));
        for name in self.world.sources_wanted() {
            let source = self.sources.get(&name).cloned().unwrap_or(Source::Absent);
            self.see(Seen::Source(name, source));
        }
    }

    pub fn delete(&mut self, credential: &str) {
        self.credentials.remove(credential);
        self.see(Seen::Credential(Change::Gone(credential.into())));
    }

    /// A condition of a credential, as `status reason: message`.
    pub fn condition(&mut self, credential: &str, type_: &str) -> String {
        self.report();
        let conditions =
            self.credentials[credential]["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = conditions.iter().find(|condition| condition["type"] == type_);
        let text = |condition: &Value, name: &str| condition[name].as_str().unwrap_or_default().to_owned();
        found.map_or_else(String::new, |one| {
            format!("{} {}: {}", text(one, "status"), text(one, "reason"), text(one, "message"))
        })
    }

    /// What a namespace's pull secret says: `registry=user:password`.
    pub fn logins(&self, namespace: &str, name: &str) -> Vec<String> {
        let Some(object) = self.secrets.get(&key(namespace, name)) else { return Vec::new() };
        let secret: Secret = typed(object);
        let file = &secret.data.unwrap()[".dockerconfigjson"].0;
        let logins = crate::registry::read(file);
        logins
            .iter()
            .map(|(registry, login)| format!("{registry}={}:{}", login.username(), login.password()))
            .collect()
    }

    /// The names that a ServiceAccount refers to.
    pub fn references(&self, namespace: &str, account: &str) -> Vec<String> {
        let account: ServiceAccount = typed(&self.accounts[&key(namespace, account)]);
        account.image_pull_secrets.unwrap_or_default().into_iter().map(|one| one.name).collect()
    }
}

fn declared(object: &Value) -> Declared {
    let object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
    Declared::of(&Shown::new(Kind::RegistryCredential, object))
}

fn typed<T: serde::de::DeserializeOwned>(object: &Value) -> T {
    serde_json::from_value(object.clone()).unwrap()
}

/// The status of a container that waits for this reason.
pub fn waiting(reason: &str) -> Value {
    json!({
        "name": "function", "image": "ghcr.io/acme/resize", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": reason}},
    })
}
