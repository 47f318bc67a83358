//! A Policy as it is meant: statements that each grant actions on resources, some under a condition.

use serde::{Deserialize, Serialize};

use super::{ActionSet, Condition, ResourcePattern};

/// A valid Policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its statements, in order; each adds to what the others grant.
    pub statements: Vec<Statement>,
}

/// One statement. There is no effect: all of them allow (`semantics.md` 7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The statement's id, for explanations.
    pub sid: Box<str>,
    /// What may be done.
    pub actions: ActionSet,
    /// Where.
    pub resources: Vec<ResourcePattern>,
    /// Under which condition on the caller's claims, besides the Role's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
}
