//! What follows from manifests in files: read → select → validate → link → bundle. Commands and gateway ask here alike.
//!
//! The steps are the operator's own; this strings them together for files. Opens no connection, and prints nothing.

pub mod files;
pub mod findings;
mod privacies;
mod references;

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::path::PathBuf;

use files::InputError;

use crate::api::Reason;
use crate::bundle::{Bundle, Key, Record};
use crate::causes::chain;
use crate::compile::link::link;
use crate::compile::validate::validate;
use crate::compile::{Catalogue, Judged, LastValid, ObjectRef, Problem, Surroundings};
use crate::manifest::{self, Diagnostic, Object, Selection, Severity};
use crate::model::FieldPath;
use crate::process::now;

/// Which manifests are meant, and how.
#[derive(Debug)]
pub struct Manifests<'a> {
    /// Files, folders, `-` for standard input.
    pub paths: &'a [PathBuf],
    /// Whether folders within folders are read, too.
    pub recursive: bool,
    /// The namespace whose objects count.
    pub namespace: &'a str,
    /// Whether there may be more than these: a Policy that is not among them is no problem then.
    pub partial: bool,
}

/// What follows from objects, and what there is to say about them.
#[derive(Debug, Default)]
pub struct Compiled {
    /// What serves.
    pub bundle: Bundle,
    /// Problems and warnings by file and place.
    pub findings: Vec<Diagnostic>,
    /// How many objects of ours were judged.
    pub objects: usize,
    /// How many objects of other groups were left out, by kind.
    pub skipped: BTreeMap<String, usize>,
    /// How many objects of ours in the files name no namespace.
    pub without_namespace: usize,
    /// How many problems are Policies that are not among the objects.
    pub elsewhere: usize,
    /// Inputs that could not be read; with any of them there is no answer.
    pub unreadable: Vec<InputError>,
    /// What each FunctionPrivacy covers, or did in its last valid form.
    pub last_valid: LastValid,
}

impl Compiled {
    /// What follows from the objects in files; never an error, but perhaps [`unreadable`](Self::unreadable).
    /// `last_valid` is what each FunctionPrivacy covered before.
    pub fn of_files(of: &Manifests<'_>, stdin: &mut dyn std::io::Read, last_valid: LastValid) -> Self {
        let inputs = files::read(of.paths, of.recursive, stdin);
        let selection = manifest::select(inputs.documents, of.namespace);
        let mut catalogue = catalogue(&selection);
        let unnamed = privacies::keep(&mut catalogue, &selection.unidentified, &last_valid);
        let keys = references::keys(&catalogue, &selection, now());
        // What is missing may stand in a file that could not be read.
        let partial = of.partial || !inputs.errors.is_empty();
        let surroundings = Surroundings { keys, partial, last_valid, limit: 0 };
        let mut read = Read::new(&selection);
        read.refused.extend(unnamed);
        let mut compiled = Self::of_objects(&catalogue, &surroundings, &read);
        compiled.last_valid = privacies::remember(&catalogue, surroundings.last_valid);
        compiled.findings.extend(selection.refused.iter().flat_map(own_problems));
        compiled.findings.extend(selection.diagnostics);
        compiled.findings.sort();
        compiled.findings.dedup();
        compiled.objects = selection.objects.len().saturating_add(selection.refused.len());
        compiled.without_namespace = selection.without_namespace;
        Self { skipped: selection.skipped, unreadable: inputs.errors, ..compiled }
    }

    /// What follows from validated objects.
    pub fn of_objects(catalogue: &Catalogue, surroundings: &Surroundings, read: &Read<'_>) -> Self {
        let linked = link(catalogue, surroundings);
        let told = linked.reports.iter().filter(|(object, _)| !read.refused.contains(*object));
        let mut findings: Vec<_> =
            told.flat_map(|(object, report)| findings::of_report(object, report, &read.places)).collect();
        findings.sort();
        let problems = linked.reports.values().flat_map(|report| &report.problems);
        let elsewhere = problems.filter(|p| p.reason == Reason::PolicyNotFound).count();
        let objects = catalogue.objects.len();
        Self { bundle: linked.bundle, findings, objects, elsewhere, ..Self::default() }
    }

    /// Whether there is no object of ours and no word of why, as where the folder is the wrong one.
    pub fn is_nothing(&self) -> bool {
        self.objects == 0 && self.problems().next().is_none() && self.unreadable.is_empty()
    }

    /// Each input that could not be read, as a line with its cause.
    pub fn unreadable(&self) -> Vec<String> {
        self.unreadable.iter().map(|error| chain(error)).collect()
    }

    /// What becomes of each object that is not in force, a line each.
    pub fn idle(&self) -> impl Iterator<Item = String> {
        self.bundle.iter().filter_map(|(Key { name, .. }, record)| match record {
            Record::Refused { .. } => Some(format!("{name} grants nothing until its problems are mended")),
            Record::Privacy { last_valid: Some(_), .. } => Some(format!(
                "FunctionPrivacy/{name} makes nothing public until its problems are mended, and what it covered is private"
            )),
            _ => None,
        })
    }

    /// The findings that keep something from serving.
    pub fn problems(&self) -> impl Iterator<Item = &Diagnostic> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Problem)
    }
}

/// Where objects were read; nothing for those of a cluster.
#[derive(Debug, Default)]
pub struct Read<'a> {
    places: BTreeMap<ObjectRef, &'a Object>,
    /// Those that the selection refuses and speaks about itself.
    refused: BTreeSet<ObjectRef>,
}

impl<'a> Read<'a> {
    fn new(selection: &'a Selection) -> Self {
        Self {
            places: selection.objects.iter().map(|object| (reference(object), object)).collect(),
            refused: selection.refused.iter().map(reference).collect(),
        }
    }
}

fn catalogue(selection: &Selection) -> Catalogue {
    let judged = selection.objects.iter().map(|o| (reference(o), judge(o)));
    let mut objects: BTreeMap<_, _> = judged.collect();
    for object in &selection.refused {
        let refused = refuse(judge(object));
        // Given several times, it may be any of them: each `iss` is one that another cannot have.
        match objects.entry(reference(object)) {
            Entry::Vacant(free) => {
                free.insert(refused);
            }
            Entry::Occupied(mut before) => {
                before.get_mut().iss.extend(refused.iss);
                before.get_mut().covers.extend(refused.covers);
            }
        }
    }
    Catalogue { objects }
}

fn judge(object: &Object) -> Judged {
    validate(object.kind, &object.document.value, &object.document)
}

fn reference(object: &Object) -> ObjectRef {
    ObjectRef { kind: object.kind, name: object.name.as_str().into() }
}

/// Takes the meaning away from an object that the selection refuses, whatever it says.
fn refuse(judged: Judged) -> Judged {
    let message = "refused before it was judged".to_owned();
    let problem = Problem { reason: Reason::Invalid, field: FieldPath::root(), message };
    Judged { verdict: Err(vec![problem]), ..judged }
}

/// What else is wrong with an object that was refused, so that nobody has to come twice. Of a key that is no
/// text the selection has spoken, and a key set without it cannot be used.
fn own_problems(object: &Object) -> Vec<Diagnostic> {
    let spoken: BTreeSet<_> = object.document.misread_keys().into_iter().map(|(path, ..)| path).collect();
    let problems = judge(object).verdict.err().unwrap_or_default().into_iter();
    let jwks: FieldPath = ["spec", "jwks"].into_iter().collect();
    let in_jwks = spoken.iter().any(|path| path.segments().starts_with(jwks.segments()));
    let others = problems.filter(|p| !(spoken.contains(&p.field) || in_jwks && p.field == jwks));
    others.map(|p| object.finding(Severity::Problem, p.field, p.message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_that_is_not_in_force_is_named_once_with_what_comes_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let manifests = "
{apiVersion: iam.openfaas.com/v1, kind: Policy, metadata: {name: broken}, spec: {statement: [], other: 1}}
---
{apiVersion: iam.openfaas.com/v1, kind: Role, metadata: {name: partly}, spec: {policy: [broken, gone], principal: {'jwt:sub': [a]}}}
---
{apiVersion: iam.openfaas.com/v1alpha1, kind: FunctionPrivacy, metadata: {name: p}, spec: {privacy: Pubic}}
";
        std::fs::write(folder.path().join("a.yaml"), manifests).unwrap();
        let (paths, namespace) = (&[folder.path().to_owned()], "openfaas");
        let manifests = Manifests { paths, recursive: false, namespace, partial: false };
        let compiled = Compiled::of_files(&manifests, &mut std::io::empty(), LastValid::new());
        assert!(compiled.problems().count() > 3, "{:?}", compiled.findings);
        let mut idle: Vec<_> = compiled.idle().collect();
        idle.sort();
        assert_eq!(idle.len(), 2, "a Role of which a Policy is missing is in force: {idle:?}");
        assert!(idle[0].starts_with("FunctionPrivacy/p makes nothing public"), "{idle:?}");
        assert!(idle[1].starts_with("Policy/broken grants nothing"), "{idle:?}");
    }
}
