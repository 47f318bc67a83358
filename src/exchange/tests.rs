//! Exchanges, judged on small worlds.

use aws_lc_rs::rand::SystemRandom;
use serde_json::json;

use super::*;
use crate::bundle::{Bundle, Origin, Record};
use crate::token::MAX_TOKEN_BYTES;

const NOW: i64 = 1_800_000_000;
const US: &str = "https://gw.example.com";
const IDP: &str = "https://idp.example.com";
const FORM: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=x.y.z&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token";

fn key() -> SigningKey {
    SigningKey::from_pem(crate::operator::signing::generate().unwrap().as_bytes()).unwrap()
}

fn world(idp: Value, conditions: Value) -> Engine {
    let mut bundle = Bundle::new();
    let origin = Origin::default;
    let mut issuer = json!({"iss": IDP, "aud": ["gw"], "token_expiry": 1800, "keys": "discovery"});
    issuer.as_object_mut().unwrap().extend(idp.as_object().unwrap().clone());
    for (name, issuer) in
        [("idp", issuer), ("system", json!({"iss": US, "aud": [US], "token_expiry": 600, "keys": "system"}))]
    {
        let issuer = serde_json::from_value(issuer).unwrap();
        bundle.insert(
            name,
            Record::Issuer { origin: origin(), issuer, keys: Default::default(), stale_since: None },
        );
    }
    let policy =
        json!({"statements": [{"sid": "s", "actions": ["Function:*"], "resources": ["dev:*", "prod:api"]}]});
    let policy = serde_json::from_value(policy).unwrap();
    bundle.insert("dev", Record::Policy { origin: origin(), policy });
    let anybody = json!([{"op": "StringLike", "claim": "sub", "values": ["*"]}, {"op": "StringEqual", "claim": "iss", "values": [IDP, US]}]);
    let all =
        anybody.as_array().unwrap().iter().chain(conditions.as_array().unwrap()).cloned().collect::<Vec<_>>();
    let role = serde_json::from_value(json!({"policies": ["dev"], "condition": all})).unwrap();
    bundle.insert("devs", Record::Role { origin: origin(), role });
    Engine::new(&bundle)
}

fn plain() -> Engine {
    world(json!({}), json!([]))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn alice(more: Value) -> Map<String, Value> {
    let mut claims =
        object(json!({"iss": IDP, "aud": "gw", "sub": "alice", "exp": NOW + 300, "iat": NOW - 10}));
    claims.extend(object(more));
    claims
}

fn asked(more: &str) -> Result<Asked, Refusal> {
    Asked::read(format!("{FORM}{more}").as_bytes(), b"", US)
}

fn api() -> Asked {
    asked("").unwrap()
}

fn function(more: &str) -> Asked {
    asked(&format!("&scope=function{more}")).unwrap()
}

fn judged(engine: &Engine, subject: &Map<String, Value>, asked: &Asked) -> Result<Minted, Refusal> {
    exchange(Terms { engine, public_url: US, key: &key(), now: NOW }, subject, asked)
}

fn reason(engine: &Engine, subject: &Map<String, Value>, asked: &Asked) -> &'static str {
    judged(engine, subject, asked).unwrap_err().reason
}

#[test]
fn an_api_token_has_the_original_claims_and_what_the_wire_says() {
    let minted =
        judged(&plain(), &alice(json!({"email": "a@b.c", "groups": ["x"], "jti": "1", "nbf": 1})), &api());
    let minted = minted.unwrap();
    assert_eq!(
        Value::Object(minted.claims),
        json!({"iss": US, "aud": US, "sub": "fed:alice", "fed:iss": IDP, "fed:aud": "gw", "iat": NOW,
            "exp": NOW + 1800, "policy": ["dev"], "openfaas:kind": "api", "email": "a@b.c", "groups": ["x"]})
    );
    assert_eq!((minted.expires_in, minted.function), (1800, false));
}

#[test]
fn a_function_token_has_permissions_and_no_policies() {
    let minted = judged(&plain(), &alice(json!({})), &function("")).unwrap();
    assert_eq!(
        Value::Object(minted.claims),
        json!({"iss": US, "aud": [US], "sub": "fed:alice", "fed:iss": IDP, "fed:aud": "gw", "iat": NOW,
            "exp": NOW + 1800, "openfaas:kind": "function", "function": {"permissions": ["dev:*", "prod:api"]}})
    );
}

#[test]
fn an_audience_narrows_permissions_and_audience_alike() {
    let of = |more: &str| {
        judged(&plain(), &alice(json!({})), &function(more)).map(|m| m.claims["function"].clone())
    };
    let narrowed = |list: Value| json!({"permissions": list, "audience": list});
    assert_eq!(of("&audience=dev:env").unwrap(), narrowed(json!(["dev:env"])));
    assert_eq!(of("&audience=prod:*&audience=dev:a").unwrap(), narrowed(json!(["dev:a", "prod:api"])));
    assert_eq!(of("&audience=dev:env&audience=qa:x").unwrap(), narrowed(json!(["dev:env"])));
    let refused = of("&audience=qa:x").unwrap_err();
    assert_eq!(
        (refused.code, refused.description.as_str()),
        (Code::InvalidTarget, "no permission to invoke `qa:x`")
    );
}

#[test]
fn s16_claims_that_mean_something_to_us_are_never_copied() {
    let evil = json!({"policy": ["root"], "function": {"permissions": ["*"]}, "act": {}, "cnf": {"jkt": "x"},
        "fed:iss": "x", "fed:sub": "x", "openfaas:kind": "function", "openfaas:omitted": ["y"],
        "openfaas:namespace": "prod", "name": "stays"});
    for asked in [api(), function("")] {
        let minted = judged(&plain(), &alice(evil.clone()), &asked).unwrap().claims;
        let clean = judged(&plain(), &alice(json!({"name": "stays"})), &asked).unwrap().claims;
        assert_eq!(minted, clean);
    }
}

#[test]
fn what_is_minted_identifies_the_same_person_again() {
    let engine =
        world(json!({}), json!([{"op": "ForAnyValue:StringEqual", "claim": "groups", "values": ["x"]}]));
    let subject = alice(json!({"groups": ["x"]}));
    let api = judged(&engine, &subject, &api()).unwrap().claims;
    let function = judged(&engine, &api, &function("&audience=dev:*")).unwrap().claims;
    assert_eq!(function["fed:iss"], IDP);
    assert_eq!(function["fed:aud"], "gw");
    for (claims, kind) in [(api, PrincipalKind::Api), (function, PrincipalKind::Function)] {
        let again = engine.identify(&claims, NOW, Completeness::Token).unwrap();
        assert_eq!((again.kind(), again.iss(), again.sub()), (kind, IDP, "alice"));
    }
}

#[test]
fn s15_which_kinds_are_subjects() {
    let engine = plain();
    let api_token = judged(&engine, &alice(json!({})), &api()).unwrap().claims;
    let function_token = judged(&engine, &alice(json!({})), &function("")).unwrap().claims;
    let identity = object(json!({"iss": US, "aud": US, "sub": "function:dev:env", "exp": NOW + 60,
        "openfaas:kind": "identity", "openfaas:namespace": "dev"}));
    let mut bound = identity.clone();
    bound.insert("cnf".into(), json!({"jkt": "x"}));
    assert_eq!(reason(&engine, &api_token, &api()), "kind");
    assert_eq!(reason(&engine, &function_token, &api()), "kind");
    assert_eq!(reason(&engine, &function_token, &function("")), "kind");
    assert_eq!(reason(&engine, &bound, &api()), "bound");
    assert!(judged(&engine, &api_token, &function("")).is_ok());
    let exchanged = judged(&engine, &identity, &api()).unwrap().claims;
    assert_eq!(exchanged["sub"], "fed:function:dev:env");
    assert_eq!(exchanged["openfaas:namespace"], "dev");
}

#[test]
fn s16_how_long_what_is_minted_lives() {
    let capped = world(json!({"cap_expiry": true}), json!([]));
    let at = |left: i64| alice(json!({"exp": NOW + left}));
    assert_eq!(judged(&plain(), &at(300), &api()).unwrap().expires_in, 1800);
    assert_eq!(judged(&capped, &at(300), &api()).unwrap().expires_in, 300);
    assert_eq!(judged(&capped, &at(3000), &api()).unwrap().expires_in, 1800);
    assert_eq!(reason(&capped, &at(-5), &api()), "expired", "within the leeway, and nothing is left");
    assert_eq!(reason(&plain(), &at(-30), &api()), "expired");
    let mut token = judged(&plain(), &at(300), &api()).unwrap().claims;
    token.insert("exp".into(), json!(NOW + 40));
    assert_eq!(judged(&plain(), &token, &function("")).unwrap().expires_in, 40, "never longer than ours");
}

#[test]
fn who_has_no_role_is_told_so_in_the_words_that_clients_show() {
    let engine = world(json!({}), json!([{"op": "StringEqual", "claim": "team", "values": ["x"]}]));
    let refused = judged(&engine, &alice(json!({})), &api()).unwrap_err();
    assert_eq!(
        serde_json::to_value(&refused).unwrap(),
        json!({"error": "invalid_request", "error_description": "No policies found for subject: alice"})
    );
}

#[test]
fn a_large_token_leaves_out_what_no_condition_names_and_says_so() {
    let engine =
        world(json!({}), json!([{"op": "ForAnyValue:StringEqual", "claim": "groups", "values": ["g1"]}]));
    let big = "x".repeat(4000);
    let subject = alice(json!({"groups": ["g1"], "picture": big, "zoneinfo": "UTC", "email": "a@b.c"}));
    let minted = judged(&engine, &subject, &api()).unwrap().claims;
    assert_eq!(minted["openfaas:omitted"], json!(["picture", "zoneinfo"]));
    assert!(minted.contains_key("groups") && minted.contains_key("email") && !minted.contains_key("picture"));
    let again = judged(&engine, &minted, &function("")).unwrap().claims;
    assert_eq!(again["openfaas:omitted"], json!(["picture", "zoneinfo"]), "it stays left out");
}

#[test]
fn what_is_signed_is_the_text_of_the_claims() {
    let big = "x".repeat(4000);
    for (subject, asked) in [
        (alice(json!({"groups": ["a", "b"], "jti": "1"})), api()),
        (alice(json!({"picture": big, "email": "a@b.c"})), function("&audience=dev:*")),
    ] {
        let minted = judged(&plain(), &subject, &asked).unwrap();
        assert_eq!(minted.payload, serde_json::to_string(&minted.claims).unwrap());
    }
}

#[test]
fn a_claim_of_the_token_itself_is_left_out_where_a_condition_looks_at_it() {
    let engine = world(json!({}), json!([{"op": "Null", "claim": "jti", "values": ["false"]}]));
    let minted = judged(&engine, &alice(json!({"jti": "1"})), &api()).unwrap().claims;
    assert_eq!(minted["openfaas:omitted"], json!(["jti"]));
}

#[test]
fn the_largest_token_fits_and_one_byte_more_is_refused() {
    let engine = world(json!({}), json!([{"op": "StringLike", "claim": "team", "values": ["*"]}]));
    let (key, random) = (key(), SystemRandom::new());
    let of = |length: usize| {
        let subject = alice(json!({"team": "x".repeat(length)}));
        exchange(Terms { engine: &engine, public_url: US, key: &key, now: NOW }, &subject, &api())
    };
    let fits = (1..8192).rev().find(|length| of(*length).is_ok()).unwrap();
    let token = key.sign(&of(fits).unwrap().claims, &random).unwrap();
    assert!((MOST_BYTES - 1..=MOST_BYTES).contains(&token.len()), "{}", token.len());
    assert_eq!(of(fits + 1).unwrap_err().reason, "too_large");
}

#[test]
fn three_hundred_groups_of_a_large_directory_can_be_exchanged() {
    let engine = world(json!({}), json!([{"op": "StringEqual", "claim": "team", "values": ["x"]}]));
    let groups: Vec<_> = (0..300).map(|n| format!("3fa85f64-5717-4562-b3fc-2c963f66{n:04}")).collect();
    let minted = judged(&engine, &alice(json!({"team": "x", "groups": groups})), &api()).unwrap().claims;
    assert_eq!(minted["openfaas:omitted"], json!(["groups"]));
}

#[test]
fn the_parameters_of_the_query_count_as_those_of_the_form() {
    let asked = Asked::read(b"", format!("{FORM}&scope=function&audience=dev%3Aenv").as_bytes(), US).unwrap();
    assert_eq!(asked.wanted, Wanted::Function { audience: vec![Resource::parse("dev:env").unwrap()] });
    assert_eq!(*asked.subject_token, "x.y.z");
    assert!(!format!("{asked:?}").contains("x.y.z"), "a credential is not shown");
}

#[test]
fn what_is_no_exchange_is_refused_with_its_code() {
    let form = |from: &str, to: &str| FORM.replace(from, to);
    let many = "&audience=dev:x".repeat(MAX_AUDIENCES + 1);
    let rows = [
        (String::new(), "invalid_request: the parameter `grant_type` is missing"),
        (form("token-exchange", "device"), "unsupported_grant_type: the grant type"),
        (form("subject_token=x.y.z", ""), "invalid_request: the parameter `subject_token` is missing"),
        (form("x.y.z", ""), "invalid_request: the parameter `subject_token` is missing"),
        (form("x.y.z", &"x".repeat(MAX_TOKEN_BYTES + 1)), "invalid_request: the subject token is not taken"),
        (form("id_token", "saml2"), "invalid_request: `subject_token_type` is"),
        (format!("{FORM}&scope=openid"), "invalid_scope: there is no scope `openid`"),
        (format!("{FORM}&scope=function&scope=function"), "invalid_request: the parameter `scope` is given"),
        (format!("{FORM}&subject_token=a.b.c"), "invalid_request: the parameter `subject_token` is given"),
        (format!("{FORM}&audience=dev:env"), "invalid_target: an API token is for this gateway alone"),
        (format!("{FORM}&scope=function&audience=dev"), "invalid_target: the audience `dev`"),
        (format!("{FORM}&scope=function&audience=d*:x"), "invalid_target: the audience `d*:x`"),
        (format!("{FORM}&scope=function&audience=*"), "invalid_target: the audience `*`"),
        (format!("{FORM}&scope=function{many}"), "invalid_target: at most 64"),
        (format!("{FORM}&resource=https://x"), "invalid_target: `resource`"),
        (format!("{FORM}&actor_token=x"), "invalid_request: `actor_token`"),
        (format!("{FORM}&requested_token_type=saml"), "invalid_request: `requested_token_type`"),
        (format!("{FORM}&scope=%FF"), "invalid_request: the parameters are not UTF-8"),
    ];
    for (form, want) in rows {
        let refused = Asked::read(form.as_bytes(), b"", US).unwrap_err();
        let code = serde_json::to_value(refused.code).unwrap();
        let told = format!("{}: {}", code.as_str().unwrap(), refused.description);
        assert!(told.starts_with(want), "{want}\n{told}");
    }
    let twice = Asked::read(FORM.as_bytes(), b"scope=function", US).map(|a| a.is_for_functions());
    assert_eq!(twice, Ok(true));
    assert!(
        Asked::read(FORM.as_bytes(), FORM.as_bytes(), US).is_err(),
        "form and query may not differ, nor agree"
    );
}

#[test]
fn an_api_token_may_be_asked_for_by_our_own_name() {
    let asked = asked("&audience=https%3A%2F%2Fgw.example.com&scope=&client_id=x");
    assert_eq!(asked.unwrap().wanted, Wanted::Api);
}
