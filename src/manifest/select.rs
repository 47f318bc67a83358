//! Which documents are objects of ours, and what is wrong with the others before any is judged.
//!
//! Looks at `apiVersion`, `kind` and `metadata` alone; what stands in `spec` is the validator's.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::diagnostic::{Diagnostic, Severity};
use super::document::Document;
use crate::api::kind::is_ours;
use crate::api::{GROUP, Kind};
use crate::model::{FieldPath, Written};

/// An object of ours.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its kind, one of [`Kind::IN_FILES`].
    pub kind: Kind,
    /// `metadata.name`: a name that Kubernetes would take.
    pub name: String,
    /// All of it.
    pub document: Document,
}

impl Object {
    /// Something to say about a field of the object, with its name and place.
    pub fn finding(&self, severity: Severity, field: FieldPath, message: String) -> Diagnostic {
        let object = Some(self.to_string());
        Diagnostic { object, ..self.document.finding(severity, field, message) }
    }
}

impl fmt::Display for Object {
    /// `roles.iam.openfaas.com/dev`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// An object of another group in the IAM namespace, such as a Secret that a `jwksRef` names.
#[derive(Debug, Clone)]
pub struct Other {
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its `kind`.
    pub kind: String,
    /// `metadata.name`, empty where there is none.
    pub name: String,
    /// All of it.
    pub document: Document,
}

/// The documents of all files, sorted out.
#[derive(Debug, Default)]
pub struct Selection {
    /// The objects to judge, at most one of each kind and name, in the order of the files.
    pub objects: Vec<Object>,
    /// Objects that are there but invalid whatever they say: kind and name are given twice, or
    /// a key, label or annotation is no text. They grant nothing, and what refers to them refers to something invalid.
    pub refused: Vec<Object>,
    /// Documents with a problem that keeps them from being any object: what one of them was meant to be, nobody
    /// knows, and what was there before may be it.
    pub unidentified: Vec<Document>,
    /// Objects of other groups in the IAM namespace.
    pub others: Vec<Other>,
    /// How many objects of other groups there are, in any namespace, by kind.
    pub skipped: BTreeMap<String, usize>,
    /// How many objects of ours name no namespace, which kubectl puts into that of its context.
    pub without_namespace: usize,
    /// What is wrong so far.
    pub diagnostics: Vec<Diagnostic>,
}

impl Selection {
    /// The core object (`apiVersion: v1`) of that kind and name in the IAM namespace: what a
    /// reference to a Secret or ConfigMap means. Given twice, it is nothing.
    pub fn core_object(&self, kind: &str, name: &str) -> Option<&Document> {
        let is_meant = |o: &&Other| o.api_version == "v1" && o.kind == kind && o.name == name;
        let mut found = self.others.iter().filter(is_meant);
        match (found.next(), found.next()) {
            (Some(only), None) => Some(&only.document),
            _ => None,
        }
    }
}

/// Sorts documents out. Objects without `metadata.namespace` belong to `iam_namespace`; objects
/// of ours in another one are left out with a warning.
pub fn select(documents: Vec<Document>, iam_namespace: &str) -> Selection {
    let mut selection = Selection::default();
    for document in documents {
        match classify(&document, iam_namespace) {
            Ok(Found::Ours(kind, name)) => {
                let placed = document.text(&["metadata", "namespace"]).is_some_and(|n| !n.is_empty());
                selection.without_namespace += usize::from(!placed);
                selection.objects.push(Object { kind, name, document });
            }
            Ok(Found::Other { api_version, kind, name, is_near }) => {
                selection.skip(Other { api_version, kind, name, document }, is_near);
            }
            Err(finding) => {
                if finding.severity == Severity::Problem {
                    selection.unidentified.push(document);
                }
                selection.diagnostics.push(finding);
            }
        }
    }
    selection.refuse_misread();
    selection.refuse_doubles();
    selection
}

enum Found {
    /// One of ours, of this kind and name.
    Ours(Kind, String),
    /// Another one, and whether it is in the IAM namespace.
    Other { api_version: String, kind: String, name: String, is_near: bool },
}

/// What a document is, or why it is left out.
fn classify(document: &Document, iam_namespace: &str) -> Result<Found, Diagnostic> {
    if !document.value.is_object() {
        return Err(problem(document, &[], "a document that is no map"));
    }
    let api_version = required_text(document, "apiVersion")?.to_owned();
    let kind = required_text(document, "kind")?.to_owned();
    let namespace = namespace(document)?.unwrap_or(iam_namespace).to_owned();
    if is_ours(&api_version) || api_version == GROUP {
        let kind = known_kind(document, &api_version, &kind)?;
        return ours(document, kind, &namespace, iam_namespace);
    }
    if let Some(meant) = near_miss(document, &api_version, &kind) {
        let cure = meant.api_version();
        let message = format!("`{kind}` of `{api_version}` is none of ours; write `{cure}`");
        return Err(problem(document, &["apiVersion"], message));
    }
    let name = document.text(&["metadata", "name"]).unwrap_or_default().to_owned();
    Ok(Found::Other { api_version, kind, name, is_near: namespace == iam_namespace })
}

/// The kind of ours that a document of another group must mean: nobody else has such a kind, or the group is
/// OpenFaaS' own. RBAC has Roles alone, and one with `spec.policy` is none of them.
fn near_miss(document: &Document, api_version: &str, kind: &str) -> Option<Kind> {
    let meant = Kind::ALL.into_iter().find(|known| known.kind() == kind)?;
    let openfaas = api_version.to_ascii_lowercase().contains("openfaas.com");
    let rbac = api_version.starts_with("rbac.authorization.k8s.io/")
        && (meant != Kind::Role || document.value.pointer("/spec/policy").is_some());
    (openfaas || rbac || meant == Kind::JwtIssuer).then_some(meant)
}

fn ours(document: &Document, kind: Kind, namespace: &str, iam_namespace: &str) -> Result<Found, Diagnostic> {
    let name = name(document, kind)?.to_owned();
    if namespace != iam_namespace {
        let message =
            format!("left out: objects count in the namespace `{iam_namespace}` alone, not in `{namespace}`");
        return Err(warning(document, &["metadata", "namespace"], message));
    }
    if !Kind::IN_FILES.contains(&kind) {
        let message = format!("left out: `{}` is not judged by this version", kind.kind());
        return Err(warning(document, &["kind"], message));
    }
    Ok(Found::Ours(kind, name))
}

fn required_text<'a>(document: &'a Document, key: &'static str) -> Result<&'a str, Diagnostic> {
    let message = "missing, or no text: this is no Kubernetes object";
    document.text(&[key]).ok_or_else(|| problem(document, &[key], message))
}

/// The kind of an object of our group.
fn known_kind(document: &Document, api_version: &str, kind: &str) -> Result<Kind, Diagnostic> {
    if let Some(known) = Kind::of_manifest(api_version, kind) {
        return Ok(known);
    }
    Err(match Kind::ALL.into_iter().find(|known| known.kind() == kind) {
        Some(known) => {
            let cure = known.api_version();
            problem(document, &["apiVersion"], format!("`{kind}` has no `{api_version}`; write `{cure}`"))
        }
        None => {
            let kinds = Kind::ALL.map(Kind::kind).join(", ");
            problem(document, &["kind"], format!("`{GROUP}` has no kind `{kind}`, only {kinds}"))
        }
    })
}

/// `metadata.namespace` where it is given.
fn namespace(document: &Document) -> Result<Option<&str>, Diagnostic> {
    match document.value.pointer("/metadata/namespace") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(_) => metadata_text(document, "namespace").map(Some),
    }
}

fn name(document: &Document, kind: Kind) -> Result<&str, Diagnostic> {
    let name = metadata_text(document, "name")?;
    if is_object_name(name) {
        return Ok(name);
    }
    let message = format!(
        "`{name:.80}` of this {} is no name that Kubernetes takes: at most 253 of a-z, 0-9, `-` and `.`, where each part \
         between dots begins and ends with a letter or digit",
        kind.kind()
    );
    Err(problem(document, &["metadata", "name"], message))
}

fn metadata_text<'a>(document: &'a Document, key: &'static str) -> Result<&'a str, Diagnostic> {
    let keys = ["metadata", key];
    if let Some(written) = document.written(&keys.into_iter().collect()) {
        return Err(problem(document, &keys, format!("not read as text; write `\"{written}\"`")));
    }
    document.text(&keys).ok_or_else(|| problem(document, &keys, "missing, or no text"))
}

/// A DNS subdomain (RFC 1123), which is what Kubernetes takes as a name.
fn is_object_name(name: &str) -> bool {
    let is_inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    name.len() <= 253
        && name.split('.').all(|part| {
            !part.is_empty() && !part.starts_with('-') && !part.ends_with('-') && part.bytes().all(is_inner)
        })
}

impl Selection {
    fn skip(&mut self, other: Other, is_near: bool) {
        let count = self.skipped.entry(other.kind.clone()).or_default();
        *count = count.saturating_add(1);
        if is_near {
            self.others.push(other);
        }
    }

    /// Refuses what the API server would not take, or not as it was meant.
    fn refuse_misread(&mut self) {
        for object in std::mem::take(&mut self.objects) {
            let findings: Vec<_> = misread_keys(&object).chain(misread_labels(&object)).collect();
            let kept = if findings.is_empty() { &mut self.objects } else { &mut self.refused };
            kept.push(object);
            self.diagnostics.extend(findings);
        }
    }

    /// Two objects of one kind and name: nobody knows which one is meant, so neither counts.
    fn refuse_doubles(&mut self) {
        let mut places: BTreeMap<(Kind, String), Vec<String>> = BTreeMap::new();
        for object in self.objects.iter().chain(&self.refused) {
            let place = format!("{}:{}", object.document.source, object.document.start());
            places.entry((object.kind, object.name.clone())).or_default().push(place);
        }
        places.retain(|_, places| places.len() > 1);
        let is_double = |object: &Object| places.contains_key(&(object.kind, object.name.clone()));
        for object in self.objects.iter().chain(&self.refused).filter(|object| is_double(object)) {
            let at = places.get(&(object.kind, object.name.clone())).map(|places| some_of(places));
            let message = format!("given more than once, so none counts: {}", at.unwrap_or_default());
            let field = ["metadata", "name"].into_iter().collect();
            self.diagnostics.push(object.finding(Severity::Problem, field, message));
        }
        let (doubles, objects): (Vec<_>, _) = self.objects.drain(..).partition(is_double);
        self.objects = objects;
        self.refused.extend(doubles);
    }
}

/// Places in a line: ten, and how many more there are. Each of many doubles says this.
fn some_of(places: &[String]) -> String {
    let (shown, rest) = places.split_at(places.len().min(10));
    match rest.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn misread_keys(object: &Object) -> impl Iterator<Item = Diagnostic> + '_ {
    object.document.misread_keys().into_iter().map(|(path, written, position)| {
        let message = format!("the key `{written}` is not read as text; write `\"{written}\"`");
        let path = as_written(path, written);
        Diagnostic { position: Some(position), ..object.finding(Severity::Problem, path, message) }
    })
}

/// The path of a key by the name that its author knows it by.
fn as_written(mut path: FieldPath, written: &str) -> FieldPath {
    path.pop();
    path.child(written.to_owned())
}

/// Labels and annotations are text.
fn misread_labels(object: &Object) -> impl Iterator<Item = Diagnostic> + '_ {
    ["labels", "annotations"].into_iter().flat_map(move |field| {
        let entries = object.document.value.pointer(&format!("/metadata/{field}")).and_then(Value::as_object);
        entries.into_iter().flatten().filter_map(move |(key, value)| {
            let path = ["metadata", field].into_iter().collect::<FieldPath>().child(key.clone());
            let message = match object.document.written(&path) {
                Some(written) => format!("not read as text; write `\"{written}\"`"),
                None if value.is_string() => return None,
                None => "no text".to_owned(),
            };
            Some(object.finding(Severity::Problem, path, message))
        })
    })
}

fn problem(document: &Document, keys: &[&'static str], message: impl Into<String>) -> Diagnostic {
    document.finding(Severity::Problem, keys.iter().copied().collect(), message.into())
}

fn warning(document: &Document, keys: &[&'static str], message: String) -> Diagnostic {
    document.finding(Severity::Warning, keys.iter().copied().collect(), message)
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
