//! What a Role says that grants nothing, where that is sure. Warns; decides nothing.

use super::roles::Known;
use crate::compile::wording::shown;
use crate::model::tenant::Sharing;
use crate::model::{Comparison, Issuer, Pattern, Policy, Resource, ResourcePattern, Role};

/// Pairs of scope and resource that are compared for one Policy; of more nothing is said.
const PAIRS: usize = 10_000;

/// The valid Policies of the Role of which nothing lies within its scope (`semantics.md` 10).
pub(super) fn out_of_scope<'r>(role: &'r Role, known: &Known<'_>) -> Vec<&'r str> {
    let Some(scope) = &role.scope else { return Vec::new() };
    let policy = |name: &str| known.policies.get(name).copied().flatten();
    let names = role.policies.iter().map(|name| &**name);
    names.filter(|name| policy(name).is_some_and(|p| is_disjoint(p, scope))).collect()
}

fn is_disjoint(policy: &Policy, scope: &[Resource]) -> bool {
    let resources = || policy.statements.iter().flat_map(|s| &s.resources);
    resources().count().saturating_mul(scope.len()) <= PAIRS
        && !resources().any(|resource| scope.iter().any(|scope| meet(resource, scope)))
}

fn meet(resource: &ResourcePattern, scope: &Resource) -> bool {
    match (resource, scope) {
        (ResourcePattern::Cluster, _) | (_, Resource::Cluster) => true,
        (ResourcePattern::Within(namespace, _), Resource::Namespace(ns)) => namespace.matches(ns.as_str()),
        (ResourcePattern::Within(namespace, name), Resource::Function(ns, function)) => {
            namespace.matches(ns.as_str()) && name.matches(function.as_str())
        }
    }
}

/// Values for `jwt:ref` that GitHub, where every issuer of the Role is GitHub's, never sends.
pub(super) fn refs_of_github(role: &Role, issuers: &[(&str, &Issuer)]) -> Vec<String> {
    let github = |issuer: &Issuer| Sharing::of(&issuer.iss, Some(true)) == Some(Sharing::GitHub);
    if issuers.is_empty() || !issuers.iter().all(|(_, issuer)| github(issuer)) {
        return Vec::new();
    }
    let compared = role.clauses().iter().filter(|clause| {
        &*clause.claim == "ref"
            && !clause.op.negated
            && matches!(clause.op.comparison, Comparison::Equal | Comparison::Like)
    });
    let wrong = compared.flat_map(|clause| &clause.values).filter(|value| !is_ref(value));
    wrong.map(|value| shown(value.as_str())).collect()
}

/// Whether the value can be one such as `refs/heads/main`.
fn is_ref(value: &Pattern) -> bool {
    const BEGINNING: &str = "refs/";
    value.prefix().starts_with(BEGINNING) || BEGINNING.starts_with(value.prefix())
}
