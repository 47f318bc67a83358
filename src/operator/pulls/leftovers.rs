//! What RegistryCredentials of an installation have put into namespaces, found by its marks alone, and what takes it
//! back: the plan of a namespace that is to have nothing. Pure.

use std::collections::{BTreeMap, BTreeSet};

use json_patch::PatchOperation;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};

use super::held::{Contents, HeldAccount, HeldSecret};
use super::plan::{Act, Desired, Object, Step, There, plan};
use super::watch::key;
use super::world::{Key, in_namespace};
use crate::registry::added;

/// Everything that was found of one installation.
pub struct Leftovers {
    owner: Box<str>,
    accounts: BTreeMap<Key, HeldAccount>,
    secrets: BTreeMap<Key, HeldSecret>,
    contents: Contents,
}

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A ServiceAccount names what we had added no longer.
    Unlinked,
    /// It stays as it is, and is ours no longer.
    Released,
    /// It is no more.
    Deleted,
}

impl Leftovers {
    /// Of the installation in the IAM namespace `owner`; none yet.
    pub fn new(owner: &str) -> Self {
        let (accounts, secrets) = (BTreeMap::new(), BTreeMap::new());
        Self { owner: owner.into(), accounts, secrets, contents: Contents::default() }
    }

    /// A ServiceAccount is there.
    pub fn account(&mut self, account: &ServiceAccount) {
        let held = HeldAccount::of(account);
        if !added(&held.account, &self.owner).is_empty() {
            self.accounts.insert(key(account), held);
        }
    }

    /// A Secret is there. Labels alone make none ours: copies that somebody makes of a Secret have them, too.
    pub fn secret(&mut self, secret: &Secret) {
        let held = HeldSecret::of(secret, &self.owner, &mut self.contents);
        if held.ours && held.fits && held.marked {
            self.secrets.insert(key(secret), held);
        }
    }

    /// What takes it back, by namespace.
    pub fn jobs(&self) -> BTreeMap<Box<str>, Vec<Step>> {
        let keys = self.accounts.keys().chain(self.secrets.keys());
        let namespaces: BTreeSet<&Box<str>> = keys.map(|(namespace, _)| namespace).collect();
        namespaces.into_iter().map(|namespace| (namespace.clone(), self.steps(namespace))).collect()
    }

    fn steps(&self, namespace: &str) -> Vec<Step> {
        let accounts = in_namespace(&self.accounts, namespace).map(|((_, name), held)| (&**name, held));
        let secrets = in_namespace(&self.secrets, namespace).map(|((_, name), held)| (&**name, held));
        let there = There { accounts: accounts.collect(), secrets: secrets.collect() };
        plan(&Desired::default(), &there, &self.owner).steps
    }
}

impl Fate {
    /// Of the object of this write.
    pub fn of(step: &Step) -> Self {
        match &step.act {
            Act::Delete(_) => Self::Deleted,
            Act::Refer(patch) if patch.0.iter().any(unlinks) => Self::Unlinked,
            Act::Refer(_) | Act::Create(_) | Act::Change(_) => Self::Released,
        }
    }
}

fn unlinks(step: &PatchOperation) -> bool {
    matches!(step, PatchOperation::Remove(gone) if gone.path.as_str().starts_with("/imagePullSecrets/"))
}

/// An object as commands name it: `secrets/faas-iam-pull`.
pub fn address(object: &Object) -> String {
    match object {
        Object::Account(name) => format!("serviceaccounts/{name}"),
        Object::Secret(name) => format!("secrets/{name}"),
    }
}
