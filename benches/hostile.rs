//! How long the edits of others take while a tenant does its worst: a real API server, the operator and the gateway under
//! the chart's accounts; README.md has the method. Asserts nothing, prints a verdict.
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
use support::chart::Operator;
use support::robot::{Caller, DECLARED, NAMES, US, upstream};
use support::shared::shared;
use support::tenant::Tenant;

/// Edits that are timed.
const EDITS: usize = 200;
/// What an edit may take.
const BOUND: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if !words.is_empty() && !words.iter().any(|word| word == "hostile") {
        return Ok(());
    }
    let shared = shared().await?;
    let values = json!({"publicUrl": US, "gateway": {"enabled": true}});
    installed(shared.cluster(), values, async |at| measure(&at).await).await
}

async fn measure(at: &Installed) -> Result<()> {
    at.apply(DECLARED).await?;
    let operator = at.start("one", &["--public-url", US])?;
    all_ready(at, &NAMES).await?;
    let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
    gateway.ready().await?;
    let caller = Caller::new(url.clone())?;
    let token = caller.exchange(&at.cluster.token("default", "default", &[US]).await?).await?;
    let memory = |operator: &Operator| operator.process.memory().map(|kib| kib / 1024);
    let before = (memory(&operator)?, memory(&gateway)?);

    let tenant = Tenant::new(at.client.clone(), &at.namespace);
    let mut arrival = felt(at, &caller, &token, usize::MAX, async || tenant.moves_in().await).await?;
    show("while a tenant makes its objects", &mut arrival);
    let edits = tenant.edits();
    let mut edited = felt(at, &caller, &token, EDITS, std::future::pending::<Result<()>>).await?;
    show("while it edits one of them", &mut edited);
    let flood = tenant.floods(&url, &at.cluster.token("kube-public", "default", &[US]).await?)?;
    let mut flooded = felt(at, &caller, &token, EDITS, std::future::pending::<Result<()>>).await?;
    show("while it floods the gateway, too", &mut flooded);
    println!(
        "edits of the one object: {:.0} a second; the flood: {:.0} a second",
        edits.rate().1,
        flood.rate().1
    );
    for (what, process, before) in [("operator", &operator, before.0), ("gateway", &gateway, before.1)] {
        let (now, most) = (memory(process)?, process.process.peak_memory()? / 1024);
        println!("{what}: {before} MiB before, {now} MiB after, {most} MiB at most");
    }
    operator.stop().await?;
    gateway.stop().await
}

/// How long each edit of a Role takes until the gateway decides by it, until there were so many, or `meanwhile` is over.
async fn felt<F: Future<Output = Result<()>>>(
    at: &Installed,
    caller: &Caller,
    token: &str,
    most: usize,
    meanwhile: impl FnOnce() -> F,
) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    let edits = async {
        for edit in 0..most {
            let (scope, status) = if edit.is_multiple_of(2) { ("prod:*", 403) } else { ("dev:*", 200) };
            at.edit(Kind::Role, "robot", json!({ "scope": [scope] })).await?;
            let answered = Instant::now();
            loop {
                let given = caller.get(token).await?;
                assert!(matches!(given, 200 | 403), "a call of somebody else is answered {given}");
                if given == status {
                    break;
                }
                assert!(answered.elapsed() < WITHIN, "the edit is never felt");
            }
            took.push(answered.elapsed());
            // Edits of people do not come in step with what the last one left behind.
            tokio::time::sleep(Duration::from_millis((edit as u64 * 37) % 300)).await;
        }
        Ok(())
    };
    tokio::select! { end = edits => end, end = meanwhile() => end }?;
    Ok(took)
}

fn show(when: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    let [p50, p90, p99, most] = [0.5, 0.9, 0.99, 1.0].map(at).map(|took| took.as_secs_f64() * 1000.0);
    let word = if at(1.0) <= BOUND { "within" } else { "over" };
    println!(
        "{when}, {} edits of others: p50 {p50:.0} ms, p90 {p90:.0} ms, p99 {p99:.0} ms, most {most:.0} ms of {} ms: {word}",
        took.len(),
        BOUND.as_millis()
    );
}
