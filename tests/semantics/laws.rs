//! The laws of decisions, for worlds that nobody wrote down. Seeds are fixed, so that every run sees the
//! same ones; `FAAS_IAM_LAW_CASES` asks for more of them, and what failed once stands in
//! `proptest-regressions` and is tried first.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use faas_iam::model::Request;
use proptest::prelude::*;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestCaseResult, TestRng, TestRunner,
};
use serde_json::{Value, json};

use crate::generate::{Case, case};
use crate::pipeline::Product;
use crate::reference::{self, Served};
use crate::world::{NOW, World};

/// Worlds of an ordinary run; each is asked a hundred questions.
const WORLDS: u32 = 10_000;
const THREADS: u32 = 2;

/// How many cases to run where an ordinary run has `usual`.
fn cases(usual: u32) -> u32 {
    let wanted = std::env::var("FAAS_IAM_LAW_CASES").ok().and_then(|n| n.parse::<u32>().ok());
    let share = |wanted: u32| u64::from(wanted) * u64::from(usual) / u64::from(WORLDS);
    wanted.map_or(usual, |wanted| u32::try_from(share(wanted)).unwrap_or(u32::MAX).max(1))
}

/// Tries a law on generated cases, on as many threads as a small machine has.
pub fn law<S: Strategy>(
    name: &'static str,
    usual: u32,
    strategy: fn() -> S,
    holds: fn(S::Value) -> TestCaseResult,
) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let place = format!("tests/semantics/proptest-regressions/{name}.txt");
                let config = Config {
                    cases: cases(usual).div_ceil(THREADS),
                    failure_persistence: Some(Box::new(FileFailurePersistence::Direct(Box::leak(
                        place.into(),
                    )))),
                    max_shrink_iters: 4_000,
                    ..Config::default()
                };
                let seed = [u8::try_from(thread).unwrap_or(0) + 1; 32];
                let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
                if let Err(broken) = TestRunner::new_with_rng(config, rng).run(&strategy(), holds) {
                    panic!("{name}: {broken}");
                }
            });
        }
    });
}

static ASKED: AtomicUsize = AtomicUsize::new(0);
static ALLOWED: AtomicUsize = AtomicUsize::new(0);
/// Of those allowed: by tokens of other issuers, of shared ones, of our own, and by basic auth.
static BY: [AtomicUsize; 6] = [const { AtomicUsize::new(0) }; 6];

#[test]
fn the_engine_agrees_with_the_reference_and_explain_with_decide() {
    law("agreement", WORLDS, case, agreement);
    let (asked, allowed) = (ASKED.load(Relaxed), ALLOWED.load(Relaxed));
    let share = allowed * 100 / asked.max(1);
    assert!((5..=60).contains(&share), "{share} % of {asked} questions are allowed: the law says little");
    for (kind, by) in KINDS.iter().zip(&BY) {
        let by = by.load(Relaxed);
        assert!(
            by * 10_000 > asked,
            "{by} of {asked} are of the kind {kind} and allowed: the law says little of it"
        );
    }
}

const KINDS: [&str; 6] =
    ["subject", "tenant of a shared issuer", "API token", "function token", "identity", "basic-auth user"];

fn agreement(case: Case) -> TestCaseResult {
    let (served, product) = (Served::of(&case.world), Product::of(&case.world));
    let questions = questions(&case)?;
    for claims in &case.people {
        let (expected, found) = (served.identify(claims, NOW), product.identify(claims, NOW));
        prop_assert_eq!(found.is_some(), expected.is_some(), "do {} name anybody?", claims);
        for (by_reference, by_product) in &questions {
            let want = expected.as_ref().is_some_and(|who| served.allows(who, by_reference));
            let got = found.as_ref().is_some_and(|who| product.allows(who, by_product));
            prop_assert_eq!(got, want, "{} for {}", by_product, claims);
            let told = found.as_ref().is_some_and(|who| product.explains(who, by_product));
            prop_assert_eq!(told, want, "the explanation of {} for {}", by_product, claims);
            count(claims, want);
        }
    }
    Ok(())
}

/// The questions of a case that somebody could ask; both have to agree on which those are.
fn questions(case: &Case) -> Result<Vec<(reference::Request, Request)>, TestCaseError> {
    let mut all = Vec::new();
    for (action, resource) in &case.questions {
        let by_reference = reference::Request::parse(action, resource).ok();
        let by_product = Request::parse(action, resource).ok();
        prop_assert_eq!(
            by_product.is_some(),
            by_reference.is_some(),
            "is {} {} a question?",
            action,
            resource
        );
        all.extend(by_reference.zip(by_product));
    }
    Ok(all)
}

fn count(claims: &Value, allowed: bool) {
    ASKED.fetch_add(1, Relaxed);
    if allowed {
        ALLOWED.fetch_add(1, Relaxed);
        BY[kind(claims)].fetch_add(1, Relaxed);
    }
}

/// Which of `KINDS` somebody is.
fn kind(claims: &Value) -> usize {
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    match (text("iss"), text("openfaas:kind")) {
        ("urn:faas-iam:basic-auth", _) => 5,
        ("https://gateway.example.com", "function") => 3,
        ("https://gateway.example.com", _) if text("sub").starts_with("function:") => 4,
        ("https://gateway.example.com", _) => 2,
        (iss, _) if iss.ends_with(".example.com") => 0,
        _ => 1,
    }
}

#[test]
fn taking_away_or_breaking_a_policy_or_role_allows_nothing_new() {
    law("monotonic", WORLDS / 10, case, narrowing);
}

fn narrowing(case: Case) -> TestCaseResult {
    let questions = questions(&case)?;
    let before = Product::of(&case.world);
    let denied = |claims: &Value, request: &Request| {
        before.identify(claims, NOW).is_none_or(|who| !before.allows(&who, request))
    };
    for narrower in narrower(&case.world) {
        let after = Product::of(&narrower);
        for claims in &case.people {
            let Some(who) = after.identify(claims, NOW) else { continue };
            for (_, request) in &questions {
                let widened = after.allows(&who, request) && denied(claims, request);
                prop_assert!(!widened, "{} is newly allowed {} in {:?}", claims, request, narrower);
            }
        }
    }
    Ok(())
}

/// The world without its first Policy and its first Role, and with each of them broken in some way.
fn narrower(world: &World) -> Vec<World> {
    let breaks: [fn(&mut Value); 4] = [
        |spec| *spec = Value::Null,
        |spec| spec["unknown"] = json!("field"),
        |spec| spec["policy"] = json!([7]),
        |spec| spec["statement"] = json!([{"sid": "s"}]),
    ];
    let mut all = vec![world.clone(), world.clone()];
    all[0].policies.remove(0);
    all[1].roles.remove(0);
    for (at, broken) in breaks.into_iter().enumerate() {
        let mut next = world.clone();
        broken(if at % 2 == 0 { &mut next.policies[0].1 } else { &mut next.roles[0].1 });
        all.push(next);
        let mut next = world.clone();
        broken(if at % 2 == 0 { &mut next.roles[0].1 } else { &mut next.policies[0].1 });
        all.push(next);
    }
    all
}
