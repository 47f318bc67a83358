//! Tokens, as anybody may send them.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::model::{EmailVerified, Issuer, KeySource};
use crate::token::{KeySet, MAX_TOKEN_BYTES, SigningKey, VerifyingKeys, check_times, claims_iss, look, peek};

const ISS: &str = "https://idp.example.com";
/// A key that nobody else has: what the fuzzer makes cannot be signed by it.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let der = pair.to_pkcs8v1().expect("its bytes");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    SigningKey::from_pem(pem.as_bytes()).expect("a key")
});
static KEYS: LazyLock<VerifyingKeys> =
    LazyLock::new(|| VerifyingKeys::new(&KeySet::from_iter([KEY.public().clone()])));

fn issuer() -> Issuer {
    Issuer {
        iss: ISS.into(),
        aud: vec!["gw".into()],
        token_expiry: 1800,
        cap_expiry: false,
        sharing: None,
        email_verified: EmailVerified::IfPresent,
        algorithms: Vec::new(),
        keys: KeySource::Discovery,
        ca_bundle: None,
    }
}

/// No bytes are a token of ours; what they say of themselves is read within its bound, the same by each reader. What we
/// sign with the same claims is taken, and any change of a character of it is not.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = peek(text);
    assert!(text.len() <= MAX_TOKEN_BYTES || read.is_err());
    let Ok(read) = read else { return };
    assert!(read.check(&KEYS).is_err(), "nobody has signed this");
    let iss = read.iss().map(str::to_owned);
    let claims = read.unproven();
    if let Ok(looked) = look(text) {
        assert_eq!(looked.claims, claims);
    }
    let _ = check_times(&claims, 1_800_000_000, 30, true);
    if let Ok(iss) = iss {
        assert!(claims_iss(text, &iss), "whoever looks for the issuer alone finds the same");
        if iss == ISS {
            signed_is_taken_and_changed_is_not(&claims, bytes.len());
        }
    }
}

fn signed_is_taken_and_changed_is_not(claims: &Map<String, Value>, at: usize) {
    let Ok(signed) = KEY.sign(claims, &SystemRandom::new()) else { return };
    if signed.len() > MAX_TOKEN_BYTES {
        return;
    }
    let taken = peek(&signed).and_then(|token| token.verify(&issuer(), &KEYS));
    assert_eq!(taken.as_ref(), Ok(claims));
    let mut changed = signed.clone().into_bytes();
    let at = at % changed.len();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("ASCII");
    let taken = peek(&changed).and_then(|token| token.verify(&issuer(), &KEYS));
    assert!(taken.is_err(), "{changed}");
}
