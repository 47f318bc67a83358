//! What makes a compile necessary, and what does not.

use proptest::prelude::*;

use super::*;

type Change = fn(&mut World);

/// A world that was compiled, of one issuer whose keys were read and one Policy.
fn compiled() -> World {
    let mut world = world(vec![system(), policy(1), issuer("a", json!({}))]);
    world.pass(NOW);
    answer(&mut world, &found());
    world.pass(NOW);
    assert!(!world.is_stale());
    world
}

fn labelled(version: &str) -> Shown {
    let mut whole = policy(1).whole;
    whole["metadata"]["labels"] = json!({ "team": "a" });
    Shown {
        resource_version: version.into(),
        ..Shown::new(Kind::Policy, serde_json::from_value(whole).unwrap())
    }
}

#[test]
fn echoes_statuses_and_labels_compile_nothing() {
    let mut world = compiled();
    let status = json!({ "observedGeneration": 1 });
    let writes = world.due(Timestamp::from_millisecond(NOW).unwrap()).writes;
    let write = writes.into_iter().find(|write| *write.key.name == *"system").unwrap();
    world.objects.apply(Shown { resource_version: "2".into(), status: status.clone(), ..policy(1) });
    assert!(!world.is_stale(), "a status");
    world.reported(write, "3".into(), status.clone(), NOW);
    world.objects.apply(Shown { resource_version: "3".into(), status, ..system() });
    assert!(!world.is_stale(), "the echo of our own");
    world.objects.apply(labelled("4"));
    assert!(!world.is_stale(), "a label");
    list(&mut world, vec![system(), policy(1), issuer("a", json!({}))]);
    assert!(!world.is_stale(), "a list that shows the same");
    world.holdings.see_index(crate::operator::holdings::HeldIndex::Absent);
    assert!(!world.is_stale(), "what the cluster holds");
}

#[test]
fn whatever_a_bundle_or_a_report_depends_on_compiles() {
    let broken = || Err(Missed { reason: Reason::IssuerUnreachable, message: "no".into() });
    let changes: [(&str, Change); 7] = [
        ("an edit", |world| world.objects.apply(policy(2))),
        ("a deletion", |world| world.objects.delete(&key(Kind::Policy, "all"))),
        ("a new object", |world| world.objects.apply(issuer("b", json!({})))),
        ("our own key", |world| world.signing = SigningKey::Absent),
        ("keys that are taken away", |world| world.keybook.forget("a")),
        ("keys that grow old", |world| {
            world.keybook.hurry(NOW, |_| true);
            answer(world, &Err(Missed { reason: Reason::IssuerUnreachable, message: "no".into() }));
            world.pass(NOW);
            world.keybook.expire(i64::MAX, 1);
        }),
        ("a pruned object of which nothing is known", |world| {
            world
                .objects
                .define(Kind::Policy, Schema::Lacking { mark: "v2".into(), fields: vec!["spec.x".into()] });
            world.objects.apply(shown(Kind::Policy, "new", 1, json!({ "statement": [] })));
        }),
    ];
    for (what, change) in changes {
        let mut world = compiled();
        change(&mut world);
        assert!(world.is_stale(), "{what}");
        world.pass(NOW);
        assert!(!world.is_stale(), "{what}, once");
    }
    let mut world = compiled();
    world.keybook.hurry(NOW, |_| true);
    answer(&mut world, &broken());
    assert!(world.is_stale(), "an issuer that cannot be reached any more");
    let mut world = compiled();
    world.keybook.hurry(NOW, |_| true);
    answer(&mut world, &found());
    assert!(!world.is_stale(), "the same keys again");
}

/// One thing that may happen.
fn happen(world: &mut World, what: u8, n: i64) {
    let spec = |n: i64| json!({ "iss": format!("https://i{n}.example.com"), "aud": ["gw"] });
    match what {
        0 => world.objects.apply(policy(n)),
        1 => world.objects.delete(&key(Kind::Policy, "all")),
        2 => world.objects.apply(shown(Kind::JwtIssuer, "b", n, spec(n))),
        3 => world.objects.apply(labelled("9")),
        4 => world.objects.apply(Shown { status: json!({ "observedGeneration": n }), ..policy(1) }),
        5 => world.signing = if n == 1 { usable() } else { SigningKey::Absent },
        6 => world.keybook.hurry(NOW, |_| true),
        7 => answer(world, &found()),
        8 => {
            let missed = Missed { reason: Reason::IssuerUnreachable, message: format!("try {n}") };
            answer(world, &Err(missed));
        }
        9 => world.keybook.forget("a"),
        10 => {
            world.keybook.expire(if n == 1 { NOW } else { i64::MAX }, 1);
        }
        11 => {
            let fields = vec!["spec.statement".to_owned()];
            world.objects.define(Kind::Policy, Schema::Lacking { mark: n.to_string(), fields });
        }
        12 => list(world, vec![system(), policy(n)]),
        _ => world.holdings.see_index(crate::operator::holdings::HeldIndex::Absent),
    }
}

proptest! {
    #[test]
    fn where_no_compile_is_needed_another_one_would_change_nothing(
        happenings in proptest::collection::vec((0u8..14, 1i64..4), 1..40)
    ) {
        let mut world = compiled();
        for (what, n) in happenings {
            happen(&mut world, what, n);
            let (needed, goal, reports) = (world.is_stale(), world.goal().unwrap(), world.reports().clone());
            world.compile(NOW);
            let same = world.goal().unwrap().digest() == goal.digest() && *world.reports() == reports;
            prop_assert!(needed || same, "{what} {n}");
        }
    }
}
