//! Tokens that were verified: bounded, and keyed by everything the answer depends on (`security-rules.md`
//! 19): the token's bytes, and the snapshot with its issuers and keys.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;

use super::authenticate::Identity;

/// Tokens that are remembered, at most.
const TOKENS: usize = 10_000;

/// Verified tokens.
pub struct Verified(Cache<Key, Arc<Identity>>);

/// Which token, under which snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    epoch: u64,
    token: [u8; 32],
}

impl Key {
    /// The key of a token under a snapshot.
    pub fn new(epoch: u64, token: &str) -> Self {
        let mut key = Self { epoch, token: [0; 32] };
        key.token.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        key
    }
}

impl Verified {
    /// None yet.
    pub fn new() -> Self {
        Self(Cache::new(TOKENS))
    }

    /// Whom a token identifies, where that was found out and it is still valid at `now` (seconds since 1970).
    pub fn get(&self, key: &Key, now: i64) -> Option<Arc<Identity>> {
        self.0.get(key).filter(|identity| now < identity.until)
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Remembers.
    pub fn put(&self, key: Key, identity: Arc<Identity>) {
        self.0.insert(key, identity);
    }
}
