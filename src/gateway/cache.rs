//! Tokens that were verified: bounded, and keyed by everything the answer depends on (`security-rules.md`
//! 19): the token's bytes, and the snapshot with its issuers and keys.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::authenticate::Identity;

/// Tokens that are remembered, at most.
const TOKENS: usize = 10_000;
/// Bytes of a token up to which so many are; of larger ones there is room for fewer, since who they identify grows
/// with them, and one person can have any number of them.
const BYTES: usize = 3 * 1024;

/// Verified tokens.
pub struct Verified(Cache<Key, Remembered, Weigh>);

/// Whom a token identifies, and how large it is.
#[derive(Clone)]
struct Remembered {
    identity: Arc<Identity>,
    bytes: usize,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, Remembered> for Weigh {
    fn weight(&self, _: &Key, remembered: &Remembered) -> u64 {
        remembered.bytes.max(BYTES) as u64
    }
}

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
        Self(Cache::with_weighter(TOKENS, (TOKENS * BYTES) as u64, Weigh))
    }

    /// Whom a token identifies, where that was found out and it is still valid at `now` (seconds since 1970).
    pub fn get(&self, key: &Key, now: i64) -> Option<Arc<Identity>> {
        self.0.get(key).map(|found| found.identity).filter(|identity| now < identity.until)
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Remembers whom a token of so many bytes identifies.
    pub fn put(&self, key: Key, identity: Arc<Identity>, bytes: usize) {
        self.0.insert(key, Remembered { identity, bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Principal;

    #[test]
    fn s19_what_is_remembered_ends_with_its_token_and_is_of_one_snapshot() {
        let verified = Verified::new();
        let (key, identity) = (Key::new(1, "a"), Identity { principal: Principal::anonymous(), until: 10 });
        verified.put(key, Arc::new(identity), 1);
        assert!(verified.get(&key, 9).is_some());
        assert!(verified.get(&key, 10).is_none(), "its time is over");
        assert!(verified.get(&Key::new(2, "a"), 9).is_none(), "decided by something else");
        assert!(verified.get(&Key::new(1, "b"), 9).is_none(), "another token");
    }

    #[test]
    fn s27_large_tokens_take_the_place_of_several_small_ones() {
        let held = |bytes: usize| {
            let verified = Verified::new();
            for number in 0..12_000 {
                let identity = Identity { principal: Principal::anonymous(), until: 10 };
                verified.put(Key::new(1, &number.to_string()), Arc::new(identity), bytes);
            }
            verified.len()
        };
        assert!((9_000..=TOKENS).contains(&held(500)), "{}", held(500));
        assert!(held(16 * 1024) <= TOKENS * BYTES / (16 * 1024));
    }
}
