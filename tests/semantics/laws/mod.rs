//! The laws of decisions, for worlds that nobody wrote down. Seeds are fixed, so that every run sees the
//! same ones, and each law the same as the others; `FAAS_IAM_LAW_CASES` asks for more of them, and what
//! failed once stands in `proptest-regressions` and is tried first.

mod agreement;
mod explanation;
mod narrowing;

use faas_iam::engine::Principal;
use faas_iam::model::Request;
use proptest::prelude::*;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseResult, TestRng, TestRunner,
};

use crate::generate::{Case, Person};
use crate::pipeline::Product;
use crate::world::NOW;

/// Worlds of an ordinary run; each is asked at least a hundred questions.
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

/// The people of a case who are somebody to the product, each as they are to be judged.
fn somebodies<'c>(case: &'c Case, product: &Product) -> Vec<(&'c Person, Principal)> {
    let known = |person: &'c Person| Some((person, product.identify(&person.claims, NOW, person.way())?));
    case.people.iter().filter_map(known).collect()
}

/// The questions of a case that the product takes.
fn requests(case: &Case) -> Vec<Request> {
    case.questions.iter().filter_map(|(action, resource)| Request::parse(action, resource).ok()).collect()
}
