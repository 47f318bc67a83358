//! How long the edits of others take while a tenant does its worst: a real API server, the operator and the gateway under
//! the chart's accounts, and the bare way of an edit beside them; README.md has the method. Asserts nothing, prints a
//! verdict.
//!
//!     cargo bench --bench hostile            a minute for each part at most
//!     cargo bench --bench hostile -- 20      so many seconds
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
#[allow(dead_code, reason = "shared with the cluster tier, which uses all of it")]
#[path = "../../tests/cluster/operator/installed.rs"]
mod installed;
#[allow(dead_code, unused_imports, reason = "shared with the cluster tier, which uses all of it")]
#[path = "../../tests/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::time::{Duration, Instant};

use bare::Bare;
use faas_iam::api::Kind;
use installed::{Installed, WITHIN, all_ready, installed};
use serde_json::json;
use support::Result;
use support::chart::Operator;
use support::robot::{Caller, DECLARED, NAMES, US, upstream};
use support::shared::shared;
use support::tenant::Tenant;

/// Edits that are timed in each part.
const EDITS: usize = 200;
/// Seconds of a part, where there are not so many edits in them.
const SECONDS: u64 = 60;
/// What an edit may take.
const BOUND: Duration = Duration::from_secs(1);
/// The pause before the gateway is asked again: who times takes little from those whom it times.
const ASK_AGAIN: Duration = Duration::from_millis(5);

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if !words.iter().all(|word| word == "hostile" || word.parse::<u64>().is_ok()) {
        return Ok(());
    }
    let seconds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(SECONDS);
    let shared = shared().await?;
    let values = json!({"publicUrl": US, "gateway": {"enabled": true}});
    installed(shared.cluster(), values.clone(), async |at| {
        installed(shared.cluster(), values, async |beside| {
            measure(&at, &beside, Duration::from_secs(seconds)).await
        })
        .await
    })
    .await
}

async fn measure(at: &Installed, beside: &Installed, time: Duration) -> Result<()> {
    at.apply(DECLARED).await?;
    let operator = at.start("one", &["--public-url", US])?;
    all_ready(at, &NAMES).await?;
    let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
    gateway.ready().await?;
    let caller = Caller::new(url.clone())?;
    let token = caller.exchange(&at.cluster.token("default", "default", &[US]).await?).await?;
    let memory = |operator: &Operator| operator.process.memory().map(|kib| kib / 1024);
    let before = (memory(&operator)?, memory(&gateway)?);
    let others = Others { at, beside, caller, token, allowed: Cell::new(true) };

    let tenant = Tenant::new(at.client.clone(), &at.namespace);
    println!(
        "| edits of others | | p50 | p90 | p99 | most | of {} ms |\n|---|---|---|---|---|---|---|",
        BOUND.as_millis()
    );
    others.edit("alone", "nobody else is there", tokio::time::sleep(time / 3)).await?;
    let moves = async { tenant.moves_in().await.expect("a tenant that moves in") };
    others.edit("moves", "a tenant makes its objects", moves).await?;
    let edits = tenant.edits();
    others.edit("edits", "it edits one of them without a pause", tokio::time::sleep(time)).await?;
    let flood = tenant.floods(&url, &at.cluster.token("kube-public", "default", &[US]).await?)?;
    others.edit("floods", "it floods the gateway, too", tokio::time::sleep(time)).await?;
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

/// Everybody else.
struct Others<'a> {
    at: &'a Installed,
    beside: &'a Installed,
    caller: Caller,
    token: String,
    allowed: Cell<bool>,
}

impl Others<'_> {
    /// Edits a Role and the bare one in turns, until there were so many of each, or `meanwhile` is over and the last one felt.
    async fn edit(&self, stage: &'static str, when: &str, meanwhile: impl Future<Output = ()>) -> Result<()> {
        let mut bare = Bare::begin(stage, self.beside, self.at).await?;
        let (mut ours, mut theirs, over) = (Vec::new(), Vec::new(), Cell::new(false));
        let edits = async {
            for number in (0..EDITS).take_while(|_| !over.get()) {
                ours.push(self.felt().await?);
                theirs.push(bare.edit().await?);
                // Edits of people do not come in step with what the last one left behind.
                tokio::time::sleep(Duration::from_millis((number as u64 * 37) % 300)).await;
            }
            Ok::<_, support::Failure>(())
        };
        let ends = async {
            meanwhile.await;
            over.set(true);
            std::future::pending().await
        };
        tokio::select! { end = edits => end, () = ends => Ok(()) }?;
        show(&format!("{when}, {}", ours.len()), "until felt", &mut ours);
        show("", "the bare way", &mut theirs);
        Ok(())
    }

    /// How long an edit takes from its answer until the gateway decides by it.
    async fn felt(&self) -> Result<Duration> {
        self.allowed.set(!self.allowed.get());
        let (scope, status) = if self.allowed.get() { ("dev:*", 200) } else { ("prod:*", 403) };
        self.at.edit(Kind::Role, "robot", json!({ "scope": [scope] })).await?;
        let answered = Instant::now();
        loop {
            let given = self.caller.get(&self.token).await?;
            assert!(matches!(given, 200 | 403), "a call of somebody else is answered {given}");
            if given == status {
                return Ok(answered.elapsed());
            }
            assert!(answered.elapsed() < WITHIN, "the edit is never felt");
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
}

fn show(when: &str, what: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |share: f64| took.get((took.len().saturating_sub(1) as f64 * share).round() as usize).copied();
    let [p50, p90, p99, most] =
        [0.5, 0.9, 0.99, 1.0].map(at).map(|took| took.unwrap_or_default().as_secs_f64() * 1000.0);
    let word = if at(0.99).is_some_and(|took| took <= BOUND) { "within" } else { "over" };
    println!("| {when} | {what} | {p50:.0} ms | {p90:.0} ms | {p99:.0} ms | {most:.0} ms | {word} |");
}
