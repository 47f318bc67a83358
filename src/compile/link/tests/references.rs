//! Roles: what they refer to, and what comes of it where that is not there or binds no tenant.

use super::*;

#[test]
fn r9_policies_that_lead_nowhere_leave_the_others_granted() {
    let world = World::default().issuer("idp", IDP).policy("p").object(Policy, "broken", json!({})).role(
        "r",
        &["p", "gone", "broken"],
        &[IDP],
        "alice",
    );
    let report = world.report(Role, "r");
    assert_eq!((report.readiness, report.reason), (Readiness::Reconciling, Reason::PolicyNotFound));
    let fields: Vec<_> = report.problems.iter().map(|p| (p.reason, p.field.to_string())).collect();
    assert_eq!(
        fields,
        [(Reason::PolicyNotFound, "spec.policy[1]".into()), (Reason::PolicyInvalid, "spec.policy[2]".into())]
    );
    assert!(serves(&world, Sort::Role, "r"));
    let world = world.policy("gone").policy("broken");
    assert_eq!(world.state(Role, "r"), READY);
}

#[test]
fn r29_where_only_part_is_given_what_is_missing_is_a_warning() {
    let mut world = World::default().role("r", &["elsewhere"], &["https://elsewhere"], "alice");
    world.around.partial = true;
    assert_eq!(world.state(Role, "r"), READY);
    assert_eq!(world.report(Role, "r").warnings.len(), 2);
    let world = world.object(Policy, "elsewhere", json!({}));
    assert_eq!(
        world.state(Role, "r"),
        (Readiness::Reconciling, Reason::PolicyInvalid),
        "it is given, and wrong"
    );
}

#[test]
fn r11_a_role_whose_issuers_nobody_declared_waits_for_one() {
    let world = World::default().policy("p").role("r", &["p"], &[IDP, "https://b"], "alice");
    assert_eq!(world.state(Role, "r"), (Readiness::Reconciling, Reason::IssuerNotFound));
    assert!(world.report(Role, "r").message.contains(IDP));
    let world = world.issuer("idp", IDP);
    assert_eq!(world.state(Role, "r"), READY);
    assert!(world.report(Role, "r").warnings[0].message.contains("https://b"));
}

#[test]
fn r11_issuers_that_do_not_serve_count_as_undeclared() {
    let world = World::default().policy("p").role("r", &["p"], &[IDP], "alice");
    let broken = world.clone().object(JwtIssuer, "broken", json!({ "iss": IDP }));
    let doubled = world.issuer("a", IDP).issuer("b", IDP);
    for (world, why) in [(broken, "is not valid"), (doubled, "share the `iss`")] {
        assert_eq!(world.state(Role, "r"), (Readiness::Reconciling, Reason::IssuerNotFound));
        assert!(world.report(Role, "r").message.contains(why), "{why}");
    }
}

#[test]
fn r11_a_role_that_names_no_issuer_is_warned() {
    let spec = json!({ "policy": ["p"], "principal": { "jwt:sub": ["alice"] } });
    let world = World::default().issuer("idp", IDP).issuer("gh", GH).policy("p").object(Role, "r", spec);
    let report = world.report(Role, "r");
    assert_eq!(report.readiness, Readiness::Ready);
    assert_eq!(*report.issuers, ["idp".into()], "nobody's at the shared issuer");
    let said: Vec<_> = report.warnings.iter().map(|w| w.message.as_str()).collect();
    assert!(said.iter().any(|w| w.contains("names no issuer")), "{said:?}");
    assert!(said.iter().any(|w| w.contains("`gh`, which many tenants share")), "{said:?}");
}

#[test]
fn r11_conditions_on_iss_that_exclude_each_other_are_warned() {
    let condition = json!({ "StringEqual": { "jwt:iss": [IDP] }, "StringEquals": { "jwt:iss": [GH] } });
    let world =
        World::default().policy("p").object(Role, "r", json!({ "policy": ["p"], "condition": condition }));
    assert!(world.report(Role, "r").warnings.iter().any(|w| w.message.contains("binds nobody")));
    assert_eq!(*world.report(Role, "r").issuers, []);
}

#[test]
fn r24_basic_auth_users_need_no_issuer() {
    let world = World::default().policy("p").role("r", &["p"], &["urn:faas-iam:basic-auth"], "admin");
    assert_eq!(world.state(Role, "r"), READY);
    assert_eq!(world.report(Role, "r").warnings, []);
}

#[test]
fn r22_a_role_that_binds_no_tenant_at_any_issuer_it_names_is_refused() {
    let world = World::default().issuer("gh", GH).issuer("idp", IDP).policy("p");
    let barred = world.clone().role("r", &["p"], &[GH], "*:environment:prod");
    assert_eq!(barred.state(Role, "r"), (Readiness::Stalled, Reason::TenantUnbound));
    assert!(barred.report(Role, "r").message.contains("jwt:repository_owner_id"));
    assert!(serves(&barred, Sort::Refused, "Role/r") && !serves(&barred, Sort::Role, "r"));

    let partly = world.clone().role("r", &["p"], &[GH, IDP], "*:environment:prod");
    assert_eq!(partly.state(Role, "r"), READY);
    assert_eq!(*partly.report(Role, "r").issuers, ["idp".into()]);
    assert!(
        partly.report(Role, "r").warnings[0]
            .message
            .contains("not enforced for tokens of the JwtIssuer `gh`")
    );

    let undeclared = world.role("r", &["p"], &[GH, "https://undeclared"], "*");
    assert_eq!(undeclared.state(Role, "r"), (Readiness::Stalled, Reason::TenantUnbound));
}

#[test]
fn r22_a_subject_of_names_alone_is_enforced_with_a_warning() {
    let world = World::default().issuer("gh", GH).policy("p");
    let by_name = world.clone().role("r", &["p"], &[GH], "repo:acme/api:*").report(Role, "r");
    assert_eq!((by_name.readiness, by_name.warnings.len()), (Readiness::Ready, 1));
    let by_id = world.role("r", &["p"], &[GH], "repo:acme@65/api@74:*").report(Role, "r");
    assert_eq!((by_id.readiness, by_id.warnings.len()), (Readiness::Ready, 0));
}
