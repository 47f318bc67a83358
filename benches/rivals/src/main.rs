//! Our engine beside what a user would pick instead, on the same policies and questions; ../README.md has the method.
//!
//!     cargo run --release                   everything; writes results.json and decision.svg
//!     cargo run --release -- mix 1000       one case and size; also worst-value, worst-beginning, worst-ending
//!     cargo run --release -- quick          few rounds
//!     cargo run --release -- show           tables and picture of the last whole run

mod casbin;
mod cedar;
mod clock;
mod contender;
mod installation;
mod measure;
#[path = "../../mix.rs"]
mod mix;
mod opa;
mod ours;
mod picture;
mod rego;
mod regorus;
mod results;
#[path = "../../scan.rs"]
mod scan;
mod tables;
#[path = "../../worst.rs"]
mod worst;

use installation::Installation;
use measure::{Effort, measure};

#[cfg(target_arch = "x86_64")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const POLICIES: [usize; 4] = [10, 100, 1_000, 10_000];
const CASES: [&str; 4] = ["mix", "worst-value", "worst-beginning", "worst-ending"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "show") {
        return show(&results::read());
    }
    let quick = words.iter().any(|word| word == "quick");
    let effort = if quick { Effort { rounds: 3, compiles: 1 } } else { Effort { rounds: 15, compiles: 3 } };
    let cases: Vec<_> = CASES
        .into_iter()
        .filter(|case| !CASES.iter().any(|c| named(&words, c)) || named(&words, case))
        .collect();
    let sizes: Vec<_> = POLICIES
        .into_iter()
        .filter(|n| !POLICIES.iter().any(|n| sized(&words, *n)) || sized(&words, *n))
        .collect();
    let opa = opa::build();
    let mut rows = Vec::new();
    for case in &cases {
        for policies in &sizes {
            let installation = installation_of(case, *policies);
            rows.extend(measure(case, *policies, &installation, opa.as_deref(), &effort));
            eprintln!("{case} of {policies} policies is measured");
        }
    }
    if words.is_empty() {
        results::write(&rows);
        show(&rows);
    } else {
        tables::print(&rows, &cases);
    }
}

fn show(rows: &[results::Row]) {
    tables::print(rows, &CASES);
    picture::draw(rows);
}

fn named(words: &[String], case: &str) -> bool {
    words.iter().any(|word| word == case)
}

fn sized(words: &[String], policies: usize) -> bool {
    named(words, &policies.to_string())
}

fn installation_of(case: &str, policies: usize) -> Installation {
    match case {
        "worst-value" => Installation::worst(policies, &worst::BY_VALUE),
        "worst-beginning" => Installation::worst(policies, &worst::BY_BEGINNING),
        "worst-ending" => Installation::worst(policies, &worst::BY_ENDING),
        _ => Installation::mixed(policies),
    }
}
