//! Why: the same judgement as the decision's, Role by Role, kept in words. May allocate; looks at a bounded
//! number of Roles, those that the principal satisfies and those that concern the request first.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::grants::{CompiledRole, Rule};
use super::principal::shorten;
use super::unmet::{Unmet, other_subject, presented, unmet};
use super::{Engine, Principal, PrincipalKind, applies, evaluate};
use crate::model::Request;

/// How many Roles are looked at for each one that is told about.
const LOOKED_AT_FOR_EACH: usize = 16;

/// An answer with its reasons.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What [`Engine::decide`] says.
    pub allowed: bool,
    /// Why the request is refused whatever any Role says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What became of each Role that was looked at, the most telling first.
    pub roles: Vec<Trail>,
    /// How many Roles are not told about.
    pub left_out: usize,
}

/// What became of one Role.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trail {
    /// The Role's name.
    pub role: String,
    /// Where its way ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Where a Role's way ended.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum Outcome {
    /// It allows the request.
    Granted(Granted),
    /// It names no issuer, and this principal needs one that names its own.
    IssuerNotNamed {
        /// The principal's issuer.
        iss: String,
    },
    /// The issuer is shared, and the Role binds nothing that one tenant owns there.
    TenantUnbound {
        /// What would bind.
        wanted: &'static str,
    },
    /// The subject is not listed.
    OtherSubject(Unmet),
    /// A clause of its condition does not hold.
    ConditionUnmet(Unmet),
    /// The identity is right; the request lies outside of its scope.
    OutOfScope {
        /// Its scope.
        scope: Vec<String>,
    },
    /// The identity is right; a statement covers the request, and its own condition does not hold.
    StatementUnmet {
        /// The policy.
        policy: String,
        /// The statement.
        sid: String,
        /// What does not hold.
        #[serde(flatten)]
        unmet: Unmet,
    },
    /// The identity is right; a statement covers the request, of a policy that the token at hand lacks.
    NotInToken {
        /// The policy.
        policy: String,
    },
    /// The identity is right; no statement covers the request.
    NotCovered {
        /// Its policies that serve.
        policies: Vec<String>,
        /// Its policies that are missing or invalid.
        missing: Vec<String>,
    },
}

/// What allows a request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Granted {
    /// The policy.
    pub policy: String,
    /// The statement.
    pub sid: String,
    /// The resource of the statement that covers the request.
    pub resource: String,
    /// The Role's principal and clauses that hold.
    pub because: Vec<String>,
}

impl Engine {
    /// The decision with its reasons, at most `limit` Roles of them.
    pub fn explain(&self, principal: &Principal, request: &Request, limit: usize) -> Explanation {
        let allowed = self.decide(principal, request);
        let refused = self.refusal(principal, request);
        let looked_at = self.worth_a_look(principal, request, limit);
        let mut trails: Vec<_> = looked_at
            .into_iter()
            .filter_map(|at| self.grants.role(at))
            .map(|role| self.trail(role, principal, request))
            .collect();
        trails.sort_by(|a, b| (a.0, &a.1.role).cmp(&(b.0, &b.1.role)));
        let roles: Vec<_> = trails.into_iter().map(|(_, trail)| trail).take(limit).collect();
        let left_out = self.grants.roles.len() - roles.len();
        Explanation { allowed, refused, roles, left_out }
    }

    fn refusal(&self, principal: &Principal, request: &Request) -> Option<String> {
        let resource = request.resource();
        if resource.is_forbidden() {
            return Some("nobody may act in `kube-system`".into());
        }
        match principal.kind {
            PrincipalKind::Anonymous => Some("nothing was presented that says who asks".into()),
            PrincipalKind::BasicAuth => None,
            PrincipalKind::Access => Some(
                "an access token opens the functions that its FunctionPrivacy covers, and nothing else"
                    .into(),
            ),
            _ if self.issuers.find(&principal.iss).is_none() => {
                Some(format!("no JwtIssuer that serves has the iss `{}`", shorten(&principal.iss)))
            }
            _ if !principal.bounds.covers(request.action(), resource) => Some(
                "the token at hand is good for invoking the functions it names, and for nothing else".into(),
            ),
            _ => None,
        }
    }

    /// The Roles to tell about: all of them where they are few, else those on either side of the question.
    fn worth_a_look(&self, principal: &Principal, request: &Request, limit: usize) -> BTreeSet<u32> {
        let most = limit.saturating_mul(LOOKED_AT_FOR_EACH);
        let count = u32::try_from(self.grants.roles.len()).unwrap_or(u32::MAX);
        if self.grants.roles.len() <= most {
            return (0..count).collect();
        }
        let mut found = BTreeSet::new();
        self.grants.identities.satisfied_by(principal.claims(), |roles| {
            let room = (most / 2).saturating_sub(found.len());
            found.extend(roles.iter().copied().take(room));
            found.len() < most / 2
        });
        if let Some(grant) = self.granting(principal, request) {
            found.insert(grant.role);
        }
        let filed = self.grants.concerning(request.resource());
        let rules = filed.flat_map(|filed| &filed.rules).filter(|r| r.actions.contains(request.action()));
        for role in rules.flat_map(|rule| self.grants.roles_of(rule.policy)) {
            if found.len() >= most {
                break;
            }
            found.insert(*role);
        }
        found
    }

    /// What became of a Role, and how telling that is: granted, right identity, right request, neither.
    fn trail(&self, role: &CompiledRole, principal: &Principal, request: &Request) -> (u8, Trail) {
        let covering = self.covering(role, request);
        let (rank, outcome) = match identity_outcome(role, principal) {
            Some(outcome) => (if covering.is_empty() { 3 } else { 2 }, outcome),
            None => {
                let outcome = self.request_outcome(role, &covering, principal, request);
                (if matches!(outcome, Outcome::Granted(_)) { 0 } else { 1 }, outcome)
            }
        };
        (rank, Trail { role: role.name.to_string(), outcome })
    }

    /// The Role's statements that cover the request, whatever their condition.
    fn covering(&self, role: &CompiledRole, request: &Request) -> Vec<Rule> {
        let filed = self.grants.concerning(request.resource());
        let mine = filed.flat_map(|filed| role.policies.iter().flat_map(|p| filed.of_policy(*p))).copied();
        let covers = |rule: &Rule| {
            let statement = self.grants.statement(*rule);
            rule.actions.contains(request.action())
                && statement.is_some_and(|s| s.resources.iter().any(|r| r.covers(request.resource())))
        };
        mine.filter(covers).collect()
    }

    fn request_outcome(
        &self,
        role: &CompiledRole,
        covering: &[Rule],
        principal: &Principal,
        request: &Request,
    ) -> Outcome {
        if !applies(role, principal, request.resource()) {
            let scope = role.role.scope.iter().flatten().map(ToString::to_string).collect();
            return Outcome::OutOfScope { scope };
        }
        let possible = self.may_be_granted(principal, request);
        if let Some(rule) = covering.iter().find(|r| possible && self.allows(**r, principal, request)) {
            return self.granted(role, *rule, principal, request);
        }
        let outside = covering.iter().find_map(|g| {
            let name = &self.grants.policy(*g)?.0;
            let within = possible && principal.bounds.policy(name);
            (!within).then(|| Outcome::NotInToken { policy: name.to_string() })
        });
        let unmet = || covering.iter().find_map(|g| self.statement_unmet(*g, principal));
        outside.or_else(unmet).unwrap_or_else(|| self.not_covered(role))
    }

    fn granted(&self, role: &CompiledRole, rule: Rule, principal: &Principal, request: &Request) -> Outcome {
        let policy = self.grants.policy(rule).map(|(name, _)| name.to_string()).unwrap_or_default();
        let statement = self.grants.statement(rule);
        let resource = statement.and_then(|s| s.resources.iter().find(|r| r.covers(request.resource())));
        let clauses = role
            .role
            .clauses()
            .iter()
            .chain(statement.and_then(|s| s.condition.as_ref()).map_or(&[][..], |c| &c.0));
        let subject = role
            .role
            .subjects
            .is_some()
            .then(|| format!("principal jwt:sub is `{}`", shorten(principal.sub())));
        Outcome::Granted(Granted {
            policy,
            sid: statement.map(|s| s.sid.to_string()).unwrap_or_default(),
            resource: resource.map(ToString::to_string).unwrap_or_default(),
            because: subject
                .into_iter()
                .chain(clauses.map(|c| format!("{c} holds for {}", presented(&c.claim, principal))))
                .collect(),
        })
    }

    fn statement_unmet(&self, rule: Rule, principal: &Principal) -> Option<Outcome> {
        let statement = self.grants.statement(rule)?;
        let clause = evaluate::failing(statement.condition.as_ref()?, principal)?;
        let policy = self.grants.policy(rule)?.0.to_string();
        Some(Outcome::StatementUnmet {
            policy,
            sid: statement.sid.to_string(),
            unmet: unmet(clause, principal),
        })
    }

    fn not_covered(&self, role: &CompiledRole) -> Outcome {
        let (mut policies, mut missing) = (Vec::new(), Vec::new());
        for name in &role.role.policies {
            let serves = self.grants.by_name.contains_key(name);
            if serves { &mut policies } else { &mut missing }.push(name.to_string());
        }
        Outcome::NotCovered { policies, missing }
    }
}

/// Why the Role is not the principal's; `None` where it is. That it is for another issuer says the most, and
/// comes before what the principal's own issuer would ask of it.
fn identity_outcome(role: &CompiledRole, principal: &Principal) -> Option<Outcome> {
    if let Some(clause) = evaluate::failing_issuer(&role.role, principal) {
        return Some(Outcome::ConditionUnmet(unmet(clause, principal)));
    }
    if !super::at_issuer(role, principal) {
        return Some(match role.barred_at(&principal.iss) {
            Some(sharing) => Outcome::TenantUnbound { wanted: sharing.wanted() },
            None => Outcome::IssuerNotNamed { iss: shorten(&principal.iss) },
        });
    }
    if !evaluate::subject_holds(&role.role, principal) {
        return Some(Outcome::OtherSubject(other_subject(role, principal)));
    }
    let condition = role.role.condition.as_ref()?;
    evaluate::failing(condition, principal).map(|clause| Outcome::ConditionUnmet(unmet(clause, principal)))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted(g) => {
                write!(
                    f,
                    "allows it by policy `{}`, statement `{}`, resource `{}`",
                    g.policy, g.sid, g.resource
                )?;
                g.because.iter().try_for_each(|b| write!(f, "; {b}"))
            }
            Self::IssuerNotNamed { iss } => {
                write!(
                    f,
                    "names no issuer, and `{iss}` has to be named (`StringEqual: {{\"jwt:iss\": [{iss:?}]}}`)"
                )
            }
            Self::TenantUnbound { wanted } => {
                write!(f, "is not enforced: many tenants share the issuer, and it has to bind {wanted}")
            }
            Self::OtherSubject(unmet) | Self::ConditionUnmet(unmet) => write!(f, "is for others: {unmet}"),
            Self::OutOfScope { scope } => {
                write!(f, "is yours, and the request lies outside of its scope ({})", scope.join(", "))
            }
            Self::StatementUnmet { policy, sid, unmet } => {
                write!(
                    f,
                    "is yours; policy `{policy}`, statement `{sid}` covers it, and its condition fails: {unmet}"
                )
            }
            Self::NotInToken { policy } => {
                write!(
                    f,
                    "is yours; policy `{policy}` covers it and is not in the token at hand; log in again"
                )
            }
            Self::NotCovered { policies, missing } => {
                f.write_str("is yours; ")?;
                match policies.as_slice() {
                    [] => f.write_str("it has no policy that serves")?,
                    names => write!(f, "no statement of `{}` covers it", names.join("`, `"))?,
                }
                if missing.is_empty() {
                    Ok(())
                } else {
                    write!(f, "; missing or invalid: `{}`", missing.join("`, `"))
                }
            }
        }
    }
}

impl fmt::Display for Explanation {
    /// One line a Role, after what refuses the whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refused.iter().try_for_each(|why| writeln!(f, "{why}"))?;
        self.roles.iter().try_for_each(|t| writeln!(f, "role `{}` {}", t.role, t.outcome))?;
        match (self.roles.is_empty(), self.left_out) {
            (true, 0) => writeln!(f, "there is no Role"),
            (_, 0) => Ok(()),
            (_, n) => writeln!(f, "and {n} more Roles, none of which allows it"),
        }
    }
}
