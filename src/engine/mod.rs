//! The decision: may this principal do this action on this resource, and why.
//!
//! Pure and total: no clock but the one given, no IO, no errors. What is not granted is denied.
//! [`Engine::decide`] is what serving uses and allocates nothing; [`Engine::explain`] gives the reasons
//! and agrees with it, which a law test shows.

mod email;
mod evaluate;
mod explain;
mod grants;
mod identities;
mod issuers;
mod principal;
mod privacy;
mod reach;
mod tokens;
mod unmet;
mod who_can;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::bundle::Bundle;
use crate::model::{Action, Request, Resource};

pub use explain::{Explanation, Granted, Outcome, Trail};
pub use principal::{ACCESS, Completeness, Principal, PrincipalKind, Unidentified};
pub use reach::Lifetime;
pub use unmet::Unmet;
pub use who_can::Grantee;

use grants::{CompiledRole, Filed, Grant, Grants, Rule};
use issuers::Issuers;
use privacy::Privacy;
use tokens::Tokens;

/// Compiled and indexed: everything that decisions are made from.
#[derive(Debug, Default)]
pub struct Engine {
    issuers: Issuers,
    grants: Grants,
    privacy: Privacy,
    tokens: Tokens,
}

/// Leave to do one thing. Only the engine makes one, and forwarding needs one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit<'q> {
    request: &'q Request,
    because: Because,
}

/// Why a permit was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// A Role's statement allows it.
    Granted,
    /// The function is public.
    Public,
    /// A list that is answered item by item, each judged by itself: the permit is to ask for it.
    ItemByItem,
    /// A listed access token, whose FunctionPrivacy covers the function.
    Listed,
    /// A question of the gateway's own, whose answer no caller gets.
    Own,
}

impl<'q> Permit<'q> {
    /// What is permitted.
    pub fn request(&self) -> &'q Request {
        self.request
    }

    /// Why.
    pub fn because(&self) -> Because {
        self.because
    }
}

impl Engine {
    /// Compiles a bundle.
    pub fn new(bundle: &Bundle) -> Self {
        let issuers = Issuers::new(bundle);
        let grants = Grants::new(bundle, &issuers);
        Self { issuers, grants, privacy: Privacy::new(bundle), tokens: Tokens::new(bundle) }
    }

    /// Who the claims identify, at `now` (seconds since 1970).
    ///
    /// # Errors
    /// [`Unidentified`], which denies.
    pub fn identify(
        &self,
        claims: &Map<String, Value>,
        now: i64,
        completeness: Completeness,
    ) -> Result<Principal, Unidentified> {
        self.identify_in(Cow::Borrowed(claims), now, completeness)
    }

    /// Who the claims of a whole token identify, at `now` (seconds since 1970). Takes them apart, which costs less
    /// than to copy them.
    ///
    /// # Errors
    /// [`Unidentified`], which denies.
    pub fn identify_owned(&self, claims: Map<String, Value>, now: i64) -> Result<Principal, Unidentified> {
        self.identify_in(Cow::Owned(claims), now, Completeness::Token)
    }

    fn identify_in(
        &self,
        claims: Cow<'_, Map<String, Value>>,
        now: i64,
        completeness: Completeness,
    ) -> Result<Principal, Unidentified> {
        let marks = self.tokens.marks(&claims);
        let principal = principal::identify(&self.issuers, &self.tokens, claims, now, completeness)?;
        marks.map_or(Ok(()), |marks| self.tokens.revoked(&marks, &principal, completeness))?;
        Ok(principal)
    }

    /// Whether the principal may. Allocates nothing and takes no lock.
    pub fn decide(&self, principal: &Principal, request: &Request) -> bool {
        self.granting(principal, request).is_some()
    }

    /// The same as a permit for forwarding.
    pub fn permit<'q>(&self, principal: &Principal, request: &'q Request) -> Option<Permit<'q>> {
        self.decide(principal, request).then_some(Permit { request, because: Because::Granted })
    }

    /// A permit to ask for a list of which the principal might be allowed something (`semantics.md` 2, 3).
    /// Each item has to be decided by itself.
    pub fn permit_list<'q>(&self, principal: &Principal, request: &'q Request) -> Option<Permit<'q>> {
        let lists = matches!(request.action(), Action::FunctionList | Action::NamespaceList);
        let reached = match request.resource() {
            Resource::Namespace(namespace) => self.reaches(principal, request.action(), namespace),
            Resource::Cluster => self.reaches_any(principal, request.action()),
            Resource::Function(..) => false,
        };
        (lists && reached).then_some(Permit { request, because: Because::ItemByItem })
    }

    /// A permit for everybody to invoke a public function; `None` where it is private, or nobody may act
    /// there. `private` is the installation's default.
    pub fn permit_public<'q>(&self, request: &'q Request, private: bool) -> Option<Permit<'q>> {
        let invokes = request.action() == Action::FunctionInvoke && !request.resource().is_forbidden();
        let public = invokes && !self.privacy.of(request.resource(), private);
        public.then_some(Permit { request, because: Because::Public })
    }

    /// A permit to invoke by a listed access token: what its FunctionPrivacy covers now, whatever the token
    /// itself names (design section 4). No Role has a say.
    pub fn permit_access<'q>(&self, principal: &Principal, request: &'q Request) -> Option<Permit<'q>> {
        let invokes = request.action() == Action::FunctionInvoke && !request.resource().is_forbidden();
        let access =
            principal.access.as_ref().filter(|_| invokes && self.issuers.find(&principal.iss).is_some())?;
        let opens = self.privacy.opens(&access.privacy, request.resource());
        opens.then_some(Permit { request, because: Because::Listed })
    }

    /// A permit for who may do everything on the installation: each action there is, on `*`, and this.
    pub fn permit_everything<'q>(&self, principal: &Principal, request: &'q Request) -> Option<Permit<'q>> {
        let mut everything = Action::ALL.iter().copied().map(Request::everywhere);
        everything.all(|each| self.decide(principal, &each)).then(|| self.permit(principal, request))?
    }

    /// A permit for the gateway itself to ask the upstream for a list; what it answers goes to no caller.
    pub fn permit_own<'q>(&self, request: &'q Request) -> Option<Permit<'q>> {
        let lists = matches!(request.action(), Action::FunctionList | Action::NamespaceList);
        lists.then_some(Permit { request, because: Because::Own })
    }

    /// A grant that allows the request. Of the two sides, the Roles whose policies concern the request and
    /// the Roles that the principal can satisfy, the smaller one is walked.
    fn granting(&self, principal: &Principal, request: &Request) -> Option<Grant> {
        if !self.may_be_granted(principal, request) {
            return None;
        }
        let mut filed = self.grants.concerning(request.resource());
        let concerning: usize = filed.clone().map(|filed| filed.roles).sum();
        let mut satisfiable = 0usize;
        let fewer = self.grants.identities.satisfied_by(principal.claims(), |roles| {
            satisfiable = satisfiable.saturating_add(roles.len());
            satisfiable < concerning
        });
        if fewer {
            self.by_identity(principal, request, filed)
        } else {
            filed.find_map(|filed| self.by_resource(filed, principal, request))
        }
    }

    /// What holds whatever was granted: nobody acts in `kube-system`, who showed nothing has nothing, the
    /// issuer has to serve, and the token at hand is an upper bound.
    fn may_be_granted(&self, principal: &Principal, request: &Request) -> bool {
        self.is_served(principal)
            && !request.resource().is_forbidden()
            && principal.bounds.covers(request.action(), request.resource())
    }

    fn is_served(&self, principal: &Principal) -> bool {
        match principal.kind {
            PrincipalKind::Anonymous | PrincipalKind::Access => false,
            PrincipalKind::BasicAuth => true,
            _ => self.issuers.find(&principal.iss).is_some(),
        }
    }

    fn by_identity<'g>(
        &'g self,
        principal: &Principal,
        request: &Request,
        filed: impl Iterator<Item = &'g Filed> + Clone,
    ) -> Option<Grant> {
        let mut granted = None;
        self.grants.identities.satisfied_by(principal.claims(), |roles| {
            granted = roles.iter().find_map(|role| self.by_role(*role, principal, request, filed.clone()));
            granted.is_none()
        });
        granted
    }

    fn by_role<'g>(
        &'g self,
        role: u32,
        principal: &Principal,
        request: &Request,
        filed: impl Iterator<Item = &'g Filed>,
    ) -> Option<Grant> {
        let compiled = self.grants.role(role)?;
        let mine = filed.flat_map(|filed| compiled.policies.iter().flat_map(|p| filed.of_policy(*p)));
        let rule = mine.copied().find(|rule| self.allows(*rule, principal, request))?;
        applies(compiled, principal, request.resource()).then_some(Grant { role, rule })
    }

    /// Of one policy any statement will do that allows the request, and then any Role that has it.
    fn by_resource(&self, filed: &Filed, principal: &Principal, request: &Request) -> Option<Grant> {
        let applies = |role: u32| {
            let compiled = self.grants.role(role);
            compiled.is_some_and(|role| applies(role, principal, request.resource()))
        };
        filed.rules.chunk_by(|a, b| a.policy == b.policy).find_map(|rules| {
            let rule = rules.iter().copied().find(|rule| self.allows(*rule, principal, request))?;
            let role = self.grants.roles_of(rule.policy).iter().copied().find(|role| applies(*role))?;
            Some(Grant { role, rule })
        })
    }

    /// Whether the statement allows the request to those whose Roles have it.
    fn allows(&self, rule: Rule, principal: &Principal, request: &Request) -> bool {
        if !rule.actions.contains(request.action()) {
            return false;
        }
        let Some((policy, statement)) = self.grants.policy(rule).zip(self.grants.statement(rule)) else {
            return false;
        };
        statement.resources.iter().any(|r| r.covers(request.resource()))
            && principal.bounds.policy(&policy.0)
            && statement.condition.as_ref().is_none_or(|c| evaluate::condition_holds(c, principal))
    }
}

/// Whether the Role is the principal's, there.
fn applies(role: &CompiledRole, principal: &Principal, resource: &Resource) -> bool {
    at_issuer(role, principal)
        && role.role.scope.as_ref().is_none_or(|scope| scope.iter().any(|s| s.covers(resource)))
        && evaluate::role_holds(&role.role, principal)
}

/// Whether the Role counts at the principal's issuer (`semantics.md` 11, 22, 24). That it names the right
/// one is part of its condition.
fn at_issuer(role: &CompiledRole, principal: &Principal) -> bool {
    let must_name = principal.own || principal.kind == PrincipalKind::BasicAuth;
    (!must_name || role.names_an_issuer) && role.barred_at(&principal.iss).is_none()
}

#[cfg(test)]
mod tests;
