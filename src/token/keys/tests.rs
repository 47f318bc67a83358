use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::token::testing::{ED, P256, P384, RSA, Signer};

fn parse(keys: &[Value], source: Source) -> Result<Parsed, KeySetError> {
    KeySet::parse(&json!({ "keys": keys }), source)
}

/// Keys that a provider lists beside the one that counts.
fn others() -> Vec<Value> {
    vec![
        RSA.jwk(json!({"kid": "enc", "use": "enc"})),
        P256.jwk(json!({"kid": "k1", "crv": "secp256k1"})),
        json!({"kid": "odd", "kty": "XYZ"}),
        json!({"kid": "bare"}),
        json!("text"),
    ]
}

#[test]
fn keys_for_other_purposes_leave_the_good_one_usable() {
    let keys: Vec<_> =
        others().into_iter().chain([RSA.jwk(json!({"kid": "good", "alg": "RS256"}))]).collect();
    for source in [Source::Inline, Source::Remote] {
        let parsed = parse(&keys, source).unwrap();
        let kids: Vec<_> = parsed.set.iter().map(PublicKey::kid).collect();
        assert_eq!(kids, [Some("good")]);
        let sentences: Vec<_> = parsed.left_out.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!("left_out", sentences.join("\n"));
    }
}

#[test]
fn r28_a_private_or_symmetric_key_is_a_problem_where_a_user_wrote_it() {
    let good = P256.jwk(json!({}));
    let private = P384.jwk(json!({"d": "AQ", "use": "enc"}));
    let symmetric = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "hmac"});
    let keys = [private.clone(), good.clone(), symmetric.clone()];
    assert_eq!(parse(&keys, Source::Inline), Err(KeySetError::Private { at: vec![0, 2] }));
    let strange = json!({"kty": "XYZ", "d": "AQ"});
    assert_eq!(parse(&[good, strange], Source::Inline), Err(KeySetError::Private { at: vec![1] }));
}

#[test]
fn s12_a_private_or_symmetric_key_is_left_out_where_a_provider_wrote_it() {
    let keys = [
        P384.jwk(json!({"d": "AQ"})),
        P256.jwk(json!({})),
        json!({"kty": "oct", "k": "c2VjcmV0", "kid": "hmac"}),
    ];
    let parsed = parse(&keys, Source::Remote).unwrap();
    assert_eq!(parsed.set.len(), 1);
    let left_out = |at, kid: Option<&str>| LeftOut { at, kid: kid.map(Into::into), why: Unusable::Secret };
    assert_eq!(parsed.left_out, [left_out(0, None), left_out(2, Some("hmac"))]);
}

#[test]
fn no_refusal_shows_a_secret() {
    let keys = [json!({"kty": "oct", "k": "canary"}), P384.jwk(json!({"d": "canary"}))];
    for source in [Source::Inline, Source::Remote] {
        let error = parse(&keys, source).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn r28_what_is_no_key_set_is_refused() {
    for json in ["[]", "null", "{}", r#"{"keys": {}}"#, r#"{"keys": null}"#, r#"{"kty": "RSA"}"#] {
        assert_eq!(KeySet::parse_text(json.as_bytes(), Source::Remote), Err(KeySetError::NotASet), "{json}");
    }
    let error = KeySet::parse_text(b"<html>", Source::Remote).unwrap_err();
    assert_eq!(error, KeySetError::NotJson { line: 1, column: 1 });
}

#[test]
fn r28_a_set_of_which_nothing_can_be_used_is_refused() {
    assert_eq!(parse(&[], Source::Remote), Err(KeySetError::NothingUsable { left_out: vec![] }));
    let error = parse(&others(), Source::Inline).unwrap_err();
    let KeySetError::NothingUsable { left_out } = &error else { panic!("{error}") };
    assert_eq!(left_out.len(), others().len());
    assert!(error.to_string().contains("`keys[0]` (kid `enc`) is not for signatures"), "{error}");
}

#[test]
fn r26_a_set_has_at_most_64_keys() {
    let keys = |n: usize| (0..n).map(|i| ED.jwk(json!({"kid": i.to_string()}))).collect::<Vec<_>>();
    for source in [Source::Inline, Source::Remote] {
        assert_eq!(parse(&keys(64), source).unwrap().set.len(), 64);
        assert_eq!(parse(&keys(65), source), Err(KeySetError::TooMany(65)));
    }
}

#[test]
fn r26_an_inline_set_has_at_most_256_kib() {
    let padded = |bytes: usize| {
        let empty = json!({ "keys": [ED.jwk(json!({"x5c": ""}))] }).to_string().len();
        [ED.jwk(json!({"x5c": "x".repeat(bytes - empty)}))]
    };
    assert!(parse(&padded(256 * 1024), Source::Inline).is_ok());
    let over = 256 * 1024 + 1;
    assert_eq!(parse(&padded(over), Source::Inline), Err(KeySetError::TooLarge(over)));
}

#[test]
fn a_key_of_a_newer_version_costs_itself_alone() {
    let json = json!([P256.jwk(json!({})), {"kty": "AKP", "pub": "AQ"}, ED.jwk(json!({"notAfter": 1}))]);
    let set: KeySet = serde_json::from_value(json).unwrap();
    assert_eq!(set, parse(&[P256.jwk(json!({}))], Source::Remote).unwrap().set);
}

fn jwk() -> impl Strategy<Value = Value> {
    let bare = |signer: &Signer| signer.jwk(json!({}));
    let kinds =
        vec![(bare(&RSA), "PS256"), (bare(&P256), "ES256"), (bare(&P384), "ES384"), (bare(&ED), "EdDSA")];
    let kid = prop::option::of("[a-z\u{e9}\"]{1,8}");
    (prop::sample::select(kinds), kid, any::<bool>()).prop_map(|((mut jwk, alg), kid, with_alg)| {
        if let Some(kid) = kid {
            jwk["kid"] = kid.into();
        }
        if with_alg {
            jwk["alg"] = alg.into();
        }
        jwk
    })
}

proptest! {
    #[test]
    fn a_set_survives_its_encoding(keys in prop::collection::vec(jwk(), 1..8)) {
        let set = parse(&keys, Source::Remote).unwrap().set;
        let json = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(serde_json::from_str::<KeySet>(&json).unwrap(), set);
    }

    #[test]
    fn the_bytes_of_a_set_do_not_depend_on_the_order_or_on_repeats(keys in prop::collection::vec(jwk(), 1..8)) {
        let bytes = |keys: &[Value]| serde_json::to_string(&parse(keys, Source::Remote).unwrap().set).unwrap();
        let reversed: Vec<_> = keys.iter().rev().chain(&keys).cloned().collect();
        prop_assert_eq!(bytes(&keys), bytes(&reversed));
    }
}
