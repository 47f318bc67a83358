//! The objects as the API server shows them, and the form of each that counts. Decides what a change
//! touches, and holds on to the last known form of an object while fields of ours are pruned.
//!
//! Pure: fed by plain calls, reads no clock, asks nobody. Pruning happens on read and changes neither
//! generation nor resourceVersion, so an object that shows another spec under the same uid and generation
//! is pruned, and keeps the form it had.

mod remembered;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::shown::Shown;
use crate::api::{Kind, Reason};
use crate::bundle::Bundle;
use crate::compile::{Catalogue, Judged, ObjectRef, Problem, validate::validate};
use crate::model::{FieldPath, Unplaced};

pub use schema::Schema;

/// Which form of an object counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The one that is shown.
    Current,
    /// An earlier one: what is shown may lack fields of ours.
    Kept,
    /// None: what is shown may lack fields of ours, and nothing earlier is known. Not served.
    Withheld,
}

/// Who has written an object's status last, as far as we have seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// Nobody since we look.
    Unknown,
    /// We.
    We,
    /// After us somebody else, by this field manager where that is known.
    Rival(Option<Box<str>>),
}

/// What is known of an object besides its meaning.
#[derive(Debug, Clone)]
pub struct Meta {
    /// Its uid.
    pub uid: String,
    /// The resourceVersion seen last; status is written against it.
    pub resource_version: String,
    /// Its status as seen last.
    pub status: Value,
    /// Who has written it.
    pub author: Author,
    /// Which form counts.
    pub form: Form,
    /// The annotation that kubectl keeps; a change of it may change warnings.
    applied: Option<String>,
}

/// What is known of one kind.
#[derive(Debug, Default)]
struct Shelf {
    schema: Schema,
    /// The objects of a list that has not ended.
    listing: Option<Vec<Shown>>,
    /// The definition that was whole when the list began.
    began_under: Option<String>,
    /// The definition under which the last list counted.
    counted_under: Option<String>,
    /// Whether any list has ended.
    listed: bool,
}

impl Shelf {
    /// Whether what is shown can be taken as it is.
    fn trusted(&self) -> bool {
        self.counted_under.is_some() && self.counted_under.as_deref() == self.schema.whole()
    }
}

/// What came of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// It counts.
    Counted,
    /// Only what it no longer shows counts; list again.
    Again,
    /// Only what it no longer shows counts, until the definition is whole.
    Pruned,
}

/// The objects there are.
#[derive(Debug, Default)]
pub struct Objects {
    catalogue: Catalogue,
    metas: BTreeMap<ObjectRef, Meta>,
    shelves: BTreeMap<Kind, Shelf>,
    changed: bool,
    touched: BTreeSet<ObjectRef>,
    relist: BTreeSet<Kind>,
}

impl Objects {
    /// Takes the forms that an earlier operator left in the bundle, as the last known ones.
    pub fn remember(&mut self, bundle: &Bundle) {
        self.catalogue.objects.extend(remembered::judged(bundle));
        self.changed = true;
    }

    /// The objects, each validated, in the form that counts.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What is known of an object besides its meaning; `None` where it was never shown.
    pub fn meta(&self, object: &ObjectRef) -> Option<&Meta> {
        self.metas.get(object)
    }

    /// Whether every kind was listed at least once.
    pub fn listed(&self) -> bool {
        Kind::ACCESS.iter().all(|kind| self.shelves.get(kind).is_some_and(|shelf| shelf.listed))
    }

    /// What is known of a kind's definition.
    pub fn schema(&self, kind: Kind) -> &Schema {
        self.shelves.get(&kind).map_or(&Schema::Unknown, |shelf| &shelf.schema)
    }

    /// How many objects of a kind do not count as they are shown.
    pub fn withheld(&self, kind: Kind) -> usize {
        self.metas.iter().filter(|(object, meta)| object.kind == kind && meta.form != Form::Current).count()
    }

    /// Whether what the catalogue holds has changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The objects whose meaning or status has changed since this was last asked.
    pub fn take_touched(&mut self) -> BTreeSet<ObjectRef> {
        std::mem::take(&mut self.touched)
    }

    /// The kinds that have to be listed again, since this was last asked.
    pub fn take_relist(&mut self) -> BTreeSet<Kind> {
        std::mem::take(&mut self.relist)
    }

    /// A kind's definition was seen. Another one than before means another list.
    pub fn define(&mut self, kind: Kind, schema: Schema) {
        let shelf = self.shelves.entry(kind).or_default();
        if shelf.schema != schema && (shelf.listed || shelf.listing.is_some()) {
            self.relist.insert(kind);
        }
        shelf.schema = schema;
    }

    /// A list of a kind begins.
    pub fn begin(&mut self, kind: Kind) {
        let shelf = self.shelves.entry(kind).or_default();
        shelf.listing = Some(Vec::new());
        shelf.began_under = shelf.schema.whole().map(str::to_owned);
    }

    /// An object of the list that has begun.
    pub fn item(&mut self, object: Shown) {
        if let Some(listing) = self.shelves.entry(object.key.kind).or_default().listing.as_mut() {
            listing.push(object);
        }
    }

    /// The list ends, and the definition was read again after it.
    pub fn end(&mut self, kind: Kind, after: Schema) -> Listed {
        let shelf = self.shelves.entry(kind).or_default();
        let Some(items) = shelf.listing.take() else { return Listed::Again };
        shelf.listed = true;
        shelf.schema = after;
        let whole = shelf.schema.whole().map(str::to_owned);
        let steady = whole.is_some() && whole == shelf.began_under;
        let counts = steady && !items.iter().any(|item| self.shows_another_spec(item));
        if let Some(shelf) = self.shelves.get_mut(&kind) {
            shelf.counted_under = whole.clone().filter(|_| counts);
        }
        self.forget_unlisted(kind, &items);
        items.into_iter().for_each(|item| self.take(item));
        match (counts, whole) {
            (true, _) => Listed::Counted,
            (false, Some(_)) => Listed::Again,
            (false, None) => Listed::Pruned,
        }
    }

    /// An object was made or changed.
    pub fn apply(&mut self, object: Shown) {
        if self.shows_another_spec(&object) {
            self.relist.insert(object.key.kind);
        }
        self.take(object);
    }

    /// An object is gone. Deletions count whatever the schema.
    pub fn delete(&mut self, key: &ObjectRef) {
        self.metas.remove(key);
        if self.catalogue.objects.remove(key).is_some() {
            self.changed = true;
        }
        self.touched.remove(key);
    }

    /// Our own write of a status has answered with this version. The watch may have told of it before, and of what came
    /// after it, too.
    pub fn reported(&mut self, key: &ObjectRef, resource_version: String, status: Value) {
        let Some(meta) = self.metas.get_mut(key) else { return };
        if !is_older(&resource_version, &meta.resource_version) {
            (meta.resource_version, meta.status) = (resource_version, status);
            meta.author = Author::We;
        } else if meta.status == status {
            meta.author = Author::We;
        } else if meta.author == Author::Unknown {
            meta.author = Author::Rival(None);
        }
    }

    fn forget_unlisted(&mut self, kind: Kind, items: &[Shown]) {
        let listed: BTreeSet<&ObjectRef> = items.iter().map(|item| &item.key).collect();
        let gone = |key: &&ObjectRef| key.kind == kind && !listed.contains(key);
        let gone: Vec<ObjectRef> = self.catalogue.objects.keys().filter(gone).cloned().collect();
        gone.iter().for_each(|key| self.delete(key));
    }

    /// Whether a known object shows another spec under the same uid and generation.
    fn shows_another_spec(&self, object: &Shown) -> bool {
        self.known(object).is_some_and(|known| known.origin != object.origin)
    }

    /// The known form of the same generation of the same object.
    fn known(&self, object: &Shown) -> Option<&Judged> {
        let known = self.catalogue.objects.get(&object.key)?;
        let same =
            known.origin.uid == object.origin.uid && known.origin.generation == object.origin.generation;
        (same && !withheld(known)).then_some(known)
    }

    /// Takes what is shown as far as it can be trusted.
    fn take(&mut self, object: Shown) {
        let trusted = self.shelves.get(&object.key.kind).is_some_and(Shelf::trusted);
        let known = self.known(&object);
        let same = known.is_some_and(|known| known.origin == object.origin);
        let form = match known {
            _ if same => Form::Current,
            None if trusted => Form::Current,
            Some(_) => Form::Kept,
            None if self.has_earlier(&object) => Form::Kept,
            None => Form::Withheld,
        };
        self.judge(&object, form, same);
        self.note(object, form);
    }

    /// Whether an earlier form of the very object is known.
    fn has_earlier(&self, object: &Shown) -> bool {
        let earlier = self.catalogue.objects.get(&object.key);
        earlier.is_some_and(|known| known.origin.uid == object.origin.uid && !withheld(known))
    }

    /// Puts the form that counts into the catalogue, where it is not there yet.
    fn judge(&mut self, object: &Shown, form: Form, same: bool) {
        let judged = match form {
            Form::Kept => return,
            Form::Withheld => withhold(object),
            Form::Current if same && self.is_noted(object) => return,
            Form::Current => Judged {
                origin: object.origin.clone(),
                ..validate(object.key.kind, &object.whole, &Unplaced)
            },
        };
        if self.catalogue.objects.get(&object.key) != Some(&judged) {
            self.catalogue.objects.insert(object.key.clone(), judged);
            self.changed = true;
            self.touched.insert(object.key.clone());
        }
    }

    /// Whether the object was judged as it is shown, kubectl's annotation included.
    fn is_noted(&self, object: &Shown) -> bool {
        self.metas
            .get(&object.key)
            .is_some_and(|meta| meta.form == Form::Current && meta.applied == object.applied)
    }

    fn note(&mut self, object: Shown, form: Form) {
        let Shown { key, origin, resource_version, status, rival, applied, whole: _ } = object;
        // What shows less than was written may lack its status, too.
        let shows_status = form != Form::Kept && self.schema(key.kind).takes_status();
        let uid = origin.uid.to_string();
        let mut meta = Meta { uid, resource_version, status, author: Author::Unknown, form, applied };
        let before = self.metas.remove(&key);
        if before.as_ref().is_none_or(|before| before.uid != meta.uid) {
            self.touched.insert(key.clone());
        } else if let Some(before) = before {
            if !shows_status {
                meta.status = before.status.clone();
            }
            let touched = meta.follow(before, rival);
            self.touched.extend(touched.then(|| key.clone()));
        }
        self.metas.insert(key, meta);
    }
}

impl Meta {
    /// Takes over what was known before of the same object. Returns whether its status may have to be written.
    fn follow(&mut self, before: Self, rival: Option<Box<str>>) -> bool {
        if is_older(&self.resource_version, &before.resource_version) {
            // It was on its way while we wrote: what our write answered is newer.
            (self.resource_version, self.status) = (before.resource_version, before.status.clone());
        }
        let undone = self.status != before.status && before.author != Author::Unknown;
        self.author = if undone { Author::Rival(rival) } else { before.author };
        self.status != before.status || self.form != before.form
    }
}

/// Whether a resourceVersion is older than another; Kubernetes orders them as numbers.
pub(super) fn is_older(version: &str, than: &str) -> bool {
    matches!((version.parse::<u64>(), than.parse::<u64>()), (Ok(a), Ok(b)) if a < b)
}

const WITHHELD: &str = "the installed definition of this kind lacks fields that this version needs, so what \
    is shown may say less than what was written: install the definitions of `faas-iam crds` again";

/// What stands for an object that may have lost fields and of which nothing earlier is known.
fn withhold(object: &Shown) -> Judged {
    let problem =
        Problem { reason: Reason::FieldsPruned, field: FieldPath::root(), message: WITHHELD.to_owned() };
    Judged {
        origin: object.origin.clone(),
        verdict: Err(vec![problem]),
        warnings: Vec::new(),
        iss: object.iss().map(Into::into).into_iter().collect(),
        covers: Vec::new(),
    }
}

/// Whether a judgement says nothing but that the object may have lost fields.
fn withheld(judged: &Judged) -> bool {
    judged.verdict.as_ref().is_err_and(|problems| problems.iter().any(|p| p.reason == Reason::FieldsPruned))
}
