//! Everything that is known about pull secrets, and which namespaces what was seen matters to. Pure: fed by plain calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::access::{Access, Verb, Watched};
use super::checks::Checks;
use super::declared::Declared;
use super::held::{Contents, HeldAccount, HeldFunction, HeldNamespace, HeldPod, HeldSecret};
use super::mirror::{Change, Kept as _, Mirror};
use super::plan::{Object, There};
use super::source::{Lack, Source, login};
use super::stuck::Ward;
use super::tally::Tally;
use super::work::Work;
use crate::model::Credential;
use crate::operator::allowance::Allowance;
use crate::registry::{File, Login, Part, added};

/// The key of an object in a namespace.
pub type Key = (Box<str>, Box<str>);

/// What an installation is told.
#[derive(Debug, Clone)]
pub struct Install {
    /// The IAM namespace.
    pub namespace: Box<str>,
    /// The name of the merged pull Secret.
    pub secret: Box<str>,
    /// The function namespace that needs no annotation.
    pub default_namespace: Box<str>,
    /// The Secrets of single credentials that we have the right to write, by namespace and name.
    pub dedicated: BTreeSet<Key>,
    /// Whether Pods of functions are watched for those that cannot pull.
    pub stuck_pods: bool,
}

impl Install {
    /// Whether we may write this Secret.
    pub fn may_write(&self, namespace: &str, name: &str) -> bool {
        *name == *self.secret || self.dedicated.contains(&(namespace.into(), name.into()))
    }
}

/// Something that was seen.
pub enum Seen {
    /// A RegistryCredential.
    Credential(Change<Box<str>, Declared>),
    /// A namespace.
    Namespace(Change<Box<str>, HeldNamespace>),
    /// A ServiceAccount.
    Account(Change<Key, HeldAccount>),
    /// As whom a function runs.
    Function(Change<Key, HeldFunction>),
    /// A Pod of a function. No status depends on it.
    Pod(Change<Key, HeldPod>),
    /// A merged Secret, by namespace and name.
    Secret(Change<Key, HeldSecret>),
    /// The Secret of a single credential, or that there is none.
    Dedicated(Key, Option<HeldSecret>),
    /// What a `secretRef` leads to.
    Source(Box<str>, Source),
    /// That we may not look at something, for want of this right, or may again.
    Access(Watched, Option<Verb>),
}

/// The login that a credential hands out, and what its Secret says of it.
#[derive(Debug, Default)]
pub struct Standing {
    /// What is handed out: the last good one.
    pub good: Option<Arc<Login>>,
    /// What its Secret holds now, where that is to be tried first.
    pub candidate: Option<Arc<Login>>,
    /// Why its Secret gives no login.
    pub lack: Option<Lack>,
    /// Whether a line feed was cut off there.
    pub line_feed_cut: bool,
}

/// What is known.
pub struct World {
    /// What it is told.
    pub install: Install,
    pub(super) credentials: Mirror<Box<str>, Declared>,
    pub(super) namespaces: Mirror<Box<str>, HeldNamespace>,
    pub(super) accounts: Mirror<Key, HeldAccount>,
    pub(super) functions: Mirror<Key, HeldFunction>,
    secrets: Mirror<Key, HeldSecret>,
    dedicated: BTreeMap<Key, Option<HeldSecret>>,
    sources: BTreeMap<Box<str>, Source>,
    pub(super) standings: BTreeMap<Box<str>, Standing>,
    /// The last valid form of each credential: breaking one takes nothing away (`security-rules.md` 29).
    valid: BTreeMap<Box<str>, Arc<Credential>>,
    /// What takes part, oldest first, since the last change of it.
    pub(super) parts: Vec<Part>,
    /// The broken objects of which nobody knows any more what they said: of a Secret with a login of one nothing is taken
    /// away meanwhile. One that is new has none.
    pub(super) frozen: BTreeSet<Box<str>>,
    /// Files by who is in them: most namespaces get the same.
    pub(super) files: BTreeMap<Vec<Box<str>>, Arc<File>>,
    /// What we may not look at.
    pub(super) access: Access,
    pub(super) checks: Checks,
    pub(super) work: Work,
    pub(super) ward: Ward,
    pub(super) tallies: BTreeMap<Box<str>, Tally>,
    /// How often the status of each credential may still be written.
    pub(super) allowance: Allowance<Box<str>>,
    /// When statuses have to be looked at though nothing was seen, ms since 1970.
    pub(super) wake: Option<i64>,
    /// What was read of Secrets, each text once.
    pub contents: Contents,
    now: i64,
}

impl World {
    /// Knows nothing yet.
    pub fn new(install: Install) -> Self {
        Self {
            install,
            credentials: Mirror::default(),
            namespaces: Mirror::default(),
            accounts: Mirror::default(),
            functions: Mirror::default(),
            secrets: Mirror::default(),
            dedicated: BTreeMap::new(),
            sources: BTreeMap::new(),
            standings: BTreeMap::new(),
            valid: BTreeMap::new(),
            parts: Vec::new(),
            frozen: BTreeSet::new(),
            files: BTreeMap::new(),
            access: Access::default(),
            checks: Checks::default(),
            work: Work::default(),
            ward: Ward::default(),
            tallies: BTreeMap::new(),
            allowance: Allowance::default(),
            wake: None,
            now: 0,
            contents: Contents::default(),
        }
    }

    /// Takes one thing that was seen, at this time (ms since 1970).
    pub fn take(&mut self, seen: Seen, now: i64) {
        self.now = now;
        let changed: Vec<Box<str>> = match seen {
            Seen::Credential(change) => {
                let changed = self.credentials.take(change);
                return changed.iter().for_each(|name| self.declared(name, now));
            }
            Seen::Source(name, source) => return self.sourced(name, source, now),
            Seen::Access(watched, refused) => return self.looked(watched, refused, now),
            Seen::Pod(change) => return self.ward.take(change),
            Seen::Namespace(change) => self.namespaces.take(change),
            Seen::Account(change) => {
                self.told(&change, Object::Account);
                namespaces(self.accounts.take(change))
            }
            Seen::Function(change) => namespaces(self.functions.take(change)),
            Seen::Secret(change) => {
                self.told(&change, Object::Secret);
                namespaces(self.secrets.take(change))
            }
            Seen::Dedicated(key, secret) => self.take_dedicated(key, secret).into_iter().collect(),
        };
        self.touch(changed);
    }

    /// A watch has told of some of these objects.
    fn told<V>(&mut self, change: &Change<Key, V>, object: impl FnOnce(Box<str>) -> Object) {
        match change {
            Change::Set((namespace, name), _) | Change::Gone((namespace, name)) => {
                self.work.told(namespace, object(name.clone()));
            }
            Change::End => self.work.told_all(),
            Change::Begin | Change::Item(..) => {}
        }
    }

    fn take_dedicated(&mut self, key: Key, secret: Option<HeldSecret>) -> Option<Box<str>> {
        self.work.told(&key.0, Object::Secret(key.1.clone()));
        let known = self.dedicated.get(&key).and_then(Option::as_ref);
        if known.zip(secret.as_ref()).is_some_and(|(known, seen)| seen.is_older_than(known)) {
            return None;
        }
        self.dedicated.insert(key.clone(), secret);
        Some(key.0)
    }

    /// Whether everything was listed once, and every source looked at.
    pub fn is_known(&self) -> bool {
        self.credentials.known()
            && self.namespaces.known()
            && self.accounts.known()
            && self.functions.known()
            && self.secrets.known()
            && self.install.dedicated.iter().all(|key| self.dedicated.contains_key(key))
            && self.sources_wanted().iter().all(|name| self.sources.contains_key(name))
    }

    /// The Secrets of the IAM namespace that credentials name.
    pub fn sources_wanted(&self) -> BTreeSet<Box<str>> {
        self.valid.values().map(|credential| credential.secret.clone()).collect()
    }

    /// The Secrets of our names, by namespace and name.
    fn held(&self) -> impl Iterator<Item = (&Key, &HeldSecret)> {
        let dedicated = self.dedicated.iter().filter_map(|(key, held)| Some((key, held.as_ref()?)));
        self.secrets.all().iter().chain(dedicated)
    }

    /// What a credential means, in its last valid form.
    pub fn credential(&self, name: &str) -> Option<&Arc<Credential>> {
        self.valid.get(name)
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn touch(&mut self, namespaces: impl IntoIterator<Item = Box<str>>) {
        for namespace in namespaces {
            let created = self.namespaces.get(&namespace).map_or(0, |held| held.created);
            if self.install.stuck_pods {
                self.ward.touch(namespace.clone());
            }
            self.work.touch(namespace, created, self.now);
        }
    }

    fn declared(&mut self, name: &str, now: i64) {
        match self.credentials.get(&name.into()).map(|declared| &declared.verdict) {
            None => {
                self.valid.remove(name);
                self.standings.remove(name);
                self.checks.forget(name);
            }
            // Its last valid form goes on.
            Some(Err(_)) => {}
            Some(Ok(credential)) => {
                if self.valid.insert(name.into(), credential.clone()).as_ref() == Some(credential) {
                    return;
                }
            }
        }
        let wanted = self.sources_wanted();
        self.sources.retain(|name, _| wanted.contains(name));
        self.access.retain_sources(|name| wanted.contains(name));
        self.resolve(name, now);
        self.settle();
    }

    /// What we may not look at is what it was, and where nobody knows that, none.
    fn looked(&mut self, watched: Watched, refused: Option<Verb>, now: i64) {
        self.access.take(watched.clone(), refused);
        match watched {
            _ if refused.is_none() => {}
            Watched::Source(name) if !self.sources.contains_key(&name) => {
                self.sourced(name, Source::Refused, now);
            }
            Watched::Dedicated(key) if !self.dedicated.contains_key(&key) => {
                self.dedicated.insert(key, None);
            }
            _ => {}
        }
    }

    fn sourced(&mut self, name: Box<str>, source: Source, now: i64) {
        self.sources.insert(name.clone(), source);
        let users = self.valid.iter().filter(|(_, credential)| credential.secret == name);
        let users: Vec<Box<str>> = users.map(|(name, _)| name.clone()).collect();
        for user in &users {
            self.resolve(user, now);
        }
        self.settle();
    }

    /// Which login a credential has by its source.
    fn resolve(&mut self, name: &str, now: i64) {
        let Some(credential) = self.valid.get(name) else { return };
        let Some(source) = self.sources.get(&credential.secret) else { return };
        let standing = self.standings.entry(name.into()).or_default();
        match login(source, credential) {
            Err(lack) => (standing.lack, standing.candidate) = (Some(lack), None),
            Ok(found) => {
                (standing.lack, standing.line_feed_cut) = (None, found.line_feed_cut);
                let login = Arc::new(found.login);
                let refused = self.credentials.get(&name.into()).is_some_and(Declared::was_refused);
                self.checks.wants(name, credential, &login, refused, now);
                if credential.gate_rollout && !self.checks.lets_out(name, &login) {
                    standing.candidate = Some(login);
                } else {
                    (standing.good, standing.candidate) = (Some(login), None);
                }
            }
        }
    }

    /// A registry has said something else of a credential's login.
    pub(super) fn judge_again(&mut self, name: &str, now: i64) {
        self.now = now;
        self.resolve(name, now);
        self.settle();
    }

    /// What takes part may have changed: every namespace that it matters to is looked at, and every one in which
    /// something was kept, or is from now on.
    fn settle(&mut self) {
        let (frozen, parts) = (self.broken(), self.in_order());
        let turned = self.frozen != frozen;
        self.frozen = frozen;
        let before = std::mem::replace(&mut self.parts, parts);
        if before == self.parts && !turned {
            return;
        }
        self.files.clear();
        let changed: Vec<&Part> = before
            .iter()
            .filter(|part| !self.parts.contains(part))
            .chain(self.parts.iter().filter(|part| !before.contains(part)))
            .collect();
        let matters = |name: &str, namespace: &HeldNamespace| {
            changed.iter().any(|part| part.credential.matches_namespace(name, &namespace.labels))
        };
        let holding = self.holding();
        let is_touched = |name: &str, namespace: &HeldNamespace| {
            let holds = holding.contains(name);
            turned && holds || (holds || namespace.takes) && matters(name, namespace)
        };
        let all = self.namespaces.all().iter();
        let touched = all.filter(|(name, namespace)| is_touched(name, namespace));
        let touched: Vec<Box<str>> = touched.map(|(name, _)| name.clone()).collect();
        self.touch(touched);
    }

    /// The namespaces that hold anything of ours.
    fn holding(&self) -> BTreeSet<Box<str>> {
        let owner = &*self.install.namespace;
        let secrets = self.held().filter(|(_, held)| held.ours).map(|(key, _)| key);
        let refers = |held: &HeldAccount| !added(&held.account, owner).is_empty();
        let accounts = self.accounts.all().iter().filter(|(_, held)| refers(held)).map(|(key, _)| key);
        secrets.chain(accounts).map(|(namespace, _)| namespace.clone()).collect()
    }

    fn in_order(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for (name, credential) in self.valid.iter().filter(|(_, credential)| !credential.suspended) {
            let Some(declared) = self.credentials.get(name) else { continue };
            let login = self.standings.get(name).and_then(|standing| standing.good.clone());
            let (name, credential) = (name.clone(), credential.clone());
            parts.push(Part { name, created: declared.created, credential, login });
        }
        parts.sort_by(|a, b| a.age().cmp(&b.age()));
        parts
    }

    fn broken(&self) -> BTreeSet<Box<str>> {
        let all = self.credentials.all().iter();
        let broken = all.filter(|(_, declared)| declared.verdict.is_err()).map(|(name, _)| name);
        broken.filter(|name| !self.valid.contains_key(*name)).cloned().collect()
    }

    /// The ServiceAccounts that functions of a namespace run as.
    pub(super) fn runs_functions(&self, namespace: &str) -> BTreeSet<&str> {
        in_namespace(self.functions.all(), namespace).map(|(_, function)| &*function.account).collect()
    }

    /// What a namespace has.
    pub(super) fn there(&self, namespace: &str) -> There<'_> {
        let accounts = in_namespace(self.accounts.all(), namespace);
        let merged = (Box::from(namespace), self.install.secret.clone());
        let merged = self.secrets.get(&merged).map(|held| (&*self.install.secret, held));
        let dedicated = in_namespace(&self.dedicated, namespace);
        let dedicated = dedicated.filter_map(|((_, name), held)| Some((&**name, held.as_ref()?)));
        There {
            accounts: accounts.map(|((_, name), held)| (&**name, held)).collect(),
            secrets: merged.into_iter().chain(dedicated).collect(),
        }
    }
}

fn namespaces(changed: Vec<Key>) -> Vec<Box<str>> {
    changed.into_iter().map(|(namespace, _)| namespace).collect()
}

/// What is in a namespace.
pub fn in_namespace<'a, V>(
    all: &'a BTreeMap<Key, V>,
    namespace: &str,
) -> impl Iterator<Item = (&'a Key, &'a V)> {
    let of: Box<str> = namespace.into();
    all.range((of.clone(), "".into())..).take_while(move |(key, _)| key.0 == of)
}
