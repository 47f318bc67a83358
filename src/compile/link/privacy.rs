//! What becomes of a FunctionPrivacy: a valid one is in force as it is written; a broken one publishes
//! nothing (`security-rules.md` 29).

use super::{Outcome, not_ready};
use crate::bundle::Record;
use crate::compile::{Judged, ObjectRef, Problem, Surroundings};
use crate::model::Privacy;

/// A valid FunctionPrivacy.
pub(super) fn outcome(judged: &Judged, privacy: &Privacy) -> Outcome {
    let record = Record::Privacy {
        origin: judged.origin.clone(),
        functions: privacy.functions.clone(),
        private: privacy.private,
        last_valid: None,
    };
    let message = if privacy.private { "its functions are private" } else { "its functions are public" };
    Outcome::serving(record, message.to_owned(), Vec::new(), judged.warnings.clone())
}

/// A broken one: what it covered by its last valid form stays private, and where there is none everything
/// that its matcher could cover; only the former is something that its access tokens may open.
pub(super) fn broken(
    object: &ObjectRef,
    judged: &Judged,
    problems: &[Problem],
    surroundings: &Surroundings,
) -> Outcome {
    let last = surroundings.last_valid.get(&object.name);
    let record = Record::Privacy {
        origin: judged.origin.clone(),
        functions: last.cloned().unwrap_or_default(),
        private: true,
        last_valid: Some(last.unwrap_or(&judged.covers).clone()),
    };
    Outcome { record: Some(record), report: not_ready(problems.to_vec(), judged.warnings.clone()) }
}
