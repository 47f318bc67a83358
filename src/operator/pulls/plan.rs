//! What is to be done in one namespace: the ServiceAccounts first, so that Pods know the name, then the Secrets. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use serde_json::{Value, json};

use super::held::{HeldAccount, HeldSecret, TYPE};
use super::names;
use crate::api::Reason;
use crate::bundle::Digest;
use crate::operator::holdings::Version;
use crate::operator::names::MANAGER;
use crate::registry::{DOCKER_CONFIG_JSON, File, added, merge, patch};

/// A pull secret that a namespace is to have.
#[derive(Clone)]
pub struct Wanted {
    /// Its file.
    pub file: Arc<File>,
    /// Whether somebody else's Secret that says the same becomes ours.
    pub adopt: bool,
}

/// What a namespace is to have.
#[derive(Clone, Default)]
pub struct Desired {
    /// The Secrets by their names.
    pub secrets: BTreeMap<Box<str>, Wanted>,
    /// The names of Secrets that each ServiceAccount is to have; none for those that are not here.
    pub references: BTreeMap<Box<str>, BTreeSet<Box<str>>>,
}

impl Desired {
    fn has_file(&self, name: &str) -> bool {
        self.secrets.get(name).is_some_and(|wanted| wanted.file.bytes.is_some())
    }
}

/// Which object of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A ServiceAccount.
    Account(Box<str>),
    /// A Secret.
    Secret(Box<str>),
}

impl Object {
    /// What it is, for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "service-account",
            Self::Secret(_) => "pull-secret",
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => write!(f, "the ServiceAccount `{name}`"),
            Self::Secret(name) => write!(f, "the Secret `{name}`"),
        }
    }
}

/// One write. Has no `Debug`: it may hold logins.
#[derive(Clone)]
pub struct Step {
    /// Of which object.
    pub object: Object,
    /// What is done to it.
    pub act: Act,
    /// Of what the object is to be then: doing the same again repairs what somebody has undone.
    pub goal: Digest,
    /// Who has changed it last, where that is not us.
    pub rival: Option<Box<str>>,
    /// Whether it lets go of a Secret that stays: only once every ServiceAccount is as it should be, for that its reference
    /// stays is told by the Secret. What is deleted waits for nobody.
    pub last: bool,
}

impl Step {
    /// Whether it has to wait for this one, which is not done.
    pub fn waits_for(&self, other: &Self) -> bool {
        self.last && matches!(other.object, Object::Account(_))
    }
}

/// What is done to an object.
#[derive(Clone)]
pub enum Act {
    /// JSON Patch of a ServiceAccount, with the version that it is for.
    Refer(Patch),
    /// A new Secret with this file.
    Create(Arc<File>),
    /// A Secret changed in place (a merge patch with uid and version), so that kubelets go on knowing it (KEP-2535).
    Change(Value),
    /// A Secret deleted.
    Delete(Version),
}

/// What is there after a write.
pub enum Wrote {
    /// This ServiceAccount.
    Account(Box<ServiceAccount>),
    /// This Secret.
    Secret(Box<Secret>),
    /// Nothing.
    Gone,
}

/// What came of the writes of a namespace.
pub struct Ended {
    /// Which namespace.
    pub namespace: Box<str>,
    /// What was written, and what each was to achieve.
    pub done: Vec<(Object, Digest, Wrote)>,
    /// Why one was not.
    pub missed: Option<Miss>,
}

/// What a write came to that was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// Somebody was first.
    Beaten,
    /// The API server does not take it.
    Failed(Reason, String),
}

/// Why a Secret cannot be as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// Somebody else's Secret has the name.
    Foreign,
    /// It is immutable.
    Immutable,
    /// It is of another type.
    OtherType,
}

/// What is there.
pub struct There<'h> {
    /// The ServiceAccounts.
    pub accounts: Vec<(&'h str, &'h HeldAccount)>,
    /// The Secrets of our names.
    pub secrets: Vec<(&'h str, &'h HeldSecret)>,
}

impl There<'_> {
    fn secret(&self, name: &str) -> Option<&HeldSecret> {
        self.secrets.iter().find(|(is, _)| *is == name).map(|(_, held)| *held)
    }
}

/// What has to be done, in this order, and what cannot.
#[derive(Default)]
pub struct Plan {
    /// The writes.
    pub steps: Vec<Step>,
    /// What is in the way, by the Secret's name.
    pub obstacles: BTreeMap<Box<str>, Obstacle>,
}

/// What has to be done for the namespace to have what it should, and nothing of ours that it should not.
pub fn plan(desired: &Desired, there: &There<'_>, owner: &str) -> Plan {
    let mut plan = Plan::default();
    let held = there.secrets.iter().map(|(name, _)| *name);
    let names: BTreeSet<&str> = desired.secrets.keys().map(|name| &**name).chain(held).collect();
    let mut secrets = Vec::new();
    for name in names {
        let held = there.secret(name);
        match secret(desired.secrets.get(name), held, owner) {
            Ok(None) => {}
            Ok(Some((act, goal))) => {
                let rival = held.and_then(|held| held.rival.clone());
                let last = !desired.has_file(name) && matches!(act, Act::Change(_));
                secrets.push(Step { object: Object::Secret(name.into()), act, goal, rival, last });
            }
            Err(obstacle) => {
                plan.obstacles.insert(name.into(), obstacle);
            }
        }
    }
    let references = References { desired, there, owner, obstacles: &plan.obstacles };
    plan.steps = there.accounts.iter().filter_map(|(name, held)| references.of(name, held)).collect();
    plan.steps.extend(secrets);
    plan
}

/// What decides which pull secrets a ServiceAccount names.
struct References<'p> {
    desired: &'p Desired,
    there: &'p There<'p>,
    owner: &'p str,
    obstacles: &'p BTreeMap<Box<str>, Obstacle>,
}

impl References<'_> {
    fn of(&self, name: &str, held: &HeldAccount) -> Option<Step> {
        let added = added(&held.account, self.owner);
        let wanted = self.desired.references.get(name).into_iter().flatten().map(|name| &**name);
        // Nobody is pointed to somebody else's Secret on our word.
        let foreign = |name: &str| self.obstacles.get(name) == Some(&Obstacle::Foreign);
        let wanted: BTreeSet<&str> = wanted.filter(|name| !foreign(name) || added.contains(name)).collect();
        let mut steps = patch(&held.account, self.owner, &wanted, |name| self.released(name))?;
        if !held.recorded && !wanted.is_empty() {
            steps.0.push(record());
        }
        let goal = Digest::of_json(&json!(wanted));
        let object = Object::Account(name.into());
        Some(Step { object, act: Act::Refer(steps), goal, rival: held.rival.clone(), last: false })
    }

    /// Whether a Secret that nobody wants any more stays all the same.
    fn released(&self, name: &str) -> bool {
        let retained = |held: &HeldSecret| held.ours && !held.marks.retained.is_empty();
        self.there.secret(name).is_some_and(retained) && !self.desired.has_file(name)
    }
}

/// That we write to a ServiceAccount, in its `managedFields`. An object that was made of a name alone, as each `default` is,
/// has none, and the API server does not begin to record who changes it before somebody has brought one: who undoes what we
/// write would have no name.
fn record() -> PatchOperation {
    let entry = json!({
        "manager": MANAGER, "operation": "Update", "apiVersion": "v1",
        "fieldsType": "FieldsV1", "fieldsV1": { "f:imagePullSecrets": {} },
    });
    let path = PointerBuf::from_tokens(["metadata", "managedFields"]);
    PatchOperation::Add(AddOperation { path, value: json!([entry]) })
}

fn secret(
    wanted: Option<&Wanted>,
    held: Option<&HeldSecret>,
    owner: &str,
) -> Result<Option<(Act, Digest)>, Obstacle> {
    let file = wanted.map(|wanted| &wanted.file).filter(|file| file.bytes.is_some());
    let Some(file) = file else {
        return Ok(held.filter(|held| held.ours).map(|held| (gone(held), Digest::of(b""))));
    };
    let Some(held) = held else { return Ok(Some((Act::Create(file.clone()), file.digest))) };
    let adopt = wanted.is_some_and(|wanted| wanted.adopt) && held.meaning == file.digest;
    match () {
        () if is_as(file, held) => Ok(None),
        () if !(held.ours || adopt && held.fits && !held.immutable) => Err(Obstacle::Foreign),
        () if !held.fits => Err(Obstacle::OtherType),
        () if held.immutable => Err(Obstacle::Immutable),
        // First whose it is, and nothing else; then what is in it.
        () if !held.ours => Ok(Some((Act::Change(adopted(file, held, owner)), Digest::of(b"adopted")))),
        () => Ok(Some((Act::Change(change(file, held, owner)), file.digest))),
    }
}

fn is_as(file: &File, held: &HeldSecret) -> bool {
    held.ours
        && held.marked
        && held.fits
        && held.digest == Some(file.digest)
        && held.others.is_empty()
        && held.marks == file.marks
}

/// What ours becomes that nobody wants any more: nothing, or, where entries are to stay, a Secret of nobody's with them.
fn gone(held: &HeldSecret) -> Act {
    if held.marks.retained.is_empty() {
        return Act::Delete(held.version.clone());
    }
    let none = |keys: &[&str]| -> Value { keys.iter().map(|key| ((*key).to_owned(), Value::Null)).collect() };
    let (labels, annotations) = names::all();
    let mut change = json!({ "metadata": metadata(&held.version, none(&labels), none(&annotations)) });
    let staying = held.logins.iter().filter(|(registry, _)| held.marks.retained.contains(registry));
    // Of what nobody can change everything stays.
    if staying.clone().count() < held.logins.len() && !held.immutable {
        let file = merge(staying).file;
        json_patch::merge(&mut change, &json!({ "data": { DOCKER_CONFIG_JSON: value(&file) } }));
    }
    Act::Change(change)
}

fn adopted(file: &File, held: &HeldSecret, owner: &str) -> Value {
    let (labels, annotations) = (json!(names::labels(owner)), json!(names::annotations(&file.marks)));
    json!({ "metadata": metadata(&held.version, labels, annotations) })
}

fn change(file: &File, held: &HeldSecret, owner: &str) -> Value {
    let (labels, annotations) = (json!(names::labels(owner)), json!(names::annotations(&file.marks)));
    let others = held.others.iter().map(|key| (key.clone(), Value::Null));
    let data: Value = others.chain([(DOCKER_CONFIG_JSON.to_owned(), encoded(file))]).collect();
    json!({ "metadata": metadata(&held.version, labels, annotations), "data": data })
}

/// The metadata of a merge patch for this very version.
fn metadata(seen: &Version, labels: Value, annotations: Value) -> Value {
    json!({
        "uid": seen.uid, "resourceVersion": seen.resource_version, "labels": labels, "annotations": annotations,
    })
}

/// The file as a Secret's value is written.
pub fn encoded(file: &File) -> Value {
    value(file.bytes.as_ref().map(|bytes| bytes.as_slice()).unwrap_or_default())
}

fn value(bytes: &[u8]) -> Value {
    json!(k8s_openapi::ByteString(bytes.to_vec()))
}

/// A new Secret.
pub fn created(name: &str, file: &File, owner: &str) -> Value {
    let mut annotations = names::annotations(&file.marks);
    annotations.retain(|_, value| value.is_some());
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": TYPE,
        "metadata": {
            "name": name, "labels": names::labels(owner), "annotations": annotations,
        },
        "data": { DOCKER_CONFIG_JSON: encoded(file) },
    })
}
