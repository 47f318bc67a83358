//! `can-i --token`: signatures are verified where keys are at hand (`semantics.md` 30).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::run::{Run, run, run_args};

pub const ISS: &str = "https://tokens.example.net";

/// An issuer with keys in its manifest, and a Role for its subject `robot`.
pub struct Issuer {
    pub folder: TempDir,
    key: EncodingKey,
}

impl Issuer {
    pub fn new() -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": coordinate(x), "y": coordinate(y) });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("iam.yaml"), manifests(&jwk)).unwrap();
        Self { folder, key: EncodingKey::from_ec_der(pkcs8.as_ref()) }
    }

    pub fn token(&self, claims: &Value) -> String {
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    fn asks(&self, token: &str) -> Run {
        self.asks_with(token, &[])
    }

    fn asks_with(&self, token: &str, more: &[&str]) -> Run {
        let folder = self.folder.path().to_str().unwrap();
        run_args(&[&["can-i", "Function:Get", "dev:env", "-f", folder, "--token", "-"], more].concat(), token)
    }

    /// What machines are told of the signature.
    fn verified(&self, token: &str) -> Value {
        self.asks_with(token, &["-o", "json"]).json()["verified"].clone()
    }
}

fn manifests(jwk: &Value) -> String {
    let of = |kind: &str, name: &str, spec: Value| json!({ "apiVersion": "iam.openfaas.com/v1", "kind": kind, "metadata": { "name": name }, "spec": spec });
    let issuer = json!({ "iss": ISS, "aud": ["gw"], "jwks": { "keys": [jwk] } });
    let remote = json!({ "iss": "https://remote.example.net", "aud": ["gw"] });
    let statement =
        json!({ "sid": "a", "effect": "Allow", "action": ["Function:Get"], "resource": ["dev:*"] });
    let role = json!({ "policy": ["read"], "principal": { "jwt:sub": ["robot"] } });
    let items = [
        of("JwtIssuer", "tokens", issuer),
        of("JwtIssuer", "remote", remote),
        of("Policy", "read", json!({ "statement": [statement] })),
        of("Role", "robot", role),
    ];
    json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}

pub fn claims(iss: &str) -> Value {
    json!({ "iss": iss, "sub": "robot", "aud": "gw", "exp": 4_000_000_000_u64 })
}

#[test]
fn a_token_of_a_known_key_is_verified() {
    let issuer = Issuer::new();
    let token = issuer.token(&claims(ISS));
    let told = issuer.asks(&format!("{token}\n"));
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told}");
    assert!(told.out.starts_with("allowed\n") && !told.out.contains(&token[..20]), "{told}");
    assert_eq!(issuer.verified(&token), true);
}

#[test]
fn a_signature_by_another_key_is_denied() {
    let (issuer, stranger) = (Issuer::new(), Issuer::new());
    let told = issuer.asks(&stranger.token(&claims(ISS)));
    assert_eq!(told.code, 1, "{told}");
    assert!(told.out.starts_with("denied\n") && told.out.contains("signature"), "{told}");
    assert_eq!(issuer.verified(&stranger.token(&claims(ISS))), false);
}

#[test]
fn where_no_key_is_at_hand_the_answer_says_that_nothing_was_verified() {
    let issuer = Issuer::new();
    let token = issuer.token(&claims("https://remote.example.net"));
    let told = issuer.asks(&token);
    assert_eq!(told.code, 0, "{told}");
    assert_eq!(issuer.verified(&token), false);
    assert!(told.err.contains("not verified") && told.err.contains("network"), "{told}");
}

#[test]
fn what_a_token_must_have_is_asked_for() {
    let issuer = Issuer::new();
    let without = |name: &str| {
        let mut claims = claims(ISS);
        claims.as_object_mut().unwrap().remove(name);
        issuer.asks(&issuer.token(&claims))
    };
    for name in ["exp", "aud", "sub", "iss"] {
        let told = without(name);
        assert_eq!(told.code, 1, "{name}\n{told}");
        assert!(told.out.contains(&format!("`{name}`")), "{name}\n{told}");
    }
    let expired = json!({ "iss": ISS, "sub": "robot", "aud": "gw", "exp": 1_000_000_000 });
    let told = issuer.asks(&issuer.token(&expired));
    assert_eq!(told.code, 1, "{told}");
    assert!(told.out.contains("it expired at 2001-09-09T01:46:40Z"), "{told}");
    let stranger = issuer.asks(&issuer.token(&claims("https://nobody.example.net")));
    assert_eq!(stranger.code, 1, "{stranger}");
}

#[test]
fn what_is_no_token_is_wrong_input_and_never_shown() {
    let issuer = Issuer::new();
    for text in ["", "canary", "canary.canary.canary", "e30.canary", "e30.e30.e30.e30"] {
        let told = issuer.asks(text);
        assert_eq!(told.code, 2, "{text}\n{told}");
        assert!(told.err.contains("no token") && !told.to_string().contains("canary"), "{told}");
    }
}

#[test]
fn a_token_in_place_of_its_file_is_wrong_input_and_not_shown() {
    let token = Issuer::new().token(&claims(ISS));
    for text in [&token, token.split('.').next().unwrap()] {
        for flag in ["--token", "--claims"] {
            let told = run(&format!("can-i Function:Get dev:env -f team {flag} {text}"));
            assert_eq!(told.code, 2, "{told}");
            assert!(told.err.contains("is a token itself") && !told.to_string().contains(text), "{told}");
        }
    }
    let told = run("can-i Function:Get dev:env -f team --token nowhere.at.all");
    assert!(told.err.contains("`nowhere.at.all`"), "a file is named: {told}");
}

#[test]
fn a_token_among_other_words_is_not_repeated_either() {
    let token = Issuer::new().token(&claims(ISS));
    let lines = [
        format!("can-i Function:Get dev:env {token} -f team --as a,b"),
        format!("can-i Function:Get {token} -f team --as a,b"),
        format!("can-i {token} dev:env -f team --as a,b"),
        format!("can-i Function:Get dev:env -f {token} --as a,b"),
        format!("check {token}"),
    ];
    for line in lines {
        let told = run(&line);
        assert_eq!(told.code, 2, "{told}");
        assert!(told.err.contains("(a token, not shown)") && !told.to_string().contains("eyJ"), "{told}");
    }
}

#[test]
fn a_token_as_a_header_has_it_is_told_what_to_leave_out() {
    let issuer = Issuer::new();
    let token = issuer.token(&claims(ISS));
    for scheme in ["Bearer", "bearer"] {
        let told = issuer.asks(&format!("{scheme} {token}\n"));
        assert_eq!(told.code, 2, "{told}");
        assert!(told.err.contains("begins with `Bearer `") && !told.to_string().contains("eyJ"), "{told}");
    }
}

#[test]
fn an_unsigned_token_is_denied() {
    let issuer = Issuer::new();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let told = issuer.asks(&format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims(ISS))));
    assert_eq!(told.code, 1, "{told}");
}
