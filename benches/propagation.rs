//! How long an edit of a Role takes until the gateway decides by it: a real API server, the operator and the
//! gateway under the chart's accounts; README.md has the method. Asserts nothing, prints a verdict.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "a bench that meets the unexpected ends there"
)]

#[allow(dead_code, reason = "shared with the cluster tier, which uses all of it")]
#[path = "../tests/cluster/operator/installed.rs"]
mod installed;
#[allow(dead_code, unused_imports, reason = "shared with the cluster tier, which uses all of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use faas_iam::api::Kind;
use installed::{Installed, WITHIN, all_ready, installed};
use serde_json::json;
use support::Result;
use support::robot::{Caller, DECLARED, NAMES, US, upstream};
use support::shared::shared;
use support::wait::eventually;

/// Edits that are timed.
const EDITS: usize = 200;
/// What an edit may take in 99 of 100 cases.
const BOUND: Duration = Duration::from_millis(250);

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if !words.is_empty() && !words.iter().any(|word| word == "propagation") {
        return Ok(());
    }
    let shared = shared().await?;
    let values = json!({"publicUrl": US, "gateway": {"enabled": true}});
    installed(shared.cluster(), values, async |at| measure(&at).await).await
}

async fn measure(at: &Installed) -> Result<()> {
    let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
    at.apply(DECLARED).await?;
    let operator = at.start("one", &["--public-url", US])?;
    all_ready(at, &NAMES).await?;
    gateway.ready().await?;
    let caller = Caller::new(url)?;
    let subject = at.cluster.token("default", "default", &[US]).await?;
    let token =
        eventually("an exchange", WITHIN, || async { Ok(caller.exchange(&subject).await.ok()) }).await?;
    let mut took = Vec::with_capacity(EDITS);
    for edit in 0..EDITS {
        let (scope, status) = if edit.is_multiple_of(2) { ("prod:*", 403) } else { ("dev:*", 200) };
        at.edit(Kind::Role, "robot", json!({ "scope": [scope] })).await?;
        let answered = Instant::now();
        while caller.get(&token).await? != status {
            assert!(answered.elapsed() < WITHIN, "the edit is never felt");
        }
        took.push(answered.elapsed());
        // Edits of people do not come in step with what the last one left behind.
        tokio::time::sleep(Duration::from_millis((edit as u64 * 37) % 300)).await;
    }
    show(&mut took);
    operator.stop().await?;
    gateway.stop().await
}

fn show(took: &mut [Duration]) {
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    let [p50, p90, p99, most] = [0.5, 0.9, 0.99, 1.0].map(at).map(|took| took.as_secs_f64() * 1000.0);
    println!(
        "An edit until the gateway decides by it, {EDITS} edits: p50 {p50:.0} ms, p90 {p90:.0} ms, p99 {p99:.0} ms, most {most:.0} ms"
    );
    let word = if at(0.99) <= BOUND { "within" } else { "over" };
    println!("p99 {p99:.0} ms of at most {} ms: {word}", BOUND.as_millis());
}
