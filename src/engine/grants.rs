//! Roles and policies put side by side, and the index over them that says which statements can concern a
//! request. It only narrows down where to look: what it finds is judged in full, so that two texts with
//! one hash cost time and nothing else.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::identities::Identities;
use super::issuers::Issuers;
use crate::bundle::Bundle;
use crate::model::tenant::{Binding, Sharing};
use crate::model::{ActionSet, Policy, Resource, ResourcePattern, Role};

/// A Role with what was worked out about it beforehand.
#[derive(Debug)]
pub(super) struct CompiledRole {
    pub name: Box<str>,
    pub role: Role,
    /// Those of its policies that are there, in rising order.
    pub policies: Box<[u32]>,
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

/// A Role's statement: what allows a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub role: u32,
    pub rule: Rule,
}

/// A policy's statement: what is filed, and what decisions look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub policy: u32,
    pub statement: u32,
    /// The statement's, so that looking past it costs no more than this.
    pub actions: ActionSet,
}

/// What is filed under one place.
#[derive(Debug)]
pub(super) struct Filed {
    /// Sorted by policy and statement.
    pub rules: Box<[Rule]>,
    /// How many Roles have its policies, counted once for each policy.
    pub roles: usize,
}

impl Filed {
    /// The rules of one policy.
    pub fn of_policy(&self, policy: u32) -> &[Rule] {
        let from = self.rules.partition_point(|rule| rule.policy < policy);
        let rest = self.rules.get(from..).unwrap_or_default();
        rest.get(..rest.partition_point(|rule| rule.policy == policy)).unwrap_or_default()
    }
}

/// Everything compiled. Roles are not filed but found through their policies: what is kept grows with what
/// people wrote, and not with the number of Roles times that of statements.
#[derive(Debug, Default)]
pub(super) struct Grants {
    pub roles: Vec<CompiledRole>,
    pub policies: Vec<(Box<str>, Policy)>,
    pub by_name: HashMap<Box<str>, u32>,
    /// The Roles that have a policy, in rising order, by the policy.
    roles_of: Vec<Box<[u32]>>,
    /// Rules by the literal part of a resource.
    filed: HashMap<u64, Filed>,
    /// Lengths of namespace beginnings under which something is filed, one bit a length.
    namespace_lengths: u64,
    pub identities: Identities,
    /// Claims that a Role or a statement has a condition on.
    pub claims: HashSet<Box<str>>,
}

/// The literal part of a resource, under which a statement is filed.
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

fn key(place: &Place<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
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
        let by_name: HashMap<_, _> =
            policies.iter().enumerate().map(|(at, (name, _))| (name.clone(), index32(at))).collect();
        let roles: Vec<_> =
            bundle.roles().map(|(name, role)| compile_role(name, role, issuers, &by_name)).collect();
        let identities = Identities::new(&roles);
        let roles_of = roles_of(&roles, policies.len());
        let claims = looked_at(&roles, &policies);
        let mut grants = Self {
            roles,
            policies,
            by_name,
            roles_of,
            filed: HashMap::new(),
            namespace_lengths: 0,
            identities,
            claims,
        };
        grants.file();
        grants
    }

    fn file(&mut self) {
        let mut places: HashMap<u64, Vec<Rule>> = HashMap::new();
        let mut lengths = 0;
        for (policy, (_, content)) in (0u32..).zip(&self.policies) {
            for (number, statement) in (0u32..).zip(&content.statements) {
                let rule = Rule { policy, statement: number, actions: statement.actions };
                for place in statement.resources.iter().map(place) {
                    if let Place::Beginning(text) = place {
                        lengths |= length_bit(text.len());
                    }
                    places.entry(key(&place)).or_default().push(rule);
                }
            }
        }
        self.namespace_lengths = lengths;
        self.filed = places.into_iter().map(|(key, rules)| (key, self.filed_together(rules))).collect();
    }

    /// Rules of one place, which came in their order.
    fn filed_together(&self, mut rules: Vec<Rule>) -> Filed {
        rules.dedup();
        let policies = rules.chunk_by(|a, b| a.policy == b.policy).filter_map(|chunk| chunk.first());
        let roles = policies.map(|rule| self.roles_of(rule.policy).len()).sum();
        Filed { rules: rules.into(), roles }
    }

    /// The Roles that have a policy, in rising order.
    pub fn roles_of(&self, policy: u32) -> &[u32] {
        self.roles_of.get(policy as usize).map(|roles| &**roles).unwrap_or_default()
    }

    pub fn role(&self, role: u32) -> Option<&CompiledRole> {
        self.roles.get(role as usize)
    }

    pub fn policy(&self, rule: Rule) -> Option<&(Box<str>, Policy)> {
        self.policies.get(rule.policy as usize)
    }

    pub fn statement(&self, rule: Rule) -> Option<&crate::model::Statement> {
        self.policy(rule)?.1.statements.get(rule.statement as usize)
    }

    /// What is filed where it can concern a resource.
    pub fn concerning<'g>(&'g self, resource: &Resource) -> impl Iterator<Item = &'g Filed> + Clone {
        let (namespace, name) = match resource {
            Resource::Cluster => (None, None),
            Resource::Namespace(ns) => (Some(ns.as_str()), None),
            Resource::Function(ns, name) => (Some(ns.as_str()), Some(name.as_str())),
        };
        let filed = move |place: Place<'_>| self.filed.get(&key(&place));
        let fixed = [
            filed(Place::Everywhere),
            namespace.and_then(|ns| filed(Place::Namespace(ns))),
            name.and_then(|f| filed(Place::Name(f))),
            namespace.zip(name).and_then(|(ns, f)| filed(Place::Function(ns, f))),
        ];
        let mut beginnings: [Option<&Filed>; 64] = [None; 64];
        if let Some(ns) = namespace.filter(|_| self.namespace_lengths != 0) {
            for (length, slot) in beginnings.iter_mut().enumerate() {
                if self.namespace_lengths & length_bit(length) != 0 {
                    *slot = ns.get(..length).and_then(|text| filed(Place::Beginning(text)));
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

fn looked_at(roles: &[CompiledRole], policies: &[(Box<str>, Policy)]) -> HashSet<Box<str>> {
    let statements = policies.iter().flat_map(|(_, policy)| &policy.statements);
    let conditions = statements.filter_map(|statement| statement.condition.as_ref());
    let clauses = conditions.flat_map(|condition| &condition.0);
    let mut claims = HashSet::new();
    for clause in roles.iter().flat_map(|role| role.role.clauses()).chain(clauses) {
        if !claims.contains(&clause.claim) {
            claims.insert(clause.claim.clone());
        }
    }
    claims
}

/// The Roles by each of their policies.
fn roles_of(roles: &[CompiledRole], policies: usize) -> Vec<Box<[u32]>> {
    let mut of: Vec<Vec<u32>> = vec![Vec::new(); policies];
    for (number, role) in (0u32..).zip(roles) {
        for policy in &role.policies {
            if let Some(list) = of.get_mut(*policy as usize) {
                list.push(number);
            }
        }
    }
    of.into_iter().map(Into::into).collect()
}

fn compile_role(
    name: &str,
    role: &Role,
    issuers: &Issuers,
    policies: &HashMap<Box<str>, u32>,
) -> CompiledRole {
    let unbound = |sharing: &Sharing| sharing.binding(role) == Binding::Nothing;
    let mut barred: Vec<_> =
        issuers.iter().filter_map(|i| Some((i.iss.clone(), i.sharing.filter(unbound)?))).collect();
    barred.sort_by(|a, b| a.0.cmp(&b.0));
    CompiledRole {
        name: name.into(),
        role: role.clone(),
        policies: sorted(role.policies.iter().filter_map(|name| policies.get(name).copied()).collect()),
        names_an_issuer: role.names_an_issuer(),
        barred: barred.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bundle::{Origin, Record};

    fn filed(roles: usize) -> usize {
        let mut bundle = Bundle::new();
        for policy in 0..5 {
            let statement = json!({"sid": "s", "actions": ["*"], "resources": ["dev:a", "dev:b*", "dev:c*"]});
            let policy_record = serde_json::from_value(json!({"statements": [statement]})).unwrap();
            bundle.insert(
                format!("p{policy}"),
                Record::Policy { origin: Origin::default(), policy: policy_record },
            );
        }
        for role in 0..roles {
            let role_record = serde_json::from_value(
                json!({"policies": ["p0", "p1", "p2", "p3", "p4"], "subjects": [role.to_string()]}),
            );
            bundle.insert(
                format!("r{role}"),
                Record::Role { origin: Origin::default(), role: role_record.unwrap() },
            );
        }
        let grants = Grants::new(&bundle, &Issuers::new(&bundle));
        grants.filed.values().map(|filed| filed.rules.len()).sum()
    }

    #[test]
    fn what_is_filed_grows_with_statements_and_not_with_the_roles_that_have_them() {
        assert_eq!(filed(1), 10, "a statement stands once at each of its two places");
        assert_eq!(filed(100), filed(1));
    }
}
