//! The engine on small worlds: what the decision table of `tests/semantics` cannot see from outside.

use serde_json::{Map, Value, json};

use super::*;
use crate::bundle::{Origin, Record};

mod privacy;
mod reach;
mod said;
mod shared;
mod tokens;

const NOW: i64 = 1_800_000_000;

struct World(Bundle);

impl World {
    fn new() -> Self {
        Self(Bundle::new())
            .issuer("idp", json!({"iss": "https://idp.example.com", "aud": ["gw"], "token_expiry": 1800, "keys": "discovery"}))
            .issuer("system", json!({"iss": "https://gw", "aud": ["https://gw"], "token_expiry": 1800, "keys": "system"}))
    }

    fn issuer(mut self, name: &str, issuer: Value) -> Self {
        let issuer = serde_json::from_value(issuer).unwrap();
        let record =
            Record::Issuer { origin: Origin::default(), issuer, keys: Default::default(), stale_since: None };
        self.0.insert(name, record);
        self
    }

    fn policy(mut self, name: &str, actions: &[&str], resources: &[&str]) -> Self {
        let policy = json!({"statements": [{"sid": "s", "actions": actions, "resources": resources}]});
        let policy = serde_json::from_value(policy).unwrap();
        self.0.insert(name, Record::Policy { origin: Origin::default(), policy });
        self
    }

    fn role(mut self, name: &str, role: Value) -> Self {
        let role = serde_json::from_value(role).unwrap();
        self.0.insert(name, Record::Role { origin: Origin::default(), role });
        self
    }

    fn explain(&self, claims: Value, question: &str) -> Explanation {
        let engine = Engine::new(&self.0);
        let principal = engine.identify(&map(claims), NOW, Completeness::Question).unwrap();
        let (action, resource) = question.split_once(' ').unwrap();
        let request = Request::parse(action, resource).unwrap();
        let explanation = engine.explain(&principal, &request, 16);
        assert_eq!(explanation.allowed, engine.decide(&principal, &request));
        explanation
    }

    fn identify(&self, claims: Value, completeness: Completeness) -> Result<Principal, Unidentified> {
        Engine::new(&self.0).identify(&map(claims), NOW, completeness)
    }
}

impl World {
    fn says(&self, claims: Value, question: &str) -> String {
        self.explain(claims, question).to_string()
    }
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn alice() -> Value {
    json!({"iss": "https://idp.example.com", "sub": "alice", "groups": ["dev", "ops"], "realm_access": {"roles": ["x"]}})
}

fn dev() -> World {
    World::new().policy("rw", &["Function:*"], &["dev:*"])
}

#[test]
fn r18_an_unverified_address_satisfies_nothing_not_even_null() {
    for (op, value) in
        [("StringLike", "*@example.com"), ("StringNotEqual", "x@y.z"), ("Null", "false"), ("Null", "true")]
    {
        let world = dev().role(
            "mail",
            json!({"policies": ["rw"], "condition": [
            {"op": op, "claim": "email", "values": [value]}]}),
        );
        let with = |verified: Value| {
            let claims = json!({"iss": "https://idp.example.com", "sub": "a", "email": "a@example.com", "email_verified": verified});
            world.explain(claims, "Function:Get dev:env").allowed
        };
        let on_its_own = !(op == "Null" && value == "true");
        assert_eq!([with(json!(true)), with(json!("true"))], [on_its_own; 2], "{op}");
        assert!(
            ![json!(false), json!("false"), json!("TRUE"), json!(1), json!([true]), json!(null)]
                .into_iter()
                .any(with),
            "{op}"
        );
    }
}

fn api_token(policy: Value) -> Value {
    json!({"iss": "https://gw", "aud": "https://gw", "sub": "fed:alice", "exp": NOW + 60, "groups": ["dev"],
        "fed:iss": "https://idp.example.com", "fed:aud": "gw", "policy": policy, "openfaas:kind": "api"})
}

#[test]
fn s17_an_api_token_is_judged_by_its_original_claims_and_bounded_by_its_policies() {
    let world = dev().policy("info", &["System:Info"], &["*"]).role(
        "alice",
        json!({"policies": ["rw", "info"], "subjects": ["alice"], "condition": [
            {"op": "StringEqual", "claim": "iss", "values": ["https://idp.example.com"]}]}),
    );
    assert!(world.explain(api_token(json!(["rw"])), "Function:Get dev:env").allowed);
    let refused = world.explain(api_token(json!(["rw"])), "System:Info *");
    assert!(!refused.allowed && refused.to_string().contains("is not in the token at hand"), "{refused}");
    assert!(!world.explain(api_token(json!("rw")), "Function:Get dev:env").allowed);
}

#[test]
fn s17_an_api_token_ends_with_its_original_issuer() {
    let mut world = dev();
    world.0.remove(&crate::bundle::Key::new(crate::bundle::Sort::Issuer, "idp"));
    let gone = world.identify(api_token(json!(["rw"])), Completeness::Token).unwrap_err();
    assert_eq!(gone, Unidentified::UnknownIssuer("https://idp.example.com".into()));
}

#[test]
fn s14_two_issuers_with_one_iss_serve_neither() {
    let twin =
        json!({"iss": "https://idp.example.com", "aud": ["gw"], "token_expiry": 1800, "keys": "discovery"});
    let unknown = Err(Unidentified::UnknownIssuer("https://idp.example.com".into()));
    let who = dev().issuer("twin", twin).identify(alice(), Completeness::Question);
    assert_eq!(who.map(|p| p.sub().to_owned()), unknown);
}

#[test]
fn s13_our_own_clock_has_a_second_of_leeway_and_others_have_thirty() {
    let foreign = json!({"iss": "https://idp.example.com", "aud": "gw", "sub": "alice"});
    for (mut claims, leeway) in [(api_token(json!(["rw"])), 1), (foreign, 30)] {
        for (late, accepted) in [(leeway - 1, true), (leeway, false)] {
            claims["exp"] = (NOW - late).into();
            let who = dev().identify(claims.clone(), Completeness::Token);
            assert_eq!(who.is_ok(), accepted, "{late} s late with {leeway} s of leeway");
        }
    }
}

#[test]
fn s16_a_token_of_ours_that_is_no_identity_was_exchanged_for_none() {
    let mut claims = api_token(json!(["rw"]));
    claims["fed:iss"] = "https://gw".into();
    claims["fed:aud"] = "https://gw".into();
    assert!(matches!(dev().identify(claims, Completeness::Token), Err(Unidentified::NotOurKind(_))));
}

#[test]
fn s15_kind_and_subject_of_our_own_tokens_belong_together() {
    for (kind, sub) in
        [("api", "function:dev:env"), ("identity", "fed:alice"), ("function", "alice"), ("other", "fed:a")]
    {
        let mut claims = api_token(json!(["rw"]));
        claims["openfaas:kind"] = kind.into();
        claims["sub"] = sub.into();
        assert!(
            matches!(dev().identify(claims, Completeness::Token), Err(Unidentified::NotOurKind(_))),
            "{kind} {sub}"
        );
    }
}

#[test]
fn s16_a_function_token_invokes_what_it_names_and_nothing_else() {
    let world = World::new()
        .policy("all", &["*"], &["*"])
        .role("alice", json!({"policies": ["all"], "subjects": ["alice"]}));
    let token = |function: Value| {
        let mut claims = api_token(Value::Null);
        claims["openfaas:kind"] = "function".into();
        claims["function"] = function;
        claims
    };
    let rows = [
        (json!({"permissions": ["dev:*"]}), "Function:Invoke dev:env", true),
        (json!({"permissions": ["dev:*"]}), "Function:Get dev:env", false),
        (json!({"permissions": ["dev:*"]}), "Function:Invoke prod-dev:env", false),
        (json!({"permissions": ["dev:*"], "audience": ["dev:env"]}), "Function:Invoke dev:env", true),
        (json!({"permissions": ["dev:*"], "audience": ["dev:env"]}), "Function:Invoke dev:other", false),
        (json!({"permissions": ["dev:*"], "audience": []}), "Function:Invoke dev:env", false),
        (json!({}), "Function:Invoke dev:env", false),
    ];
    for (function, question, want) in rows {
        assert_eq!(world.explain(token(function.clone()), question).allowed, want, "{function} {question}");
    }
}

#[test]
fn r24_a_functions_identity_needs_a_role_that_names_our_iss() {
    let identity = json!({"iss": "https://gw", "aud": "https://gw", "sub": "function:dev:env",
        "openfaas:namespace": "dev", "openfaas:kind": "identity"});
    let here = json!({"op": "StringEqual", "claim": "openfaas:namespace", "values": ["dev"]});
    let named = json!({"op": "StringEqual", "claim": "iss", "values": ["https://gw"]});
    let unnamed = dev().role("fn", json!({"policies": ["rw"], "condition": [here]}));
    assert!(!unnamed.explain(identity.clone(), "Function:Get dev:env").allowed);
    let naming = dev().role("fn", json!({"policies": ["rw"], "condition": [here, named]}));
    assert!(naming.explain(identity, "Function:Get dev:env").allowed);
}

#[test]
fn r24_the_basic_credential_needs_a_role_that_names_it() {
    let iss = crate::model::BASIC_AUTH_ISSUER;
    let question = Request::parse("Function:Get", "dev:env").unwrap();
    let with = |world: World| Engine::new(&world.0).decide(&Principal::basic_auth("admin"), &question);
    assert!(!with(dev().role("a", json!({"policies": ["rw"], "subjects": ["admin"]}))));
    assert!(with(dev().role(
        "a",
        json!({"policies": ["rw"], "subjects": ["admin"], "condition": [
        {"op": "StringEqual", "claim": "iss", "values": [iss]}]})
    )));
}

#[test]
fn r11_anonymous_matches_no_role() {
    let world = World::new().policy("all", &["*"], &["*"]).role(
        "open",
        json!({"policies": ["all"], "condition": [
        {"op": "Null", "claim": "email", "values": ["true"]}]}),
    );
    let question = Request::parse("Function:Invoke", "dev:env").unwrap();
    let engine = Engine::new(&world.0);
    assert!(!engine.decide(&Principal::anonymous(), &question));
    let told = engine.explain(&Principal::anonymous(), &question, 8).to_string();
    assert!(told.contains("nothing was presented that says who asks"), "{told}");
}

#[test]
fn an_omitted_claim_satisfies_no_operator() {
    for (op, value) in
        [("Null", "true"), ("Null", "false"), ("StringNotEqual", "x"), ("ForAllValues:StringNotLike", "x")]
    {
        let world = dev().role(
            "a",
            json!({"policies": ["rw"], "condition": [
            {"op": op, "claim": "department", "values": [value]}]}),
        );
        let mut claims = api_token(json!(["rw"]));
        claims["openfaas:omitted"] = json!(["department"]);
        let refused = world.explain(claims, "Function:Get dev:env");
        assert!(!refused.allowed && refused.to_string().contains("log in again"), "{op}: {refused}");
    }
}

#[test]
fn an_omitted_subject_is_no_principals() {
    let world = dev().role("alice", json!({"policies": ["rw"], "subjects": ["alice"]}));
    let mut claims = api_token(json!(["rw"]));
    assert!(world.explain(claims.clone(), "Function:Get dev:env").allowed);
    claims["openfaas:omitted"] = json!(["sub"]);
    assert!(!world.explain(claims, "Function:Get dev:env").allowed);
}
