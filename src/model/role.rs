//! A Role as it is meant: who gets which Policies, within which scope.

use serde::{Deserialize, Serialize};

use super::condition::{Comparison, Quantifier};
use super::{Clause, Condition, Resource};

/// A valid Role: it has a principal, a condition, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Names of Policies; those that are missing or invalid grant nothing.
    pub policies: Vec<Box<str>>,
    /// `principal["jwt:sub"]`: exact subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<Box<str>>>,
    /// The condition on the caller's claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// Where the Policies count; everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<Resource>>,
}

impl Role {
    /// The clauses of its condition.
    pub fn clauses(&self) -> &[Clause] {
        self.condition.as_ref().map_or(&[], |c| &c.0)
    }

    /// The clauses that name issuers: exact values of `jwt:iss` (`semantics.md` 11).
    fn naming(&self) -> impl Iterator<Item = &Clause> {
        self.clauses().iter().filter(|c| {
            &*c.claim == "iss"
                && c.op.quantifier == Quantifier::Plain
                && c.op.comparison == Comparison::Equal
                && !c.op.negated
        })
    }

    /// Whether the Role names any issuer. One that does not works for every declared JwtIssuer.
    pub fn names_an_issuer(&self) -> bool {
        self.naming().next().is_some()
    }

    /// Whether the Role names this issuer: every clause that names some lists it.
    pub fn names(&self, iss: &str) -> bool {
        self.names_an_issuer() && self.naming().all(|c| c.lists(iss))
    }

    /// The issuers that it names, as texts.
    pub fn named_issuers(&self) -> impl Iterator<Item = &str> {
        let first = self.naming().next();
        let listed = first.into_iter().flat_map(|c| c.values.iter().map(|v| v.as_str()));
        listed.filter(|iss| self.names(iss))
    }
}
