//! Medians, their spread, and verdicts.

/// The middle of what was measured, and where its middle half lies.
#[derive(Clone, Copy)]
pub struct Figure {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Figure {
    pub fn of(measured: &[f64]) -> Self {
        let mut sorted = measured.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
        Self { median: at(0.5), low: at(0.25), high: at(0.75) }
    }

    /// With a unit, as `21.3 µs (20.9–22.0)`.
    pub fn show(&self, unit: &str) -> String {
        format!("{:.1} {unit} ({:.1}–{:.1})", self.median, self.low, self.high)
    }
}

/// A line of the report.
pub fn row(name: &str, text: &str) {
    println!("{name:<58} {text}");
}

/// A stated bound, and whether it holds.
pub fn verdict(name: &str, measured: f64, bound: f64, how: &str) {
    let word = if measured <= bound { "within" } else { "over" };
    row(name, &format!("{measured:.2} of at most {bound:.2}: {word}; {how}"));
}
