//! Pods of functions that lack the name of the pull secret: those that were made before their ServiceAccount named it, and
//! those that list pull secrets of their own. A Pod's list never changes, so it never heals. Decides what is told of
//! which, and which are deleted so that their ReplicaSet makes new ones.
//!
//! Pure: fed by plain calls, time is an argument (ms since 1970).

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ObjectReference;

use super::desired::secret_name;
use super::held::{HeldAccount, HeldPod};
use super::mirror::{Change, Mirror};
use super::plan::Miss;
use super::world::{Key, World, in_namespace};
use crate::operator::allowance::{Allowance, Rate};
use crate::operator::holdings::Version;
use crate::operator::statuses::News;
use crate::registry::added;

/// Pods about which something is done at once.
const AT_ONCE: usize = 8;
/// Pods that are deleted in one namespace.
const DELETIONS: Rate = Rate { at_once: 30, then_every: 10_000 };
/// How long Pods are left alone that a ReplicaSet has made since: they lack the name for a reason that we do not see.
/// The longest of all pauses, ms.
const AS_MADE: i64 = 3_600_000;
/// The pause of a namespace in which a Pod could not be deleted.
const AGAIN: i64 = 60_000;

/// What is to be done about a Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cure {
    /// It is told that it has to be made anew.
    Tell,
    /// It is told that the function's own list is in the way: a new Pod would be the same.
    TellOfList,
    /// It is deleted, and that is told.
    Delete,
}

/// A Pod, or the Deployment of one, and what is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// What.
    pub cure: Cure,
    /// About which: a Deployment for [`Cure::TellOfList`], else a Pod.
    pub key: Key,
    /// Which version of it.
    pub version: Version,
    /// The Pod's ServiceAccount,
    account: Box<str>,
    /// and the pull secrets that this names and the Pod does not.
    lacks: BTreeSet<Box<str>>,
    made: Option<Made>,
}

/// Which ReplicaSet has made a Pod, and when, seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    by: Box<str>,
    at: i64,
}

impl Remedy {
    /// What it is about, for an Event.
    pub fn about(&self) -> ObjectReference {
        let (api_version, kind) = match self.cure {
            Cure::TellOfList => ("apps/v1", "Deployment"),
            Cure::Tell | Cure::Delete => ("v1", "Pod"),
        };
        ObjectReference {
            api_version: Some(api_version.to_owned()),
            kind: Some(kind.to_owned()),
            namespace: Some(self.key.0.to_string()),
            name: Some(self.key.1.to_string()),
            uid: Some(self.version.uid.clone()),
            ..ObjectReference::default()
        }
    }

    /// What people are told; no secret.
    pub fn news(&self) -> News {
        let lacks: Vec<String> = self.lacks.iter().map(|name| format!("`{name}`")).collect();
        let (lacks, account) = (lacks.join(", "), &self.account);
        let (ready, reason, message) = match self.cure {
            Cure::Tell => (
                false,
                "PullSecretMissing",
                format!(
                    "made before the ServiceAccount `{account}` named the pull secret {lacks}, and never has it: run `kubectl rollout restart`, or set `stuckPods: Recreate` on the RegistryCredential"
                ),
            ),
            Cure::TellOfList => (
                false,
                "PullSecretShadowed",
                format!(
                    "its own imagePullSecrets switch those of the ServiceAccount `{account}` off, and lack {lacks}: remove pull secrets from the function's `secrets`, or add {lacks}"
                ),
            ),
            Cure::Delete => (
                true,
                "StuckPodDeleted",
                format!(
                    "made before the ServiceAccount `{account}` named the pull secret {lacks}, and could not pull; its ReplicaSet makes a new one"
                ),
            ),
        };
        News { ready, reason: reason.to_owned(), message }
    }
}

/// The Pods of functions, and what was done about them.
#[derive(Debug, Default)]
pub struct Ward {
    pods: Mirror<Key, HeldPod>,
    /// Namespaces to look at.
    touched: BTreeSet<Box<str>>,
    /// Those to look at again at this time.
    later: BTreeMap<Box<str>, i64>,
    /// Those in which nothing is deleted until then.
    resting: BTreeMap<Box<str>, i64>,
    /// What was done about which uid, by namespace.
    done: BTreeMap<Box<str>, BTreeSet<(Cure, String)>>,
    /// The newest Pod of each ReplicaSet when one of them was deleted first, and until when that counts.
    made: BTreeMap<Box<str>, (i64, i64)>,
    allowance: Allowance<Box<str>>,
    under_way: usize,
}

/// Whether a pause that ends then is not over. A clock that was set back makes nobody wait.
fn waits(until: i64, now: i64) -> bool {
    now < until && until <= now.saturating_add(AS_MADE)
}

impl Ward {
    /// Something about a namespace has changed.
    pub fn touch(&mut self, namespace: Box<str>) {
        self.touched.insert(namespace);
    }

    /// A Pod was seen.
    pub fn take(&mut self, change: Change<Key, HeldPod>) {
        let changed = self.pods.take(change).into_iter();
        self.touched.extend(changed.map(|(namespace, _)| namespace));
    }

    /// When a namespace is to be looked at again. While there is no room for more, the end of one tells.
    pub fn due(&self) -> Option<i64> {
        self.later.values().copied().min().filter(|_| self.room() > 0)
    }

    /// How many more may be under way.
    fn room(&self) -> usize {
        AT_ONCE.saturating_sub(self.under_way)
    }

    fn next(&mut self, now: i64) -> Option<Box<str>> {
        let due = self.later.iter().find(|(_, at)| !waits(**at, now)).map(|(namespace, _)| namespace.clone());
        let next = due.or_else(|| self.touched.first().cloned())?;
        self.later.remove(&next);
        self.touched.remove(&next);
        Some(next)
    }

    /// Of what could be done in a namespace, what is done now.
    fn choose(&mut self, namespace: &str, all: Vec<Remedy>, now: i64) -> Vec<Remedy> {
        self.forget(namespace, &all, now);
        let mut chosen = Vec::new();
        for mut remedy in all {
            if self.room() == 0 {
                self.touched.insert(namespace.into());
                break;
            }
            if let Some(until) = self.is_as_made(&remedy) {
                remedy.cure = Cure::Tell;
                self.look_again(namespace, until);
            }
            if self.is_done(namespace, &remedy) {
                continue;
            }
            if remedy.cure == Cure::Delete
                && let Err(later) = self.may_delete(namespace, now)
            {
                self.look_again(namespace, later);
                continue;
            }
            self.begin(namespace, &remedy, now);
            chosen.push(remedy);
        }
        chosen
    }

    fn may_delete(&mut self, namespace: &str, now: i64) -> Result<(), i64> {
        match self.resting.get(namespace) {
            Some(until) if waits(*until, now) => Err(*until),
            _ => self.allowance.take(DELETIONS, namespace.into(), now),
        }
    }

    /// Until when a Pod is left alone that its ReplicaSet has made since we deleted one: another would lack the name, too.
    fn is_as_made(&self, remedy: &Remedy) -> Option<i64> {
        let made = remedy.made.as_ref()?;
        self.made.get(&made.by).filter(|(newest, _)| made.at > *newest).map(|(_, until)| *until)
    }

    fn is_done(&self, namespace: &str, remedy: &Remedy) -> bool {
        let done = |cure| (cure, remedy.version.uid.clone());
        let is = |done| self.done.get(namespace).is_some_and(|all| all.contains(&done));
        is(done(remedy.cure)) || is(done(Cure::Delete))
    }

    fn begin(&mut self, namespace: &str, remedy: &Remedy, now: i64) {
        self.under_way += 1;
        let uid = remedy.version.uid.clone();
        self.done.entry(namespace.into()).or_default().insert((remedy.cure, uid));
        if let Some(made) = remedy.made.as_ref().filter(|_| remedy.cure == Cure::Delete) {
            let ours = self.pods_of(namespace).filter(|(_, pod)| pod.maker.as_ref() == Some(&made.by));
            let newest = ours.map(|(_, pod)| pod.created).max().unwrap_or(made.at);
            self.made.entry(made.by.clone()).or_insert((newest, now.saturating_add(AS_MADE)));
        }
    }

    fn look_again(&mut self, namespace: &str, at: i64) {
        let known = self.later.entry(namespace.into()).or_insert(at);
        *known = at.min(*known);
    }

    fn pods_of(&self, namespace: &str) -> impl Iterator<Item = (&Key, &HeldPod)> {
        in_namespace(self.pods.all(), namespace)
    }

    /// Forgets whom there is nothing to remember of.
    fn forget(&mut self, namespace: &str, all: &[Remedy], now: i64) {
        self.allowance.settle(now);
        self.made.retain(|_, (_, until)| waits(*until, now));
        self.resting.retain(|_, until| waits(*until, now));
        let pods = self.pods_of(namespace).map(|(_, pod)| pod.version.uid.clone());
        let known: BTreeSet<String> =
            all.iter().map(|remedy| remedy.version.uid.clone()).chain(pods).collect();
        let Some(done) = self.done.get_mut(namespace) else { return };
        done.retain(|(_, uid)| known.contains(uid));
        if done.is_empty() {
            self.done.remove(namespace);
        }
    }
}

impl World {
    /// What is to be done about Pods now. Each is under way until it has ended.
    pub fn next_remedies(&mut self, now: i64) -> Vec<Remedy> {
        let mut all = Vec::new();
        while self.ward.pods.known()
            && self.ward.room() > 0
            && let Some(namespace) = self.ward.next(now)
        {
            let could = self.ailing(&namespace);
            all.extend(self.ward.choose(&namespace, could, now));
        }
        all
    }

    /// A remedy has ended; says whether it was done.
    pub fn remedied(&mut self, remedy: &Remedy, missed: Option<&Miss>, now: i64) -> bool {
        self.ward.under_way = self.ward.under_way.saturating_sub(1);
        let namespace = &remedy.key.0;
        let Some(missed) = missed else { return true };
        if let Some(done) = self.ward.done.get_mut(namespace) {
            done.remove(&(remedy.cure, remedy.version.uid.clone()));
        }
        match missed {
            // The watch tells how it is now, if it does not yet.
            Miss::Beaten => self.ward.touch(namespace.clone()),
            Miss::Failed(..) => {
                let until = now.saturating_add(AGAIN);
                self.ward.resting.insert(namespace.clone(), until);
                self.ward.look_again(namespace, until);
            }
        }
        false
    }

    /// The Pods of a namespace that lack the name, and what could be done about each; of one Deployment once.
    fn ailing(&self, namespace: &str) -> Vec<Remedy> {
        let alive = self.ward.pods_of(namespace).filter(|(_, pod)| !pod.ends);
        let mut all: Vec<Remedy> = alive.filter_map(|(key, pod)| self.remedy(key, pod)).collect();
        all.sort_by(|a, b| (&a.key, a.cure).cmp(&(&b.key, b.cure)));
        all.dedup_by(|a, b| (&a.key, a.cure) == (&b.key, b.cure));
        all
    }

    fn remedy(&self, key: &Key, pod: &HeldPod) -> Option<Remedy> {
        let namespace = &key.0;
        let of = (namespace.clone(), pod.function.clone());
        let function = self.functions.get(&of)?;
        let account = self.accounts.get(&(namespace.clone(), pod.account.clone()))?;
        let lacks = self.lacks(namespace, account, pod);
        let made = pod.maker.clone().map(|by| Made { by, at: pod.created });
        let remedy = |cure, key: Key, version: &Version, made| Remedy {
            cure,
            key,
            version: version.clone(),
            account: pod.account.clone(),
            lacks: lacks.clone(),
            made,
        };
        match () {
            () if lacks.is_empty() => None,
            () if function.lists || lists_its_own(account, pod) => {
                Some(remedy(Cure::TellOfList, of, &function.version, None))
            }
            () if !pod.waits => None,
            () if made.is_some() && self.recreates(namespace, pod, account, &lacks) => {
                Some(remedy(Cure::Delete, key.clone(), &pod.version, made))
            }
            () => Some(remedy(Cure::Tell, key.clone(), &pod.version, None)),
        }
    }

    /// The pull secrets that are there, that the ServiceAccount names by our doing, and that the Pod does not.
    fn lacks(&self, namespace: &str, account: &HeldAccount, pod: &HeldPod) -> BTreeSet<Box<str>> {
        let named = account.account.references.as_deref().unwrap_or_default();
        let ours = added(&account.account, &self.install.namespace).into_iter();
        let lacking = ours.filter(|name| named.iter().any(|is| is == name) && !pod.names.contains(*name));
        let there = self.there(namespace).secrets;
        let is_there = |name: &&str| there.iter().any(|(is, held)| is == name && held.ours);
        lacking.filter(is_there).map(Into::into).collect()
    }

    /// Whether a credential wants such Pods made anew that a new one would be able to use.
    fn recreates(
        &self,
        namespace: &str,
        pod: &HeldPod,
        account: &HeldAccount,
        lacks: &BTreeSet<Box<str>>,
    ) -> bool {
        let Some(held) = self.namespaces.get(&namespace.into()).filter(|held| held.takes && !held.ends)
        else {
            return false;
        };
        let used = self.runs_functions(namespace).contains(&*pod.account);
        self.parts().iter().map(|part| &part.credential).any(|credential| {
            credential.recreate_stuck
                && credential.matches_namespace(namespace, &held.labels)
                && credential.accounts.matches(&pod.account, &account.labels, used)
                && lacks.contains(&secret_name(credential, &self.install))
        })
    }
}

/// Whether a Pod names what its ServiceAccount does not: then the list was not copied from there.
fn lists_its_own(account: &HeldAccount, pod: &HeldPod) -> bool {
    let named = account.account.references.as_deref().unwrap_or_default();
    pod.names.iter().any(|name| !named.iter().any(|is| **is == **name))
}
