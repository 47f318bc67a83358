//! What has to hold for any bytes, by what reads them.

mod bundle;
mod call;
mod keys;
mod manifest;
mod pattern;
mod token;

/// What has to hold for any bytes, asserted.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const ALL: [(&str, Target); 8] = [
    ("call", call::call),
    ("exchange", call::exchange),
    ("index", bundle::index),
    ("keys", keys::keys),
    ("manifest", manifest::manifest),
    ("pattern", pattern::pattern),
    ("shard", bundle::shard),
    ("token", token::token),
];
