//! What a decision allocates: nothing, for every kind of principal, allowed or not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

#[path = "../benches/mix.rs"]
mod mix;
#[path = "../benches/worst.rs"]
mod worst;

use allocation_counter::measure;
use faas_iam::engine::{Engine, PrincipalKind};

const POLICIES: usize = 500;

#[test]
fn a_decision_allocates_nothing_whoever_asks() {
    let engine = Engine::new(&mix::bundle(&mix::objects(POLICIES)));
    for (name, who, allowed, denied) in mix::askers(&engine, POLICIES) {
        let mut answers = [true, true];
        let counted = measure(|| answers = [engine.decide(&who, &allowed), engine.decide(&who, &denied)]);
        assert_eq!(answers, [who.kind() != PrincipalKind::Anonymous, false], "{name}: {allowed}, {denied}");
        assert_eq!(counted.count_total, 0, "{name} allocates {} bytes", counted.bytes_total);
    }
}

#[test]
fn nor_does_one_where_every_policy_is_on_everything() {
    for told in [worst::BY_VALUE, worst::BY_BEGINNING, worst::BY_ENDING] {
        let engine = Engine::new(&mix::bundle(&worst::objects(POLICIES, &told)));
        let [(member, request), (stranger, _)] = worst::askers(&engine, POLICIES, &told);
        let mut answers = [false, true];
        let counted =
            measure(|| answers = [engine.decide(&member, &request), engine.decide(&stranger, &request)]);
        assert_eq!((answers, counted.count_total), ([true, false], 0));
    }
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(vec![1u8; 100])));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn every_kind_of_principal_is_among_those_who_ask() {
    let engine = Engine::new(&mix::bundle(&mix::objects(POLICIES)));
    let askers = mix::askers(&engine, POLICIES);
    use PrincipalKind::{Anonymous, Api, BasicAuth, Function, Identity, Subject};
    for kind in [Subject, Api, Function, Identity, BasicAuth, Anonymous] {
        assert!(askers.iter().any(|(_, who, ..)| who.kind() == kind), "{kind:?}");
    }
}
