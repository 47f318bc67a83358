//! What was measured, as it is kept in the repository.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One contender at one size of one case.
#[derive(Serialize, Deserialize)]
pub struct Row {
    pub case: String,
    pub engine: String,
    pub policies: usize,
    /// Median of the rounds, and their middle half.
    pub decision_ns: f64,
    pub from_ns: f64,
    pub to_ns: f64,
    pub compile_ns: u64,
}

impl Row {
    pub fn new(case: &str, engine: &str, policies: usize, mut took: Vec<f64>, compile: Duration) -> Self {
        took.sort_by(f64::total_cmp);
        let at = |share: f64| round(took[((took.len() - 1) as f64 * share).round() as usize]);
        Self {
            case: case.to_owned(),
            engine: engine.to_owned(),
            policies,
            decision_ns: at(0.5),
            from_ns: at(0.25),
            to_ns: at(0.75),
            compile_ns: compile.as_nanos() as u64,
        }
    }
}

/// The row of a contender at a size.
pub fn find<'r>(rows: &'r [Row], case: &str, engine: &str, policies: usize) -> Option<&'r Row> {
    rows.iter().find(|row| row.case == case && row.engine == engine && row.policies == policies)
}

/// The contenders of a case and its sizes, in their order.
pub fn axes(rows: &[Row], case: &str) -> (Vec<String>, Vec<usize>) {
    let (mut engines, mut sizes) = (Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| row.case == case) {
        if !engines.contains(&row.engine) {
            engines.push(row.engine.clone());
        }
        if !sizes.contains(&row.policies) {
            sizes.push(row.policies);
        }
    }
    (engines, sizes)
}

/// A file beside the program's sources.
pub fn beside(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What the last whole run wrote.
pub fn read() -> Vec<Row> {
    let text = fs::read_to_string(beside("results.json")).expect("results.json, which a whole run writes");
    serde_json::from_str(&text).expect("results")
}

pub fn write(rows: &[Row]) {
    let lines: Vec<_> = rows.iter().map(|row| serde_json::to_string(row).expect("a row")).collect();
    fs::write(beside("results.json"), format!("[\n{}\n]\n", lines.join(",\n"))).expect("results.json");
}

fn round(ns: f64) -> f64 {
    (ns * 10.0).round() / 10.0
}
