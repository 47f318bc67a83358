//! Tokens and key sets: reading claims, verifying signatures.

mod claims;
mod json;

use serde::{Deserialize, Serialize};

pub use claims::{
    ClaimError, FOREIGN_LEEWAY, OWN_LEEWAY, audience, check_times, is_reserved, issuer, subject,
};
pub use json::{ClaimsError, MAX_CLAIMS_BYTES, MAX_DEPTH, parse_claims};

/// The public keys of one issuer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeySet(Vec<serde_json::Value>);
