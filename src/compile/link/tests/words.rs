//! Whether what is said names the place to edit and the cure.

use super::*;

/// The only problem of an object, or its only warning.
fn said(world: &World, kind: Kind, name: &str) -> String {
    let report = world.report(kind, name);
    let problems = report.problems.iter().map(ToString::to_string);
    let all: Vec<_> = problems.chain(report.warnings.iter().map(ToString::to_string)).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all.concat()
}

fn nothing_is_said(world: &World, kind: Kind, name: &str) {
    let report = world.report(kind, name);
    assert!(report.problems.is_empty() && report.warnings.is_empty(), "{report:?}");
}

#[test]
fn r19_an_iss_that_is_off_by_a_slash_at_the_end_is_told_the_other_one() {
    let slash = format!("{IDP}/");
    for (declared, named, cure) in
        [(slash.as_str(), IDP, "has it with a slash at the end"), (IDP, &slash, "has it without the slash")]
    {
        let world =
            World::default().issuer("keycloak", declared).policy("p").role("r", &["p"], &[named], "alice");
        let said = said(&world, Role, "r");
        assert!(said.contains(&format!("no JwtIssuer has the `iss` `{named}`; `keycloak` {cure}")), "{said}");
    }
}

#[test]
fn r20_a_conflict_is_told_in_the_number_of_the_others() {
    let two = World::default().issuer("a", IDP).issuer("b", IDP);
    assert!(said(&two, JwtIssuer, "a").starts_with("spec.iss: JwtIssuer `b` has the same `iss`"));
    let three = two.issuer("c", IDP);
    assert!(said(&three, JwtIssuer, "a").starts_with("spec.iss: JwtIssuers `b`, `c` have the same `iss`"));
}

#[test]
fn what_keeps_keys_away_is_told_at_the_field_that_leads_to_them() {
    let reference = json!({ "kind": "Secret", "name": "a", "key": "b" });
    let spec = |field: &str, value: Value| {
        let mut spec = json!({ "iss": IDP, "aud": ["gateway"] });
        spec[field] = value;
        spec
    };
    let internal = "http://keycloak.auth:8080/realms/a";
    for (reason, spec, field) in [
        (Reason::IssuerUnreachable, spec("shared", json!(false)), "spec.iss: answered 503"),
        (Reason::IssuerUnreachable, spec("issInternal", json!(internal)), "spec.issInternal: answered 503"),
        (Reason::DiscoveryMismatch, spec("shared", json!(false)), "spec.iss: answered 503"),
        (Reason::KeysNotFound, spec("jwksRef", reference.clone()), "spec.jwksRef: answered 503"),
        (Reason::CaBundleInvalid, spec("caBundleRef", reference.clone()), "spec.caBundleRef: answered 503"),
    ] {
        let missed = Keys::Failed { reason, message: "answered 503".to_owned(), last: None };
        let said =
            said(&World::default().object(JwtIssuer, "idp", spec).keys("idp", missed), JwtIssuer, "idp");
        assert!(said.starts_with(field), "{reason}: {said}");
    }
}

fn scoped(resource: &str, scope: &[&str]) -> World {
    let statement =
        json!({ "sid": "s", "action": ["Function:*"], "effect": "Allow", "resource": [resource] });
    World::default()
        .issuer("idp", IDP)
        .policy("all")
        .object(Policy, "shop", json!({ "statement": [statement] }))
        .object(
            Role,
            "r",
            json!({
                "policy": ["all", "shop"], "scope": scope, "principal": { "jwt:sub": ["alice"] },
                "condition": { "StringEqual": { "jwt:iss": [IDP] } },
            }),
        )
}

#[test]
fn r10_a_policy_of_which_nothing_lies_within_the_scope_is_a_warning() {
    let said = said(&scoped("shop:*", &["blog:*", "news:x"]), Role, "r");
    assert!(said.starts_with("spec.scope: the Policy `shop` lies wholly outside of it"), "{said}");
    for (resource, scope) in [
        ("shop:*", "shop:cart"),
        ("shop:cart", "shop:*"),
        ("s*:*", "shop:*"),
        ("shop:*", "*"),
        ("*", "shop:x"),
    ] {
        nothing_is_said(&scoped(resource, &["blog:*", scope]), Role, "r");
    }
}

fn on_branch(iss: &[&str], claim: &str, operator: &str, value: &str) -> World {
    let mut condition = json!({ "StringEqual": { "jwt:iss": iss, "jwt:repository_owner_id": ["1"], "jwt:project_path": ["a/b"] } });
    condition[operator][claim] = json!([value]);
    World::default().issuer("gh", GH).issuer("gl", "https://gitlab.com").policy("p").object(
        Role,
        "r",
        json!({ "policy": ["p"], "condition": condition }),
    )
}

#[test]
fn r22_a_ref_that_github_never_sends_is_a_warning() {
    for (operator, value) in
        [("StringEqual", "main"), ("StringLike", "release/*"), ("StringLike", "heads/main")]
    {
        let said = said(&on_branch(&[GH], "jwt:ref", operator, value), Role, "r");
        assert!(
            said.contains(&format!("`{value}` is no `ref` of GitHub, which are such as `refs/heads/main`")),
            "{said}"
        );
    }
    for (operator, value) in [
        ("StringEqual", "refs/heads/main"),
        ("StringLike", "refs/*"),
        ("StringLike", "*/main"),
        ("StringLike", "r?fs/*"),
    ] {
        nothing_is_said(&on_branch(&[GH], "jwt:ref", operator, value), Role, "r");
    }
    nothing_is_said(&on_branch(&[GH], "jwt:ref_name", "StringEqual", "main"), Role, "r");
    nothing_is_said(&on_branch(&["https://gitlab.com"], "jwt:ref", "StringEqual", "main"), Role, "r");
}
