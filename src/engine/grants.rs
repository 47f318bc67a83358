//! Roles and policies put side by side, and the index over them that says which grants can concern a
//! request. It only narrows down where to look: what it finds is judged in full, so that two texts with
//! one hash cost time and nothing else.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::identities::Identities;
use super::issuers::Issuers;
use crate::bundle::Bundle;
use crate::model::tenant::{Binding, Sharing};
use crate::model::{Action, Policy, Resource, ResourcePattern, Role};

/// A Role with what was worked out about it beforehand.
#[derive(Debug)]
pub(super) struct CompiledRole {
    pub name: Box<str>,
    pub role: Role,
    /// Whether it names any issuer.
    pub names_an_issuer: bool,
    /// Shared issuers at which it binds nothing that one tenant owns, sorted by `iss`.
    pub barred: Box<[(Box<str>, Sharing)]>,
}

impl CompiledRole {
    /// How an issuer is shared at which the Role is not enforced.
    pub fn barred_at(&self, iss: &str) -> Option<Sharing> {
        let at = self.barred.binary_search_by(|(barred, _)| (**barred).cmp(iss)).ok()?;
        self.barred.get(at).map(|(_, sharing)| *sharing)
    }
}

/// A Role's statement: what decisions look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub role: u32,
    pub policy: u32,
    pub statement: u32,
}

/// Everything compiled.
#[derive(Debug, Default)]
pub(super) struct Grants {
    pub roles: Vec<CompiledRole>,
    pub policies: Vec<(Box<str>, Policy)>,
    pub by_name: HashMap<Box<str>, u32>,
    /// Grants by action and the literal part of the resource, sorted.
    buckets: HashMap<u64, Box<[Grant]>>,
    /// Lengths of namespace beginnings by which buckets are keyed, one bit a length.
    namespace_lengths: u64,
    pub identities: Identities,
}

/// The literal part of a resource, under which a grant is filed.
#[derive(Hash)]
enum Place<'a> {
    Everywhere,
    /// Any namespace that begins so; the name may be anything.
    Beginning(&'a str),
    Namespace(&'a str),
    /// Some namespaces, one name.
    Name(&'a str),
    Function(&'a str, &'a str),
}

fn key(action: Action, place: &Place<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (action as u8).hash(&mut hasher);
    place.hash(&mut hasher);
    hasher.finish()
}

fn place(pattern: &ResourcePattern) -> Place<'_> {
    match pattern {
        ResourcePattern::Cluster => Place::Everywhere,
        ResourcePattern::Within(namespace, name) => match (namespace.literal(), name.literal()) {
            (Some(namespace), Some(name)) => Place::Function(namespace, name),
            (Some(namespace), None) => Place::Namespace(namespace),
            (None, Some(name)) => Place::Name(name),
            (None, None) if namespace.prefix().is_empty() => Place::Everywhere,
            (None, None) => Place::Beginning(namespace.prefix()),
        },
    }
}

impl Grants {
    /// Compiles and indexes a bundle.
    pub fn new(bundle: &Bundle, issuers: &Issuers) -> Self {
        let policies: Vec<(Box<str>, Policy)> =
            bundle.policies().map(|(name, p)| (name.into(), p.clone())).collect();
        let by_name =
            policies.iter().enumerate().map(|(at, (name, _))| (name.clone(), index32(at))).collect();
        let roles: Vec<_> = bundle.roles().map(|(name, role)| compile_role(name, role, issuers)).collect();
        let identities = Identities::new(&roles);
        let mut grants =
            Self { roles, policies, by_name, buckets: HashMap::new(), namespace_lengths: 0, identities };
        grants.file();
        grants
    }

    fn file(&mut self) {
        let mut buckets: HashMap<u64, Vec<Grant>> = HashMap::new();
        let mut lengths = 0;
        for grant in self.all() {
            let Some(statement) = self.statement(grant) else { continue };
            for resource in &statement.resources {
                let place = place(resource);
                if let Place::Beginning(text) = place {
                    lengths |= length_bit(text.len());
                }
                for action in statement.actions.iter() {
                    buckets.entry(key(action, &place)).or_default().push(grant);
                }
            }
        }
        self.namespace_lengths = lengths;
        self.buckets = buckets.into_iter().map(|(key, list)| (key, sorted(list))).collect();
    }

    /// Every statement of every policy of every Role; policies that are not there grant nothing.
    fn all(&self) -> Vec<Grant> {
        let named = |role: &CompiledRole| -> Vec<u32> {
            role.role.policies.iter().filter_map(|name| self.by_name.get(name).copied()).collect()
        };
        let statements =
            |policy: u32| self.policies.get(policy as usize).map_or(0, |(_, p)| index32(p.statements.len()));
        (0u32..)
            .zip(&self.roles)
            .flat_map(|(role, compiled)| named(compiled).into_iter().map(move |policy| (role, policy)))
            .flat_map(|(role, policy)| {
                (0..statements(policy)).map(move |statement| Grant { role, policy, statement })
            })
            .collect()
    }

    pub fn role(&self, grant: Grant) -> Option<&CompiledRole> {
        self.roles.get(grant.role as usize)
    }

    pub fn policy(&self, grant: Grant) -> Option<&(Box<str>, Policy)> {
        self.policies.get(grant.policy as usize)
    }

    pub fn statement(&self, grant: Grant) -> Option<&crate::model::Statement> {
        self.policy(grant)?.1.statements.get(grant.statement as usize)
    }

    /// The lists of grants that can concern a request, each sorted by Role.
    pub fn concerning<'g>(
        &'g self,
        action: Action,
        resource: &Resource,
    ) -> impl Iterator<Item = &'g [Grant]> + Clone {
        let (namespace, name) = match resource {
            Resource::Cluster => (None, None),
            Resource::Namespace(ns) => (Some(ns.as_str()), None),
            Resource::Function(ns, name) => (Some(ns.as_str()), Some(name.as_str())),
        };
        let bucket = move |place: Place<'_>| self.buckets.get(&key(action, &place)).map(|list| &**list);
        let fixed = [
            bucket(Place::Everywhere),
            namespace.and_then(|ns| bucket(Place::Namespace(ns))),
            name.and_then(|f| bucket(Place::Name(f))),
            namespace.zip(name).and_then(|(ns, f)| bucket(Place::Function(ns, f))),
        ];
        let mut beginnings: [Option<&[Grant]>; 64] = [None; 64];
        if let Some(ns) = namespace.filter(|_| self.namespace_lengths != 0) {
            for (length, slot) in beginnings.iter_mut().enumerate() {
                if self.namespace_lengths & length_bit(length) != 0 {
                    *slot = ns.get(..length).and_then(|text| bucket(Place::Beginning(text)));
                }
            }
        }
        fixed.into_iter().chain(beginnings).flatten()
    }
}

/// A namespace has at most 63 characters, so a longer beginning matches none and needs no bit of its own.
fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

fn index32(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

pub(super) fn sorted<T: Ord>(mut list: Vec<T>) -> Box<[T]> {
    list.sort_unstable();
    list.dedup();
    list.into()
}

fn compile_role(name: &str, role: &Role, issuers: &Issuers) -> CompiledRole {
    let unbound = |sharing: &Sharing| sharing.binding(role) == Binding::Nothing;
    let mut barred: Vec<_> =
        issuers.iter().filter_map(|i| Some((i.iss.clone(), i.sharing.filter(unbound)?))).collect();
    barred.sort_by(|a, b| a.0.cmp(&b.0));
    CompiledRole {
        name: name.into(),
        role: role.clone(),
        names_an_issuer: role.names_an_issuer(),
        barred: barred.into(),
    }
}
