//! What the validator says about the manifests of OpenFaaS' documentation and charts, and about the mistakes that
//! people copy: the verdicts of `tests/fixtures/openfaas/expected.yaml`, whose other half is the API server's.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::link::link;
use super::validate::validate;
use super::{Catalogue, Linked, ObjectRef, Surroundings};
use crate::manifest::{Severity, parse, select};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Check {
    Accepted,
    Warning,
    Problem,
}

#[derive(Deserialize)]
struct Expected {
    file: String,
    check: Check,
    #[serde(default)]
    mentions: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openfaas")
}

/// What is said about a file: of its documents, and of its objects with each other.
fn judged(file: &str) -> (Check, String) {
    let text = fs::read_to_string(folder().join(format!("{file}.yaml"))).unwrap();
    let selection = select(parse(file, &text).unwrap(), "openfaas");
    let mut catalogue = Catalogue::default();
    for object in &selection.objects {
        let name = object.name.clone().into();
        let judged = validate(object.kind, &object.document.value, &object.document);
        catalogue.objects.insert(ObjectRef { kind: object.kind, name }, judged);
    }
    // A file of its own need not hold the policies that its Role names.
    let linked = link(&catalogue, &Surroundings { partial: true, ..Default::default() });
    let found = selection.diagnostics.iter().map(|d| (d.severity, d.to_string())).chain(said(&linked));
    summary(found.collect())
}

fn said(linked: &Linked) -> impl Iterator<Item = (Severity, String)> + '_ {
    linked.reports.values().flat_map(|report| {
        let problems =
            report.problems.iter().map(|p| (Severity::Problem, format!("{}: {}", p.field, p.message)));
        let warnings =
            report.warnings.iter().map(|w| (Severity::Warning, format!("{}: {}", w.field, w.message)));
        problems.chain(warnings)
    })
}

fn summary(found: Vec<(Severity, String)>) -> (Check, String) {
    let check = match found.iter().map(|(severity, _)| severity).min() {
        None => Check::Accepted,
        Some(Severity::Warning) => Check::Warning,
        Some(Severity::Problem) => Check::Problem,
    };
    (check, found.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n"))
}

#[test]
fn the_manifests_of_openfaas_are_accepted_and_the_mistakes_people_copy_are_told_their_cure() {
    let expected = fs::read_to_string(folder().join("expected.yaml")).unwrap();
    let expected: Vec<Expected> = serde_saphyr::from_str(&expected).unwrap();
    let mut wrong = Vec::new();
    for Expected { file, check, mentions } in &expected {
        let (found, text) = judged(file);
        if found != *check || !mentions.iter().all(|mention| text.contains(mention)) {
            wrong.push(format!("{file}: {check:?} with {mentions:?} expected, {found:?}:\n{text}"));
        }
    }
    assert!(expected.len() > 20 && wrong.is_empty(), "{}", wrong.join("\n\n"));
}
