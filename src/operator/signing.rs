//! Our own signing key as the Secret `issuer-key` holds it: a PEM with an EC key on P-256, as SEC1 (what
//! `openssl ecparam -genkey` writes, parameters before it or not) or PKCS#8. Says its `kid`; signs nothing.

use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use x509_parser::pem::Pem;
use zeroize::{Zeroize as _, Zeroizing};

use crate::bundle::Digest;

/// The name of the Secret.
pub const SECRET: &str = "issuer-key";
/// The key in it.
pub const KEY: &str = "issuer.key";

/// Why a signing key cannot be used. Says nothing of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The Secret lacks the key.
    #[error("the Secret `{SECRET}` has no key `{KEY}`")]
    Missing,
    /// It holds no private key in PEM.
    #[error(
        "`{KEY}` of the Secret `{SECRET}` holds no private key in PEM (`EC PRIVATE KEY` or `PRIVATE KEY`)"
    )]
    NoPem,
    /// The key is of another kind.
    #[error("`{KEY}` of the Secret `{SECRET}` holds no EC key on the curve P-256")]
    NotP256,
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
/// [`SigningError`] where there is no usable key.
pub fn kid(pem: &[u8]) -> Result<String, SigningError> {
    let mut der = private_der(pem).ok_or(SigningError::NoPem)?;
    let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = EcdsaKeyPair::from_private_key_der(alg, &der).or_else(|_| EcdsaKeyPair::from_pkcs8(alg, &der));
    der.zeroize();
    thumbprint(pair.map_err(|_| SigningError::NotP256)?.public_key().as_ref()).ok_or(SigningError::NotP256)
}

fn private_der(pem: &[u8]) -> Option<Vec<u8>> {
    let mut blocks = Pem::iter_from_buffer(pem).filter_map(Result::ok);
    blocks.find(|block| matches!(block.label.as_str(), "EC PRIVATE KEY" | "PRIVATE KEY")).map(|b| b.contents)
}

/// The thumbprint of an uncompressed point.
fn thumbprint(point: &[u8]) -> Option<String> {
    let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let Digest(hash) = Digest::of(jwk.as_bytes());
    Some(URL_SAFE_NO_PAD.encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by `openssl ecparam -genkey -name prime256v1` for these tests alone.
    const SEC1: &str = "\
-----BEGIN EC PARAMETERS-----\n\
BggqhkjOPQMBBw==\n\
-----END EC PARAMETERS-----\n\
-----BEGIN EC PRIVATE KEY-----\n\
MHcCAQEEIOFeTmM7yWCV0hZGXEtxkov0JHr3bwh3eMynGQpNZogToAoGCCqGSM49\n\
AwEHoUQDQgAE47K8ggOaFkKe4F9DIIB5DXsoI8nJtMnT4QeiKjg6CEIdZoHc/HMX\n\
FPqjWzCK6aGrnWitmoM6aeDVhQa935m93w==\n\
-----END EC PRIVATE KEY-----\n\
";
    const PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4V5OYzvJYJXSFkZc\n\
S3GSi/QkevdvCHd4zKcZCk1miBOhRANCAATjsryCA5oWQp7gX0MggHkNeygjycm0\n\
ydPhB6IqODoIQh1mgdz8cxcU+qNbMIrpoaudaK2agzpp4NWFBr3fmb3f\n\
-----END PRIVATE KEY-----\n\
";
    const KID: &str = "c6J7AYugZB9pozBaClZ1_yVWlafm_AtqS2AiuVed5jQ";

    #[test]
    fn a_key_has_one_kid_however_it_is_written() {
        let without_parameters = &SEC1[SEC1.find("-----BEGIN EC PRIVATE KEY").unwrap()..];
        for text in [SEC1, without_parameters, PKCS8, &format!("# ours\n{SEC1}"), &SEC1.replace('\n', "\r\n")]
        {
            assert_eq!(kid(text.as_bytes()).as_deref(), Ok(KID), "{text}");
        }
    }

    #[test]
    fn a_new_key_can_be_read_and_is_another_each_time() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert!(one.starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
        assert_ne!(kid(one.as_bytes()).unwrap(), kid(other.as_bytes()).unwrap());
    }

    #[test]
    fn what_is_no_p256_key_is_refused() {
        let certificate = pem("CERTIFICATE", b"x");
        let rubbish = pem("EC PRIVATE KEY", b"x");
        for (text, error) in [
            ("", SigningError::NoPem),
            ("-----BEGIN EC PRIVATE KEY-----\n", SigningError::NoPem),
            (certificate.as_str(), SigningError::NoPem),
            (rubbish.as_str(), SigningError::NotP256),
        ] {
            assert_eq!(kid(text.as_bytes()), Err(error), "{text}");
        }
    }
}
