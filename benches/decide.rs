//! How long a decision and a compile take as Policies grow, beside a naive scan; see README.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench that meets the unexpected ends there"
)]

mod mix;
mod scan;
mod worst;

use divan::{AllocProfiler, Bencher, black_box};
use faas_iam::bundle::Bundle;
use faas_iam::engine::{Engine, Principal};
use faas_iam::model::Request;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const POLICIES: [usize; 4] = [10, 100, 1_000, 10_000];

fn main() {
    divan::main();
}

/// An installation with so many Policies, and everybody who asks.
fn installation(policies: usize) -> (Bundle, Engine, Vec<(Principal, Request)>) {
    let bundle = mix::bundle(&mix::objects(policies));
    let engine = Engine::new(&bundle);
    let askers = mix::askers(&engine, policies);
    let askers =
        askers.into_iter().flat_map(|(_, who, allowed, denied)| [(who.clone(), allowed), (who, denied)]);
    let askers = askers.collect();
    (bundle, engine, askers)
}

/// Sixteen decisions: eight principals, each allowed one thing and denied another.
#[divan::bench(args = POLICIES)]
fn decide_16(bencher: Bencher, policies: usize) {
    let (_, engine, askers) = installation(policies);
    bencher.bench_local(|| {
        askers.iter().filter(|(who, request)| engine.decide(black_box(who), black_box(request))).count()
    });
}

/// The same sixteen by a scan.
#[divan::bench(args = POLICIES, sample_count = 10)]
fn scan_16(bencher: Bencher, policies: usize) {
    let (bundle, _, askers) = installation(policies);
    bencher.bench_local(|| {
        askers
            .iter()
            .filter(|(who, request)| scan::allows(&bundle, black_box(who), black_box(request)))
            .count()
    });
}

/// Every Policy on `*`: two decisions, one allowed and one denied.
fn worst(bencher: Bencher, policies: usize, told: &worst::Told) {
    let engine = Engine::new(&mix::bundle(&worst::objects(policies, told)));
    let askers = worst::askers(&engine, policies, told);
    bencher.bench_local(|| {
        askers.iter().filter(|(who, request)| engine.decide(black_box(who), black_box(request))).count()
    });
}

/// The same two by a scan.
fn worst_scan(bencher: Bencher, policies: usize, told: &worst::Told) {
    let bundle = mix::bundle(&worst::objects(policies, told));
    let askers = worst::askers(&Engine::new(&bundle), policies, told);
    bencher.bench_local(|| {
        askers
            .iter()
            .filter(|(who, request)| scan::allows(&bundle, black_box(who), black_box(request)))
            .count()
    });
}

/// Roles told apart by a claim's value.
#[divan::bench(args = POLICIES)]
fn worst_value(bencher: Bencher, policies: usize) {
    worst(bencher, policies, &worst::BY_VALUE);
}

#[divan::bench(args = POLICIES, sample_count = 10)]
fn worst_value_scan(bencher: Bencher, policies: usize) {
    worst_scan(bencher, policies, &worst::BY_VALUE);
}

/// Roles told apart by a pattern with a fixed beginning.
#[divan::bench(args = POLICIES)]
fn worst_beginning(bencher: Bencher, policies: usize) {
    worst(bencher, policies, &worst::BY_BEGINNING);
}

#[divan::bench(args = POLICIES, sample_count = 10)]
fn worst_beginning_scan(bencher: Bencher, policies: usize) {
    worst_scan(bencher, policies, &worst::BY_BEGINNING);
}

/// Roles told apart by a pattern that begins with a wildcard.
#[divan::bench(args = POLICIES)]
fn worst_ending(bencher: Bencher, policies: usize) {
    worst(bencher, policies, &worst::BY_ENDING);
}

#[divan::bench(args = POLICIES, sample_count = 10)]
fn worst_ending_scan(bencher: Bencher, policies: usize) {
    worst_scan(bencher, policies, &worst::BY_ENDING);
}

/// From a bundle to an engine.
#[divan::bench(args = POLICIES, sample_count = 10)]
fn compile_engine(bencher: Bencher, policies: usize) {
    let bundle = mix::bundle(&mix::objects(policies));
    bencher.bench_local(|| Engine::new(black_box(&bundle)));
}

/// From objects to a bundle: validate all of them and link.
#[divan::bench(args = POLICIES, sample_count = 10)]
fn compile_bundle(bencher: Bencher, policies: usize) {
    let objects = mix::objects(policies);
    bencher.bench_local(|| mix::bundle(black_box(&objects)));
}
