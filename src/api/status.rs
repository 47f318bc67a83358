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
/// The condition of a RegistryCredential that is True where its Secret holds a login for the registry.
pub const SOURCE_VALID: &str = "SourceValid";
/// The condition of a RegistryCredential that is True where every namespace that gets it has it.
pub const SYNCED: &str = "Synced";
/// The condition of a RegistryCredential that is True where an older one with the same registry wins in a namespace.
pub const CONFLICTED: &str = "Conflicted";
/// The condition of a RegistryCredential that is True where its login ends soon, or has ended.
pub const EXPIRING: &str = "Expiring";
/// The condition of a RegistryCredential that is True where the registry takes its login.
pub const VERIFIED: &str = "Verified";

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

/// The state of a RegistryCredential. It does not grow with the number of namespaces.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[serde(rename_all = "camelCase")]
pub struct RegistryCredentialStatus {
    /// The generation that the conditions are about; -1 where nobody has looked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub observed_generation: Option<i64>,

    /// Ready, and where it is not True either Reconciling or Stalled; SourceValid, Synced, Conflicted, Expiring and
    /// Verified; Warnings where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "credential_conditions")]
    pub conditions: Vec<Condition>,

    /// The registry as it is written in pull secrets, one spelling for all that mean the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = limits::TEXT))]
    pub registry: Option<String>,

    /// How many namespaces get the login, and how many have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NamespaceCounts")]
    pub namespaces: Option<NamespaceCounts>,

    /// Namespaces that should have the login and do not, at most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::FAILURES))]
    pub failures: Vec<NamespaceFailure>,

    /// How many more such namespaces there are than `failures` lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32")]
    pub failures_left_out: Option<i32>,

    /// When the login ends, by `spec.expiresAt` or by the password itself; absent where neither says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::parts::date_time")]
    pub expires_at: Option<String>,
}

/// How many namespaces get a login, and how many have it.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceCounts {
    /// Namespaces that get it.
    pub desired: i32,

    /// Those of them that have it, Secret and references.
    pub ready: i32,

    /// Those of them where something is in the way.
    pub failed: i32,

    /// `ready` of `desired`, for people. Example: `98/100`.
    #[schemars(length(max = limits::LABEL))]
    pub summary: String,
}

impl NamespaceCounts {
    /// The counts, with their summary.
    pub fn new(desired: i32, ready: i32, failed: i32) -> Self {
        Self { desired, ready, failed, summary: format!("{ready}/{desired}") }
    }
}

/// What is in the way in one namespace.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceFailure {
    /// The namespace.
    #[schemars(length(max = limits::LABEL))]
    pub namespace: String,

    /// What it is, in one word for programs.
    #[schemars(length(max = limits::LABEL))]
    pub reason: String,

    /// What it is, and what to do, for people.
    #[schemars(length(max = limits::LONG_TEXT))]
    pub message: String,
}

/// The schema of `conditions` for the kinds of access.
fn conditions(_: &mut SchemaGenerator) -> Schema {
    conditions_of("Ready, Reconciling, Stalled or Warnings.")
}

/// The schema of `conditions` of a RegistryCredential.
fn credential_conditions(_: &mut SchemaGenerator) -> Schema {
    conditions_of(
        "Ready, Reconciling, Stalled, SourceValid, Synced, Conflicted, Expiring, Verified or Warnings.",
    )
}

/// The schema of metav1.Condition with the bounds of Kubernetes' own, in a list keyed by `type`.
fn conditions_of(types: &str) -> Schema {
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
                    "description": types,
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
