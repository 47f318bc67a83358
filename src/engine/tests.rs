//! The engine on small worlds: what the decision table of `tests/semantics` cannot see from outside, and
//! what people read.

use serde_json::{Map, Value, json};

use super::*;
use crate::bundle::{Origin, Record};

mod privacy;
mod reach;
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
fn an_allowed_request_names_role_policy_statement_resource_and_what_held() {
    let world = dev().role(
        "devs",
        json!({"policies": ["rw"], "condition": [
        {"op": "ForAnyValue:StringEqual", "claim": "groups", "values": ["dev"]}]}),
    );
    insta::assert_snapshot!(world.says(alice(), "Function:Update dev:env"), @r#"role `devs` allows it by policy `rw`, statement `s`, resource `dev:*`; ForAnyValue:StringEqual jwt:groups holds for ["dev", "ops"]"#);
}

#[test]
fn a_refused_request_says_of_each_role_where_it_ended() {
    let clause = |op, claim, value| json!([{"op": op, "claim": claim, "values": [value]}]);
    let world = dev()
        .role("array", json!({"policies": ["rw"], "condition": clause("StringEqual", "groups", "dev")}))
        .role("case", json!({"policies": ["rw"], "condition": clause("StringEqual", "sub", "Alice")}))
        .role("other", json!({"policies": ["rw"], "subjects": ["bob"]}))
        .role(
            "path",
            json!({"policies": ["rw"], "condition": clause("StringEqual", "realm_access.roles", "x")}),
        )
        .role("scoped", json!({"policies": ["rw"], "subjects": ["alice"], "scope": ["dev:x"]}))
        .role("empty", json!({"policies": ["gone"], "subjects": ["alice"]}));
    insta::assert_snapshot!(world.says(alice(), "Function:Update dev:env"));
}

const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// Two issuers, one of them shared, and two Roles that bind no tenant: one of the other issuer, one of any.
fn at_a_shared_issuer() -> World {
    let named = json!([{"op": "StringEqual", "claim": "iss", "values": ["https://idp.example.com"]}]);
    dev()
        .issuer("github", json!({"iss": GITHUB, "aud": ["gw"], "token_expiry": 1800, "keys": "discovery", "sharing": "GitHub"}))
        .role("of-idp", json!({"policies": ["rw"], "condition": named}))
        .role("of-any", json!({"policies": ["rw"], "condition": [
            {"op": "StringLike", "claim": "iss", "values": ["https://*"]}]}))
}

#[test]
fn r22_a_role_of_another_issuer_is_for_others_and_not_a_role_without_a_tenant() {
    let said =
        at_a_shared_issuer().says(json!({"iss": GITHUB, "sub": "repo:a/b:ref:x"}), "Function:Get dev:env");
    let (any, idp) = said.split_once('\n').unwrap();
    assert!(any.starts_with("role `of-any` is not enforced: many tenants share the issuer"), "{said}");
    assert!(idp.starts_with("role `of-idp` is for others: StringEqual jwt:iss wants"), "{said}");
}

#[test]
fn r22_who_can_names_a_shared_issuer_only_where_the_role_would_be_for_it() {
    let request = Request::parse("Function:Get", "dev:env").unwrap();
    let found = Engine::new(&at_a_shared_issuer().0).who_can(&request);
    let told: Vec<_> = found.iter().map(|g| (g.role.as_str(), g.not_at.join(" "))).collect();
    assert_eq!(told, [("of-any", GITHUB.to_owned()), ("of-idp", String::new())]);
}

/// What is said of a Role with this one clause, to somebody with this one claim more.
fn trips(op: &str, claim: &str, value: &str, more: Value) -> String {
    let clause = json!([{"op": op, "claim": claim, "values": [value]}]);
    let world = dev().role("r", json!({"policies": ["rw"], "condition": clause}));
    let mut claims = alice();
    claims.as_object_mut().unwrap().extend(map(more));
    world.says(claims, "Function:Update dev:env")
}

#[test]
fn what_people_trip_over_is_hinted_at_and_nothing_else_is() {
    let left_out = "the provider left `groups` out";
    for (op, claim, value, more, hint) in [
        (
            "StringEqual",
            "admin",
            "true",
            json!({"admin": true}),
            "(true and false are compared by Bool alone)",
        ),
        ("Bool", "admin", "true", json!({"admin": false}), ""),
        ("Bool", "admin", "true", json!({"admin": "true"}), "(the claim is text; Bool looks at"),
        (
            "StringEqual",
            "team",
            "a",
            json!({"team": ["a"]}),
            "(the claim is a list; write `ForAnyValue:StringEqual`)",
        ),
        ("ForAnyValue:StringEqual", "team", "a", json!({"team": ["b"]}), ""),
        ("Bool", "team", "true", json!({"team": [true]}), ""),
        ("StringEqual", "team", "A", json!({"team": "a"}), "(they differ in the case of letters"),
        ("StringEqual", "team", "A", json!({"team": "b"}), ""),
        ("StringEqual", "groups", "a", json!({"groups": null, "hasgroups": true}), left_out),
        ("StringEqual", "team", "a", json!({"hasgroups": true}), ""),
        ("StringEqual", "groups", "a", json!({"groups": null, "_claim_names": {"groups": "src1"}}), left_out),
        ("StringEqual", "team", "a", json!({"_claim_names": {"groups": "src1"}}), ""),
    ] {
        let said = trips(op, claim, value, more.clone());
        let hinted = if hint.is_empty() { !said.contains('(') } else { said.contains(hint) };
        assert!(hinted, "{op} {claim} {more}: {said}");
    }
}

#[test]
fn of_a_list_eight_elements_are_shown_and_that_there_are_more_only_where_there_are() {
    let shown = |count: usize| trips("StringEqual", "team", "x", json!({"team": vec!["a"; count]}));
    assert!(!shown(8).contains('…'), "{}", shown(8));
    assert!(shown(9).contains(", …]"), "{}", shown(9));
}

#[test]
fn who_can_tells_what_has_to_hold_in_words() {
    let clause = json!([{"op": "ForAnyValue:StringEqual", "claim": "groups", "values": ["dev", "ops"]}]);
    let world = dev().role("r", json!({"policies": ["rw"], "subjects": ["alice"], "condition": clause}));
    let request = Request::parse("Function:Get", "dev:env").unwrap();
    let found = Engine::new(&world.0).who_can(&request);
    let told: Vec<_> = found.iter().flat_map(|grantee| grantee.who.clone()).collect();
    assert_eq!(
        told,
        [r#"principal jwt:sub "alice""#, r#"ForAnyValue:StringEqual jwt:groups "dev" or "ops""#]
    );
}

#[test]
fn groups_that_the_provider_left_out_are_explained() {
    let world = dev().role(
        "devs",
        json!({"policies": ["rw"], "condition": [
        {"op": "ForAnyValue:StringEqual", "claim": "groups", "values": ["dev"]}]}),
    );
    let claims =
        json!({"iss": "https://idp.example.com", "sub": "alice", "_claim_names": {"groups": "src1"}});
    assert!(world.says(claims, "Function:Get dev:env").contains("the provider left `groups` out"));
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

#[test]
fn who_can_tells_roles_and_conditions_without_judging_them() {
    let world = dev()
        .role("bob", json!({"policies": ["rw"], "subjects": ["bob"]}))
        .role("elsewhere", json!({"policies": ["rw"], "subjects": ["eve"], "scope": ["prod:*"]}));
    let found = Engine::new(&world.0).who_can(&Request::parse("Function:Get", "dev:env").unwrap());
    let told: Vec<_> = found.iter().map(|g| format!("{} {} {:?}", g.role, g.policy, g.who)).collect();
    assert_eq!(told, [r#"bob rw ["principal jwt:sub \"bob\""]"#]);
}

#[test]
fn s27_an_explanation_of_many_roles_is_bounded_and_says_how_many_it_leaves_out() {
    let world = (0..600).fold(dev(), |world, n| {
        world.role(&format!("r{n}"), json!({"policies": ["rw"], "subjects": [format!("u{n}")]}))
    });
    let engine = Engine::new(&world.0);
    let principal = engine.identify(&map(alice()), NOW, Completeness::Question).unwrap();
    let explanation = engine.explain(&principal, &Request::parse("Function:Get", "dev:x").unwrap(), 8);
    assert_eq!((explanation.roles.len(), explanation.left_out), (8, 592));
}

#[test]
fn a_statement_whose_own_condition_fails_is_told_with_what_it_wants() {
    let mut world = World::new().role("devs", json!({"policies": ["office"], "subjects": ["alice"]}));
    let condition = json!([{"op": "StringEqual", "claim": "network", "values": ["office"]}]);
    let policy =
        json!({"statements": [{"sid": "s", "actions": ["*"], "resources": ["*"], "condition": condition}]});
    let policy = serde_json::from_value(policy).unwrap();
    world.0.insert("office", Record::Policy { origin: Origin::default(), policy });
    let said = world.says(alice(), "Function:Get dev:env");
    assert!(
        said.contains("is yours; policy `office`, statement `s` covers it, and its condition fails"),
        "{said}"
    );
}

#[test]
fn r18_an_address_that_does_not_count_explains_the_address_alone() {
    let clause = |claim: &str| json!([{"op": "StringEqual", "claim": claim, "values": ["x@example.com"]}]);
    let claims = json!({"iss": "https://idp.example.com", "sub": "alice", "email": "x@example.com",
        "email_verified": false, "team": "dev"});
    for (claim, expected) in [("email", true), ("team", false)] {
        let world = dev().role("r", json!({"policies": ["rw"], "condition": clause(claim)}));
        let said = world.says(claims.clone(), "Function:Get dev:env");
        assert_eq!(said.contains("email_verified"), expected, "{said}");
    }
}

#[test]
fn of_several_clauses_that_fail_the_one_on_the_issuer_is_told() {
    let condition = json!([{"op": "StringEqual", "claim": "team", "values": ["x"]},
        {"op": "StringEqual", "claim": "iss", "values": ["https://other.example.com"]}]);
    let said = dev()
        .role("r", json!({"policies": ["rw"], "condition": condition}))
        .says(alice(), "Function:Get dev:env");
    assert!(said.contains("StringEqual jwt:iss wants"), "{said}");
}
