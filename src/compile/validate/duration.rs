//! Durations as Go writes them, within the bounds of a field.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::api::limits;
use crate::compile::cursor::Cursor;
use crate::compile::wording::shown;

/// What a field takes.
pub(super) struct Bounds {
    /// Whole seconds.
    pub seconds: RangeInclusive<u64>,
    /// The same in words, with examples.
    pub told: &'static str,
    /// What is meant where a number says nothing.
    pub usual: &'static str,
}

/// Whole seconds of a Go duration; a fraction of a second is cut off.
pub(super) fn duration(at: &mut Cursor<'_>, value: &Value, bounds: &Bounds) -> Option<u64> {
    if value.is_number() {
        let meant = in_seconds(&value.to_string(), bounds).unwrap_or_else(|| bounds.usual.to_owned());
        at.mismatch(format!("a number has no unit; write a duration such as `{meant}`"));
        return None;
    }
    let text = at.text(value).filter(|text| !text.is_empty())?;
    if let Some(seconds) = in_seconds(text, bounds) {
        at.invalid(format!("{} has no unit; write `{seconds}`", shown(text)));
        return None;
    }
    let seconds = go_duration(text, *bounds.seconds.end()).filter(|s| bounds.seconds.contains(s));
    if seconds.is_none() {
        at.invalid(format!("{} is no duration {}", shown(text), bounds.told));
    }
    seconds
}

/// The duration that a bare number can be meant as: one that others write in seconds.
fn in_seconds(number: &str, bounds: &Bounds) -> Option<String> {
    let seconds = number.parse().ok().filter(|seconds| bounds.seconds.contains(seconds))?;
    Some(format!("{seconds}s"))
}

/// Whole seconds of a positive Go duration, of which the longest has no fraction. What the parser of `kube` would
/// panic at (signs within, numbers that overflow) is refused before, and so is a zero at the end, which it takes
/// without a unit.
fn go_duration(text: &str, longest: u64) -> Option<u64> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let shaped = unsigned.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | 'µ' | 'μ'));
    let united = unsigned.ends_with(|c: char| c.is_ascii_alphabetic());
    let sized = unsigned.split(|c: char| !c.is_ascii_digit()).all(|digits| digits.len() <= 10);
    if !shaped || !united || !sized || text.len() > limits::TEXT {
        return None;
    }
    let parsed = unsigned.parse::<kube::core::Duration>().ok()?;
    let exact = std::time::Duration::from(parsed);
    (exact.as_secs() < longest || exact.subsec_nanos() == 0).then_some(exact.as_secs())
}
