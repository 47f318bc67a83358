//! Taking away only takes away.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use faas_iam::api::Kind;
use faas_iam::compile::{Catalogue, ObjectRef};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};

use super::{WORLDS, cases, law, requests, somebodies};
use crate::generate::{Case, Dice, case};
use crate::pipeline::{Product, catalogue, judge};
use crate::world::{NOW, Objects, grant};

/// What is done to a world: one Policy and one Role of each are removed or broken.
const DONE: [&str; 4] =
    ["a Policy is removed", "a Policy is broken", "a Role is removed", "a Role is broken"];

/// Questions that were allowed before and are denied after each of them.
static LOST: [AtomicUsize; DONE.len()] = [const { AtomicUsize::new(0) }; DONE.len()];

#[test]
fn taking_away_or_breaking_a_policy_or_role_allows_nothing_new() {
    law("narrowing", WORLDS, case, narrowing);
    for (what, lost) in DONE.iter().zip(&LOST) {
        let lost = lost.load(Relaxed);
        assert!(lost >= cases(WORLDS) as usize, "{lost} allowed questions were lost where {what}");
    }
}

fn narrowing(case: Case) -> TestCaseResult {
    let whole = catalogue(&case.world);
    let before = Product::serving(&whole);
    let requests = requests(&case);
    let people: Vec<_> = somebodies(&case, &before)
        .into_iter()
        .map(|(person, who)| (person, requests.iter().map(|r| before.allows(&who, r)).collect::<Vec<_>>()))
        .collect();
    let mut dice = Dice::new(case.seed);
    for kind in [Kind::Policy, Kind::Role] {
        let broken = dice.once_in(2);
        let after = Product::serving(&narrower(&mut dice, &case, &whole, kind, broken));
        let done = usize::from(kind == Kind::Role) * 2 + usize::from(broken);
        for (person, was) in &people {
            let who = after.identify(&person.claims, NOW, person.way());
            for (request, was) in requests.iter().zip(was) {
                let is = who.as_ref().is_some_and(|who| after.allows(who, request));
                prop_assert!(*was || !is, "{}: {} is newly allowed {}", DONE[done], person.claims, request);
                LOST[done].fetch_add(usize::from(*was && !is), Relaxed);
            }
        }
    }
    Ok(())
}

/// The objects without one of this kind, or with one of it broken.
fn narrower(dice: &mut Dice, case: &Case, whole: &Catalogue, kind: Kind, broken: bool) -> Catalogue {
    let objects: &Objects = if kind == Kind::Policy { &case.world.policies } else { &case.world.roles };
    let (name, spec) = &objects[dice.below(objects.len())];
    let object = ObjectRef { kind, name: name.as_str().into() };
    let mut narrower = whole.clone();
    narrower.objects.remove(&object);
    if broken {
        let judged = judge(kind, name, &wrong(dice, kind, spec));
        assert!(judged.verdict.is_err(), "it was to be broken: {spec}");
        narrower.objects.insert(object, judged);
    }
    narrower
}

/// A spec with something wrong in it that has to make all of it count for nothing.
fn wrong(dice: &mut Dice, kind: Kind, spec: &Value) -> Value {
    let mut spec = spec.clone();
    match (dice.below(6), kind) {
        (0, _) => spec = Value::Null,
        (1, _) => spec["unknown"] = json!("field"),
        (2, Kind::Policy) => spec["statement"] = json!([{"sid": "s"}]),
        (3, Kind::Policy) => add(&mut spec, "effect", "Deny".into()),
        (4, Kind::Policy) => add(&mut spec, "condition", json!({})),
        (_, Kind::Policy) => add(&mut spec, "resource", json!(["*", "dev:"])),
        (2, _) => spec["policy"] = json!([7]),
        (3, _) => spec["scope"] = json!([]),
        (4, _) => spec["conditions"] = json!({"StringEqual": {"jwt:team": ["dev"]}}),
        _ => spec["principal"] = json!({"jwt:sub": [""]}),
    }
    spec
}

/// Adds a statement that would grant everything and has something wrong in it.
fn add(spec: &mut Value, field: &str, value: Value) {
    let mut statement = grant(&["*"], &["*"])["statement"][0].take();
    statement[field] = value;
    spec["statement"].as_array_mut().unwrap().push(statement);
}
