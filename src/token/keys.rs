//! The key set of one issuer: which keys of a JWK Set (RFC 7517 section 5) can be used.
//!
//! One key that we cannot use never makes the others unusable. Fetches nothing.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::key::{PublicKey, Unusable, holds_secret, shown};
use crate::api::limits;

/// The public keys of one issuer, sorted, each once: the order in which a provider lists them means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct KeySet(Vec<PublicKey>);

/// Who wrote a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A user of ours, in the object itself or in what `jwksRef` names: a private key there is a leak, and
    /// somebody has to hear of it.
    Inline,
    /// An identity provider: what must not be there is left out.
    Remote,
}

/// A key set that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The keys that can be used; at least one.
    pub set: KeySet,
    /// The keys that cannot, and why.
    pub left_out: Vec<LeftOut>,
}

/// A key that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Which of `keys`, from zero.
    pub at: usize,
    /// Its `kid`, cut to 64 characters, where it has one.
    pub kid: Option<String>,
    /// Why it is not used.
    pub why: Unusable,
}

/// A sentence without its full stop.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`keys[{}]`", self.at)?;
        if let Some(kid) = &self.kid {
            write!(f, " (kid `{kid}`)")?;
        }
        write!(f, " {}", self.why)
    }
}

/// A key set that is refused whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not JSON.
    #[error("a key set is JSON, and this is not: line {line}, column {column}")]
    NotJson {
        /// The line, from one.
        line: usize,
        /// The column, from one.
        column: usize,
    },
    /// JSON, but no JWK Set.
    #[error("a key set is an object with the list `keys`")]
    NotASet,
    /// An inline set larger than [`limits::JWKS_BYTES`].
    #[error("a key set has at most {} bytes, and this one has {_0}", limits::JWKS_BYTES)]
    TooLarge(usize),
    /// More than [`limits::JWKS_KEYS`].
    #[error("a key set has at most {} keys, and this one has {_0}", limits::JWKS_KEYS)]
    TooMany(usize),
    /// Private or symmetric keys where a user of ours wrote them.
    #[error(
        "{} private or symmetric: write public keys only, and replace what was written here, for it is known now",
        be(at)
    )]
    Private {
        /// Which of `keys`, from zero.
        at: Vec<usize>,
    },
    /// No key is left.
    #[error("no key of the set can be used{}", because(left_out))]
    NothingUsable {
        /// Why each of them cannot.
        left_out: Vec<LeftOut>,
    },
}

impl KeySet {
    /// Reads a JWK Set.
    ///
    /// # Errors
    /// [`KeySetError`]; nothing of the set is used then. It holds no member of a key but its id.
    pub fn parse(set: &Value, source: Source) -> Result<Parsed, KeySetError> {
        let keys = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotASet)?;
        if keys.len() > limits::JWKS_KEYS {
            return Err(KeySetError::TooMany(keys.len()));
        }
        if source == Source::Inline {
            check_inline(set, keys)?;
        }
        let mut parsed = Parsed { set: Self::default(), left_out: Vec::new() };
        for (at, jwk) in keys.iter().enumerate() {
            match PublicKey::read(jwk) {
                Ok(key) => parsed.set.0.push(key),
                Err(why) => parsed.left_out.push(LeftOut { at, kid: kid(jwk), why }),
            }
        }
        parsed.set.tidy();
        if parsed.set.is_empty() {
            return Err(KeySetError::NothingUsable { left_out: parsed.left_out });
        }
        Ok(parsed)
    }

    /// The same from text, such as the body of an answer.
    ///
    /// # Errors
    /// As [`KeySet::parse`], and [`KeySetError::NotJson`].
    pub fn parse_text(json: &[u8], source: Source) -> Result<Parsed, KeySetError> {
        let set = serde_json::from_slice(json)
            .map_err(|error| KeySetError::NotJson { line: error.line(), column: error.column() })?;
        Self::parse(&set, source)
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn tidy(&mut self) {
        self.0.sort();
        self.0.dedup();
    }
}

impl FromIterator<PublicKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let mut set = Self(keys.into_iter().collect());
        set.tidy();
        set
    }
}

/// Leaves out what it cannot read: a newer operator may write keys of a kind that this version does not know.
impl<'de> Deserialize<'de> for KeySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Vec::<Value>::deserialize(deserializer)?;
        Ok(keys.into_iter().filter_map(|key| PublicKey::deserialize(key).ok()).collect())
    }
}

fn check_inline(set: &Value, keys: &[Value]) -> Result<(), KeySetError> {
    let secret = |jwk: &Value| jwk.as_object().is_some_and(holds_secret);
    let at: Vec<_> = keys.iter().enumerate().filter(|(_, jwk)| secret(jwk)).map(|(at, _)| at).collect();
    if !at.is_empty() {
        return Err(KeySetError::Private { at });
    }
    let bytes = set.to_string().len();
    if bytes > limits::JWKS_BYTES { Err(KeySetError::TooLarge(bytes)) } else { Ok(()) }
}

fn kid(jwk: &Value) -> Option<String> {
    jwk.get("kid").and_then(Value::as_str).map(shown)
}

fn be(at: &[usize]) -> String {
    let names: Vec<_> = at.iter().map(|at| format!("`keys[{at}]`")).collect();
    format!("{} {}", names.join(", "), if at.len() == 1 { "is" } else { "are" })
}

fn because(left_out: &[LeftOut]) -> String {
    let why: Vec<_> = left_out.iter().map(ToString::to_string).collect();
    if why.is_empty() { ": it is empty".to_owned() } else { format!(": {}", why.join("; ")) }
}

#[cfg(test)]
mod tests;
