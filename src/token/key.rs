//! One public key for signatures: what a JWK (RFC 7517) must be for us to use it, and its canonical form.
//!
//! Judges a key by itself. Which key serves which token is decided where tokens are verified.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519};
use aws_lc_rs::signature::{ParsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as TextError, StrDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use sha2::Digest as _;

use crate::model::Algorithm;

/// Bits that the modulus of an RSA key may have; shorter ones can be broken, longer ones cost too much.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Bits of an RSA exponent, as the library takes them.
const EXPONENT_BITS: std::ops::RangeInclusive<usize> = 2..=33;
/// Characters of a key id.
const KID: usize = 512;
/// Members that only private and symmetric keys have (RFC 7518 section 6, RFC 9964).
const SECRET_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Why a key of a set is not used; completes a sentence that begins with the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// An element of `keys` that is a list or a scalar.
    #[error("is no object")]
    NotAnObject,
    /// A private or symmetric key.
    #[error("holds private or symmetric material")]
    Secret,
    /// A member that has to be there and is not, or that cannot be read.
    #[error("has no readable `{0}`")]
    Member(&'static str),
    /// A type of key or a curve that we do not know.
    #[error("is of the unknown kind `{0}`")]
    Kind(String),
    /// `use` is there and not `sig`.
    #[error("is not for signatures")]
    Use,
    /// `key_ops` is there and lacks `verify`.
    #[error("is not for verifying, as its `key_ops` say")]
    KeyOps,
    /// `alg` is unknown or cannot be had with such a key.
    #[error("has the alg `{0}`, which is unknown or does not fit it")]
    Algorithm(String),
    /// An RSA modulus of a size that is not taken.
    #[error("has an RSA modulus of {0} bits; 2048 to 8192 are taken")]
    RsaSize(usize),
    /// Coordinates that are no point of the curve, or an exponent that is none.
    #[error("is no valid key of its kind")]
    Invalid,
}

/// A public key that signatures can be verified with. Only valid ones exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    kid: Option<Box<str>>,
    alg: Option<Algorithm>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Material {
    /// Modulus and exponent, big-endian, no leading zeros.
    Rsa { n: Box<[u8]>, e: Box<[u8]> },
    /// The coordinates of a point, as long as the curve's field.
    Ec { curve: Curve, x: Box<[u8]>, y: Box<[u8]> },
    /// RFC 8032.
    Ed25519(Box<[u8]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Curve {
    P256,
    P384,
}

impl PublicKey {
    /// Reads one key of a JWK Set, public members alone.
    ///
    /// # Errors
    /// [`Unusable`], which concerns this key and no other.
    pub fn read(jwk: &Value) -> Result<Self, Unusable> {
        let jwk = jwk.as_object().ok_or(Unusable::NotAnObject)?;
        if holds_secret(jwk) {
            return Err(Unusable::Secret);
        }
        let material = Material::read(jwk)?;
        is_for_signatures(jwk)?;
        Ok(Self { kid: kid(jwk)?, alg: alg(jwk, &material)?, material })
    }

    /// Its id; `None` where it has none, or an empty one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether it verifies signatures of this algorithm: type, curve and, where it has one, `alg` agree.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.alg.is_none_or(|alg| alg == algorithm) && self.material.fits(algorithm)
    }

    /// The key as a JWK in canonical form: the same key gives the same JSON, whoever wrote it.
    pub fn to_jwk(&self) -> Map<String, Value> {
        let mut jwk = self.material.members();
        jwk.extend(self.kid.as_ref().map(|kid| ("kid".to_owned(), json!(kid))));
        jwk.extend(self.alg.map(|alg| ("alg".to_owned(), json!(alg))));
        jwk
    }

    /// The thumbprint of RFC 7638 by SHA-256, base64url: an id that only this key has.
    pub fn thumbprint(&self) -> String {
        // serde_json's maps are sorted and written without spaces, as section 3 of the RFC wants it.
        let canonical = Value::Object(self.material.members()).to_string();
        URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(canonical))
    }

    pub(super) fn material(&self) -> &Material {
        &self.material
    }
}

impl Material {
    fn read(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        let kty = text(jwk, "kty")?;
        match kty {
            "RSA" => Self::read_rsa(jwk),
            "EC" => Self::read_ec(jwk),
            "OKP" => Self::read_okp(jwk),
            other => Err(Unusable::Kind(shown(other))),
        }
    }

    fn read_rsa(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
        let size = bits(&n);
        if !RSA_BITS.contains(&size) {
            return Err(Unusable::RsaSize(size));
        }
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        if !EXPONENT_BITS.contains(&bits(&e)) || !odd(&e) || !odd(&n) {
            return Err(Unusable::Invalid);
        }
        Ok(Self::Rsa { n, e })
    }

    fn read_ec(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        let curve = match text(jwk, "crv")? {
            "P-256" => Curve::P256,
            "P-384" => Curve::P384,
            other => return Err(Unusable::Kind(shown(other))),
        };
        let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
        if x.len() != curve.size() || y.len() != curve.size() {
            return Err(Unusable::Invalid);
        }
        valid(curve.verification(), &point(&x, &y))?;
        Ok(Self::Ec { curve, x, y })
    }

    fn read_okp(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        match text(jwk, "crv")? {
            "Ed25519" => {}
            other => return Err(Unusable::Kind(shown(other))),
        }
        let x = bytes(jwk, "x")?;
        valid(&ED25519, &x)?;
        Ok(Self::Ed25519(x))
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Self::Rsa { .. } => matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
            Self::Ec { curve: Curve::P256, .. } => algorithm == ES256,
            Self::Ec { curve: Curve::P384, .. } => algorithm == ES384,
            Self::Ed25519(_) => algorithm == EdDSA,
        }
    }

    /// The members that RFC 7638 takes for the thumbprint, and no other.
    fn members(&self) -> Map<String, Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = match self {
            Self::Rsa { n, e } => json!({ "kty": "RSA", "n": text(n), "e": text(e) }),
            Self::Ec { curve, x, y } => {
                json!({ "kty": "EC", "crv": curve.name(), "x": text(x), "y": text(y) })
            }
            Self::Ed25519(x) => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(x) }),
        };
        match jwk {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

impl Curve {
    /// Bytes of a coordinate (RFC 7518 section 6.2.1.2).
    fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
        }
    }
}

/// A point, uncompressed (SEC 1 section 2.3.3).
pub(super) fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

/// Whether a key holds what must stay with its owner.
pub(super) fn holds_secret(jwk: &Map<String, Value>) -> bool {
    jwk.get("kty").is_some_and(|kty| kty == "oct")
        || SECRET_MEMBERS.iter().any(|name| jwk.contains_key(*name))
}

/// A text of somebody else's for a message: short, and without characters that nobody sees.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

/// The algorithm of this name (RFC 7518 section 3.1); none that is symmetric, and never `none`.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    let name: StrDeserializer<'_, TextError> = name.into_deserializer();
    Algorithm::deserialize(name).ok()
}

fn is_for_signatures(jwk: &Map<String, Value>) -> Result<(), Unusable> {
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err(Unusable::Use);
    }
    let verifies = |ops: &Value| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify"));
    if jwk.get("key_ops").is_none_or(verifies) { Ok(()) } else { Err(Unusable::KeyOps) }
}

fn kid(jwk: &Map<String, Value>) -> Result<Option<Box<str>>, Unusable> {
    match jwk.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if kid.is_empty() => Ok(None),
        Some(Value::String(kid)) if kid.len() <= KID => Ok(Some(kid.as_str().into())),
        Some(_) => Err(Unusable::Member("kid")),
    }
}

fn alg(jwk: &Map<String, Value>, material: &Material) -> Result<Option<Algorithm>, Unusable> {
    if !jwk.contains_key("alg") {
        return Ok(None);
    }
    let name = text(jwk, "alg")?;
    let known = algorithm(name).filter(|alg| material.fits(*alg));
    known.map(Some).ok_or_else(|| Unusable::Algorithm(shown(name)))
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Unusable> {
    jwk.get(name).and_then(Value::as_str).ok_or(Unusable::Member(name))
}

fn bytes(jwk: &Map<String, Value>, name: &'static str) -> Result<Box<[u8]>, Unusable> {
    let decoded = URL_SAFE_NO_PAD.decode(text(jwk, name)?);
    decoded.map(Vec::into_boxed_slice).map_err(|_| Unusable::Member(name))
}

/// A big-endian number; leading zeros, which some write, go.
fn number(jwk: &Map<String, Value>, name: &'static str) -> Result<Box<[u8]>, Unusable> {
    Ok(bytes(jwk, name)?.iter().copied().skip_while(|byte| *byte == 0).collect())
}

/// Bits of a number without leading zero bytes.
fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len() * 8 - leading
}

fn valid(kind: &'static dyn VerificationAlgorithm, key: &[u8]) -> Result<(), Unusable> {
    ParsedPublicKey::new(kind, key).map(drop).map_err(|_| Unusable::Invalid)
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_jwk().serialize(serializer)
    }
}

/// Takes the canonical form alone: a member that we do not know might narrow what the key is for.
impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let jwk = Value::deserialize(deserializer)?;
        let key = Self::read(&jwk).map_err(|why| serde::de::Error::custom(format_args!("the key {why}")))?;
        if jwk.as_object() == Some(&key.to_jwk()) {
            Ok(key)
        } else {
            Err(serde::de::Error::custom("the key is not in its canonical form"))
        }
    }
}

#[cfg(test)]
mod tests;
