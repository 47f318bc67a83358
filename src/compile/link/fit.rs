//! The bounds of the bundle: what no shard can hold is refused, and of what does not fit into the whole the
//! newest first; the rest serves (`semantics.md` 26).

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{not_ready, refusal, refused_key, roles};
use crate::api::{Kind, Reason};
use crate::bundle::{Bundle, DEFAULT_LIMIT, Key, MAX_RECORD, Origin, Record, Sort};
use crate::compile::{Linked, ObjectRef, Problem};
use crate::model::{FieldPath, ResourcePattern};

/// Takes objects out of the bundle until it has at most `limit` bytes; 0 means the default. A word on each
/// that was taken out stays where there is room for it, which is never at the cost of what serves.
///
/// Roles that serve are told of what they refer to and was taken out.
pub(super) fn fit(linked: &mut Linked, limit: usize) {
    let before: BTreeSet<Key> = linked.bundle.iter().map(|(key, _)| key.clone()).collect();
    keep_within(linked, limit);
    let is_there = |key: &Key| linked.bundle.get(key.sort, &key.name).is_some();
    let gone: BTreeSet<Key> = before.into_iter().filter(|key| !is_there(key)).collect();
    if !gone.is_empty() {
        roles::bereave(linked, &gone);
    }
}

fn keep_within(linked: &mut Linked, limit: usize) {
    let limit = if limit == 0 { DEFAULT_LIMIT } else { limit };
    let mut size = without_the_largest(linked);
    if size <= limit {
        return;
    }
    let mut words = Vec::new();
    for object in newest_first(linked) {
        if size <= limit {
            break;
        }
        let Some(key) = key_of(&linked.bundle, &object) else { continue };
        size -= linked.bundle.size_of(&key);
        let message = format!(
            "the bundle has no room for it: it may have {limit} bytes, and older objects fill it; remove objects, or raise the limit"
        );
        words.extend(take_out(linked, &object, &key, Reason::BundleFull, message));
    }
    for (key, word) in words.into_iter().rev() {
        linked.bundle.insert(key.name.clone(), word);
        size += linked.bundle.size_of(&key);
        if size > limit {
            linked.bundle.remove(&key);
            return;
        }
    }
}

/// Takes out what no shard can hold: written out in full, a condition that is short in a spec can be several
/// times as long, and one object must not keep the others' changes from being written. Returns the bytes of
/// what is left.
fn without_the_largest(linked: &mut Linked) -> usize {
    let sizes = linked.bundle.iter().map(|(key, _)| (key.clone(), linked.bundle.size_of(key)));
    let (large, small): (Vec<_>, Vec<_>) = sizes.partition(|(_, bytes)| *bytes > MAX_RECORD);
    let mut size = small.iter().map(|(_, bytes)| bytes).sum();
    for (key, bytes) in large {
        let Some(object) = linked.reports.keys().find(|o| key_of(&linked.bundle, o).as_ref() == Some(&key))
        else {
            continue;
        };
        let message = format!(
            "{bytes} bytes in the bundle, where every condition stands in full, and at most {MAX_RECORD} fit into a ConfigMap: split it into several objects"
        );
        if let Some((key, word)) = take_out(linked, &object.clone(), &key, Reason::TooLarge, message) {
            linked.bundle.insert(key.name.clone(), word);
            size += linked.bundle.size_of(&key);
        }
    }
    size
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
    // A FunctionPrivacy that goes makes every function private: all others go first.
    objects.sort_by_key(|object| object.kind == Kind::FunctionPrivacy);
    objects
}

/// Takes one object out and reports it. Returns the word that could stand in its place.
fn take_out(
    linked: &mut Linked,
    object: &ObjectRef,
    key: &Key,
    reason: Reason,
    message: String,
) -> Option<(Key, Record)> {
    let record = linked.bundle.remove(key)?;
    if key.sort == Sort::Refused {
        return None;
    }
    let report = linked.reports.get_mut(object)?;
    let problem = Problem { reason, field: FieldPath::root(), message };
    let problems = [vec![problem], std::mem::take(&mut report.problems)].concat();
    *report = not_ready(problems, std::mem::take(&mut report.warnings));
    if let Record::Privacy { origin, .. } = &record {
        linked.bundle.insert(key.name.clone(), everything_private(origin));
        return None;
    }
    Some((refused_key(object), refusal(record.origin()?, report, object)))
}

/// What stands for a FunctionPrivacy that has no room: it may have covered anything, and publishes nothing.
fn everything_private(origin: &Origin) -> Record {
    let all = ResourcePattern::parse("*:*").into_iter().collect();
    Record::Privacy { origin: origin.clone(), functions: Vec::new(), private: true, last_valid: Some(all) }
}

/// The key under which an object stands in the bundle.
fn key_of(bundle: &Bundle, object: &ObjectRef) -> Option<Key> {
    let sort = match object.kind {
        Kind::JwtIssuer => Sort::Issuer,
        Kind::Policy => Sort::Policy,
        Kind::Role => Sort::Role,
        Kind::FunctionPrivacy => Sort::Privacy,
        Kind::RegistryCredential | Kind::FunctionIdentity => Sort::Refused,
    };
    let keys = [Key::new(sort, object.name.clone()), refused_key(object)];
    keys.into_iter().find(|key| bundle.get(key.sort, &key.name).is_some())
}
