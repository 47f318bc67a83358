//! The pull secrets that a ServiceAccount names: ours behind everybody else's, and gone again without a trace. What we
//! have added stands in an annotation beside them, since a name that was there before us is not ours to take away.
//!
//! The list is replaced whole by whoever applies it (`listType=atomic`), so ours are put in and taken out one by one, each
//! time on condition that nobody has written since it was read (RFC 6902 `test`).

use std::collections::{BTreeMap, BTreeSet};

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation};
use serde_json::{Value, json};

/// The annotation that names what installations have added, each as `IAM namespace/name`, by commas.
pub const ADDED: &str = "iam.openfaas.com/pull-secrets";

/// A ServiceAccount, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Its `metadata.resourceVersion`.
    pub resource_version: String,
    /// Its annotations, of which none but [`ADDED`] counts; `None` where the field is absent.
    pub annotations: Option<BTreeMap<String, String>>,
    /// The names in its `imagePullSecrets`, in their order; `None` where the field is absent.
    pub references: Option<Vec<String>>,
}

/// What has to be done for the account to name these pull secrets of an installation and no others of it; `None` where
/// nothing has. Those that are `released` stay named, and are ours no longer. `owner` is the installation's IAM namespace.
///
/// Names that were there before us count as there, and stay when they are wanted no longer. A name that stands there
/// twice, which is never our doing, is left; where ours is taken away, once.
pub fn patch(
    account: &Account,
    owner: &str,
    wanted: &BTreeSet<&str>,
    released: impl Fn(&str) -> bool,
) -> Option<Patch> {
    let there = account.references.as_deref().unwrap_or_default();
    let added = added(account, owner);
    let missing: Vec<_> = wanted.iter().copied().filter(|name| !there.iter().any(|is| is == name)).collect();
    let spare: Vec<usize> = added
        .iter()
        .filter(|name| !wanted.contains(*name) && !released(name))
        .filter_map(|name| there.iter().rposition(|is| is == name))
        .collect();
    let kept: BTreeSet<_> =
        added.iter().copied().filter(|name| wanted.contains(name)).chain(missing.clone()).collect();
    if missing.is_empty() && spare.is_empty() && kept == added {
        return None;
    }
    let mut steps = vec![seen(account)];
    steps.extend(without(spare));
    steps.extend(with(account, &missing));
    steps.extend(marked(account, owner, &kept));
    Some(Patch(steps))
}

/// The names that this installation has added.
pub fn added<'a>(account: &'a Account, owner: &str) -> BTreeSet<&'a str> {
    let pairs = marks(account).filter_map(|mark| mark.split_once('/'));
    pairs.filter(|(of, _)| *of == owner).map(|(_, name)| name).collect()
}

/// What all installations have added, each as `IAM namespace/name`.
fn marks(account: &Account) -> impl Iterator<Item = &str> {
    let names = account.annotations.as_ref().and_then(|all| all.get(ADDED));
    names.into_iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty())
}

fn at<'a>(tokens: impl IntoIterator<Item = &'a str>) -> PointerBuf {
    PointerBuf::from_tokens(tokens)
}

fn seen(account: &Account) -> PatchOperation {
    let value = account.resource_version.clone().into();
    PatchOperation::Test(TestOperation { path: at(["metadata", "resourceVersion"]), value })
}

/// From the end on, so that no place moves before its turn.
fn without(mut places: Vec<usize>) -> impl Iterator<Item = PatchOperation> {
    places.sort_unstable_by(|a, b| b.cmp(a));
    let path = |place: usize| at(["imagePullSecrets", &place.to_string()]);
    places.into_iter().map(move |place| PatchOperation::Remove(RemoveOperation { path: path(place) }))
}

fn with(account: &Account, names: &[&str]) -> Vec<PatchOperation> {
    let list =
        (account.references.is_none() && !names.is_empty()).then(|| add(["imagePullSecrets"], json!([])));
    let each = names.iter().map(|name| add(["imagePullSecrets", "-"], json!({ "name": name })));
    list.into_iter().chain(each).collect()
}

fn marked(account: &Account, owner: &str, names: &BTreeSet<&str>) -> Vec<PatchOperation> {
    let own = format!("{owner}/");
    let others = marks(account).filter(|mark| !mark.starts_with(&own)).map(str::to_owned);
    let names: BTreeSet<String> = names.iter().map(|name| own.clone() + name).chain(others).collect();
    let is_there = account.annotations.as_ref().is_some_and(|all| all.contains_key(ADDED));
    let path = || at(["metadata", "annotations", ADDED]);
    let value = Value::from(names.iter().map(String::as_str).collect::<Vec<_>>().join(","));
    match (is_there, names.is_empty()) {
        (true, true) => vec![PatchOperation::Remove(RemoveOperation { path: path() })],
        (true, false) => vec![PatchOperation::Replace(ReplaceOperation { path: path(), value })],
        (false, true) => Vec::new(),
        (false, false) => {
            let map = account.annotations.is_none().then(|| add(["metadata", "annotations"], json!({})));
            map.into_iter().chain([PatchOperation::Add(AddOperation { path: path(), value })]).collect()
        }
    }
}

fn add<'a>(path: impl IntoIterator<Item = &'a str>, value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path: at(path), value })
}

#[cfg(test)]
mod tests;
