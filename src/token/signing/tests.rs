//! The signing key: how it may be written, and that what it signs is what it was given.

use aws_lc_rs::rand::SystemRandom;
use serde_json::json;

use super::*;
use crate::model::Algorithm;
use crate::token::testing::issuer;
use crate::token::{KeySet, VerifyingKeys, verify};

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

fn key() -> SigningKey {
    SigningKey::from_pem(SEC1.as_bytes()).unwrap()
}

fn claims(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_key_has_one_kid_however_it_is_written() {
    let without_parameters = &SEC1[SEC1.find("-----BEGIN EC PRIVATE KEY").unwrap()..];
    let (commented, crlf) = (format!("# ours\n{SEC1}"), SEC1.replace('\n', "\r\n"));
    for text in [SEC1, without_parameters, PKCS8, &commented, &crlf] {
        assert_eq!(SigningKey::from_pem(text.as_bytes()).unwrap().kid(), KID, "{text}");
    }
}

#[test]
fn what_is_no_p256_key_is_refused() {
    let rubbish = "-----BEGIN EC PRIVATE KEY-----\neA==\n-----END EC PRIVATE KEY-----\n";
    let certificate = rubbish.replace("EC PRIVATE KEY", "CERTIFICATE");
    for (text, error) in [
        ("", SigningKeyError::NoPem),
        ("-----BEGIN EC PRIVATE KEY-----\n", SigningKeyError::NoPem),
        (&certificate, SigningKeyError::NoPem),
        (rubbish, SigningKeyError::NotP256),
    ] {
        assert_eq!(SigningKey::from_pem(text.as_bytes()).err(), Some(error), "{text}");
    }
}

#[test]
fn what_it_signs_is_verified_by_its_public_half_and_by_no_other() {
    let claims = claims(json!({ "iss": "us", "n": 7, "é": ["x"] }));
    let token = key().sign(&claims, &SystemRandom::new()).unwrap();
    let keys = |key: PublicKey| VerifyingKeys::new(&KeySet::from_iter([key]));
    let us = issuer("us", &[Algorithm::ES256]);
    assert_eq!(verify(&token, &us, &keys(key().public().clone())).unwrap(), claims);
    let other = crate::token::testing::P256.jwk(json!({ "kid": KID }));
    assert!(verify(&token, &us, &keys(PublicKey::read(&other).unwrap())).is_err());
}

#[test]
fn a_tokens_size_is_known_before_it_is_signed() {
    for length in 0..8 {
        let claims = claims(json!({ "a": "x".repeat(length) }));
        let token = key().sign(&claims, &SystemRandom::new()).unwrap();
        let payload = serde_json::to_string(&claims).unwrap();
        assert_eq!(key().size(payload.len()), token.len(), "{length}");
    }
}

#[test]
fn nothing_of_the_key_is_shown() {
    assert_eq!(format!("{:?}", key()), format!("SigningKey {{ kid: {KID:?}, .. }}"));
}
