//! Policy: actions on resources.
//!
//! Decides which shapes the API server takes; names of actions and patterns of resources are
//! judged by the validator.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::condition::{self, Condition};
use super::field::Field;
use super::status::PolicyStatus;
use super::{limits, parts};

/// The one effect of a statement.
pub const ALLOW: &str = "Allow";

/// What is allowed, in statements that add up.
#[expect(clippy::duplicated_attributes, reason = "each column has its own name and type")]
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[kube(
    group = "iam.openfaas.com",
    version = "v1",
    kind = "Policy",
    plural = "policies",
    shortname = "ofpol",
    category = "openfaas",
    namespaced,
    status = "PolicyStatus",
    derive = "PartialEq",
    doc = "Actions that are allowed on resources. A Policy grants nothing by itself: a Role gives it to somebody. An invalid Policy grants nothing at all.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "True where the policy can be granted"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why it is ready, or why not"
    ),
    printcolumn(
        name = "Statements",
        type_ = "string",
        json_path = ".spec.statement[*].sid",
        description = "Names of the statements"
    ),
    printcolumn(
        name = "Resources",
        type_ = "string",
        json_path = ".spec.statement[*].resource",
        description = "Resources of the statements",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Time since it was created"
    )
)]
pub struct PolicySpec {
    /// The statements, 1 to 100: each allows its actions on its resources, and they add up.
    #[schemars(length(min = 1, max = limits::STATEMENTS))]
    pub statement: Vec<Statement>,
}

/// Actions allowed on resources, where the condition holds.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[x_kube(validation = Rule::new("!has(self.conditions)").message("`conditions` is not a field of a statement: write `condition`").field_path(".conditions").reason(Reason::FieldValueForbidden))]
pub struct Statement {
    /// A name for the statement, which explanations of decisions show. At most 512 characters.
    /// Example: `1-rw-dev`.
    #[schemars(length(min = 1, max = limits::TEXT))]
    pub sid: String,

    /// What is allowed, 1 to 64 entries: an action such as `Function:Invoke`, all actions of a
    /// family such as `Secret:*`, or `*` for everything. The older names `Function:Read`,
    /// `Function:Admin`, `Secret:Read` and `Secret:Admin` work, with a warning.
    /// Example: `[Function:List, Function:Get]`.
    #[schemars(length(min = 1, max = limits::ACTIONS), inner(length(min = 1, max = limits::TEXT)))]
    pub action: Vec<String>,

    /// `Allow`. Nothing else is known yet: what no statement allows is denied.
    #[schemars(schema_with = "parts::effect")]
    pub effect: String,

    /// On what, 1 to 256 entries: `*` for the cluster and all in it, `<namespace>:*` for a
    /// namespace, `<namespace>:<function>` for a function. `*` stands for any run of characters on
    /// either side of the colon, and never crosses it. Example: `["dev:*", "staging:api-*"]`.
    #[schemars(length(min = 1, max = limits::RESOURCES), inner(length(min = 1, max = limits::TEXT)))]
    pub resource: Vec<String>,

    /// When, as operator, claim and values, with the operators and keys of a Role's `condition`; it
    /// must hold in addition to the Role's own. Default: always. May not be empty or null.
    /// Example: `{StringEqual: {"jwt:role": [admin]}}`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "condition::statement_condition")]
    pub condition: Field<Condition>,

    /// Not a field: it is refused, because a condition that got lost would allow more than was
    /// meant. Write `condition`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "condition::mistaken_condition")]
    pub conditions: Field<Condition>,
}
