//! JwtIssuers: which of them serve, and what is said of their keys.

use super::*;

#[test]
fn r20_two_issuers_with_one_iss_serve_neither_and_name_each_other() {
    let world = World::default().issuer("a", IDP).issuer("b", IDP).issuer("c", &format!("{IDP}/"));
    for (name, other) in [("a", "`b`"), ("b", "`a`")] {
        assert_eq!(world.state(JwtIssuer, name), (Readiness::Reconciling, Reason::DuplicateIssuer));
        assert!(world.report(JwtIssuer, name).message.contains(other));
        assert!(!serves(&world, Sort::Issuer, name));
    }
    assert_eq!(world.state(JwtIssuer, "c"), READY, "a slash at the end counts");
}

#[test]
fn r20_an_invalid_issuer_is_in_the_way_of_a_valid_one() {
    let world = World::default().issuer("good", IDP).object(JwtIssuer, "bad", json!({ "iss": IDP }));
    assert_eq!(world.state(JwtIssuer, "good"), (Readiness::Reconciling, Reason::DuplicateIssuer));
    let bad = world.report(JwtIssuer, "bad");
    assert_eq!((bad.readiness, bad.reason), (Readiness::Stalled, Reason::Invalid));
    assert!(bad.problems.iter().any(|p| p.reason == Reason::DuplicateIssuer), "{bad:?}");
    assert_eq!(world.link().bundle.issuers().count(), 0);
}

#[test]
fn a_duplicate_that_goes_leaves_the_other_serving() {
    let mut world = World::default().issuer("a", IDP).issuer("b", IDP);
    world.catalogue.objects.remove(&ObjectRef { kind: JwtIssuer, name: "b".into() });
    assert_eq!(world.state(JwtIssuer, "a"), READY);
}

#[test]
fn keys_that_are_being_fetched_leave_the_conditions_of_before() {
    let mut world = World::default().issuer("idp", IDP);
    for keys in [None, Some(Keys::Pending)] {
        world.around.keys = keys.into_iter().map(|k| ("idp".into(), k)).collect();
        assert_eq!(world.state(JwtIssuer, "idp").0, Readiness::Pending);
        assert!(serves(&world, Sort::Issuer, "idp"), "it is declared, and no token of it passes");
    }
}

#[test]
fn keys_that_cannot_be_fetched_are_a_reason_or_a_warning_where_there_are_last_good_ones() {
    let world = World::default().issuer("idp", IDP);
    let without = world.clone().keys("idp", failed(None));
    assert_eq!(without.state(JwtIssuer, "idp"), (Readiness::Reconciling, Reason::IssuerUnreachable));
    assert!(without.report(JwtIssuer, "idp").message.contains("answered 503"));
    assert!(serves(&without, Sort::Issuer, "idp"), "it is declared, and no token of it passes");

    let stale = world.keys("idp", failed(Some((one_key(), 7))));
    assert_eq!(stale.state(JwtIssuer, "idp"), READY);
    assert!(stale.report(JwtIssuer, "idp").warnings[0].message.contains("answered 503"));
    let linked = stale.link();
    let Some(Record::Issuer { stale_since, keys, .. }) = linked.bundle.get(Sort::Issuer, "idp") else {
        panic!()
    };
    assert_eq!((*stale_since, keys), (Some(7), &one_key()), "the last good ones serve");
}

fn one_key() -> KeySet {
    let key = json!({
        "kty": "EC", "crv": "P-256", "kid": "a1",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    KeySet::parse(&json!({ "keys": [key] }), crate::token::Source::Remote).unwrap().set
}

#[test]
fn keys_that_were_fetched_serve() {
    let keys = Keys::Fetched { set: one_key(), notes: Vec::new() };
    let linked = World::default().issuer("idp", IDP).keys("idp", keys).link();
    assert_eq!(linked.bundle.issuers().map(|(_, _, keys)| keys.clone()).collect::<Vec<_>>(), [one_key()]);
}

#[test]
fn notes_on_how_keys_were_found_are_warnings() {
    let world = World::default().issuer("idp", IDP).keys("idp", fetched(&["read elsewhere"]));
    assert_eq!(world.report(JwtIssuer, "idp").warnings[0].message, "read elsewhere");
}

#[test]
fn r20_the_gateway_itself_needs_no_keys() {
    let world =
        World::default().object(JwtIssuer, "system", json!({ "iss": "http://gw", "aud": ["http://gw"] }));
    assert_eq!(world.state(JwtIssuer, "system"), READY);
    let failed =
        Keys::Failed { reason: Reason::PublicUrlMismatch, message: "it is `https://gw`".into(), last: None };
    let world = world.keys("system", failed);
    assert_eq!(world.state(JwtIssuer, "system"), (Readiness::Reconciling, Reason::PublicUrlMismatch));
}
