//! Verifying a token's signature: which key may have made it, and whether it did.
//!
//! Two steps, so that no key is looked up before the issuer is known: [`peek`] reads what the token says,
//! [`Unverified::verify`] proves it with the keys of the one issuer that has its exact `iss`. Times, audience
//! and subject are judged by [`super::claims`]; nothing is fetched.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::claims::{self, ClaimError};
use super::json::{ClaimsError, parse_claims};
use super::key::{Material, PublicKey, algorithm, point, shown};
use super::keys::KeySet;
use crate::model::{Algorithm, Issuer};

/// Bytes of a token.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Keys of one issuer with the same `kid` that are tried, at most.
const MAX_TRIES: usize = 4;

/// Headers that choose a key or change what is signed (RFC 7515 section 4.1, RFC 7516, RFC 7797).
const REFUSED_HEADERS: [&str; 6] = ["jku", "x5u", "jwk", "crit", "zip", "b64"];

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// More than [`MAX_TOKEN_BYTES`].
    #[error("a token has at most {MAX_TOKEN_BYTES} bytes, and this one has {0}")]
    TooLarge(usize),
    /// Not three parts, joined by dots.
    #[error("a token is three parts joined by dots")]
    Shape,
    /// A part that is not base64url without padding.
    #[error("the {0} of the token is not base64url")]
    Encoding(&'static str),
    /// The header is no JSON object, or has a key twice.
    #[error("cannot read the header of the token")]
    Header(#[source] ClaimsError),
    /// The claims are no JSON object, have a key twice, or are nested too deep.
    #[error("cannot read the claims of the token")]
    Claims(#[source] ClaimsError),
    /// A header that would choose the key or change what is signed.
    #[error("the token has the header `{0}`, which is never taken")]
    ForbiddenHeader(&'static str),
    /// `alg` is missing or no text, or `kid` is there and no text.
    #[error("the header `{0}` of the token is missing or not text")]
    HeaderType(&'static str),
    /// `none`, a symmetric one, or one that nobody here knows.
    #[error("the token is signed by `{0}`, which is never taken")]
    Algorithm(String),
    /// An algorithm that the issuer's `algorithms` leave out.
    #[error("the token is signed by `{0:?}`, which its issuer's `algorithms` leave out")]
    AlgorithmNotAllowed(Algorithm),
    /// `iss` is missing or no text.
    #[error(transparent)]
    Issuer(#[from] ClaimError),
    /// The token is another issuer's: the caller looked up the wrong one.
    #[error("the token is not one of this issuer")]
    WrongIssuer,
    /// The issuer has no key with this id for this algorithm.
    #[error("its issuer has no key with the kid `{kid}` for `{algorithm:?}`")]
    UnknownKey {
        /// `kid` of the token, cut to 64 characters.
        kid: String,
        /// `alg` of the token.
        algorithm: Algorithm,
    },
    /// A token without `kid`, and not exactly one key that fits.
    #[error("the token names no kid, and its issuer has {fitting} keys for `{algorithm:?}`")]
    NoKid {
        /// `alg` of the token.
        algorithm: Algorithm,
        /// Keys of the issuer that fit it; never 1.
        fitting: usize,
    },
    /// No key that could have made the signature did.
    #[error("the signature of the token is wrong")]
    Signature,
}

impl TokenError {
    /// Whether the issuer may meanwhile have a key that would do (`security-rules.md` 21): an unknown `kid`,
    /// or a known one that no longer fits, because some put a new key under the old id.
    pub fn warrants_refresh(&self) -> bool {
        matches!(self, Self::UnknownKey { .. } | Self::Signature)
    }
}

/// What a token says, before anybody knows whether it is true. Has no `Debug`: it is a credential.
pub struct Unverified<'a> {
    signed: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    kid: Option<Box<str>>,
    claims: Map<String, Value>,
}

/// Reads a token without believing it.
///
/// # Errors
/// [`TokenError`] where no issuer's key could make it acceptable.
pub fn peek(token: &str) -> Result<Unverified<'_>, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLarge(token.len()));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Shape)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenError::Shape)?;
    if payload.contains('.') {
        return Err(TokenError::Shape);
    }
    let header = parse_claims(&decode(header, "header")?).map_err(TokenError::Header)?;
    let (algorithm, kid) = read_header(&header)?;
    let claims = parse_claims(&decode(payload, "payload")?).map_err(TokenError::Claims)?;
    Ok(Unverified { signed, signature, algorithm, kid, claims })
}

/// What a token says, for people; nothing of it is proved. Has no signature, without which a token opens nothing.
pub struct Looked {
    /// Its header.
    pub header: Map<String, Value>,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// The header and the claims of a token as they stand, even of one that nobody would take: for people who look at it.
/// Believes nothing.
///
/// # Errors
/// [`TokenError`] where it is no token at all.
pub fn look(token: &str) -> Result<Looked, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLarge(token.len()));
    }
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { return Err(TokenError::Shape) };
    decode(signature, "signature")?;
    let header = parse_claims(&decode(header, "header")?).map_err(TokenError::Header)?;
    let claims = parse_claims(&decode(payload, "payload")?).map_err(TokenError::Claims)?;
    Ok(Looked { header, claims })
}

/// Whether this looks like a token that says `iss` of itself, be it expired, badly signed or of any kind:
/// what bears our name is never handed on (`security-rules.md` 11). Believes nothing.
pub fn claims_iss(token: &str, iss: &str) -> bool {
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = payload.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    claims.is_some_and(|claims| claims.get("iss").and_then(Value::as_str) == Some(iss))
}

/// [`peek`] and [`Unverified::verify`] in one, where the issuer is known beforehand.
///
/// # Errors
/// [`TokenError`].
pub fn verify(token: &str, issuer: &Issuer, keys: &VerifyingKeys) -> Result<Map<String, Value>, TokenError> {
    peek(token)?.verify(issuer, keys)
}

impl Unverified<'_> {
    /// `iss`, to find the issuer by; byte by byte, and nothing is believed yet.
    ///
    /// # Errors
    /// [`ClaimError`] where it is missing, empty or no text.
    pub fn iss(&self) -> Result<&str, ClaimError> {
        claims::issuer(&self.claims)
    }

    /// The claims, for a question about rights where no key is at hand; nothing is proved.
    pub fn unproven(self) -> Map<String, Value> {
        self.claims
    }

    /// Proves that the issuer signed the token, and gives its claims.
    ///
    /// # Errors
    /// [`TokenError`]; [`TokenError::warrants_refresh`] tells whether newer keys might help.
    pub fn verify(self, issuer: &Issuer, keys: &VerifyingKeys) -> Result<Map<String, Value>, TokenError> {
        if self.iss()? != &*issuer.iss {
            return Err(TokenError::WrongIssuer);
        }
        if !issuer.algorithms.is_empty() && !issuer.algorithms.contains(&self.algorithm) {
            return Err(TokenError::AlgorithmNotAllowed(self.algorithm));
        }
        self.check(keys)?;
        Ok(self.claims)
    }

    /// Whether one of these keys made the signature, whoever's they are: whether the token is of their owner is for
    /// the caller to compare.
    ///
    /// # Errors
    /// [`TokenError`] where none of them did.
    pub fn check(&self, keys: &VerifyingKeys) -> Result<(), TokenError> {
        let candidates = keys.candidates(self.kid.as_deref(), self.algorithm)?;
        let signed = candidates.iter().any(|key| self.is_signed_by(key));
        if signed { Ok(()) } else { Err(TokenError::Signature) }
    }

    fn is_signed_by(&self, key: &DecodingKey) -> bool {
        let (signed, algorithm) = (self.signed.as_bytes(), library_algorithm(self.algorithm));
        jsonwebtoken::crypto::verify(self.signature, signed, key, algorithm).unwrap_or(false)
    }
}

/// The keys of one issuer, made ready once for many tokens.
#[derive(Default)]
pub struct VerifyingKeys(Vec<(PublicKey, DecodingKey)>);

impl VerifyingKeys {
    /// Prepares a set.
    pub fn new(set: &KeySet) -> Self {
        Self(set.iter().map(|key| (key.clone(), prepare(key.material()))).collect())
    }

    /// Whether these are the keys of the set.
    pub fn is_of(&self, set: &KeySet) -> bool {
        self.0.iter().map(|(key, _)| key).eq(set.iter())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that may have signed a token with this `kid` and algorithm (`security-rules.md` 12).
    fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<&DecodingKey>, TokenError> {
        let fits = |(key, _): &&(PublicKey, _)| key.fits(algorithm) && (kid.is_none() || key.kid() == kid);
        let fitting: Vec<_> = self.0.iter().filter(fits).map(|(_, key)| key).collect();
        match (kid, fitting.len()) {
            (None, 1) | (Some(_), 1..) => Ok(fitting.into_iter().take(MAX_TRIES).collect()),
            (None, fitting) => Err(TokenError::NoKid { algorithm, fitting }),
            (Some(kid), _) => Err(TokenError::UnknownKey { kid: shown(kid), algorithm }),
        }
    }
}

impl From<&KeySet> for VerifyingKeys {
    fn from(set: &KeySet) -> Self {
        Self::new(set)
    }
}

fn read_header(header: &Map<String, Value>) -> Result<(Algorithm, Option<Box<str>>), TokenError> {
    if let Some(name) = REFUSED_HEADERS.into_iter().find(|name| header.contains_key(*name)) {
        return Err(TokenError::ForbiddenHeader(name));
    }
    let name = header_text(header, "alg")?.ok_or(TokenError::HeaderType("alg"))?;
    let algorithm = algorithm(name).ok_or_else(|| TokenError::Algorithm(shown(name)))?;
    // An empty `kid` is none, as in a key.
    let kid = header_text(header, "kid")?.filter(|kid| !kid.is_empty());
    Ok((algorithm, kid.map(Into::into)))
}

fn header_text<'a>(
    header: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, TokenError> {
    header.get(name).map(|value| value.as_str().ok_or(TokenError::HeaderType(name))).transpose()
}

fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Encoding(name))
}

fn prepare(material: &Material) -> DecodingKey {
    match material {
        Material::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
        Material::Ec { x, y, .. } => DecodingKey::from_ec_der(&point(x, y)),
        Material::Ed25519(x) => DecodingKey::from_ed_der(x),
    }
}

fn library_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::RS384 => jsonwebtoken::Algorithm::RS384,
        Algorithm::RS512 => jsonwebtoken::Algorithm::RS512,
        Algorithm::PS256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::PS384 => jsonwebtoken::Algorithm::PS384,
        Algorithm::PS512 => jsonwebtoken::Algorithm::PS512,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::ES384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
    }
}

#[cfg(test)]
mod tests;
