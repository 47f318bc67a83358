//! Results as the tables of benches/README.md, and whether the bounds hold.

use crate::results::{Row, axes, find};

/// What cedar-policy may cost more than we, at least, at 1,000 policies.
const CEDAR: f64 = 300.0;
/// What a decision at 1,000 policies may cost more than one at 10.
const GROWTH: f64 = 3.0;

pub fn print(rows: &[Row], cases: &[&str]) {
    for case in cases {
        let (engines, sizes) = axes(rows, case);
        if !engines.is_empty() {
            let cell = |read: fn(&Row) -> String| table(rows, case, &engines, &sizes, read);
            println!("\n{case}: a decision\n{}", cell(|row| time(row.decision_ns)));
            println!("{case}: decisions a second\n{}", cell(|row| thousands(1e9 / row.decision_ns)));
            println!("{case}: compiled\n{}", cell(|row| time(row.compile_ns as f64)));
        }
    }
    bounds(rows);
}

fn table(rows: &[Row], case: &str, engines: &[String], sizes: &[usize], read: fn(&Row) -> String) -> String {
    let head: String = sizes.iter().map(|size| format!(" {} |", thousands(*size as f64))).collect();
    let mut lines = vec![format!("| |{head}"), format!("|---|{}", "---|".repeat(sizes.len()))];
    for engine in engines {
        let cells = sizes.iter().map(|size| find(rows, case, engine, *size).map(read).unwrap_or_default());
        lines.push(format!("| {engine} |{}", cells.map(|cell| format!(" {cell} |")).collect::<String>()));
    }
    lines.join("\n") + "\n"
}

fn bounds(rows: &[Row]) {
    let cost = |engine: &str, policies| find(rows, "mix", engine, policies).map(|row| row.decision_ns);
    let verdict = |holds: bool| if holds { "within" } else { "over" };
    if let (Some(ours), Some(cedar)) = (cost("faas-iam", 1_000), cost("cedar-policy", 1_000)) {
        let ratio = cedar / ours;
        println!(
            "cedar-policy ÷ faas-iam at 1,000: {ratio:.0} of at least {CEDAR}: {}",
            verdict(ratio >= CEDAR)
        );
    }
    if let (Some(few), Some(many)) = (cost("faas-iam", 10), cost("faas-iam", 1_000)) {
        let growth = many / few;
        println!("faas-iam at 1,000 ÷ at 10: {growth:.2} of at most {GROWTH}: {}", verdict(growth <= GROWTH));
    }
}

/// Nanoseconds with a unit, three digits of them.
pub fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    match value {
        value if value < 10.0 => format!("{value:.2} {unit}"),
        value if value < 100.0 => format!("{value:.1} {unit}"),
        value => format!("{value:.0} {unit}"),
    }
}

/// A whole number with commas.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let from_right = digits.chars().rev().enumerate();
    let with_commas: String = from_right
        .flat_map(|(at, digit)| (at > 0 && at % 3 == 0).then_some(',').into_iter().chain([digit]))
        .collect();
    with_commas.chars().rev().collect()
}
