//! From objects to a bundle, in four pure steps: `validate` (one object → what it means or ALL its
//! problems), `Catalogue` (the objects there are), `link` (references between them → records and reports),
//! `report` (a report → conditions). Fetches nothing, stores nothing, knows no time but what it is given.

mod cursor;
#[cfg(test)]
mod documents_tests;
pub mod link;
mod meant;
pub mod report;
pub mod validate;
mod wording;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use meant::unknown_action;
pub(crate) use wording::{cut, is_hidden};

use crate::api::{Kind, Reason};
use crate::bundle::Origin;
use crate::model::{Credential, FieldPath, Issuer, Policy, Privacy, ResourcePattern, Role};
use crate::token::KeySet;

/// Something that keeps an object from serving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The condition's reason.
    pub reason: Reason,
    /// Where it stands; the root for the object as a whole.
    pub field: FieldPath,
    /// What is wrong and what to do, in one sentence without the field.
    pub message: String,
}

/// Something that works and is worth a word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Where it stands.
    pub field: FieldPath,
    /// What is odd and what to do.
    pub message: String,
}

/// Which object is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Box<str>,
}

/// What a valid object means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one per object, and none is copied")]
pub enum Meaning {
    /// A JwtIssuer, with the keys written in it where `jwks` is given.
    Issuer(Issuer, Option<KeySet>),
    /// A Policy.
    Policy(Policy),
    /// A Role.
    Role(Role),
    /// A FunctionPrivacy.
    Privacy(Privacy),
    /// A RegistryCredential, which is in no bundle: it is for the operator alone.
    Credential(Box<Credential>),
}

/// One object after validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Which version of the object this is.
    pub origin: Origin,
    /// What it means, or everything that is wrong with it (never empty).
    pub verdict: Result<Meaning, Vec<Problem>>,
    /// What is odd about it, whether valid or not.
    pub warnings: Vec<Warning>,
    /// `spec.iss` of a JwtIssuer as written, also where the object is invalid: two with one `iss` serve
    /// neither (`semantics.md` 20). Several where files give one object several times.
    pub iss: BTreeSet<Box<str>>,
    /// What a FunctionPrivacy covers, or could cover at most where it is invalid: breaking it publishes
    /// nothing.
    pub covers: Vec<ResourcePattern>,
}

/// The objects there are, each validated.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// By kind and name.
    pub objects: BTreeMap<ObjectRef, Judged>,
}

/// What is known of an issuer's keys that do not stand in the object itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// Nobody has finished asking yet.
    Pending,
    /// They were read.
    Fetched {
        /// The usable keys.
        set: KeySet,
        /// What is worth saying about how they were found (`jwks_uri` read elsewhere, the cluster's issuer
        /// differs); becomes warnings.
        notes: Vec<String>,
    },
    /// They could not be read.
    Failed {
        /// The condition's reason.
        reason: Reason,
        /// What happened and what to do; no secret, no body of an answer.
        message: String,
        /// The last good ones, still used, and since when they are stale (ms since 1970).
        last: Option<(KeySet, i64)>,
    },
}

/// What each FunctionPrivacy covered in its last valid form, by name.
pub type LastValid = BTreeMap<Box<str>, Vec<ResourcePattern>>;

/// What the world outside the objects adds.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Keys by the JwtIssuer's name; one that is not in here is [`Keys::Pending`].
    pub keys: BTreeMap<Box<str>, Keys>,
    /// Bytes that the bundle may have; 0 means [`crate::bundle::DEFAULT_LIMIT`].
    pub limit: usize,
    /// What each FunctionPrivacy covered in its last valid form, by name, where that is known.
    pub last_valid: LastValid,
    /// Only part of the objects is given (`check --partial`, `-f` on a few files): a Role that names a
    /// Policy not among them has a warning instead of a problem.
    pub partial: bool,
}

/// What an object's `Ready` condition says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It serves as written.
    Ready,
    /// Only an edit of this object can cure it.
    Stalled,
    /// Something else can: a missing reference, a conflict, an issuer that cannot be reached.
    Reconciling,
    /// Keys are being fetched for the first time: the conditions of before stay.
    Pending,
}

/// The report on one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether it serves.
    pub readiness: Readiness,
    /// The reason of `Ready`.
    pub reason: Reason,
    /// The message of `Ready`: what is so, and what to do.
    pub message: String,
    /// All problems, the object's own first.
    pub problems: Vec<Problem>,
    /// All warnings, sorted by field.
    pub warnings: Vec<Warning>,
    /// For a Role: the JwtIssuers, by name and sorted, whose tokens it is enforced for.
    pub issuers: Vec<Box<str>>,
}

/// Everything that follows from the objects.
#[derive(Debug, Clone, Default)]
pub struct Linked {
    /// What serves.
    pub bundle: crate::bundle::Bundle,
    /// What to tell about each object.
    pub reports: BTreeMap<ObjectRef, Report>,
}
