use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::token::Source;
use crate::token::testing::{ED, P256, P384, RSA, Signer, b64, issuer};

const ISS: &str = "https://idp.example.com";
const PAYLOAD: &str = r#"{"iss": "https://idp.example.com", "sub": "a"}"#;

fn keys(jwks: &[Value]) -> VerifyingKeys {
    VerifyingKeys::new(&KeySet::parse(&json!({ "keys": jwks }), Source::Remote).unwrap().set)
}

fn check(token: &str, jwks: &[Value]) -> Result<Map<String, Value>, TokenError> {
    verify(token, &issuer(ISS, &[]), &keys(jwks))
}

fn signed(signer: &Signer, header: &str) -> String {
    signer.token(header, PAYLOAD)
}

#[test]
fn s12_each_algorithm_verifies_and_notices_a_change() {
    let rows: [(&str, &Signer); 9] = [
        ("RS256", &RSA),
        ("RS384", &RSA),
        ("RS512", &RSA),
        ("PS256", &RSA),
        ("PS384", &RSA),
        ("PS512", &RSA),
        ("ES256", &P256),
        ("ES384", &P384),
        ("EdDSA", &ED),
    ];
    for (alg, signer) in rows {
        let jwks = [signer.jwk(json!({"kid": "k"}))];
        let token = signed(signer, &json!({"alg": alg, "kid": "k"}).to_string());
        let claims = check(&token, &jwks).unwrap_or_else(|error| panic!("{alg}: {error}"));
        assert_eq!(claims["sub"], "a");
        let (head, rest) = token.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let forged = format!("{head}.{}.{signature}", b64(PAYLOAD.replace(r#""a""#, r#""b""#)));
        assert_eq!(check(&forged, &jwks), Err(TokenError::Signature), "{alg}");
    }
}

#[test]
fn the_example_of_rfc_7515_verifies() {
    // Appendix A.3, made by somebody else's library.
    let token = "eyJhbGciOiJFUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let jwk = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let claims = verify(token, &issuer("joe", &[]), &keys(&[jwk])).unwrap();
    assert_eq!(claims["http://example.com/is_root"], true);
}

#[test]
fn s12_which_headers_are_refused() {
    let forbidden = |name| TokenError::ForbiddenHeader(name);
    let algorithm = |name: &str| TokenError::Algorithm(name.into());
    let rows = [
        (r#"{"alg": "ES256", "jku": "https://evil.example.com"}"#, forbidden("jku")),
        (r#"{"alg": "ES256", "x5u": "https://evil.example.com"}"#, forbidden("x5u")),
        (r#"{"alg": "ES256", "jwk": {}}"#, forbidden("jwk")),
        (r#"{"alg": "ES256", "crit": []}"#, forbidden("crit")),
        (r#"{"alg": "ES256", "zip": "DEF"}"#, forbidden("zip")),
        (r#"{"alg": "ES256", "b64": null}"#, forbidden("b64")),
        (r#"{"alg": "none"}"#, algorithm("none")),
        (r#"{"alg": "None"}"#, algorithm("None")),
        (r#"{"alg": "HS256"}"#, algorithm("HS256")),
        (r#"{"alg": "es256"}"#, algorithm("es256")),
        (r#"{"alg": "ES512"}"#, algorithm("ES512")),
        (r#"{"alg": ""}"#, algorithm("")),
        (r#"{"kid": "k"}"#, TokenError::HeaderType("alg")),
        (r#"{"alg": null}"#, TokenError::HeaderType("alg")),
        (r#"{"alg": ["ES256"]}"#, TokenError::HeaderType("alg")),
        (r#"{"alg": "ES256", "kid": 7}"#, TokenError::HeaderType("kid")),
        (r#"{"alg": "ES256", "kid": null}"#, TokenError::HeaderType("kid")),
    ];
    for (header, want) in rows {
        let token = signed(&P256, header);
        assert_eq!(check(&token, &[P256.jwk(json!({}))]), Err(want), "{header}");
    }
}

#[test]
fn a_header_or_payload_that_two_parsers_may_read_differently_is_refused() {
    let jwks = [P256.jwk(json!({}))];
    let twice = signed(&P256, r#"{"alg": "ES256", "kid": "a", "kid": "b"}"#);
    assert!(matches!(check(&twice, &jwks), Err(TokenError::Header(_))));
    for payload in [
        r#"{"iss": "https://idp.example.com", "sub": "a", "sub": "b"}"#,
        r#"{"iss": "https://idp.example.com", "x": {"y": 1, "y": 2}}"#,
        r#"["iss"]"#,
        "",
    ] {
        let token = P256.token(r#"{"alg": "ES256"}"#, payload);
        assert!(matches!(check(&token, &jwks), Err(TokenError::Claims(_))), "{payload}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let good = signed(&P256, r#"{"alg": "ES256"}"#);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let rows = [
        (String::new(), TokenError::Shape),
        ("a.b".into(), TokenError::Shape),
        (format!("{good}."), TokenError::Shape),
        (format!("{header}.{payload}.{signature}.{signature}.x"), TokenError::Shape),
        (format!("{header}=.{payload}.{signature}"), TokenError::Encoding("header")),
        (format!(" {good}"), TokenError::Encoding("header")),
        (format!("{header}.{payload}+.{signature}"), TokenError::Encoding("payload")),
        (format!("{signed}."), TokenError::Signature),
        (format!("{signed}.{signature}="), TokenError::Signature),
        (format!("{good}\n"), TokenError::Signature),
        ("x".repeat(MAX_TOKEN_BYTES + 1), TokenError::TooLarge(MAX_TOKEN_BYTES + 1)),
    ];
    for (token, want) in rows {
        assert_eq!(check(&token, &[P256.jwk(json!({}))]), Err(want), "{token}");
    }
}

#[test]
fn s12_confused_algorithms_verify_nothing() {
    let es256 = r#"{"alg": "ES256", "kid": "k"}"#;
    let unknown = |algorithm| TokenError::UnknownKey { kid: "k".into(), algorithm };
    let rows = [
        (signed(&P256, es256), RSA.jwk(json!({"kid": "k"})), unknown(Algorithm::ES256)),
        (signed(&P256, es256), P384.jwk(json!({"kid": "k"})), unknown(Algorithm::ES256)),
        (
            signed(&RSA, r#"{"alg": "PS256", "kid": "k"}"#),
            RSA.jwk(json!({"kid": "k", "alg": "RS256"})),
            unknown(Algorithm::PS256),
        ),
        (signed(&P256, es256), Signer::p256().jwk(json!({"kid": "k"})), TokenError::Signature),
    ];
    for (token, jwk, want) in rows {
        assert_eq!(check(&token, std::slice::from_ref(&jwk)), Err(want), "{jwk}");
    }
}

#[test]
fn an_encryption_key_signs_nothing() {
    let jwks = [RSA.jwk(json!({"kid": "e", "use": "enc"})), P256.jwk(json!({"kid": "good"}))];
    let token = signed(&RSA, r#"{"alg": "RS256", "kid": "e"}"#);
    let want = TokenError::UnknownKey { kid: "e".into(), algorithm: Algorithm::RS256 };
    assert_eq!(check(&token, &jwks), Err(want));
}

#[test]
fn the_issuer_narrows_the_algorithms() {
    let token = signed(&RSA, r#"{"alg": "RS256"}"#);
    let keys = keys(&[RSA.jwk(json!({}))]);
    assert!(verify(&token, &issuer(ISS, &[Algorithm::ES256, Algorithm::RS256]), &keys).is_ok());
    let narrow = verify(&token, &issuer(ISS, &[Algorithm::PS256]), &keys);
    assert_eq!(narrow, Err(TokenError::AlgorithmNotAllowed(Algorithm::RS256)));
}

#[test]
fn s14_a_token_of_another_issuer_is_refused_before_any_key_is_looked_at() {
    for iss in ["https://idp.example.com/", "https://IDP.example.com", "https://idp.example.com "] {
        let token = P256.token(r#"{"alg": "ES256"}"#, &json!({ "iss": iss }).to_string());
        assert_eq!(check(&token, &[P256.jwk(json!({}))]), Err(TokenError::WrongIssuer), "{iss}");
    }
    let nobody = P256.token(r#"{"alg": "ES256"}"#, "{}");
    assert_eq!(check(&nobody, &[P256.jwk(json!({}))]), Err(TokenError::Issuer(ClaimError::Missing("iss"))));
}

#[test]
fn a_token_without_kid_is_taken_where_exactly_one_key_fits() {
    let token = signed(&P256, r#"{"alg": "ES256"}"#);
    let one = P256.jwk(json!({}));
    let no_kid = |fitting| TokenError::NoKid { algorithm: Algorithm::ES256, fitting };
    let rows = [
        (vec![one.clone(), P384.jwk(json!({})), RSA.jwk(json!({"kid": "r"}))], None),
        (vec![P256.jwk(json!({"kid": "k"}))], None),
        (vec![one.clone(), Signer::p256().jwk(json!({"kid": "k"}))], Some(no_kid(2))),
        (vec![RSA.jwk(json!({}))], Some(no_kid(0))),
    ];
    for (jwks, want) in rows {
        let error = check(&token, &jwks).err();
        assert!(!error.as_ref().is_some_and(TokenError::warrants_refresh));
        assert_eq!(error, want);
    }
    let empty_kid = signed(&P256, r#"{"alg": "ES256", "kid": ""}"#);
    assert!(check(&empty_kid, &[one]).is_ok());
}

#[test]
fn s12_a_key_without_kid_serves_only_tokens_without() {
    let token = signed(&P256, r#"{"alg": "ES256", "kid": "k"}"#);
    let want = TokenError::UnknownKey { kid: "k".into(), algorithm: Algorithm::ES256 };
    assert_eq!(check(&token, &[P256.jwk(json!({}))]), Err(want.clone()));
    assert_eq!(check(&token, &[P256.jwk(json!({"kid": "K"}))]), Err(want));
}

#[test]
fn s12_several_keys_under_one_kid_are_tried_whatever_their_order() {
    let token = signed(&P256, r#"{"alg": "ES256", "kid": "k"}"#);
    let kid = json!({"kid": "k"});
    let others: Vec<_> = (0..3).map(|_| Signer::p256().jwk(kid.clone())).collect();
    let jwks: Vec<_> = others.into_iter().chain([P256.jwk(kid.clone()), RSA.jwk(kid)]).collect();
    assert!(check(&token, &jwks).is_ok());
    let reversed: Vec<_> = jwks.into_iter().rev().collect();
    assert!(check(&token, &reversed).is_ok());
}

#[test]
fn s12_at_most_four_keys_are_tried() {
    let jwks: Vec<_> = (0..5).map(|_| Signer::p256().jwk(json!({"kid": "k"}))).collect();
    let candidates = keys(&jwks);
    assert_eq!(candidates.candidates(Some("k"), Algorithm::ES256).unwrap().len(), 4);
}

#[test]
fn s21_which_refusals_warrant_a_refresh() {
    let algorithm = Algorithm::ES256;
    assert!(TokenError::UnknownKey { kid: "k".into(), algorithm }.warrants_refresh());
    assert!(TokenError::Signature.warrants_refresh());
    assert!(!TokenError::NoKid { algorithm, fitting: 2 }.warrants_refresh());
    assert!(!TokenError::AlgorithmNotAllowed(algorithm).warrants_refresh());
}

#[test]
fn no_refusal_shows_the_token() {
    let token = signed(&P256, r#"{"alg": "ES256", "kid": "k"}"#);
    let error = check(&token, &[P384.jwk(json!({}))]).unwrap_err();
    let signature = token.rsplit_once('.').unwrap().1;
    assert!(!format!("{error} {error:?}").contains(signature));
}

proptest! {
    #[test]
    fn no_change_to_a_token_goes_unnoticed(at in any::<prop::sample::Index>(), other in "[A-Za-z0-9_.=-]") {
        let jwks = [P256.jwk(json!({"kid": "k"})), P384.jwk(json!({})), RSA.jwk(json!({}))];
        let token = signed(&P256, r#"{"alg": "ES256", "kid": "k"}"#);
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &other);
        prop_assert_eq!(check(&changed, &jwks).is_ok(), changed == token);
    }

    #[test]
    fn no_text_is_taken_for_a_token(text in "\\PC{0,40}(\\.\\PC{0,40}){0,3}") {
        let jwks = [P256.jwk(json!({}))];
        prop_assert!(check(&text, &jwks).is_err());
    }
}

#[test]
fn s11_what_bears_an_iss_is_known_whatever_else_is_wrong_with_it() {
    let with = |payload: &str| format!("x.{}.", b64(payload));
    assert!(claims_iss(&with(r#"{"iss": "us"}"#), "us"));
    assert!(claims_iss(&with(r#"{"iss": "us", "exp": 1, "exp": 2}"#), "us"));
    assert!(claims_iss(&format!("{}signature.more", with(r#"{"iss": "us"}"#)), "us"));
    for other in [with(r#"{"iss": "them"}"#), with(r#"{"sub": "us"}"#), with("[]"), "us".into(), "..".into()]
    {
        assert!(!claims_iss(&other, "us"), "{other}");
    }
}
