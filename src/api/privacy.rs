//! FunctionPrivacy: which functions are private, and which are public on purpose.
//!
//! The shape of what a folder of manifests may say, for whoever writes one in Rust. There is no definition for
//! a cluster yet: the API server does not take the kind, and what it will add (label selectors, exempt paths,
//! access tokens, network policies) is refused by the validator, with its place.

use serde::{Deserialize, Serialize};

/// `privacy` of functions that take a function token.
pub const PRIVATE: &str = "Private";
/// `privacy` of functions that everybody may invoke.
pub const PUBLIC: &str = "Public";

/// Which functions, and whether they are private.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct FunctionPrivacySpec {
    /// Which functions. Required.
    pub functions: FunctionMatcher,

    /// `Private`: invoking takes a function token whose Roles grant `Function:Invoke`. `Public`: everybody may
    /// invoke. Where several objects match a function, `Private` wins; where none does, the installation's
    /// default holds. Required.
    pub privacy: String,
}

/// Functions by namespace and name; both have to match. At least one of the two is needed.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct FunctionMatcher {
    /// Namespaces, 1 to 64, each by its whole name. Default: every namespace. Example: `[dev, staging]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,

    /// Names of functions, 1 to 256, in which `*` stands for any run of characters. Default: every function.
    /// Example: `[env, "api-*"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}
