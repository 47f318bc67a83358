//! Signing our own tokens: an EC key on P-256 from a PEM (SEC1, as `openssl ecparam -genkey` writes it,
//! parameters before it or not; or PKCS#8), and ES256 with it (RFC 7515, RFC 7518 section 3.4).
//!
//! Signs whatever claims it is given; which ones a token may have is decided elsewhere.

use std::fmt;

use aws_lc_rs::rand::SecureRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use x509_parser::pem::Pem;
use zeroize::Zeroize as _;

use super::key::PublicKey;

/// Bytes of an ES256 signature, before it is encoded.
const SIGNATURE_BYTES: usize = 64;

/// Why a PEM is no signing key; completes a sentence that begins with where it stands. Says nothing of
/// its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// No private key in PEM.
    #[error("holds no private key in PEM (`EC PRIVATE KEY` or `PRIVATE KEY`)")]
    NoPem,
    /// The key is of another kind.
    #[error(
        "holds no EC key on the curve P-256; `openssl ecparam -genkey -name prime256v1 -noout` makes one"
    )]
    NotP256,
}

/// A token that could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The crypto library refused.
    #[error("the token could not be signed")]
    Failed,
}

/// Our own signing key. The crypto library keeps the material and wipes it.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
    kid: Box<str>,
    /// The encoded header, which every token of this key has.
    header: Box<str>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads the first private key of a PEM; other blocks and text are passed over.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, SigningKeyError> {
        let mut der = private_der(pem).ok_or(SigningKeyError::NoPem)?;
        let pair = key_pair(&der);
        der.zeroize();
        let pair = pair.ok_or(SigningKeyError::NotP256)?;
        let (public, kid) = public_half(&pair).ok_or(SigningKeyError::NotP256)?;
        let header = json!({ "alg": "ES256", "kid": kid, "typ": "JWT" }).to_string();
        Ok(Self { pair, public, kid: kid.into(), header: URL_SAFE_NO_PAD.encode(header).into() })
    }

    /// Its id: the thumbprint of the public half (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, with its `kid` and `alg`, for a key set.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A signed token with these claims.
    ///
    /// # Errors
    /// [`SignError`] where the crypto library fails.
    pub fn sign(&self, claims: &Map<String, Value>, random: &dyn SecureRandom) -> Result<String, SignError> {
        self.sign_text(&serde_json::to_string(claims).map_err(|_| SignError::Failed)?, random)
    }

    /// The same, where the claims are JSON already.
    ///
    /// # Errors
    /// [`SignError`] where the crypto library fails.
    pub fn sign_text(&self, payload: &str, random: &dyn SecureRandom) -> Result<String, SignError> {
        let mut token = String::with_capacity(self.size(payload.len()));
        token.push_str(&self.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.pair.sign(random, token.as_bytes()).map_err(|_| SignError::Failed)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// Bytes of the token that claims would make whose JSON has so many bytes.
    pub fn size(&self, payload: usize) -> usize {
        self.header.len() + encoded(payload) + encoded(SIGNATURE_BYTES) + 2
    }
}

/// Characters of so many bytes in base64 without padding.
fn encoded(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

fn key_pair(der: &[u8]) -> Option<EcdsaKeyPair> {
    let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_private_key_der(alg, der).or_else(|_| EcdsaKeyPair::from_pkcs8(alg, der)).ok()
}

fn private_der(pem: &[u8]) -> Option<Vec<u8>> {
    let mut blocks = Pem::iter_from_buffer(pem).filter_map(Result::ok);
    blocks.find(|block| matches!(block.label.as_str(), "EC PRIVATE KEY" | "PRIVATE KEY")).map(|b| b.contents)
}

/// The public key and its thumbprint, from the uncompressed point.
fn public_half(pair: &EcdsaKeyPair) -> Option<(PublicKey, String)> {
    let (x, y) = pair.public_key().as_ref().strip_prefix(&[4])?.split_at_checked(32)?;
    let mut jwk = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    });
    let kid = PublicKey::read(&jwk).ok()?.thumbprint();
    jwk.as_object_mut()?.insert("kid".to_owned(), Value::from(kid.as_str()));
    Some((PublicKey::read(&jwk).ok()?, kid))
}

#[cfg(test)]
mod tests;
