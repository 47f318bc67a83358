//! The kinds of the group `iam.openfaas.com`: their names in every spelling that users type.
//!
//! Knows names alone; what an object of a kind holds is in the kind's own file.

use std::fmt;
use std::str::FromStr;

use super::GROUP;

/// A kind of the group [`GROUP`].
///
/// Displays as the plural with the group, `roles.iam.openfaas.com`, because `kubectl get roles`
/// alone means the Roles of RBAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An identity provider whose tokens count.
    JwtIssuer,
    /// Actions on resources.
    Policy,
    /// Who gets which policies.
    Role,
    /// A login for a container registry.
    RegistryCredential,
    /// Which functions may be invoked by whom.
    FunctionPrivacy,
    /// A group of functions with an identity of their own.
    FunctionIdentity,
}

/// The names of one kind, gathered so that none can be forgotten when a kind is added.
struct Names {
    kind: &'static str,
    plural: &'static str,
    singular: &'static str,
    short: &'static str,
    version: &'static str,
}

impl Kind {
    /// Every kind of the group.
    pub const ALL: [Self; 6] = [
        Self::JwtIssuer,
        Self::Policy,
        Self::Role,
        Self::RegistryCredential,
        Self::FunctionPrivacy,
        Self::FunctionIdentity,
    ];

    /// The kinds that say who may do what, all of version `v1`, in the order in which an
    /// administrator writes them.
    pub const ACCESS: [Self; 3] = [Self::JwtIssuer, Self::Policy, Self::Role];

    /// The kinds that have a definition for a cluster.
    pub const DEFINED: [Self; 4] = [Self::JwtIssuer, Self::Policy, Self::Role, Self::RegistryCredential];

    /// The kinds that files may hold: those of [`Self::DEFINED`], and FunctionPrivacy, which has no definition
    /// for a cluster yet.
    pub const IN_FILES: [Self; 5] =
        [Self::JwtIssuer, Self::Policy, Self::Role, Self::RegistryCredential, Self::FunctionPrivacy];

    const fn names(self) -> Names {
        let (kind, plural, singular, short, version) = match self {
            Self::JwtIssuer => ("JwtIssuer", "jwtissuers", "jwtissuer", "ofjwt", "v1"),
            Self::Policy => ("Policy", "policies", "policy", "ofpol", "v1"),
            Self::Role => ("Role", "roles", "role", "ofrole", "v1"),
            Self::RegistryCredential => {
                ("RegistryCredential", "registrycredentials", "registrycredential", "ofregcred", "v1alpha1")
            }
            Self::FunctionPrivacy => {
                ("FunctionPrivacy", "functionprivacies", "functionprivacy", "ofpriv", "v1alpha1")
            }
            Self::FunctionIdentity => {
                ("FunctionIdentity", "functionidentities", "functionidentity", "ofident", "v1alpha1")
            }
        };
        Names { kind, plural, singular, short, version }
    }

    /// The name in a manifest's `kind`, e.g. `JwtIssuer`.
    pub const fn kind(self) -> &'static str {
        self.names().kind
    }

    /// The name in URLs of the API server, e.g. `jwtissuers`.
    pub const fn plural(self) -> &'static str {
        self.names().plural
    }

    /// The singular that kubectl takes, e.g. `jwtissuer`.
    pub const fn singular(self) -> &'static str {
        self.names().singular
    }

    /// The short name that kubectl takes, e.g. `ofjwt`.
    pub const fn short_name(self) -> &'static str {
        self.names().short
    }

    /// The version of the kind, `v1` or `v1alpha1`.
    pub const fn version(self) -> &'static str {
        self.names().version
    }

    /// A manifest's `apiVersion`, e.g. `iam.openfaas.com/v1`.
    pub fn api_version(self) -> String {
        format!("{GROUP}/{}", self.version())
    }

    /// The name of the CRD and of the kind in every text of ours, e.g. `roles.iam.openfaas.com`.
    pub fn resource(self) -> String {
        format!("{}.{GROUP}", self.plural())
    }

    /// The kind of a manifest by its `apiVersion` and `kind`, both exact; `None` where one of them
    /// is not ours. [`is_ours`] tells a stranger's document from one of our group that is wrong.
    pub fn of_manifest(api_version: &str, kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.kind() == kind && k.api_version() == api_version)
    }
}

/// Whether an `apiVersion` belongs to our group, in whatever version.
pub fn is_ours(api_version: &str) -> bool {
    api_version.split_once('/').is_some_and(|(group, _)| group == GROUP)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{GROUP}", self.plural())
    }
}

/// A text that names no kind of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of the group {GROUP}")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    /// Reads kind, plural, singular, short name, or plural with group, in any case of letters.
    ///
    /// # Errors
    /// [`UnknownKind`] for every other text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.to_ascii_lowercase();
        let bare = name.strip_suffix(GROUP).and_then(|n| n.strip_suffix('.')).unwrap_or(&name);
        Self::ALL
            .into_iter()
            .find(|k| [k.plural(), k.singular(), k.short_name()].contains(&bare))
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_kind_is_read() {
        for kind in Kind::ALL {
            for text in [
                kind.kind(),
                kind.plural(),
                kind.singular(),
                kind.short_name(),
                &kind.to_string(),
                &kind.resource(),
            ] {
                assert_eq!(text.parse(), Ok(kind), "{text}");
            }
        }
    }

    #[test]
    fn a_foreign_name_is_no_kind() {
        for text in
            ["", "rolebinding", "roles.rbac.authorization.k8s.io", ".iam.openfaas.com", "iam.openfaas.com"]
        {
            assert_eq!(text.parse::<Kind>(), Err(UnknownKind(text.to_owned())));
        }
    }

    #[test]
    fn a_manifest_names_its_kind_exactly() {
        assert_eq!(Kind::of_manifest("iam.openfaas.com/v1", "Role"), Some(Kind::Role));
        assert_eq!(Kind::of_manifest("iam.openfaas.com/v1", "role"), None);
        assert_eq!(Kind::of_manifest("iam.openfaas.com/v1alpha1", "Role"), None);
        assert_eq!(Kind::of_manifest("rbac.authorization.k8s.io/v1", "Role"), None);
    }

    #[test]
    fn the_group_is_told_apart_from_its_look_alikes() {
        assert!(is_ours("iam.openfaas.com/v1") && is_ours("iam.openfaas.com/v2"));
        assert!(!is_ours("iam.openfaas.com.evil/v1") && !is_ours("v1") && !is_ours("iam.openfaas.com"));
    }

    #[test]
    fn texts_name_the_resource_with_its_group() {
        assert_eq!(Kind::Role.to_string(), "roles.iam.openfaas.com");
    }
}
