//! Tokens and key sets: reading claims, verifying signatures.

use serde::{Deserialize, Serialize};

/// The public keys of one issuer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeySet(Vec<serde_json::Value>);
