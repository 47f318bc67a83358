//! At an issuer that many tenants share: Roles that bind no tenant.

use super::*;

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

#[test]
fn r22_a_role_that_is_not_enforced_at_a_shared_issuer_gives_no_policies_there() {
    let world = at_a_shared_issuer();
    let engine = Engine::new(&world.0);
    let of = |claims: Value| engine.identify(&map(claims), NOW, Completeness::Question).unwrap();
    let stranger = of(json!({"iss": GITHUB, "sub": "repo:a/b:ref:x"}));
    assert!(engine.policies_of(&stranger).is_empty());
    assert_eq!(engine.policies_of(&of(alice())), ["rw"]);
}
