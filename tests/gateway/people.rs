//! Who calls: keys that sign, and a token of every kind. Says nothing of what is right.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PublicKeyData as _};
use serde_json::{Value, json};

use crate::support::{Failure, Result};

/// The issuer whose keys stand in its JwtIssuer.
pub const ROBOTS: &str = "https://robots.example.com";

/// A private key on P-256 with the id of its public half.
pub struct Signer {
    key: KeyPair,
    kid: String,
}

impl Signer {
    /// A new one.
    pub fn new(kid: &str) -> Result<Self> {
        Ok(Self { key: KeyPair::generate()?, kid: kid.to_owned() })
    }

    /// PKCS#8.
    pub fn pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The public half.
    pub fn jwk(&self) -> Value {
        let (x, y) = self.key.der_bytes()[1..].split_at(32);
        let text = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "x": text(x), "y": text(y)})
    }

    /// The same key by another id.
    pub fn named(&mut self, kid: &str) {
        self.kid = kid.to_owned();
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> Result<String> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) };
        Ok(encode(&header, claims, &EncodingKey::from_ec_pem(self.pem().as_bytes())?)?)
    }
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> Result<Value> {
    let payload = token.split('.').nth(1).ok_or_else(|| Failure::new("no token"))?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}

/// The time, seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
