//! `token inspect`: what a token says, what speaks against it, and whether a gateway has signed it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::exchange::{Gateway, US};
use crate::run::{Run, binary, finish};
use crate::stranger::{Stranger, nobody};
use crate::tokens::{ISS, Issuer, claims};

fn inspect(token: &str, more: &[&str]) -> Run {
    finish(binary().args([&["token", "inspect", "-"], more].concat()), token)
}

/// A token with these parts and nobody's signature.
fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmF0dXJl", part(header), part(claims))
}

fn es256(claims: &Value) -> String {
    unsigned(&json!({ "alg": "ES256", "kid": "k" }), claims)
}

/// A token of a gateway, exchanged for one of `gateway`'s issuer.
fn exchanged(gateway: &Gateway, more: &[&str]) -> String {
    let args = [&["token", "exchange", "--gateway", &gateway.url, "--token", "-"], more].concat();
    let told = finish(binary().args(args), &gateway.issuer.token(&claims(ISS)));
    assert_eq!(told.code, 0, "{told}");
    told.out.trim().to_owned()
}

#[test]
fn what_a_gateway_has_signed_is_verified_by_its_keys_and_nothing_else_is() {
    let gateway = Gateway::start();
    let token = exchanged(&gateway, &[]);
    let told = inspect(&token, &["--gateway", &gateway.url]);
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told}");
    assert!(told.out.starts_with("verified: the gateway has signed it\n"), "{told}");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    assert!(!told.out.contains(signature), "{told}");

    let other = exchanged(&Gateway::start(), &[]);
    let mixed = format!("{signed}.{}", other.rsplit_once('.').unwrap().1);
    for forged in [other, mixed] {
        let told = inspect(&forged, &["--gateway", &gateway.url]);
        assert_eq!(told.code, 1, "{told}");
        assert!(told.out.starts_with("NOT VERIFIED") && told.out.contains("problem: "), "{told}");
        assert_eq!(inspect(&forged, &["--gateway", &gateway.url, "-o", "json"]).json()["verified"], false);
    }
    let told = inspect(&gateway.issuer.token(&claims(ISS)), &["--gateway", &gateway.url]);
    assert_eq!(told.code, 1, "{told}");
    assert!(told.out.contains(&format!("not a token of this gateway, which signs as `{US}`")), "{told}");
}

#[test]
fn without_a_gateway_it_is_said_that_nothing_was_verified() {
    let told = inspect(&es256(&claims(ISS)), &[]);
    assert_eq!(told.code, 0, "{told}");
    assert!(told.out.starts_with("NOT VERIFIED: anybody may have written this"), "{told}");
    assert_eq!(inspect(&es256(&claims(ISS)), &["-o", "json"]).json()["verified"], Value::Null);
}

#[test]
fn kind_times_and_permissions_are_shown() {
    let gateway = Gateway::start();
    let rows = [
        (exchanged(&gateway, &[]), "kind         API token", "policies     invoke, read\n"),
        (
            exchanged(&gateway, &["--scope", "function", "--audience", "dev:env"]),
            "kind         function token",
            "permissions  dev:env\nnarrowed to  dev:env\n",
        ),
        (
            gateway.issuer.token(&claims(ISS)),
            "kind         token of an identity provider",
            "subject      robot\n",
        ),
    ];
    for (token, kind, row) in rows {
        let told = inspect(&token, &[]);
        assert!(told.out.contains(kind) && told.out.contains(row) && told.out.contains("expires "), "{told}");
    }
    let told = inspect(&exchanged(&gateway, &[]), &[]);
    for row in [
        "subject      fed:robot\n",
        "exchanged    from a token of https://tokens.example.net\n",
        "issued       2",
    ] {
        assert!(told.out.contains(row), "{told}");
    }
    for (sub, kind, shown) in [
        ("access:reports:ci", "function", "access token of a gateway"),
        ("fed:robot", "api", "API token of a gateway"),
        ("function:dev:env", "identity", "identity of a function\n"),
        ("robot", "canary", "unknown: \"canary\"\n"),
    ] {
        let claims =
            json!({ "iss": US, "sub": sub, "aud": US, "exp": 4_000_000_000_u64, "openfaas:kind": kind });
        let told = inspect(&es256(&claims), &[]);
        assert!(told.out.contains(&format!("kind         {shown}")), "{told}");
    }
}

#[test]
fn what_has_expired_or_is_never_taken_is_shown_with_the_problem_and_exit_code_1() {
    let with = |name: &str, value: Value| {
        let mut claims = claims(ISS);
        claims[name] = value;
        es256(&claims)
    };
    let rows = [
        (with("exp", json!(1_000_000_000)), "it expired at 2001-09-09T01:46:40Z"),
        (with("exp", json!("tomorrow")), "`exp` is not a number of seconds"),
        (with("nbf", json!(3_900_000_000_u64)), "it is not valid before"),
        (with("aud", json!([])), "`aud` is empty"),
        (with("sub", json!(7)), "`sub` is not text"),
        (unsigned(&json!({ "alg": "none" }), &claims(ISS)), "signed by `none`, which is never taken"),
        (unsigned(&json!({ "alg": "ES256", "jku": "https://x" }), &claims(ISS)), "the header `jku`"),
    ];
    for (token, want) in rows {
        let told = inspect(&token, &[]);
        assert_eq!(told.code, 1, "{told}");
        assert!(told.out.contains("problem: ") && told.out.contains(want), "{want}\n{told}");
        let problems = inspect(&token, &["-o", "json"]).json()["problems"].to_string();
        assert!(problems.contains(want), "{problems}");
    }
    let expired = inspect(&with("exp", json!(1_000_000_000)), &[]);
    assert!(expired.out.contains("ago)"), "{expired}");
}

#[test]
fn what_is_no_token_has_a_reason_and_exit_code_2() {
    let rows = [
        ("", "three parts"),
        ("canary", "three parts"),
        ("e30.canary", "three parts"),
        ("e30.e30.e30.e30", "three parts"),
        ("can*ry.e30.e30", "the header of the token is not base64url"),
        ("e30.e30=.e30", "the payload of the token is not base64url"),
        ("e30.e30.can*ry", "the signature of the token is not base64url"),
        ("W10.e30.e30", "cannot read the header of the token"),
    ];
    for (text, want) in rows {
        let told = inspect(text, &[]);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{text}\n{told}");
        assert!(told.err.contains(want) && !told.err.contains("canary"), "{text}\n{told}");
    }
    let large = es256(&json!({ "sub": "a".repeat(20_000) }));
    assert!(inspect(&large, &[]).err.contains("at most"));
}

#[test]
fn what_a_stranger_put_into_a_token_cannot_steer_the_terminal() {
    let told = inspect(
        &es256(&json!({ "sub": "a\u{1b}[2K\nverified: yes", "iss": "\u{202e}x", "openfaas:kind": "\u{7}" })),
        &[],
    );
    assert!(!told.out.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{told}");
    assert!(!told.out.lines().any(|line| line.starts_with("verified")), "{told}");
}

#[test]
fn a_gateway_that_gives_no_keys_is_no_answer() {
    let discovery = |keys: &str| json!({ "issuer": ISS, "jwks_uri": keys }).to_string();
    let elsewhere = Stranger::new("200 OK", "", r#"{"keys":[]}"#);
    let rows = [
        (Stranger::new("404 Not Found", "", "gone"), "answers with status 404"),
        (Stranger::new("503 Away", "", ""), "cannot answer now"),
        (Stranger::new("200 OK", "", "{}"), "without `issuer` and `jwks_uri`"),
        (Stranger::new("200 OK", "", &discovery(&elsewhere.url)), "`jwks_uri` that is not its own"),
        (Stranger::new("200 OK", "", &discovery(&format!("{ISS}/keys"))), "without keys that can be used"),
    ];
    let token = Issuer::new().token(&claims(ISS));
    for (stranger, want) in rows {
        let told = inspect(&token, &["--gateway", &stranger.url]);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{told}");
        assert!(told.err.contains(want), "{want}\n{told}");
        assert!(stranger.seen().iter().all(|request| !request.contains("eyJ")), "no token is sent");
    }
    assert_eq!(elsewhere.seen(), Vec::<String>::new());
    assert_eq!(inspect(&token, &["--gateway", &nobody()]).code, 2);
}
