//! The bound of the whole bundle: what does not fit is refused by name, the newest first, and the rest
//! serves (`semantics.md` 26).

use std::cmp::Reverse;

use super::{not_ready, refusal, refused_key};
use crate::api::{Kind, Reason};
use crate::bundle::{Bundle, DEFAULT_LIMIT, Key, Sort};
use crate::compile::{Linked, ObjectRef, Problem};
use crate::model::FieldPath;

/// Takes objects out of the bundle until it has at most `limit` bytes; 0 means the default.
pub(super) fn fit(linked: &mut Linked, limit: usize) {
    let limit = if limit == 0 { DEFAULT_LIMIT } else { limit };
    let mut size: usize = linked.bundle.iter().map(|(key, _)| linked.bundle.size_of(key)).sum();
    if size <= limit {
        return;
    }
    for object in newest_first(linked) {
        if size <= limit {
            return;
        }
        size = size - size_of(&linked.bundle, &object) + refuse(linked, &object, limit);
    }
}

/// All objects, by the time of their creation and then by name, last first.
fn newest_first(linked: &Linked) -> Vec<ObjectRef> {
    let created = |object: &ObjectRef| {
        key_of(&linked.bundle, object)
            .and_then(|key| linked.bundle.get(key.sort, &key.name)?.origin())
            .map(|o| o.created)
    };
    let mut objects: Vec<_> = linked.reports.keys().cloned().collect();
    objects.sort_by_cached_key(|object| Reverse((created(object), object.name.clone(), object.kind)));
    objects
}

/// Takes one object out. Returns the bytes of what stands in its place: a word on why, where there is room.
fn refuse(linked: &mut Linked, object: &ObjectRef, limit: usize) -> usize {
    let Some(key) = key_of(&linked.bundle, object) else { return 0 };
    let before = linked.bundle.size_of(&key);
    let Some(record) = linked.bundle.remove(&key) else { return 0 };
    let (Some(report), Some(origin)) = (linked.reports.get_mut(object), record.origin()) else { return 0 };
    if key.sort == Sort::Refused {
        return 0;
    }
    let message = format!(
        "the bundle has no room for it: it may have {limit} bytes, and older objects fill it; remove objects, or raise the limit"
    );
    let problem = Problem { reason: Reason::BundleFull, field: FieldPath::root(), message };
    *report = not_ready(
        [vec![problem], std::mem::take(&mut report.problems)].concat(),
        std::mem::take(&mut report.warnings),
    );
    let word = refused_key(object);
    linked.bundle.insert(word.name.clone(), refusal(origin, report, object));
    let after = linked.bundle.size_of(&word);
    if after < before {
        return after;
    }
    linked.bundle.remove(&word);
    0
}

fn size_of(bundle: &Bundle, object: &ObjectRef) -> usize {
    key_of(bundle, object).map_or(0, |key| bundle.size_of(&key))
}

/// The key under which an object stands in the bundle.
fn key_of(bundle: &Bundle, object: &ObjectRef) -> Option<Key> {
    let sort = match object.kind {
        Kind::JwtIssuer => Sort::Issuer,
        Kind::Policy => Sort::Policy,
        Kind::Role => Sort::Role,
        Kind::RegistryCredential | Kind::FunctionPrivacy | Kind::FunctionIdentity => Sort::Refused,
    };
    let keys = [Key::new(sort, object.name.clone()), refused_key(object)];
    keys.into_iter().find(|key| bundle.get(key.sort, &key.name).is_some())
}
