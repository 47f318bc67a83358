//! References between objects, and the bundle that follows. Decides which objects serve; does not decide
//! requests.

mod fit;
mod issuers;
mod lints;
mod privacy;
mod roles;

use std::collections::BTreeMap;

use self::issuers::Issuers;
use self::roles::Known;
use super::report::sum_up;
use super::wording::cut;
use super::{
    Catalogue, Judged, Linked, Meaning, ObjectRef, Problem, Readiness, Report, Surroundings, Warning,
};
use crate::api::{Kind, Progress, Reason};
use crate::bundle::{Key, Origin, Record, Sort};
use crate::model::Policy;

/// Characters of a refused record's message.
const REFUSED_MESSAGE: usize = 512;

/// Links the objects and says what serves and what to tell about each.
///
/// Taking away or breaking a Policy or Role only takes away: no object serves because another does not, but
/// where the bundle has been too small for both.
pub fn link(catalogue: &Catalogue, surroundings: &Surroundings) -> Linked {
    let issuers = Issuers::of(catalogue);
    let policies = policies(catalogue);
    let known = Known { issuers: &issuers, policies: &policies, partial: surroundings.partial };
    let mut linked = Linked::default();
    for (object, judged) in &catalogue.objects {
        let outcome = match &judged.verdict {
            Err(problems) if object.kind == Kind::FunctionPrivacy => {
                privacy::broken(object, judged, problems, surroundings)
            }
            Err(problems) if object.kind == Kind::RegistryCredential => {
                Outcome::told(not_ready(problems.clone(), judged.warnings.clone()))
            }
            Err(problems) => Outcome::refused(
                object,
                judged,
                [problems.clone(), issuers.conflict(object, judged)].concat(),
            ),
            Ok(Meaning::Policy(policy)) => Outcome::policy(judged, policy),
            Ok(Meaning::Credential(credential)) => {
                let message = format!("a login for `{}`", credential.registry);
                Outcome::told(ready(message, judged.warnings.clone()))
            }
            Ok(Meaning::Privacy(privacy)) => privacy::outcome(judged, privacy),
            Ok(Meaning::Role(role)) => roles::outcome(object, judged, role, &known),
            Ok(Meaning::Issuer(issuer, inline)) => {
                issuers::outcome(object, judged, issuer, inline.as_ref(), &issuers, surroundings)
            }
        };
        if let Some(record) = outcome.record {
            linked.bundle.insert(name(object, &record), record);
        }
        linked.reports.insert(object.clone(), outcome.report);
    }
    fit::fit(&mut linked, surroundings.limit);
    linked
}

/// The Policies there are, and what the valid ones mean.
fn policies(catalogue: &Catalogue) -> BTreeMap<&str, Option<&Policy>> {
    let of_kind = catalogue.objects.iter().filter(|(object, _)| object.kind == Kind::Policy);
    of_kind
        .map(|(object, judged)| match &judged.verdict {
            Ok(Meaning::Policy(policy)) => (&*object.name, Some(policy)),
            _ => (&*object.name, None),
        })
        .collect()
}

/// What becomes of one object.
struct Outcome {
    /// What the bundle says of it; nothing where no gateway has to know.
    record: Option<Record>,
    report: Report,
}

impl Outcome {
    /// It serves, and its report is what the problems say: none, or such as leave it serving in part.
    fn serving(record: Record, message: String, problems: Vec<Problem>, warnings: Vec<Warning>) -> Self {
        let report =
            if problems.is_empty() { ready(message, warnings) } else { not_ready(problems, warnings) };
        Self { record: Some(record), report }
    }

    /// It serves nothing.
    fn refused(object: &ObjectRef, judged: &Judged, problems: Vec<Problem>) -> Self {
        let report = not_ready(problems, judged.warnings.clone());
        Self { record: Some(refusal(&judged.origin, &report, object)), report }
    }

    fn policy(judged: &Judged, policy: &Policy) -> Self {
        let record = Record::Policy { origin: judged.origin.clone(), policy: policy.clone() };
        let message = match policy.statements.len() {
            1 => "one statement can be granted".to_owned(),
            many => format!("{many} statements can be granted"),
        };
        Self::serving(record, message, Vec::new(), judged.warnings.clone())
    }

    /// It is reported on, and in no bundle.
    fn told(report: Report) -> Self {
        Self { record: None, report }
    }
}

/// The name of an object's record.
fn name(object: &ObjectRef, record: &Record) -> Box<str> {
    match record.sort() {
        Sort::Refused => refused_key(object).name,
        _ => object.name.clone(),
    }
}

/// The key of an object's record where it is refused.
fn refused_key(object: &ObjectRef) -> Key {
    Key::new(Sort::Refused, format!("{}/{}", object.kind.kind(), object.name))
}

/// The record of an object that serves nothing.
fn refusal(origin: &Origin, report: &Report, object: &ObjectRef) -> Record {
    let first = report.problems.first().map(ToString::to_string);
    let message = first.unwrap_or_else(|| format!("{} `{}` serves nothing", object.kind.kind(), object.name));
    let message = cut(&message, REFUSED_MESSAGE);
    Record::Refused { origin: origin.clone(), reason: report.reason.as_str().into(), message: message.into() }
}

fn ready(message: String, warnings: Vec<Warning>) -> Report {
    report(Readiness::Ready, Reason::Accepted, message, Vec::new(), warnings)
}

fn not_ready(problems: Vec<Problem>, warnings: Vec<Warning>) -> Report {
    let reason = leading(&problems);
    let readiness = match reason.progress() {
        Progress::Reconciling => Readiness::Reconciling,
        Progress::Stalled | Progress::Settled => Readiness::Stalled,
    };
    let message = sum_up(problems.iter());
    report(readiness, reason, message, problems, warnings)
}

fn report(
    readiness: Readiness,
    reason: Reason,
    message: String,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
) -> Report {
    let mut warnings = warnings;
    warnings.sort();
    warnings.dedup();
    Report { readiness, reason, message, problems, warnings, issuers: Vec::new() }
}

/// The reason that stands for all: what only an edit cures before what may come by itself, and what makes
/// the other problems hard to see first.
fn leading(problems: &[Problem]) -> Reason {
    let rank = |reason: Reason| match reason {
        Reason::TooLarge => 0,
        Reason::TypeMismatch => 1,
        other if other.progress() == Progress::Stalled => 2,
        _ => 3,
    };
    problems.iter().map(|p| p.reason).min_by_key(|r| rank(*r)).unwrap_or(Reason::Invalid)
}

/// A path such as `spec.policy`.
fn field<const N: usize>(steps: [&'static str; N]) -> crate::model::FieldPath {
    steps.into_iter().collect()
}

#[cfg(test)]
mod tests;
