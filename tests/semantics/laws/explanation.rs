//! What people are told is what is decided.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use faas_iam::engine::{Explanation, Grantee, Outcome};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::{WORLDS, cases, law, requests, somebodies};
use crate::generate::{Case, SURE, case};
use crate::pipeline::Product;

static TOLD: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

#[test]
fn the_explanation_agrees_with_the_decision() {
    law("explanation", WORLDS, case, explanation);
    let [denied, allowed] = TOLD.each_ref().map(|told| told.load(Relaxed));
    assert!(denied + allowed >= cases(WORLDS) as usize * SURE * SURE, "{denied} and {allowed} are few");
    assert!(allowed > denied / 5 && denied > allowed / 5, "{denied} denied, {allowed} allowed");
}

fn explanation(case: Case) -> TestCaseResult {
    let product = Product::of(&case.world);
    let requests: Vec<_> = requests(&case).into_iter().map(|r| (product.who_can(&r), r)).collect();
    for (person, who) in somebodies(&case, &product) {
        for (can, request) in &requests {
            let allowed = product.allows(&who, request);
            let told = product.explains(&who, request);
            prop_assert_eq!(says(&told), allowed, "{} for {}: {}", request, person.claims, told);
            prop_assert!(told.allowed == allowed && (!allowed || told.refused.is_none()));
            prop_assert_eq!(product.permits(&who, request), allowed);
            prop_assert!(!allowed || could(can, &told), "who-can {} leaves out {}", request, told);
            TOLD[usize::from(allowed)].fetch_add(1, Relaxed);
        }
    }
    Ok(())
}

/// Whether, of all Roles told about, one allows it.
fn says(told: &Explanation) -> bool {
    granting(told).next().is_some()
}

fn granting(told: &Explanation) -> impl Iterator<Item = &str> {
    told.roles.iter().filter(|t| matches!(t.outcome, Outcome::Granted(_))).map(|t| t.role.as_str())
}

/// Whether the question the other way round names every Role that allows it.
fn could(can: &[Grantee], told: &Explanation) -> bool {
    granting(told).all(|role| can.iter().any(|grantee| grantee.role == role))
}
