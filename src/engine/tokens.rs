//! Single tokens: access tokens that are good while they are listed, and tokens that were revoked
//! (design section 4, `security-rules.md` 15 and 17).
//!
//! Says what the bundle says of a token; which functions an access token opens is `privacy`'s.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::principal::{Completeness, Principal, Unidentified};
use crate::bundle::{Bundle, Record, Sort};
use crate::token::{self, ClaimError};

/// What is known of single tokens.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// By `jti`.
    listed: HashMap<Box<str>, Access>,
    /// By `jti` or `sub`: tokens issued before this count no longer, seconds since 1970.
    revoked: HashMap<Box<str>, i64>,
}

/// A listed access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    /// The FunctionPrivacy that it is of.
    pub privacy: Box<str>,
    /// From when on it opens nothing, seconds since 1970.
    pub ends: i64,
}

/// What a token may be revoked by: `jti` and `sub`, as far as they are there, and when it was issued.
pub(super) struct Marks {
    names: [Option<Box<str>>; 2],
    issued: Result<Option<i64>, ClaimError>,
}

impl Tokens {
    pub fn new(bundle: &Bundle) -> Self {
        let mut tokens = Self::default();
        for (key, record) in bundle.iter() {
            match record {
                Record::AccessToken { privacy, expires_at } => {
                    let access = Access { privacy: privacy.clone(), ends: *expires_at };
                    tokens.listed.insert(key.name.clone(), access);
                }
                Record::Revocation { before } => {
                    tokens.revoked.insert(key.name.clone(), *before);
                }
                // Whatever more it says, it takes something away.
                Record::Unreadable(Sort::Revocation) => {
                    tokens.revoked.insert(key.name.clone(), i64::MAX);
                }
                _ => {}
            }
        }
        tokens
    }

    /// What is listed under the token's `jti`, while its time is not over.
    pub fn listed(&self, claims: &Map<String, Value>, now: i64) -> Option<&Access> {
        self.listed.get(claims.get("jti")?.as_str()?).filter(|access| now < access.ends)
    }

    /// What a token may be revoked by, where anything was revoked at all.
    pub fn marks(&self, claims: &Map<String, Value>) -> Option<Marks> {
        let text = |name| Some(claims.get(name)?.as_str()?.into());
        let marks = || Marks { names: [text("jti"), text("sub")], issued: token::issued(claims) };
        (!self.revoked.is_empty()).then(marks)
    }

    /// Refuses what was issued before its `jti` or subject, its own or the original one, was revoked. Claims
    /// for a question may leave out when they were issued, which tells nothing then.
    pub fn revoked(
        &self,
        marks: &Marks,
        principal: &Principal,
        completeness: Completeness,
    ) -> Result<(), Unidentified> {
        let written = marks.names.iter().flatten().map(|name| &**name);
        let before = written.chain([principal.sub()]).filter_map(|name| self.revoked.get(name)).max();
        match (before, marks.issued.clone()?) {
            (Some(before), Some(issued)) if issued < *before => Err(Unidentified::Revoked),
            (Some(_), None) if completeness == Completeness::Token => Err(Unidentified::Revoked),
            _ => Ok(()),
        }
    }
}
