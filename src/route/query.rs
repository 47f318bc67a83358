//! Queries of `/system`: each key once, decoded strictly, and written anew for the provider.

use url::form_urlencoded::{self, Serializer};

use super::Refused;
use super::body::folds;

/// Pairs of one query.
const MAX_PAIRS: usize = 32;

/// A query's pairs, each key once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query without its question mark.
    ///
    /// # Errors
    /// [`Refused`] for a key that is there twice, more than 32 pairs, an escape that is none, and what is
    /// no UTF-8: Go drops such pairs silently.
    pub fn parse(query: &str) -> Result<Self, Refused> {
        let bad = |text: &str| Refused::bad("query", format!("the query {text}"));
        if !escapes_are_whole(query.as_bytes()) || query.contains(';') {
            return Err(bad("has a `;`, or a `%` that is no escape"));
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name.contains('\u{FFFD}') || value.contains('\u{FFFD}') {
                return Err(bad("is not UTF-8"));
            }
            if pairs.len() >= MAX_PAIRS {
                return Err(bad("has more than 32 pairs"));
            }
            if pairs.iter().any(|(known, _)| folds(known, &name)) {
                return Err(Refused::bad("query", "a key of the query is there twice"));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// Takes a pair out; what is empty counts as absent, as it does for the provider.
    ///
    /// # Errors
    /// [`Refused`] for a key that is almost this one.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, Refused> {
        if let Some((near, _)) = self.0.iter().find(|(key, _)| key != name && folds(key, name)) {
            return Err(Refused::bad("query", format!("`{near}` in the query is almost `{name}`")));
        }
        let at = self.0.iter().position(|(key, _)| key == name);
        Ok(at.map(|at| self.0.swap_remove(at).1).filter(|value| !value.is_empty()))
    }

    /// Adds a pair.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The query as it is forwarded, in the order of its keys.
    pub fn to_text(&self) -> String {
        let mut pairs: Vec<_> = self.0.iter().collect();
        pairs.sort();
        Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
}

fn escapes_are_whole(query: &[u8]) -> bool {
    let hex = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
    let whole = |at: usize| hex(query.get(at + 1)) && hex(query.get(at + 2));
    query.iter().enumerate().filter(|(_, b)| **b == b'%').all(|(at, _)| whole(at))
}
