//! JwtIssuer: an identity provider whose tokens count.
//!
//! Decides which shapes the API server takes; addresses, durations and keys are judged by the
//! validator, and fetched by the operator alone.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::status::JwtIssuerStatus;
use super::{limits, parts};

/// The name of the JwtIssuer that is the gateway itself.
pub const SYSTEM: &str = "system";

/// Lifetime of an access token where `tokenExpiry` is absent or empty, as a Go duration.
pub const DEFAULT_TOKEN_EXPIRY: &str = "30m";

// Strings that stand for a choice stay strings here, so that the validator can report a wrong one
// together with every other problem of the object.
/// Where an identity provider is, and which of its tokens are taken.
#[expect(clippy::duplicated_attributes, reason = "each column has its own name and type")]
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
#[kube(
    group = "iam.openfaas.com",
    version = "v1",
    kind = "JwtIssuer",
    plural = "jwtissuers",
    shortname = "ofjwt",
    category = "openfaas",
    namespaced,
    status = "JwtIssuerStatus",
    derive = "PartialEq",
    doc = "An identity provider whose tokens are exchanged for tokens of the gateway: an OpenID provider, a CI system, or the cluster itself. Its keys are fetched by discovery unless they are given here. The object named `system` is the gateway itself. Two objects with one `iss` are a conflict, and neither serves.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "True where tokens of this issuer are taken"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why it is ready, or why not"
    ),
    printcolumn(
        name = "Issuer",
        type_ = "string",
        json_path = ".spec.iss",
        description = "The `iss` that tokens carry"
    ),
    printcolumn(
        name = "Keys",
        type_ = "integer",
        json_path = ".status.keys.count",
        description = "Usable keys for signatures"
    ),
    printcolumn(
        name = "Audience",
        type_ = "string",
        json_path = ".spec.aud",
        description = "Audiences of which a token must have one",
        priority = 1
    ),
    printcolumn(
        name = "Expiry",
        type_ = "string",
        json_path = ".spec.tokenExpiry",
        description = "Lifetime of the tokens that are given out",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Time since it was created"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.jwks) || !has(self.jwksRef)").message("`jwks` and `jwksRef` exclude each other: keep the one that holds the issuer's keys").field_path(".jwksRef"))]
pub struct JwtIssuerSpec {
    /// The issuer's name as it stands in the `iss` claim of its tokens, compared byte by byte: a
    /// slash at the end counts. Keys are fetched from `<iss>/.well-known/openid-configuration`
    /// unless `issInternal`, `jwks` or `jwksRef` is given. An https URL, or any text where the keys
    /// come from elsewhere; at most 2048 characters. On the object named `system` it is the public
    /// URL of the gateway. Example: `https://keycloak.example.com/realms/openfaas`.
    #[schemars(length(min = 1, max = limits::LONG_TEXT))]
    pub iss: String,

    /// The audiences meant for us: a token must have one of them in its `aud` claim. For many
    /// providers this is the client id. At most 16. Example: `[https://gateway.example.com]`.
    #[schemars(length(min = 1, max = limits::AUDIENCES), inner(length(min = 1, max = limits::LONG_TEXT)))]
    pub aud: Vec<String>,

    /// Another URL to fetch discovery and keys from, where `iss` cannot be reached from the
    /// cluster; plain http is allowed. Excludes nothing, but is not used where `jwks` or `jwksRef`
    /// holds the keys; not allowed on `system`. At most 2048 characters.
    /// Example: `http://keycloak.auth:8080/realms/openfaas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::LONG_TEXT))]
    pub iss_internal: Option<String>,

    /// How long the tokens live that are given in exchange for this issuer's: a Go duration from
    /// `1m` to `24h`. Default: `30m`, also where it is empty. Example: `12h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = limits::TEXT))]
    pub token_expiry: Option<String>,

    /// The issuer's public keys as a JWK Set (RFC 7517), for issuers that cannot be reached and for
    /// service-account keys; nothing is fetched then. At most 64 keys and 256 KiB. Excludes
    /// `jwksRef`; not allowed on `system`.
    /// Example, with `y` in quotes because YAML reads it as `true`:
    /// `{keys: [{kty: EC, crv: P-256, kid: k1, x: …, "y": …}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::key_set")]
    pub jwks: Option<Map<String, Value>>,

    /// A Secret or ConfigMap of this namespace that holds the JWK Set; nothing is fetched then.
    /// Excludes `jwks`; not allowed on `system`. Prefer a Secret: whoever may write the keys can
    /// sign tokens. Example: `{kind: Secret, name: partner-keys, key: jwks.json}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "KeyRef")]
    pub jwks_ref: Option<KeyRef>,

    /// A Secret or ConfigMap of this namespace with the certificates (PEM) that the issuer's server
    /// is checked against, in addition to those of the installation.
    /// Example: `{kind: ConfigMap, name: company-ca, key: ca.crt}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "KeyRef")]
    pub ca_bundle_ref: Option<KeyRef>,

    /// The signature algorithms that are taken from this issuer, of RS256, RS384, RS512, PS256,
    /// PS384, PS512, ES256, ES384 and EdDSA. Default: all of them, each for keys of its type alone.
    /// Example: `[RS256]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::algorithms")]
    pub algorithms: Option<Vec<String>>,

    /// Whether a token that is given out ends no later than the token it was exchanged for.
    /// Default: `false`, it may outlive it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub cap_expiry: Option<bool>,

    /// Whether many tenants share this issuer. A Role must then bind something that one tenant owns
    /// (a repository owner, a group, a subject), or it is not enforced. Default: `true` for the
    /// well-known shared hosts such as GitHub Actions, GitLab.com and Google, else `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub shared: Option<bool>,

    /// What conditions on `jwt:email` ask of the claim `email_verified`: `IfPresent`, it must be
    /// true where the token has it; `Required`, the token must have it, too. Default: `IfPresent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "parts::email_verified")]
    pub email_verified: Option<String>,
}

/// A key of a Secret or ConfigMap in the namespace of the object.
#[derive(JsonSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyRef {
    /// `Secret` or `ConfigMap`.
    #[schemars(schema_with = "parts::ref_kind")]
    pub kind: String,

    /// The name of the Secret or ConfigMap, in the namespace of this object. At most 253
    /// characters.
    #[schemars(length(min = 1, max = limits::NAME))]
    pub name: String,

    /// The key under its `data` that holds the content. At most 253 characters.
    #[schemars(length(min = 1, max = limits::NAME))]
    pub key: String,
}
