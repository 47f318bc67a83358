//! Whether an identity may do something, and what stood against it (7–11, 22, 24).

use serde_json::Value;

use super::identity::Subject;
use super::request::Request;
use super::{Served, condition, tenant, texts};

/// What becomes of a request. Of a Role's reasons the last one, so that all before it were met; of all Roles
/// the one that got furthest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// 4: nobody acts in `kube-system`.
    Forbidden,
    /// The token at hand is not good for this, whatever its Roles.
    BeyondToken,
    /// 5, 6, 9: no statement covers it.
    NotCovered,
    /// One does, of a policy that the token at hand does not name.
    NotInToken,
    /// 11, 24: the Role is about other issuers.
    OtherIssuer,
    /// 22: many tenants share the issuer, and the Role binds none.
    TenantUnbound,
    /// 8: the Role is for other subjects.
    OtherSubject,
    /// The Role's condition does not hold.
    RoleCondition,
    /// 7: nor does that of any statement that covers it.
    StatementCondition,
    /// 10: all else was right.
    OutOfScope,
    /// Nothing stood against it.
    Allowed,
}

impl Verdict {
    pub fn allows(self) -> bool {
        self == Self::Allowed
    }
}

impl Served<'_> {
    /// Whether this identity may do this. 7: Roles add up.
    pub fn judge(&self, who: &Subject, request: &Request) -> Verdict {
        if request.namespace() == Some("kube-system") {
            return Verdict::Forbidden;
        }
        if !who.bounds.permit(request) {
            return Verdict::BeyondToken;
        }
        let each = self.roles.iter().map(|role| self.through(role, who, request));
        each.max().unwrap_or(Verdict::NotCovered)
    }

    /// How far a request gets by one Role.
    fn through(&self, role: &Value, who: &Subject, request: &Request) -> Verdict {
        let covering = self.covering(role, request);
        let mut named = covering.iter().filter(|(policy, _)| who.bounds.names(policy)).peekable();
        if covering.is_empty() {
            Verdict::NotCovered
        } else if named.peek().is_none() {
            Verdict::NotInToken
        } else if let Some(refusal) = not_for(role, who) {
            refusal
        } else if !named.any(|(_, statement)| condition::holds(statement.get("condition"), who)) {
            Verdict::StatementCondition
        } else if !in_scope(role, request) {
            Verdict::OutOfScope
        } else {
            Verdict::Allowed
        }
    }

    /// 7, 9: the statements that cover the request, each with its policy's name; policies and statements add
    /// up, and what is missing or invalid grants nothing.
    fn covering<'r>(&'r self, role: &'r Value, request: &Request) -> Vec<(&'r str, &'r Value)> {
        texts(&role["policy"])
            .filter_map(|name| Some((name, self.policy(name)?)))
            .flat_map(|(name, policy)| {
                policy["statement"].as_array().into_iter().flatten().map(move |s| (name, s))
            })
            .filter(|(_, statement)| request.is_covered_by(&statement["action"], &statement["resource"]))
            .collect()
    }
}

/// 8, 11, 22, 24: why a Role is not about this identity, where it is not.
fn not_for(role: &Value, who: &Subject) -> Option<Verdict> {
    let about_its_issuer = match tenant::named_issuers(role) {
        Some(named) => named.contains(&who.iss.as_str()),
        None => who.issuer.is_some(),
    };
    if !about_its_issuer {
        Some(Verdict::OtherIssuer)
    } else if who.issuer.is_some_and(|issuer| !tenant::is_bound(issuer, role)) {
        Some(Verdict::TenantUnbound)
    } else if !principal(role, who) {
        Some(Verdict::OtherSubject)
    } else if !condition::holds(role.get("condition"), who) {
        Some(Verdict::RoleCondition)
    } else {
        None
    }
}

/// 8: exact. Page silent on a `sub` that a token of ours left out for its size, which none does: decided that
/// it is as under every operator (wire, size), and matches nothing.
fn principal(role: &Value, who: &Subject) -> bool {
    let Some(principal) = role.get("principal") else { return true };
    !who.has_omitted("sub")
        && texts(&principal["jwt:sub"]).any(|sub| who.claims.get("sub").is_some_and(|claim| claim == sub))
}

/// 10: `*`, `ns:*` or `ns:name`.
fn in_scope(role: &Value, request: &Request) -> bool {
    let Some(scope) = role.get("scope") else { return true };
    texts(scope).any(|scope| request.is_within(scope))
}
