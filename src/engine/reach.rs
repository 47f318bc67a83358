//! What a principal can reach at all, without a resource in hand: the policies of its Roles, what it may
//! invoke, and whether a list could hold anything for it. For minting tokens and for the first look at a
//! list; each item and each later call is decided anew.

use super::evaluate::{condition_holds, role_holds};
use super::grants::{CompiledRole, sorted};
use super::{Engine, Principal, at_issuer};
use crate::model::{Action, FORBIDDEN_NAMESPACE, Namespace, Policy, Resource, ResourcePattern, Statement};

/// How long what is minted for a principal lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// `tokenExpiry` of its issuer, seconds.
    pub token_expiry: u32,
    /// `capExpiry`: whether it may not outlive the subject token.
    pub cap_expiry: bool,
}

impl Engine {
    /// How long a token lives that is minted for the principal; `None` where its issuer does not serve.
    pub fn lifetime(&self, principal: &Principal) -> Option<Lifetime> {
        self.issuers.find(&principal.iss).map(|issuer| issuer.lifetime)
    }

    /// The policies that the principal's Roles give it now, within what its token allows; sorted, each once.
    pub fn policies_of<'e>(&'e self, principal: &'e Principal) -> Vec<&'e str> {
        let roles = self.held(principal);
        let mut names: Vec<_> =
            roles.flat_map(|role| self.policies(role, principal)).map(|(n, _)| n).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What the principal may invoke: the resources of its Roles' statements within the Roles' scopes,
    /// united (design section 6); in the order of their text, each once.
    pub fn invocable_by(&self, principal: &Principal) -> Vec<ResourcePattern> {
        let mut found = Vec::new();
        for role in self.held(principal) {
            for statement in self.statements(role, principal, Action::FunctionInvoke) {
                let within = |pattern: &ResourcePattern| scoped(role, pattern);
                found.extend(statement.resources.iter().flat_map(within));
            }
        }
        found.sort_by_cached_key(ToString::to_string);
        found.dedup();
        found
    }

    /// Whether the principal might be allowed the action on something in the namespace, so that a list of
    /// it is worth asking for.
    pub fn reaches(&self, principal: &Principal, action: Action, namespace: &Namespace) -> bool {
        let place = Resource::Namespace(namespace.clone());
        namespace.as_str() != FORBIDDEN_NAMESPACE
            && self.patterns(principal, action).any(|pattern| pattern.within(&place).is_some())
    }

    /// The same, anywhere.
    pub fn reaches_any(&self, principal: &Principal, action: Action) -> bool {
        self.patterns(principal, action).next().is_some()
    }

    /// Whether any Role or statement has a condition on the claim.
    pub fn looks_at(&self, claim: &str) -> bool {
        self.grants.claims.contains(claim)
    }

    /// The Roles that hold for the principal, wherever.
    fn held<'e>(&'e self, principal: &'e Principal) -> impl Iterator<Item = &'e CompiledRole> {
        let mut candidates = Vec::new();
        if self.is_served(principal) {
            self.grants.identities.satisfied_by(principal.claims(), |roles| {
                candidates.extend_from_slice(roles);
                true
            });
        }
        let roles = sorted(candidates).into_iter().filter_map(|at| self.grants.roles.get(at as usize));
        roles.filter(|role| at_issuer(role, principal) && role_holds(&role.role, principal))
    }

    fn policies<'e>(
        &'e self,
        role: &'e CompiledRole,
        principal: &'e Principal,
    ) -> impl Iterator<Item = (&'e str, &'e Policy)> {
        let policies = role.policies.iter().filter_map(|at| self.grants.policies.get(*at as usize));
        policies.map(|(name, policy)| (&**name, policy)).filter(|(name, _)| principal.bounds.policy(name))
    }

    fn statements<'e>(
        &'e self,
        role: &'e CompiledRole,
        principal: &'e Principal,
        action: Action,
    ) -> impl Iterator<Item = &'e Statement> {
        let statements = self.policies(role, principal).flat_map(|(_, policy)| &policy.statements);
        statements.filter(move |statement| {
            statement.actions.contains(action)
                && statement.condition.as_ref().is_none_or(|c| condition_holds(c, principal))
        })
    }

    /// The patterns on which the principal is granted the action, within the Roles' scopes.
    fn patterns<'e>(
        &'e self,
        principal: &'e Principal,
        action: Action,
    ) -> impl Iterator<Item = ResourcePattern> {
        self.held(principal).flat_map(move |role| {
            let statements = self.statements(role, principal, action);
            statements.flat_map(|s| &s.resources).flat_map(|pattern| scoped(role, pattern))
        })
    }
}

/// A pattern cut down to each of the Role's scopes; as it is where the Role has none.
fn scoped(role: &CompiledRole, pattern: &ResourcePattern) -> Vec<ResourcePattern> {
    match &role.role.scope {
        None => vec![pattern.clone()],
        Some(scopes) => scopes.iter().filter_map(|scope| pattern.within(scope)).collect(),
    }
}
