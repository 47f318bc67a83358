//! Bad input at every door: each ends in a 4xx with a reason, and nothing is sent upstream. Framing is in
//! `wire`; key sets of providers that lie are in `fetch` and `token::keys`.

mod exchanges;
mod forged;
mod requests;
mod tokens;

use std::collections::BTreeMap;

use super::support::*;

/// What was counted so far: allowed calls and refusals by their reason.
pub fn counted(running: &Running) -> BTreeMap<String, u64> {
    let text = running.gateway.measured().unwrap();
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let label = if line.starts_with("faas_iam_gateway_decisions_total{") {
            "outcome=\""
        } else if line.starts_with("faas_iam_gateway_exchanges_total{") {
            "result=\""
        } else {
            continue;
        };
        let (reason, _) = line.split_once(label).unwrap().1.split_once('"').unwrap();
        let number: u64 = line.rsplit_once(' ').unwrap().1.parse().unwrap();
        *counts.entry(reason.to_owned()).or_default() += number;
    }
    counts
}

/// The one reason that was counted since `before`.
pub fn reason(running: &Running, before: &BTreeMap<String, u64>) -> String {
    let now = counted(running);
    let more: Vec<_> = now.iter().filter(|(reason, count)| before.get(*reason) != Some(count)).collect();
    assert_eq!(more.len(), 1, "one call has one reason: {more:?}");
    more[0].0.clone()
}

/// Shows that a call was refused for this reason and went no further.
pub fn refused(running: &Running, before: &BTreeMap<String, u64>, status: u16, want: &str, row: &str) {
    assert!((400..500).contains(&status), "{row}: {status}");
    assert_eq!(reason(running, before), want, "{row}");
    assert!(running.provider.take().is_empty(), "{row} went upstream");
}
