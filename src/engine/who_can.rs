//! The question the other way round: which Roles would allow this, and for whom. Conditions are told, not
//! judged.

use serde::Serialize;

use super::grants::{CompiledRole, Grant};
use super::{Engine, evaluate};
use crate::model::{Clause, Request, Statement};

/// One way to be allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grantee {
    /// The Role.
    pub role: String,
    /// The policy.
    pub policy: String,
    /// The statement.
    pub sid: String,
    /// Everything that has to hold, in words; each.
    pub who: Vec<String>,
    /// Shared issuers whose tokens could satisfy the conditions, and at which the Role is not enforced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_at: Vec<String>,
}

impl Engine {
    /// Every Role's statement that allows the request to somebody, sorted by name.
    pub fn who_can(&self, request: &Request) -> Vec<Grantee> {
        if request.resource().is_forbidden() {
            return Vec::new();
        }
        let rules = self.grants.concerning(request.resource()).flat_map(|filed| &filed.rules);
        let grants = rules.flat_map(|rule| {
            self.grants.roles_of(rule.policy).iter().map(|role| Grant { role: *role, rule: *rule })
        });
        let mut found: Vec<_> = grants.filter_map(|grant| self.grantee(grant, request)).collect();
        found.sort();
        found.dedup();
        found
    }

    fn grantee(&self, grant: Grant, request: &Request) -> Option<Grantee> {
        let (role, statement) = (self.grants.role(grant.role)?, self.grants.statement(grant.rule)?);
        let within = role.role.scope.as_ref().is_none_or(|s| s.iter().any(|s| s.covers(request.resource())));
        let covered = statement.actions.contains(request.action())
            && statement.resources.iter().any(|r| r.covers(request.resource()));
        (within && covered).then(|| Grantee {
            role: role.name.to_string(),
            policy: self.grants.policy(grant.rule).map(|(name, _)| name.to_string()).unwrap_or_default(),
            sid: statement.sid.to_string(),
            who: who(role, statement),
            not_at: not_at(role, statement),
        })
    }
}

fn not_at(role: &CompiledRole, statement: &Statement) -> Vec<String> {
    let clauses = || role.role.clauses().iter().chain(statement.condition.iter().flat_map(|c| &c.0));
    let barred = role.barred.iter().map(|(iss, _)| iss);
    barred.filter(|iss| clauses().all(|c| evaluate::admits(c, iss))).map(ToString::to_string).collect()
}

fn who(role: &CompiledRole, statement: &Statement) -> Vec<String> {
    let subjects =
        role.role.subjects.iter().map(|s| format!("principal jwt:sub {}", list(s.iter().map(|v| &**v))));
    let own = role.role.clauses().iter().map(in_words);
    let statements = statement.condition.iter().flat_map(|c| c.0.iter().map(in_words));
    subjects.chain(own).chain(statements).collect()
}

fn in_words(clause: &Clause) -> String {
    format!("{clause} {}", list(clause.values.iter().map(|v| v.as_str())))
}

fn list<'a>(values: impl Iterator<Item = &'a str>) -> String {
    values.map(|v| format!("{v:?}")).collect::<Vec<_>>().join(" or ")
}
