use super::*;
use crate::token::testing::{ED, P256, P384, RSA, Signer, b64};

fn with(signer: &Signer, others: Value) -> Value {
    signer.jwk(others)
}

/// An RSA key with a modulus of this many bits; nobody has its private half.
fn rsa(bits: usize, e: &[u8]) -> Value {
    let mut n = vec![0xff_u8; bits.div_ceil(8)];
    n[0] = 0xff >> (n.len() * 8 - bits);
    json!({ "kty": "RSA", "n": b64(n), "e": b64(e) })
}

#[test]
fn s12_which_keys_are_not_used_and_why() {
    const F4: &[u8] = &[1, 0, 1];
    let short = b64([7; 31]);
    let algorithm = |name: &str| Unusable::Algorithm(name.into());
    let rows = [
        (json!("key"), Unusable::NotAnObject),
        (json!({}), Unusable::Member("kty")),
        (json!({"kty": 7}), Unusable::Member("kty")),
        (json!({"kty": "XYZ"}), Unusable::Kind("XYZ".into())),
        (json!({"kty": "oct", "k": "c2VjcmV0"}), Unusable::Secret),
        (json!({"kty": "oct"}), Unusable::Secret),
        (with(&RSA, json!({"d": "AQ"})), Unusable::Secret),
        (with(&RSA, json!({"qi": null})), Unusable::Secret),
        (with(&P256, json!({"d": "AQ"})), Unusable::Secret),
        (with(&ED, json!({"d": "AQ"})), Unusable::Secret),
        (with(&RSA, json!({"use": "enc"})), Unusable::Use),
        (with(&RSA, json!({"use": null})), Unusable::Use),
        (with(&RSA, json!({"key_ops": ["sign"]})), Unusable::KeyOps),
        (with(&RSA, json!({"key_ops": []})), Unusable::KeyOps),
        (with(&RSA, json!({"key_ops": "verify"})), Unusable::KeyOps),
        (with(&RSA, json!({"kid": 7})), Unusable::Member("kid")),
        (with(&RSA, json!({"kid": "k".repeat(513)})), Unusable::Member("kid")),
        (with(&RSA, json!({"alg": "RSA-OAEP"})), algorithm("RSA-OAEP")),
        (with(&RSA, json!({"alg": "HS256"})), algorithm("HS256")),
        (with(&RSA, json!({"alg": "none"})), algorithm("none")),
        (with(&RSA, json!({"alg": "ES256"})), algorithm("ES256")),
        (with(&RSA, json!({"alg": null})), Unusable::Member("alg")),
        (with(&P256, json!({"alg": "ES384"})), algorithm("ES384")),
        (with(&P384, json!({"alg": "ES256"})), algorithm("ES256")),
        (with(&ED, json!({"alg": "ES256"})), algorithm("ES256")),
        (with(&P256, json!({"crv": "secp256k1"})), Unusable::Kind("secp256k1".into())),
        (with(&P256, json!({"crv": "P-521"})), Unusable::Kind("P-521".into())),
        (with(&P256, json!({"crv": "P-384"})), Unusable::Invalid),
        (with(&P256, json!({"x": short})), Unusable::Invalid),
        (with(&P256, json!({"y": b64([7; 33])})), Unusable::Invalid),
        (with(&P256, json!({"y": b64([7; 32])})), Unusable::Invalid),
        (with(&P256, json!({"x": "not base64url!"})), Unusable::Member("x")),
        (with(&P256, json!({"x": format!("{}=", b64([7; 32]))})), Unusable::Member("x")),
        (with(&P256, json!({"y": null})), Unusable::Member("y")),
        (with(&ED, json!({"crv": "X25519"})), Unusable::Kind("X25519".into())),
        (with(&ED, json!({"crv": "Ed448"})), Unusable::Kind("Ed448".into())),
        (with(&ED, json!({"x": short})), Unusable::Invalid),
        (rsa(2047, F4), Unusable::RsaSize(2047)),
        (rsa(8193, F4), Unusable::RsaSize(8193)),
        (rsa(2048, &[]), Unusable::Invalid),
        (rsa(2048, &[1]), Unusable::Invalid),
        (rsa(2048, &[1, 0, 0]), Unusable::Invalid),
        (rsa(2048, &[2, 0, 0, 0, 1]), Unusable::Invalid),
        (json!({"kty": "RSA", "n": b64([0xfe; 256]), "e": "AQAB"}), Unusable::Invalid),
        (json!({"kty": "RSA", "e": "AQAB"}), Unusable::Member("n")),
        (json!({"kty": "RSA", "x5c": ["MIIB"]}), Unusable::Member("n")),
    ];
    for (jwk, want) in rows {
        assert_eq!(PublicKey::read(&jwk), Err(want), "{jwk}");
    }
}

#[test]
fn s12_which_keys_are_used() {
    let rows = [
        rsa(2048, &[3]),
        rsa(8192, &[1, 0, 1]),
        with(&RSA, json!({"use": "sig", "alg": "PS512", "kid": "a"})),
        with(&RSA, json!({"key_ops": ["sign", "verify"]})),
        with(&RSA, json!({"kid": ""})),
        with(&P256, json!({"x5c": ["MIIB"], "nbf": 7})),
        with(&P384, json!({})),
        with(&ED, json!({"alg": "EdDSA"})),
    ];
    for jwk in rows {
        assert!(PublicKey::read(&jwk).is_ok(), "{jwk}");
    }
}

#[test]
fn s12_type_curve_and_alg_decide_what_a_key_verifies() {
    use Algorithm::*;
    let every = [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA];
    let rows: [(Value, &[Algorithm]); 5] = [
        (RSA.jwk(json!({})), &[RS256, RS384, RS512, PS256, PS384, PS512]),
        (RSA.jwk(json!({"alg": "RS256"})), &[RS256]),
        (P256.jwk(json!({})), &[ES256]),
        (P384.jwk(json!({})), &[ES384]),
        (ED.jwk(json!({})), &[EdDSA]),
    ];
    for (jwk, want) in rows {
        let key = PublicKey::read(&jwk).unwrap();
        let fitting: Vec<_> = every.into_iter().filter(|alg| key.fits(*alg)).collect();
        assert_eq!(fitting, want, "{jwk}");
    }
}

#[test]
fn the_same_key_has_one_form_whoever_wrote_it() {
    let plain = RSA.jwk(json!({"kid": "a"}));
    let n = URL_SAFE_NO_PAD.decode(plain["n"].as_str().unwrap()).unwrap();
    let padded = b64([&[0, 0][..], &n].concat());
    let other = RSA.jwk(json!({"kid": "a", "n": padded, "use": "sig", "x5t": "abc", "key_ops": ["verify"]}));
    assert_eq!(PublicKey::read(&plain), PublicKey::read(&other));
    let form = Value::Object(PublicKey::read(&other).unwrap().to_jwk());
    assert_eq!(form, plain, "public members alone");
}

#[test]
fn a_form_that_is_not_canonical_is_not_read_back() {
    let read = |jwk: Value| serde_json::from_value::<PublicKey>(jwk);
    assert!(read(P256.jwk(json!({"kid": "a", "alg": "ES256"}))).is_ok());
    assert!(read(P256.jwk(json!({"notAfter": 1}))).is_err());
    assert!(read(P256.jwk(json!({"use": "sig"}))).is_err());
}

#[test]
fn the_thumbprint_is_that_of_rfc_7638() {
    // The example of section 3.1.
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX\
             jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZg\
             nYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0L\
             s1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let jwk = json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
    let key = PublicKey::read(&jwk).unwrap();
    assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn what_others_wrote_is_shown_short_and_visible() {
    assert_eq!(shown("a\nb\u{202e}c"), "a\\nb\\u{202e}c");
    assert_eq!(shown(&"x".repeat(100)), "x".repeat(64));
}
