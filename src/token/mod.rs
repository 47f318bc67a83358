//! Tokens and key sets: what a token says, whose key signed it, and which keys can be used.
//!
//! Pure: time and keys are arguments. Decides nothing about rights, and fetches nothing.

mod claims;
mod json;
mod jwt;
mod key;
mod keys;
mod signing;

#[cfg(test)]
pub(crate) mod testing;

pub use claims::{
    ClaimError, FOREIGN_LEEWAY, OWN_LEEWAY, audience, check_times, expiry, is_reserved, issued, issuer,
    subject, time,
};
pub use json::{ClaimsError, MAX_CLAIMS_BYTES, MAX_DEPTH, parse_claims, parse_object};
pub use jwt::{
    Looked, MAX_TOKEN_BYTES, TokenError, Unverified, VerifyingKeys, claims_iss, look, peek, verify,
};
pub use key::{PublicKey, Unusable};
pub use keys::{KeySet, KeySetError, LeftOut, Parsed, Source};
pub use signing::{SignError, SigningKey, SigningKeyError};
