//! What the gateway costs, in CPU time, latency and memory, beside a bare proxy, nginx and raw cryptography;
//! README.md has the method. Starts processes on loopback; asserts nothing, prints verdicts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "a bench that meets the unexpected ends there"
)]

mod bare;
mod guard;
mod http;
mod latency;
mod load;
mod memory;
mod minting;
#[path = "../mix.rs"]
#[allow(dead_code, reason = "the other bench asks")]
mod mix;
mod proxies;
mod ratios;
mod report;
mod tokens;
mod upstream;

/// How much is measured.
pub struct Size {
    /// Rounds; each measures every row once.
    pub rounds: usize,
    /// Requests of one row in one round.
    pub requests: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    match words.as_slice() {
        ["upstream", listen] => upstream::run(listen),
        ["bare", listen, to] => bare::run(listen, to, None),
        ["verifying", listen, to, jwk] => bare::run(listen, to, Some(jwk)),
        ["guard", command @ ..] => guard::run(command),
        ["compare", programs @ ..] => ratios::compare(programs),
        ["alone", row, count] => ratios::alone(row, count.parse().unwrap()),
        parts => measure(parts),
    }
}

/// All parts, or those that are named; `quick` among them makes the figures rough.
fn measure(words: &[&str]) {
    let quick = words.contains(&"quick");
    let size =
        if quick { Size { rounds: 3, requests: 10_000 } } else { Size { rounds: 15, requests: 40_000 } };
    let wanted = |part: &str| {
        let mut named = words.iter().filter(|word| **word != "quick").peekable();
        named.peek().is_none() || named.any(|word| *word == part)
    };
    if !["ratios", "mint", "latency", "memory"].into_iter().any(wanted) {
        return;
    }
    guard::allow_many_files();
    if wanted("mint") {
        minting::measure(&size);
    }
    if wanted("ratios") {
        ratios::measure(&size);
    }
    if wanted("latency") {
        latency::measure(&size);
    }
    if wanted("memory") {
        memory::measure();
    }
}
