//! What becomes of objects that a bundle or a shard has no room for.

use super::*;

#[test]
fn r26_what_does_not_fit_is_refused_newest_first_and_the_rest_serves() {
    let mut world = World::default().issuer("idp", IDP).policy("p").role("r", &["p"], &[IDP], "alice");
    let whole: usize = {
        let bundle = world.link().bundle;
        bundle.iter().map(|(key, _)| bundle.size_of(key)).sum()
    };
    for i in 0..20 {
        world = world.role(&format!("new-{i:02}"), &["p"], &[IDP], &"x".repeat(500));
    }
    world.around.limit = whole + 3_000;
    let linked = world.link();
    let size: usize = linked.bundle.iter().map(|(key, _)| linked.bundle.size_of(key)).sum();
    assert!(size <= world.around.limit, "{size}");
    assert_eq!(world.state(Role, "r"), READY);
    assert_eq!(world.state(Role, "new-00"), READY);
    let last = world.report(Role, "new-19");
    assert_eq!((last.readiness, last.reason), (Readiness::Reconciling, Reason::BundleFull));
    let refused: Vec<_> = linked
        .reports
        .iter()
        .filter(|(_, r)| r.reason == Reason::BundleFull)
        .map(|(o, _)| o.name.clone())
        .collect();
    let newest: Vec<Box<str>> = (20 - refused.len()..20).map(|i| format!("new-{i:02}").into()).collect();
    assert_eq!(refused, newest);
    assert_eq!(linked.bundle.roles().count() + refused.len(), 21);
}

/// A world whose last objects have no room, by so many bytes.
fn too_small(mut world: World, by: usize) -> World {
    let bundle = world.link().bundle;
    let whole: usize = bundle.iter().map(|(key, _)| bundle.size_of(key)).sum();
    world.around.limit = whole - by;
    world
}

#[test]
fn r26_a_role_is_told_of_a_policy_that_has_no_room() {
    let world = World::default().issuer("idp", IDP).policy("p").role("r", &["p", "late"], &[IDP], "alice");
    let world = too_small(world.role("s", &["p"], &[IDP], "bob").policy("late"), 1);
    assert_eq!(world.state(Policy, "late").1, Reason::BundleFull);
    let told = world.report(Role, "r");
    assert_eq!((told.readiness, told.reason), (Readiness::Reconciling, Reason::BundleFull));
    assert_eq!(
        told.message,
        "spec.policy[1]: the bundle has no room for the Policy `late`, which grants nothing"
    );
    assert_eq!(told.issuers, ["idp".into()], "the other Policy is granted");
    assert_eq!(world.state(Role, "s"), READY);
}

#[test]
fn r26_a_role_is_told_of_an_issuer_that_has_no_room() {
    let world =
        World::default().issuer("idp", IDP).policy("p").role("both", &["p"], &[IDP, "https://late"], "alice");
    let world =
        too_small(world.role("one", &["p"], &["https://late"], "bob").issuer("late", "https://late"), 1);
    let told = world.report(Role, "both");
    assert_eq!((told.readiness, told.message.as_str()), (Readiness::Ready, "enforced for tokens of `idp`"));
    assert!(told.warnings[0].message.contains("no room for the JwtIssuer `late`"), "{told:?}");
    let told = world.report(Role, "one");
    assert_eq!((told.readiness, told.reason), (Readiness::Reconciling, Reason::BundleFull));
    assert_eq!(told.issuers, []);
}

/// A Policy that is short as it is written, by operators with many keys each, and long when written out.
fn terse_policy() -> Value {
    let keys: serde_json::Map<_, _> =
        ('a'..='z').chain('A'..='F').map(|claim| (format!("jwt:{claim}"), json!(["x"]))).collect();
    let mut operators: Vec<_> = crate::api::condition::operators().collect();
    operators.sort_by_key(|name| std::cmp::Reverse(name.len()));
    operators.truncate(16);
    let condition: serde_json::Map<_, _> = operators.into_iter().map(|name| (name, json!(keys))).collect();
    let statement = json!({
        "sid": "s", "action": ["*"], "effect": "Allow", "resource": ["*"], "condition": condition
    });
    json!({ "statement": vec![statement; 33] })
}

#[test]
fn r26_an_object_that_no_shard_can_hold_is_refused_and_keeps_nobody_elses_changes_back() {
    let world = World::default().policy("p").object(Policy, "terse", terse_policy());
    assert_eq!(world.state(Policy, "terse"), (Readiness::Stalled, Reason::TooLarge));
    assert_eq!(world.state(Policy, "p"), READY);
    let longest = world.link().bundle.shards().iter().map(|shard| shard.text.len()).max();
    assert!(longest.is_some_and(|bytes| bytes <= crate::bundle::MAX_RECORD), "{longest:?}");
}

#[test]
fn r26_where_nothing_fits_nothing_serves_and_each_object_says_so() {
    let mut world = World::default().issuer("idp", IDP).policy("p").object(Policy, "broken", json!({}));
    world.around.limit = 1;
    assert!(world.link().bundle.is_empty());
    assert_eq!(world.state(Policy, "p").1, Reason::BundleFull);
    assert_eq!(world.state(Policy, "broken").1, Reason::Invalid);
}
