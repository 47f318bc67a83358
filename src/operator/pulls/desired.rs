//! What each namespace is to have by what is known: the Secrets with their files, and the names that ServiceAccounts refer
//! to. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::held::{HeldAccount, HeldSecret};
use super::plan::{Desired, Wanted};
use super::world::{Install, World, in_namespace};
use crate::model::{Credential, Output, Registry};
use crate::registry::{File, Left, Marks, Part, added, file};

impl World {
    /// What a namespace is to have.
    pub(super) fn desired(&mut self, namespace: &str) -> Desired {
        let Some(held) = self.namespaces.get(&namespace.into()) else { return Desired::default() };
        let fits = |part: &&Part| held.takes && part.credential.matches_namespace(namespace, &held.labels);
        let parts: Vec<Part> = self.parts.iter().filter(fits).cloned().collect();
        let mut by_secret: BTreeMap<Box<str>, Vec<&Part>> = BTreeMap::new();
        for part in &parts {
            let name = secret_name(&part.credential, &self.install);
            if !self.install.may_write(namespace, &name) {
                continue;
            }
            by_secret.entry(name).or_default().push(part);
        }
        for name in self.there(namespace).secrets.iter().filter(|(_, held)| held.ours).map(|(name, _)| *name)
        {
            by_secret.entry(name.into()).or_default();
        }
        let mut desired = Desired { references: self.references(namespace, &parts), ..Desired::default() };
        for (name, parts) in by_secret {
            let adopt = !parts.is_empty() && parts.iter().all(|part| part.credential.adopt_equal);
            let file = self.file_of(namespace, &name, &parts);
            desired.secrets.insert(name, Wanted { file, adopt });
        }
        desired
    }

    fn file_of(&mut self, namespace: &str, name: &str, parts: &[&Part]) -> Arc<File> {
        let left = self.left(namespace, name, parts);
        if !left.logins.is_empty() {
            return Arc::new(file(parts, &left));
        }
        let key: Vec<Box<str>> = parts.iter().map(|part| part.name.clone()).collect();
        self.files.entry(key).or_insert_with(|| Arc::new(file(parts, &Left::default()))).clone()
    }

    /// What stays of a Secret though nobody hands it out: what was to stay, all of it while it has a login of a
    /// broken object of which nobody knows what it said, and in this very namespace the last good login of a credential that has none now. Of another
    /// namespace nothing is taken: whoever may write Secrets there could make it up. Where no credential is left that
    /// could be for the namespace, what was to stay is let go of as it is.
    fn left(&self, namespace: &str, name: &str, parts: &[&Part]) -> Left {
        let there = self.there(namespace).secrets;
        let Some((_, held)) = there.iter().find(|(is, held)| *is == name && held.ours) else {
            return Left::default();
        };
        let lacking =
            parts.iter().filter(|part| part.login.is_none() && held.marks.from.contains(&part.name));
        let lacking: BTreeMap<&Registry, &Box<str>> =
            lacking.map(|part| (&part.credential.registry, &part.name)).collect();
        let frozen = self.is_frozen(held);
        let stays = |registry: &Registry| {
            frozen
                || lacking.contains_key(registry)
                || (!parts.is_empty() && held.marks.retained.contains(registry))
        };
        let stay = held.logins.iter().filter(|(registry, _)| stays(registry));
        let logins = stay.map(|(registry, login)| (registry.clone(), login.clone())).collect();
        let from = if frozen { held.marks.from.clone() } else { lacking.into_values().cloned().collect() };
        Left { logins, marks: Marks { from, retained: held.marks.retained.clone() } }
    }

    /// Whether a Secret has a login of a broken object, of which nobody knows any more what it said.
    fn is_frozen(&self, held: &HeldSecret) -> bool {
        held.ours && held.marks.from.iter().any(|name| self.frozen.contains(name))
    }

    fn references(&self, namespace: &str, parts: &[Part]) -> BTreeMap<Box<str>, BTreeSet<Box<str>>> {
        let used = self.runs_functions(namespace);
        let accounts = in_namespace(self.accounts.all(), namespace);
        let wanted = |name: &str, held: &HeldAccount| {
            let fits = parts
                .iter()
                .filter(|part| part.credential.accounts.matches(name, &held.labels, used.contains(name)));
            let names = fits.map(|part| secret_name(&part.credential, &self.install));
            names.filter(|name| self.install.may_write(namespace, name)).collect::<BTreeSet<_>>()
        };
        let there = self.there(namespace).secrets;
        let frozen = there.into_iter().filter(|(_, held)| self.is_frozen(held)).map(|(name, _)| name);
        let frozen: BTreeSet<&str> = frozen.collect();
        let kept = |held: &HeldAccount| -> BTreeSet<Box<str>> {
            let names = added(&held.account, &self.install.namespace).into_iter();
            names.filter(|name| frozen.contains(name)).map(Into::into).collect()
        };
        accounts.map(|((_, name), held)| (name.clone(), &wanted(name, held) | &kept(held))).collect()
    }
}

/// The Secret that a credential goes into.
pub fn secret_name(credential: &Credential, install: &Install) -> Box<str> {
    match &credential.output {
        Output::Merged => install.secret.clone(),
        Output::Dedicated(name) => name.clone(),
    }
}
