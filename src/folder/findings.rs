//! From the reports on objects to findings with file, line and field.
//!
//! Places what the compiler said; has no opinion of its own.

use std::collections::BTreeMap;

use crate::compile::{ObjectRef, Problem, Readiness, Report};
use crate::manifest::{Diagnostic, Object, Severity};
use crate::model::FieldPath;

/// What a report says of an object, each finding with its place where the object was read from
/// `files`.
pub fn of_report(
    object: &ObjectRef,
    report: &Report,
    files: &BTreeMap<ObjectRef, &Object>,
) -> Vec<Diagnostic> {
    let place = |severity, field: &FieldPath, message: &str| match files.get(object) {
        Some(read) => read.finding(severity, field.clone(), message.to_owned()),
        None => unplaced(object, severity, field.clone(), message.to_owned()),
    };
    let problems = problems(report).into_iter().map(|p| place(Severity::Problem, &p.field, &p.message));
    problems.chain(report.warnings.iter().map(|w| place(Severity::Warning, &w.field, &w.message))).collect()
}

/// Every problem; where an object does not serve and none is listed, what its condition says.
fn problems(report: &Report) -> Vec<Problem> {
    let serves = matches!(report.readiness, Readiness::Ready | Readiness::Pending);
    if serves || !report.problems.is_empty() {
        return report.problems.clone();
    }
    let (reason, message) = (report.reason, report.message.clone());
    vec![Problem { reason, field: FieldPath::root(), message }]
}

/// Something to say about an object that no file is known of.
pub fn unplaced(object: &ObjectRef, severity: Severity, field: FieldPath, message: String) -> Diagnostic {
    let object = Some(format!("{}/{}", object.kind, object.name));
    Diagnostic { source: None, position: None, object, field: Some(field), severity, message }
}
