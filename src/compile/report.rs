//! From a report to the conditions of a status (`metav1.Condition`, read by the convention of kstatus).
//! Compares ignoring time, so that nothing is written twice; reads no clock.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use super::wording::cut;
use super::{Problem, Readiness, Report, Warning};
use crate::api::status::{READY, RECONCILING, STALLED, WARNINGS};
use crate::api::{Reason, limits};

/// Problems that a message lists.
const PROBLEMS: usize = 20;
/// Warnings that a message lists.
const LISTED_WARNINGS: usize = 10;
/// Characters of a field's path in a message.
const PATH: usize = 256;

/// The conditions of an object in this generation: `Ready`, where it is not True exactly one of
/// `Reconciling` and `Stalled`, and `Warnings` where there are any. A transition time of `previous` stays
/// unless the status flips.
///
/// While keys are being fetched for the first time, the conditions of before stay as they are.
pub fn conditions(
    report: &Report,
    generation: i64,
    previous: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    let new = |type_: &str, status: &str, reason: Reason, message: &str| {
        condition(type_, status, reason, message, generation, previous, now)
    };
    let why = |type_: &str| new(type_, "True", report.reason, &report.message);
    let mut conditions = match report.readiness {
        Readiness::Pending => return previous.to_vec(),
        Readiness::Ready => vec![why(READY)],
        Readiness::Reconciling => vec![new(READY, "False", report.reason, &report.message), why(RECONCILING)],
        Readiness::Stalled => vec![new(READY, "False", report.reason, &report.message), why(STALLED)],
    };
    if !report.warnings.is_empty() {
        let message = listed(report.warnings.iter(), LISTED_WARNINGS);
        conditions.push(new(WARNINGS, "True", Reason::WarningsFound, &message));
    }
    conditions
}

/// One condition. Its transition time is that of `previous` unless the status flips.
pub fn condition(
    type_: &str,
    status: &str,
    reason: Reason,
    message: &str,
    generation: i64,
    previous: &[Condition],
    now: Timestamp,
) -> Condition {
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_string(),
        message: cut(message, limits::MESSAGE),
        observed_generation: Some(generation),
        last_transition_time: since(previous, type_, status).unwrap_or(Time(now)),
    }
}

/// Whether two lists of conditions say the same, whenever they began to.
pub fn same(a: &[Condition], b: &[Condition]) -> bool {
    let timeless = |conditions: &[Condition]| -> Vec<Condition> {
        let mut conditions = conditions.to_vec();
        conditions.iter_mut().for_each(|c| c.last_transition_time = Time(Timestamp::UNIX_EPOCH));
        conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
        conditions
    };
    timeless(a) == timeless(b)
}

/// The time since which a condition has this status.
fn since(previous: &[Condition], type_: &str, status: &str) -> Option<Time> {
    let before = previous.iter().find(|c| c.type_ == type_ && c.status == status)?;
    Some(before.last_transition_time.clone())
}

/// All problems in one message: as many as can be read, and the number left out.
pub(crate) fn sum_up<'p>(problems: impl ExactSizeIterator<Item = &'p Problem>) -> String {
    listed(problems, PROBLEMS)
}

fn listed(found: impl ExactSizeIterator<Item = impl fmt::Display>, max: usize) -> String {
    let left_out = found.len().saturating_sub(max);
    let mut message = found.take(max).map(|f| f.to_string()).collect::<Vec<_>>().join("; ");
    if left_out > 0 {
        message.push_str(&format!("; and {left_out} more"));
    }
    message
}

/// `field: what is wrong and what to do`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        placed(f, &self.field, &self.message)
    }
}

/// `field: what is odd and what to do`.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        placed(f, &self.field, &self.message)
    }
}

fn placed(f: &mut fmt::Formatter<'_>, field: &crate::model::FieldPath, message: &str) -> fmt::Result {
    if field.is_root() {
        f.write_str(message)
    } else {
        write!(f, "{}: {message}", cut(&field.to_string(), PATH))
    }
}

#[cfg(test)]
mod tests;
