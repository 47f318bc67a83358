//! What the operator reports on each object.
//!
//! Holds nothing that time alone would change: times of the last fetch are metrics.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::limits;

/// The condition that sums up: True where the object serves.
pub const READY: &str = "Ready";
/// The condition of kstatus that is True where something other than an edit of the object can
/// still make it ready.
pub const RECONCILING: &str = "Reconciling";
/// The condition of kstatus that is True where only an edit of the object can make it ready.
pub const STALLED: &str = "Stalled";
/// The condition that is True where the object works and something about it is worth a look.
pub const WARNINGS: &str = "Warnings";

/// `observedGeneration` of an object that nobody has looked at yet.
pub const UNOBSERVED: i64 = -1;

/// The state of a JwtIssuer.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct JwtIssuerStatus {
    /// The generation that the conditions are about; -1 where nobody has looked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub observed_generation: Option<i64>,

    /// Ready, and where it is not True either Reconciling or Stalled; Warnings where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,

    /// The keys that the issuer's tokens are verified with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "KeysStatus")]
    pub keys: Option<KeysStatus>,
}

/// The keys of a JwtIssuer.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct KeysStatus {
    /// Where the keys come from: a URL, `jwks`, `jwksRef`, `cluster` or `issuer-key`.
    #[schemars(length(max = limits::LONG_TEXT))]
    pub source: String,

    /// How many keys are usable for signatures.
    #[schemars(with = "i32")]
    pub count: u32,

    /// The ids of these keys, sorted; at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::LISTED), inner(length(max = limits::TEXT)))]
    pub kids: Vec<String>,
}

/// The state of a Policy.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    /// The generation that the conditions are about; -1 where nobody has looked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub observed_generation: Option<i64>,

    /// Ready, and where it is not True either Reconciling or Stalled; Warnings where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
}

/// The state of a Role.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct RoleStatus {
    /// The generation that the conditions are about; -1 where nobody has looked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub observed_generation: Option<i64>,

    /// Ready, and where it is not True either Reconciling or Stalled; Warnings where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,

    /// The JwtIssuers, by name and sorted, whose tokens the Role is enforced for; at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::LISTED), inner(length(max = limits::NAME)))]
    pub issuers: Vec<String>,
}

/// The schema of metav1.Condition with the bounds of Kubernetes' own, in a list keyed by `type`.
fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": limits::CONDITIONS,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {
                    "description": "Ready, Reconciling, Stalled or Warnings.",
                    "type": "string",
                    "maxLength": 316,
                },
                "status": {
                    "description": "True, False or Unknown.",
                    "type": "string",
                    "enum": ["True", "False", "Unknown"],
                    "maxLength": 7,
                },
                "reason": {
                    "description": "Why, in one word for programs.",
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 1024,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                },
                "message": {
                    "description": "Why, and what to do, for people.",
                    "type": "string",
                    "maxLength": limits::MESSAGE,
                },
                "observedGeneration": {
                    "description": "The generation that this condition is about.",
                    "type": "integer",
                    "format": "int64",
                },
                "lastTransitionTime": {
                    "description": "When the status last changed.",
                    "type": "string",
                    "format": "date-time",
                    "maxLength": 64,
                },
            },
        },
    })
}
