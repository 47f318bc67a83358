//! Role: who gets which policies, and where.
//!
//! Decides which shapes the API server takes; whom a Role binds and whether that is one tenant's
//! is judged by the validator.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::condition::{self, Claims, Condition};
use super::field::Field;
use super::status::RoleStatus;
use super::{limits, parts};

/// Whom the Role binds, to which policies, within which scope.
#[expect(clippy::duplicated_attributes, reason = "each column has its own name and type")]
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
#[kube(
    group = "iam.openfaas.com",
    version = "v1",
    kind = "Role",
    plural = "roles",
    shortname = "ofrole",
    category = "openfaas",
    namespaced,
    status = "RoleStatus",
    derive = "PartialEq",
    doc = "Gives policies to whoever holds a token that fits `principal` and `condition`, within `scope`. At least one of `principal` and `condition` is needed; where both are given, both must hold. Several Roles add up. An invalid Role grants nothing.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "True where the role is enforced"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why it is ready, or why not"
    ),
    printcolumn(
        name = "Policies",
        type_ = "string",
        json_path = ".spec.policy",
        description = "Policies that are granted"
    ),
    printcolumn(
        name = "Scope",
        type_ = "string",
        json_path = ".spec.scope",
        description = "Where they are granted; empty: wherever the policies say"
    ),
    printcolumn(
        name = "Principal",
        type_ = "string",
        json_path = ".spec.principal",
        description = "Whom it binds by subject",
        priority = 1
    ),
    printcolumn(
        name = "Condition",
        type_ = "string",
        json_path = ".spec.condition",
        description = "Whom it binds by claims",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Time since it was created"
    )
)]
#[x_kube(
    validation = Rule::new("has(self.principal) || has(self.condition)").message("a Role needs `principal` or `condition`: without either it would bind everybody").reason(Reason::FieldValueRequired),
    validation = Rule::new("!has(self.conditions)").message("`conditions` is not a field: write `condition`").field_path(".conditions").reason(Reason::FieldValueForbidden),
    validation = Rule::new("!has(self.principals)").message("`principals` is not a field: write `principal`").field_path(".principals").reason(Reason::FieldValueForbidden),
    validation = Rule::new("!has(self.scopes)").message("`scopes` is not a field: write `scope`").field_path(".scopes").reason(Reason::FieldValueForbidden),
)]
pub struct RoleSpec {
    /// Names of the policies that are granted, of this namespace, at most 64. Names that lead
    /// nowhere grant nothing, and the Role is not ready until they do. Default: none, so that the
    /// Role grants nothing (a warning). Example: `[dev-rw, staging-readonly]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::POLICIES), inner(length(min = 1, max = limits::TEXT)))]
    pub policy: Vec<String>,

    /// Whom the Role binds, by exact subject: the one key `jwt:sub` with the `sub` claims, of which
    /// one must be the token's. Default: everybody for whom `condition` holds. May not be empty or
    /// null. Example: `{"jwt:sub": ["github|1234567"]}`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "condition::principal")]
    pub principal: Field<Claims>,

    /// Whom the Role binds, by the claims of the token: operator, then `jwt:<claim>`, then values.
    /// Every operator and every key must hold; of several values one must (for the negated
    /// operators: none may). Operators: StringEqual, StringNotEqual, StringEqualIgnoreCase,
    /// StringNotEqualIgnoreCase, StringLike (`*` any run, `?` one character), StringNotLike, each
    /// also behind `ForAnyValue:` or `ForAllValues:` for claims that are lists; Bool; Null. A claim
    /// that is missing fails them all but `Null`. Name the issuer by `jwt:iss` under StringEqual.
    /// At most 16 operators, 32 keys each, 1000 values each. Default: everybody whom `principal`
    /// names. May not be empty or null.
    /// Example: `{StringEqual: {"jwt:iss": ["https://idp.example.com"]}}`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "condition::role_condition")]
    pub condition: Field<Condition>,

    /// Where the policies are granted, 1 to 64 entries: `*`, `<namespace>:*` or
    /// `<namespace>:<function>`, without other wildcards. What is granted is what both the policy
    /// and the scope cover. Default: wherever the policies say. May not be empty or null.
    /// Example: `["team-a:*"]`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "parts::scope")]
    pub scope: Field<Vec<String>>,

    /// Not a field: it is refused, because a condition that got lost would bind more people than
    /// were meant. Write `condition`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "condition::mistaken_condition")]
    pub conditions: Field<Condition>,

    /// Not a field: it is refused, because a principal that got lost would bind more people than
    /// were meant. Write `principal`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "condition::mistaken_principal")]
    pub principals: Field<Claims>,

    /// Not a field: it is refused, because a scope that got lost would grant more than was meant.
    /// Write `scope`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    #[schemars(schema_with = "parts::scope")]
    pub scopes: Field<Vec<String>>,
}
