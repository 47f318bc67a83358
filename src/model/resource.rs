//! What a request is about and what a statement covers: namespaces, functions, patterns of them,
//! scopes. Namespace and name are always matched apart (`security-rules.md` 1).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Pattern;

/// Where nobody may ever act, whatever was granted.
pub const FORBIDDEN_NAMESPACE: &str = "kube-system";

/// A text that names no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// Neither `*` nor `namespace:name`.
    #[error("`{0}` is neither `*` nor `namespace:name`{cure}", cure = with_colon(.0))]
    NoColon(String),
    /// More than one colon.
    #[error("`{0}` has more than one `:`; write `{cure}`", cure = without_kind(.0))]
    SecondColon(String),
    /// An empty side of the colon.
    #[error("`{0}` has an empty part; write `*` for all")]
    EmptyPart(String),
    /// A namespace that Kubernetes could not have.
    #[error("`{0}` is no namespace: lower-case letters, digits and `-`, at most 63 (a DNS label)")]
    Namespace(String),
    /// A function name that the gateway does not take.
    #[error("`{0}` is no function name: letters, digits, `-`, `_` and `.`, at most 253")]
    Function(String),
    /// A wildcard where none is taken.
    #[error(
        "`{0}` has a wildcard in part of a name; only `*`, `namespace:*` and `namespace:name` are taken here"
    )]
    PartialWildcard(String),
}

/// What was probably meant by a text without a colon: others write `namespace/name`, OpenFaaS `name.namespace`.
fn with_colon(text: &str) -> String {
    let (meant, what) = match (text.split_once('/'), text.rsplit_once('.')) {
        (Some((namespace, name)), _) => (format!("{namespace}:{name}"), ""),
        (None, Some((namespace, "*"))) => (format!("{namespace}:*"), ""),
        (None, Some((name, namespace))) => (format!("{namespace}:{name}"), ""),
        (None, None) => (format!("{text}:*"), " for a whole namespace"),
    };
    ResourcePattern::parse(&meant).map_or_else(|_| String::new(), |_| format!("; write `{meant}`{what}"))
}

/// What was probably meant by a text with two colons: others write a kind before the namespace.
fn without_kind(text: &str) -> &str {
    const KINDS: &[&str] = &["function", "functions", "namespace", "namespaces", "secret", "secrets"];
    let behind = text.split_once(':').filter(|(kind, _)| KINDS.iter().any(|k| k.eq_ignore_ascii_case(kind)));
    let meant = behind.map(|(_, rest)| rest).filter(|rest| ResourcePattern::parse(rest).is_ok());
    meant.unwrap_or("namespace:name")
}

/// A Kubernetes namespace: a DNS label (RFC 1123), 1–63 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Namespace(Arc<str>);

impl Namespace {
    /// Reads a namespace.
    ///
    /// # Errors
    /// [`ResourceError::Namespace`] where it is no DNS label.
    pub fn new(text: &str) -> Result<Self, ResourceError> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let edge = |b: Option<&u8>| b.is_some_and(|b| *b != b'-');
        let bytes = text.as_bytes();
        let label =
            bytes.len() <= 63 && edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|b| inner(*b));
        if label { Ok(Self(text.into())) } else { Err(ResourceError::Namespace(text.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A function's name by the gateway's rule `[-a-zA-Z_0-9.]+`, at most 253 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FunctionName(Arc<str>);

/// Whether the gateway's rule allows the byte in a function's name.
pub(crate) fn function_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')
}

impl FunctionName {
    /// Reads a function's name.
    ///
    /// # Errors
    /// [`ResourceError::Function`] where the gateway would not take it.
    pub fn new(text: &str) -> Result<Self, ResourceError> {
        let ok = (1..=253).contains(&text.len()) && text.bytes().all(function_byte);
        if ok { Ok(Self(text.into())) } else { Err(ResourceError::Function(text.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_newtype {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = ResourceError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.as_str().to_owned()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}
text_newtype!(Namespace, FunctionName);

/// One resource at one level: what a request is about, and what a Role's `scope` names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Resource {
    /// `*`: the installation.
    Cluster,
    /// `ns:*`: a whole namespace.
    Namespace(Namespace),
    /// `ns:name`: one function.
    Function(Namespace, FunctionName),
}

impl Resource {
    /// Reads `*`, `ns:*` or `ns:name`.
    ///
    /// # Errors
    /// [`ResourceError`] for everything else, partial wildcards included.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        if text == "*" {
            return Ok(Self::Cluster);
        }
        let (namespace, name) = split(text)?;
        let whole = name == "*";
        if namespace.contains('*') || (!whole && name.contains('*')) {
            return Err(ResourceError::PartialWildcard(text.to_owned()));
        }
        let namespace = Namespace::new(namespace)?;
        if whole {
            Ok(Self::Namespace(namespace))
        } else {
            Ok(Self::Function(namespace, FunctionName::new(name)?))
        }
    }

    /// The namespace, where the level has one.
    pub fn namespace(&self) -> Option<&Namespace> {
        match self {
            Self::Cluster => None,
            Self::Namespace(ns) | Self::Function(ns, _) => Some(ns),
        }
    }

    /// As a scope (`semantics.md` 10): whether a request about `asked` lies within this.
    pub fn covers(&self, asked: &Resource) -> bool {
        match self {
            Self::Cluster => true,
            Self::Namespace(ns) => asked.namespace() == Some(ns),
            Self::Function(..) => self == asked,
        }
    }

    /// Whether nobody may ever act there.
    pub fn is_forbidden(&self) -> bool {
        self.namespace().is_some_and(|ns| ns.as_str() == FORBIDDEN_NAMESPACE)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("*"),
            Self::Namespace(ns) => write!(f, "{ns}:*"),
            Self::Function(ns, name) => write!(f, "{ns}:{name}"),
        }
    }
}

/// What a statement covers (`semantics.md` 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ResourcePattern {
    /// `*`: everything, the installation included.
    Cluster,
    /// `namespace:name`, each with `*` as the only wildcard.
    Within(Pattern, Pattern),
}

impl ResourcePattern {
    /// Reads a statement's resource.
    ///
    /// # Errors
    /// [`ResourceError`] for no or two colons, empty parts, and characters that no namespace
    /// (before the colon) or function (behind it) can have.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        if text == "*" {
            return Ok(Self::Cluster);
        }
        let (namespace, name) = split(text)?;
        let in_namespace = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'*');
        if !namespace.bytes().all(in_namespace)
            || (!namespace.contains('*') && Namespace::new(namespace).is_err())
        {
            return Err(ResourceError::Namespace(namespace.to_owned()));
        }
        if !name.bytes().all(|b| function_byte(b) || b == b'*') {
            return Err(ResourceError::Function(name.to_owned()));
        }
        Ok(Self::Within(Pattern::star(namespace), Pattern::star(name)))
    }

    /// What of the pattern lies within a scope (`semantics.md` 10); `None` where nothing does. A request is
    /// covered by the result exactly where the pattern and the scope both cover it.
    pub fn within(&self, scope: &Resource) -> Option<Self> {
        let exactly = |ns: &Namespace, name: Pattern| Self::Within(Pattern::star(ns.as_str()), name);
        match (self, scope) {
            (_, Resource::Cluster) => Some(self.clone()),
            (Self::Cluster, Resource::Namespace(ns)) => Some(exactly(ns, Pattern::star("*"))),
            (Self::Within(within, name), Resource::Namespace(ns)) => {
                within.matches(ns.as_str()).then(|| exactly(ns, name.clone()))
            }
            (_, Resource::Function(ns, f)) => {
                self.covers(scope).then(|| exactly(ns, Pattern::star(f.as_str())))
            }
        }
    }

    /// Whether a request about `asked` is covered. Requests are no patterns: a whole namespace is
    /// covered only by a name part of `*`.
    pub fn covers(&self, asked: &Resource) -> bool {
        match (self, asked) {
            (Self::Cluster, _) => true,
            (Self::Within(..), Resource::Cluster) => false,
            (Self::Within(ns, name), Resource::Namespace(n)) => name.is_star() && ns.matches(n.as_str()),
            (Self::Within(ns, name), Resource::Function(n, f)) => {
                ns.matches(n.as_str()) && name.matches(f.as_str())
            }
        }
    }
}

impl fmt::Display for ResourcePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("*"),
            Self::Within(ns, name) => write!(f, "{ns}:{name}"),
        }
    }
}

macro_rules! through_text {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = ResourceError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    )+};
}
through_text!(Resource, ResourcePattern);

fn split(text: &str) -> Result<(&str, &str), ResourceError> {
    let (namespace, name) = text.split_once(':').ok_or_else(|| ResourceError::NoColon(text.to_owned()))?;
    if name.contains(':') {
        return Err(ResourceError::SecondColon(text.to_owned()));
    }
    if namespace.is_empty() || name.is_empty() {
        return Err(ResourceError::EmptyPart(text.to_owned()));
    }
    Ok((namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r6_every_wildcard_position() {
        let asked = ["*", "dev:*", "dev:env", "prod:env", "prod-dev:env", "kube-system:x"];
        let rows = [
            ("*", "*, dev:*, dev:env, prod:env, prod-dev:env, kube-system:x"),
            ("*:*", "dev:*, dev:env, prod:env, prod-dev:env, kube-system:x"),
            ("dev:*", "dev:*, dev:env"),
            ("dev:**", "dev:env"),
            ("dev:env", "dev:env"),
            ("dev:e*", "dev:env"),
            ("dev:*v", "dev:env"),
            ("*:env", "dev:env, prod:env, prod-dev:env"),
            ("d*:*", "dev:*, dev:env"),
            ("*dev:*", "dev:*, dev:env, prod-dev:env"),
            ("d*v:e*v", "dev:env"),
            ("*o*:env", "prod:env, prod-dev:env"),
        ];
        for (pattern, want) in rows {
            let pattern = ResourcePattern::parse(pattern).unwrap();
            let covered: Vec<_> =
                asked.into_iter().filter(|a| pattern.covers(&Resource::parse(a).unwrap())).collect();
            assert_eq!(covered.join(", "), want, "{pattern}");
        }
    }

    #[test]
    fn r6_what_is_no_pattern_is_refused() {
        for text in
            ["", "dev", "dev:", ":x", "a:b:c", "dev:e?v", "De:x", "dev:é", "d.e:x", "-d:x", "d_e:*", "**"]
        {
            assert!(ResourcePattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn r10_what_lies_within_a_scope_is_covered_by_both() {
        let patterns = ["*", "*:*", "dev:*", "dev:**", "d*:e*", "*:env", "prod:env", "dev:env", "*dev:*v"];
        let scopes = ["*", "dev:*", "dev:env", "prod:env", "prod-dev:*"];
        let asked = ["*", "dev:*", "dev:env", "dev:x", "prod:env", "prod-dev:env", "prod-dev:*"];
        for (pattern, scope) in patterns.iter().flat_map(|p| scopes.map(|s| (p, s))) {
            let (p, s) = (ResourcePattern::parse(pattern).unwrap(), Resource::parse(scope).unwrap());
            for asked in asked.map(|a| Resource::parse(a).unwrap()) {
                let within = p.within(&s).is_some_and(|w| w.covers(&asked));
                assert_eq!(within, p.covers(&asked) && s.covers(&asked), "{pattern} in {scope}: {asked}");
            }
        }
    }

    #[test]
    fn r10_scopes_take_no_partial_wildcards() {
        for text in ["d*:x", "dev:e*", "*:*", "dev", "*:x"] {
            assert!(Resource::parse(text).is_err(), "{text}");
        }
    }
}
