//! What keeps functions private while the files are being broken: a FunctionPrivacy that is edited into
//! something that is none, or whose place something unreadable may have taken, publishes nothing
//! (`security-rules.md` 29).
//!
//! Adds broken objects to those that there are; what a broken one keeps private is `compile`'s to say.

use std::collections::BTreeSet;

use super::refuse;
use crate::api::{Kind, Reason};
use crate::bundle::Origin;
use crate::compile::validate::validate;
use crate::compile::{Catalogue, Judged, LastValid, Meaning, ObjectRef, Problem};
use crate::manifest::Document;
use crate::model::FieldPath;

const GONE: &str = "gone, while a document of the folder cannot be placed: what it covered stays private; \
    repair that document, or remove it";

/// Adds what must not be published by a slip: each document that can only be a FunctionPrivacy, under its
/// place for a name, and, where any document cannot be placed, each FunctionPrivacy that was there before.
/// Returns the former, of which the files' own problems tell already.
pub fn keep(catalogue: &mut Catalogue, unidentified: &[Document], before: &LastValid) -> BTreeSet<ObjectRef> {
    if !unidentified.is_empty() {
        for name in before.keys() {
            catalogue.objects.entry(object(name)).or_insert_with(|| gone(before, name));
        }
    }
    let meant = unidentified.iter().filter(|d| d.text(&["kind"]) == Some(Kind::FunctionPrivacy.kind()));
    let unnamed = meant.map(|document| {
        let name = object(&format!("{}:{}", document.source, document.start()));
        let judged = refuse(validate(Kind::FunctionPrivacy, &document.value, document));
        catalogue.objects.insert(name.clone(), judged);
        name
    });
    unnamed.collect()
}

/// What each FunctionPrivacy covers, or did in its last valid form; of those that are gone nothing is kept.
pub fn remember(catalogue: &Catalogue, before: LastValid) -> LastValid {
    let mut before = before;
    let privacies = catalogue.objects.iter().filter(|(object, _)| object.kind == Kind::FunctionPrivacy);
    let known = privacies.filter_map(|(object, judged)| match &judged.verdict {
        Ok(Meaning::Privacy(privacy)) => Some((object.name.clone(), privacy.functions.clone())),
        _ => before.remove_entry(&object.name),
    });
    known.collect()
}

fn object(name: &str) -> ObjectRef {
    ObjectRef { kind: Kind::FunctionPrivacy, name: name.into() }
}

fn gone(before: &LastValid, name: &str) -> Judged {
    let problem = Problem { reason: Reason::Invalid, field: FieldPath::root(), message: GONE.to_owned() };
    Judged {
        origin: Origin::default(),
        verdict: Err(vec![problem]),
        warnings: Vec::new(),
        iss: BTreeSet::new(),
        covers: before.get(name).cloned().unwrap_or_default(),
    }
}
