//! Which JwtIssuers serve: one to an `iss`, with the keys that are known (`semantics.md` 20). Fetches
//! nothing: what became of fetching is given.

use std::collections::BTreeMap;

use super::{Outcome, field, report};
use crate::api::{Kind, Reason};
use crate::bundle::Record;
use crate::compile::wording::{names, shown};
use crate::compile::{
    Catalogue, Judged, Keys, Meaning, ObjectRef, Problem, Readiness, Surroundings, Warning,
};
use crate::model::{Issuer, KeySource};
use crate::token::KeySet;

/// A JwtIssuer, valid or not.
struct Declared<'c> {
    name: &'c str,
    issuer: Option<&'c Issuer>,
}

/// All JwtIssuers by their `iss`.
pub(super) struct Issuers<'c>(BTreeMap<&'c str, Vec<Declared<'c>>>);

impl<'c> Issuers<'c> {
    pub fn of(catalogue: &'c Catalogue) -> Self {
        let mut by_iss: BTreeMap<&str, Vec<Declared<'_>>> = BTreeMap::new();
        for (object, judged) in catalogue.objects.iter().filter(|(object, _)| object.kind == Kind::JwtIssuer)
        {
            let issuer = match &judged.verdict {
                Ok(Meaning::Issuer(issuer, _)) => Some(issuer),
                _ => None,
            };
            for iss in &judged.iss {
                by_iss.entry(iss).or_default().push(Declared { name: &object.name, issuer });
            }
        }
        Self(by_iss)
    }

    /// The one valid JwtIssuer with this `iss`.
    pub fn serving(&self, iss: &str) -> Option<(&'c str, &'c Issuer)> {
        match self.0.get(iss)?.as_slice() {
            [Declared { name, issuer: Some(issuer) }] => Some((name, issuer)),
            _ => None,
        }
    }

    /// Every JwtIssuer that serves.
    pub fn all_serving(&self) -> impl Iterator<Item = (&'c str, &'c Issuer)> {
        self.0.keys().filter_map(|iss| self.serving(iss))
    }

    /// Why no JwtIssuer serves this `iss`.
    pub fn why_not(&self, iss: &str) -> String {
        match self.0.get(iss).map(Vec::as_slice) {
            None | Some([]) => {
                format!("no JwtIssuer has the `iss` {}{}", shown(iss), self.but_for_a_slash(iss))
            }
            Some([one]) => format!("the JwtIssuer {} of {} is not valid", shown(one.name), shown(iss)),
            Some(many) => format!("{} share the `iss` {}", names(many.iter().map(|d| d.name)), shown(iss)),
        }
    }

    /// Who has the `iss` with a slash at the end, or without the one it has: it is compared byte by byte.
    fn but_for_a_slash(&self, iss: &str) -> String {
        let (other, how) = match iss.strip_suffix('/') {
            Some(bare) => (bare.to_owned(), "without the slash"),
            None => (format!("{iss}/"), "with a slash at the end"),
        };
        let declared = self.0.get(&*other).and_then(|declared| declared.first());
        declared.map_or_else(String::new, |one| format!("; {} has it {how}", shown(one.name)))
    }

    /// The problem of an object whose `iss` others have too.
    pub fn conflict(&self, object: &ObjectRef, judged: &Judged) -> Vec<Problem> {
        let sharing = judged.iss.iter().filter_map(|iss| self.0.get(&**iss)).flatten();
        let mut others: Vec<_> = sharing.map(|d| d.name).filter(|name| *name != &*object.name).collect();
        if judged.iss.len() > 1 {
            others.sort_unstable();
            others.dedup();
        }
        if others.is_empty() || object.kind != Kind::JwtIssuer {
            return Vec::new();
        }
        let (them, have) = if others.len() == 1 { ("JwtIssuer", "has") } else { ("JwtIssuers", "have") };
        let message = format!(
            "{them} {} {have} the same `iss`, so that none of them serves; delete all but one",
            names(others)
        );
        vec![Problem { reason: Reason::DuplicateIssuer, field: field(["spec", "iss"]), message }]
    }
}

/// What becomes of a valid JwtIssuer.
pub(super) fn outcome(
    object: &ObjectRef,
    judged: &Judged,
    issuer: &Issuer,
    inline: Option<&KeySet>,
    issuers: &Issuers<'_>,
    surroundings: &Surroundings,
) -> Outcome {
    let conflict = issuers.conflict(object, judged);
    if !conflict.is_empty() {
        return Outcome::refused(object, judged, conflict);
    }
    let known = standing(issuer, inline, surroundings.keys.get(&object.name));
    let record = Record::Issuer {
        origin: judged.origin.clone(),
        issuer: issuer.clone(),
        keys: known.keys,
        stale_since: known.stale_since,
    };
    let mut warnings = judged.warnings.clone();
    warnings.extend(known.notes.into_iter().map(warning));
    if known.pending {
        let message = "its keys are being fetched".to_owned();
        let report = report(Readiness::Pending, Reason::Accepted, message, Vec::new(), warnings);
        return Outcome { record: Some(record), report };
    }
    let message = format!("tokens of {} are taken", shown(&issuer.iss));
    Outcome::serving(record, message, known.problem.into_iter().collect(), warnings)
}

/// What is known of an issuer's keys; without any, it is declared and no token of it passes.
#[derive(Default)]
struct Standing {
    keys: KeySet,
    stale_since: Option<i64>,
    problem: Option<Problem>,
    notes: Vec<String>,
    pending: bool,
}

fn standing(issuer: &Issuer, inline: Option<&KeySet>, known: Option<&Keys>) -> Standing {
    let none = Standing::default();
    match (&issuer.keys, known) {
        (KeySource::Inline, _) => Standing { keys: inline.cloned().unwrap_or_default(), ..none },
        (_, Some(Keys::Fetched { set, notes })) => {
            Standing { keys: set.clone(), notes: notes.clone(), ..none }
        }
        (_, Some(Keys::Failed { message, last: Some((set, since)), .. })) => {
            let note = format!("the last good keys serve, since they could not be fetched anew: {message}");
            Standing { keys: set.clone(), stale_since: Some(*since), notes: vec![note], ..none }
        }
        (_, Some(Keys::Failed { reason, message, last: None })) => {
            Standing { problem: Some(missed(issuer, *reason, message)), ..none }
        }
        (KeySource::System, _) => none,
        (_, None | Some(Keys::Pending)) => Standing { pending: true, ..none },
    }
}

/// Why there are no keys, at the field that leads to them.
fn missed(issuer: &Issuer, reason: Reason, message: &str) -> Problem {
    let at = match (reason, &issuer.keys) {
        (Reason::CaBundleNotFound | Reason::CaBundleInvalid, _) => "caBundleRef",
        (_, KeySource::Ref(_)) => "jwksRef",
        (_, KeySource::Inline) => "jwks",
        (_, KeySource::Internal(_)) => "issInternal",
        (_, KeySource::Cluster(asked)) if *asked != issuer.iss => "issInternal",
        (_, KeySource::Discovery | KeySource::Cluster(_) | KeySource::System) => "iss",
    };
    Problem { reason, field: field(["spec", at]), message: message.to_owned() }
}

fn warning(message: String) -> Warning {
    Warning { field: field(["spec"]), message }
}
