//! The sizes that custom resources may have, shared by the schema and the validator.
//!
//! Numbers only. Counts are elements or entries; lengths are characters, as the API server counts
//! them; sizes are bytes of JSON without spaces.

/// Statements of a Policy.
pub const STATEMENTS: usize = 100;
/// Actions of a statement.
pub const ACTIONS: usize = 64;
/// Resources of a statement.
pub const RESOURCES: usize = 256;
/// Policies of a Role.
pub const POLICIES: usize = 64;
/// Scopes of a Role.
pub const SCOPES: usize = 64;
/// Operators of a condition.
pub const OPERATORS: usize = 16;
/// Keys of an operator, and of a principal.
pub const KEYS: usize = 32;
/// Values of a key.
pub const VALUES: usize = 1_000;
/// Namespaces of a FunctionPrivacy.
pub const NAMESPACES: usize = 64;
/// Names of functions of a FunctionPrivacy.
pub const FUNCTIONS: usize = 256;
/// Namespaces times names of a FunctionPrivacy.
pub const FUNCTION_PATTERNS: usize = 1_024;
/// Audiences of a JwtIssuer.
pub const AUDIENCES: usize = 16;
/// Signature algorithms of a JwtIssuer.
pub const ALGORITHMS: usize = 16;
/// Keys of an inline key set.
pub const JWKS_KEYS: usize = 64;
/// Bytes of an inline key set.
pub const JWKS_BYTES: usize = 256 * 1024;
/// Characters of a string that has no longer limit of its own.
pub const TEXT: usize = 512;
/// Characters of `iss`, of a URL, of an audience, and of the values of `jwt:iss` and `jwt:aud`.
pub const LONG_TEXT: usize = 2_048;
/// Characters of the name of a Secret or ConfigMap, or of a key in one.
pub const NAME: usize = 253;
/// Bytes of a whole `spec` of a Policy or Role.
pub const SPEC_BYTES: usize = 256 * 1024;
/// Bytes of a whole `spec` of a JwtIssuer, which may hold a key set.
pub const ISSUER_SPEC_BYTES: usize = 320 * 1024;
/// Names of namespaces or ServiceAccounts of a RegistryCredential.
pub const TARGET_NAMES: usize = 256;
/// Labels, and expressions, of a selector.
pub const SELECTOR_TERMS: usize = 32;
/// Values of an expression of a selector.
pub const SELECTOR_VALUES: usize = 64;
/// Characters of a label's key: a DNS subdomain, a slash and a name.
pub const LABEL_KEY: usize = 317;
/// Characters of a label's value, and of a namespace's name.
pub const LABEL: usize = 63;
/// Levels of maps and lists of a whole object, the object itself counted, aliases expanded.
pub const DEPTH: usize = 100;
/// Characters of a condition's message.
pub const MESSAGE: usize = 32_768;
/// Conditions of an object.
pub const CONDITIONS: usize = 16;
/// Issuers and key ids that a status lists.
pub const LISTED: usize = 64;
/// Namespaces that a status says something about.
pub const FAILURES: usize = 10;
