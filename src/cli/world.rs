//! The one way from objects to what serves: read → select → validate → link → bundle.
//!
//! The steps are the operator's own; this strings them together for files and for the objects of a
//! cluster, or takes the bundle that a cluster serves. On files nothing opens a connection.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::io;
use std::path::Path;

use super::cluster::{Cluster, ClusterError};
use super::files::{self, InputError};
use super::source::SourceArgs;
use super::{findings, privacies, references};
use crate::api::Reason;
use crate::bundle::{Bundle, Index};
use crate::causes::chain;
use crate::compile::link::link;
use crate::compile::validate::validate;
use crate::compile::{Catalogue, Judged, LastValid, ObjectRef, Problem, Surroundings};
use crate::kubeconfig::ClusterArgs;
use crate::manifest::{self, Diagnostic, Object, Selection, Severity};
use crate::model::FieldPath;
use crate::process::now;

/// What serves, and what there is to say about the objects it came from.
#[derive(Debug, Default)]
pub struct World {
    /// What serves.
    pub bundle: Bundle,
    /// The index of the bundle, where a cluster serves it.
    pub index: Option<Index>,
    /// Problems and warnings by file and place; none where the bundle is a cluster's.
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

impl World {
    /// What serves, from files or as the cluster serves it.
    ///
    /// # Errors
    /// [`ClusterError`] where the cluster does not give it; files never fail, but may be
    /// [`unreadable`](Self::unreadable).
    pub fn serving(args: &SourceArgs) -> Result<Self, ClusterError> {
        if args.is_files() {
            return Ok(Self::of_files(args, false));
        }
        let (index, bundle) = Cluster::connect(&args.cluster)?.served()?;
        Ok(Self { bundle, index: Some(index), ..Self::default() })
    }

    /// What follows from the objects in files; with `partial`, a Policy that is not among them is
    /// no problem.
    pub fn of_files(args: &SourceArgs, partial: bool) -> Self {
        Self::of_files_after(args, partial, LastValid::new())
    }

    /// The same where it is known what each FunctionPrivacy covered before.
    fn of_files_after(args: &SourceArgs, partial: bool, last_valid: LastValid) -> Self {
        let inputs = files::read(&args.files, args.recursive, &mut io::stdin().lock());
        let selection = manifest::select(inputs.documents, &args.cluster.namespace);
        let mut catalogue = catalogue(&selection);
        let unnamed = privacies::keep(&mut catalogue, &selection.unidentified, &last_valid);
        let keys = references::keys(&catalogue, &selection, now());
        // What is missing may stand in a file that could not be read.
        let partial = partial || !inputs.errors.is_empty();
        let surroundings = Surroundings { keys, partial, last_valid, limit: 0 };
        let mut read = Read::new(&selection);
        read.refused.extend(unnamed);
        let mut world = Self::of_objects(&catalogue, &surroundings, &read);
        world.last_valid = privacies::remember(&catalogue, surroundings.last_valid);
        world.findings.extend(selection.refused.iter().flat_map(own_problems));
        world.findings.extend(selection.diagnostics);
        world.findings.sort();
        world.findings.dedup();
        world.objects = selection.objects.len().saturating_add(selection.refused.len());
        world.without_namespace = selection.without_namespace;
        Self { skipped: selection.skipped, unreadable: inputs.errors, ..world }
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

    /// Whether a cluster serves this, as opposed to what would follow from files.
    pub fn is_served(&self) -> bool {
        self.index.is_some()
    }

    /// The generation that a cluster serves, as the first words of an answer.
    pub fn generation(&self) -> Option<u64> {
        self.index.as_ref().map(|index| index.generation)
    }

    /// What to say of files without an object of ours, as where the folder is the wrong one.
    pub fn nothing(&self, source: &SourceArgs) -> Option<String> {
        let silent = self.objects == 0 && self.problems().next().is_none() && self.unreadable.is_empty();
        (silent && !self.is_served()).then(|| format!("no JwtIssuer, Policy or Role in {}", source.places()))
    }

    /// Each input that could not be read, as a line with its cause.
    pub fn unreadable(&self) -> Vec<String> {
        self.unreadable.iter().map(|error| chain(error)).collect()
    }

    /// The findings that keep something from serving.
    pub fn problems(&self) -> impl Iterator<Item = &Diagnostic> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Problem)
    }
}

/// What follows from the manifests in a folder, as the gateway takes it, and what there is to say. What each
/// FunctionPrivacy covered before is taken into account, and what it covers now is noted.
///
/// # Errors
/// What could not be read, in words: nothing follows then.
pub(crate) fn folder_world(
    folder: &Path,
    namespace: &str,
    last_valid: &mut LastValid,
) -> Result<(Bundle, Vec<String>), String> {
    let cluster = ClusterArgs { kubeconfig: None, context: None, namespace: namespace.to_owned() };
    let args = SourceArgs { files: vec![folder.to_owned()], recursive: false, cluster };
    let world = World::of_files_after(&args, false, last_valid.clone());
    let unreadable = world.unreadable();
    if !unreadable.is_empty() {
        return Err(unreadable.join("; "));
    }
    *last_valid = world.last_valid;
    Ok((world.bundle, world.findings.iter().map(ToString::to_string).collect()))
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
pub(super) fn refuse(judged: Judged) -> Judged {
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
