//! What people read: the reasons of an answer, hints where people trip, and who can do something.

use super::*;

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
