//! Our own signing key as the Secret `issuer-key` holds it: makes one where it is missing, and says the
//! `kid` of the one that is there.

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::bundle::names::{SIGNING_KEY, SIGNING_SECRET};
use crate::token::SigningKeyError;

/// Why a signing key cannot be used. Says nothing of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The Secret lacks the key.
    #[error("the Secret `{SIGNING_SECRET}` has no key `{SIGNING_KEY}`")]
    Missing,
    /// It holds no key that can sign.
    #[error("`{SIGNING_KEY}` of the Secret `{SIGNING_SECRET}` {_0}")]
    Unusable(SigningKeyError),
    /// No key could be made.
    #[error("a new key could not be made")]
    NotMade,
}

/// A new key, as SEC1 in PEM.
///
/// # Errors
/// [`SigningError::NotMade`] where the crypto library fails.
pub fn generate() -> Result<Zeroizing<String>, SigningError> {
    let not_made = |_| SigningError::NotMade;
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(not_made)?;
    let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().map_err(not_made)?;
    Ok(pem("EC PRIVATE KEY", der.as_ref()))
}

fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + 128));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (at, letter) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}

/// The `kid` of the key in a PEM: its JWK thumbprint (RFC 7638).
///
/// # Errors
/// [`SigningError::Unusable`].
pub fn kid(pem: &[u8]) -> Result<String, SigningError> {
    let key = crate::token::SigningKey::from_pem(pem).map_err(SigningError::Unusable)?;
    Ok(key.kid().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_can_be_read_and_is_another_each_time() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert!(one.starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        assert_ne!(kid(one.as_bytes()).unwrap(), kid(other.as_bytes()).unwrap());
    }

    #[test]
    fn a_broken_key_is_told_with_the_place_where_it_stands() {
        let told = kid(b"").unwrap_err().to_string();
        assert!(told.starts_with("`issuer.key` of the Secret `issuer-key` holds no private key"), "{told}");
    }
}
