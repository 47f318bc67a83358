//! The wire contract between operator and gateway: versioned, deterministic bytes, digest, shards.
//!
//! A bundle is a set of records, each one line of JSON, in the order of their keys; nothing in the bytes
//! depends on when or in which order events came. The lines are cut into shards named by their SHA-256,
//! and an index, written last, lists them. Nothing here fetches, stores or decides.
//!
//! Either half may be upgraded first (design section 2): a record of an unknown sort is skipped unless it
//! says `required`, then the bundle is refused; a known record with a field we do not know, or that does
//! not parse, is kept as [`Record::Unreadable`] and grants nothing.

mod encode;
mod index;
pub mod names;
mod shard;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Issuer, Policy, Role};
use crate::token::KeySet;

pub use encode::DecodeError;
pub use index::{FORMAT, Index, IndexError, Retired, ShardRef};
pub use shard::{AssembleError, MAX_RECORD, Shard, assemble};

/// The largest bundle, bytes of all shards together, unless a flag says otherwise (`semantics.md` 26).
pub const DEFAULT_LIMIT: usize = 64 << 20;

/// Which object a record came from, and in which version of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The object's uid; empty for an object from a file.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub uid: Box<str>,
    /// `metadata.generation`; 0 for an object from a file.
    #[serde(default)]
    pub generation: i64,
    /// SHA-256 of the spec as canonical JSON. Same uid and generation with another digest means that
    /// the API server pruned fields on read.
    pub digest: Digest,
    /// `metadata.creationTimestamp`, seconds since 1970; what does not fit goes newest first.
    #[serde(default)]
    pub created: i64,
}

/// The sort of a record; with its name the record's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sort {
    /// An issuer with its keys.
    Issuer,
    /// A policy.
    Policy,
    /// A role.
    Role,
    /// An object that serves nothing, with its reason.
    Refused,
    /// Which functions are private, or public on purpose.
    Privacy,
    /// A listed access token id.
    AccessToken,
    /// A revoked token id or subject.
    Revocation,
    /// A function with its protected labels.
    Function,
    /// The state of one of our own keys.
    KeyState,
    /// A front end that is trusted to ask.
    FrontEnd,
}

/// One line of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sort", rename_all = "camelCase")]
#[allow(
    clippy::large_enum_variant,
    reason = "records live behind a map's nodes, and most are of the large sorts"
)]
pub enum Record {
    /// A JwtIssuer that serves.
    #[serde(rename_all = "camelCase")]
    Issuer {
        /// The object.
        origin: Origin,
        /// What it means.
        issuer: Issuer,
        /// Its public keys; empty while there are none, and for `system`.
        keys: KeySet,
        /// Since when the keys could not be fetched anew, ms since 1970; absent while they can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stale_since: Option<i64>,
    },
    /// A Policy that serves.
    Policy {
        /// The object.
        origin: Origin,
        /// What it means.
        policy: Policy,
    },
    /// A Role that serves, wholly or in part.
    Role {
        /// The object.
        origin: Origin,
        /// What it means.
        role: Role,
    },
    /// An object that serves nothing, so that explanations can say why.
    Refused {
        /// The object.
        origin: Origin,
        /// The condition's reason.
        reason: Box<str>,
        /// The first problem, at most 512 characters.
        message: Box<str>,
    },
    /// Privacy of functions; filled by FunctionPrivacy. A broken one has `last_valid`, and that stays private
    /// whatever else stands here.
    #[serde(rename_all = "camelCase")]
    Privacy {
        /// The object.
        origin: Origin,
        /// Which functions, by pattern; of a broken one what its access tokens open still.
        functions: Vec<crate::model::ResourcePattern>,
        /// Whether they are private.
        private: bool,
        /// Where the present form is invalid, what the last valid one covered, or what the present one could
        /// cover at most where no other is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_valid: Option<Vec<crate::model::ResourcePattern>>,
    },
    /// An access token: a function token with a `sub` from `access:` that is good while it is listed; the
    /// record's name is its `jti`.
    #[serde(rename_all = "camelCase")]
    AccessToken {
        /// The FunctionPrivacy that made it, whose functions it opens.
        privacy: Box<str>,
        /// From when on it opens nothing, seconds since 1970, whatever the token itself says.
        expires_at: i64,
    },
    /// What is refused from now on, whatever else holds; the record's name is a `jti`, or a `sub`, which is
    /// the token's own or that of the subject that it was exchanged for. Tokens of others are refused as
    /// subjects of an exchange, too: else the token that was exchanged before would be exchanged again.
    #[serde(rename_all = "camelCase")]
    Revocation {
        /// Tokens issued before this are refused, and those that do not say when, seconds since 1970.
        before: i64,
    },
    /// A deployed function; the record's name is `namespace/name`.
    #[serde(rename_all = "camelCase")]
    Function {
        /// Labels under the protected prefix.
        labels: BTreeMap<Box<str>, Box<str>>,
        /// Whether its watchdog checks tokens, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        watchdog: Option<bool>,
        /// Whether its own annotation (`iam.openfaas.com/privacy: private`) makes it private.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        private: bool,
    },
    /// One of our own keys, without material; the record's name is its `kid`.
    KeyState {
        /// Where it is in its life.
        state: KeyState,
        /// Since when, ms since 1970.
        since: i64,
    },
    /// A front end; the record's name is its address or network.
    FrontEnd {
        /// The headers read from it.
        headers: Vec<Box<str>>,
    },
    /// A record that this version cannot read; grants nothing, and keeps private what it may cover.
    #[serde(skip)]
    Unreadable(Sort),
}

/// Where one of our own keys is in its life (design section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyState {
    /// Published, does not sign yet.
    Prepared,
    /// Signs.
    Active,
    /// Still verified, signs no more.
    Retiring,
}

/// A record's key: refused objects of several kinds may have one name, so it holds the kind too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The sort.
    pub sort: Sort,
    /// The name; for [`Sort::Refused`] `kind/name`, such as `Role/dev`.
    pub name: Box<str>,
}

impl Key {
    /// A key.
    pub fn new(sort: Sort, name: impl Into<Box<str>>) -> Self {
        Self { sort, name: name.into() }
    }
}

/// A SHA-256, written in lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of a JSON value with its keys sorted and no spaces, so that it does not depend on how
    /// it was written.
    pub fn of_json(value: &serde_json::Value) -> Self {
        // serde_json's maps are sorted unless `preserve_order` is on, which a test in `encode` guards.
        Self::of(value.to_string().as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

/// A set of records: everything that decisions are made from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    records: BTreeMap<Key, Record>,
}

impl Bundle {
    /// An empty bundle, which denies everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a record in, in place of one with the same key.
    pub fn insert(&mut self, name: impl Into<Box<str>>, record: Record) {
        self.records.insert(Key::new(record.sort(), name), record);
    }

    /// Takes a record out.
    pub fn remove(&mut self, key: &Key) -> Option<Record> {
        self.records.remove(key)
    }

    /// The record with this key.
    pub fn get(&self, sort: Sort, name: &str) -> Option<&Record> {
        self.records.get(&Key::new(sort, name))
    }

    /// All records in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Record)> {
        self.records.iter()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The issuers that serve, by name.
    pub fn issuers(&self) -> impl Iterator<Item = (&str, &Issuer, &KeySet)> {
        self.records.iter().filter_map(|(key, record)| match record {
            Record::Issuer { issuer, keys, .. } => Some((&*key.name, issuer, keys)),
            _ => None,
        })
    }

    /// The policies that serve, by name.
    pub fn policies(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.records.iter().filter_map(|(key, record)| match record {
            Record::Policy { policy, .. } => Some((&*key.name, policy)),
            _ => None,
        })
    }

    /// The roles that serve, by name.
    pub fn roles(&self) -> impl Iterator<Item = (&str, &Role)> {
        self.records.iter().filter_map(|(key, record)| match record {
            Record::Role { role, .. } => Some((&*key.name, role)),
            _ => None,
        })
    }
}

impl FromIterator<(Key, Record)> for Bundle {
    fn from_iter<I: IntoIterator<Item = (Key, Record)>>(records: I) -> Self {
        Self { records: records.into_iter().collect() }
    }
}

impl Record {
    /// The sort of this record.
    pub fn sort(&self) -> Sort {
        match self {
            Self::Issuer { .. } => Sort::Issuer,
            Self::Policy { .. } => Sort::Policy,
            Self::Role { .. } => Sort::Role,
            Self::Refused { .. } => Sort::Refused,
            Self::Privacy { .. } => Sort::Privacy,
            Self::AccessToken { .. } => Sort::AccessToken,
            Self::Revocation { .. } => Sort::Revocation,
            Self::Function { .. } => Sort::Function,
            Self::KeyState { .. } => Sort::KeyState,
            Self::FrontEnd { .. } => Sort::FrontEnd,
            Self::Unreadable(sort) => *sort,
        }
    }

    /// The object that it came from, where it came from one.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Issuer { origin, .. }
            | Self::Policy { origin, .. }
            | Self::Role { origin, .. }
            | Self::Refused { origin, .. }
            | Self::Privacy { origin, .. } => Some(origin),
            _ => None,
        }
    }
}
