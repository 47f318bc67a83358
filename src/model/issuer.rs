//! A JwtIssuer as it is meant: whose tokens are taken, and where the keys come from.

use serde::{Deserialize, Serialize};

use super::tenant::Sharing;

/// `iss` of the principal that the administrator's basic credential stands for (`--basic-auth migrate`).
pub const BASIC_AUTH_ISSUER: &str = "urn:faas-iam:basic-auth";
/// The name of the JwtIssuer that is ourselves.
pub const SYSTEM_ISSUER_NAME: &str = "system";
/// `tokenExpiry` where none is given, seconds.
pub const DEFAULT_TOKEN_EXPIRY: u32 = 30 * 60;

/// A valid JwtIssuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The `iss` of its tokens, compared byte by byte.
    pub iss: Box<str>,
    /// Audiences, one of which a token must have; at least one.
    pub aud: Vec<Box<str>>,
    /// Lifetime of what is minted in exchange, seconds, 60 to 86,400.
    pub token_expiry: u32,
    /// Whether what is minted may not outlive the subject token.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cap_expiry: bool,
    /// Whether many tenants share it, and what one of them owns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
    /// What `email` needs.
    #[serde(default)]
    pub email_verified: EmailVerified,
    /// The signature algorithms taken (RFC 7518 names); every asymmetric one we know if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<Algorithm>,
    /// Where its keys come from.
    pub keys: KeySource,
    /// Trust roots for fetching, besides the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<KeyRef>,
}

/// Whether an unverified address satisfies a condition (`semantics.md` 18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum EmailVerified {
    /// `email_verified` must be true where it is present.
    #[default]
    IfPresent,
    /// `email_verified` must be present and true.
    Required,
}

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037). Symmetric ones and `none` do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// Where an issuer's keys come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum KeySource {
    /// Our own signing key; never fetched.
    System,
    /// Discovery at `iss`.
    Discovery,
    /// Discovery at another address (`issInternal`).
    Internal(Box<str>),
    /// The cluster's own issuer, through the API server; the address it was declared with.
    Cluster(Box<str>),
    /// Written in the object; the keys stand in the bundle's record.
    Inline,
    /// A key of a Secret or ConfigMap in the IAM namespace.
    Ref(KeyRef),
}

/// One key of a Secret or ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRef {
    /// Which kind of object.
    pub kind: RefKind,
    /// Its name.
    pub name: Box<str>,
    /// The key in its data.
    pub key: Box<str>,
}

/// What a [`KeyRef`] may point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum RefKind {
    Secret,
    ConfigMap,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(b: &bool) -> bool {
    !*b
}
