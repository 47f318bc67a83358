//! The names and labels that the operator gives to what it makes. A label alone makes nothing ours: it is
//! how what we made is found again, and by whom it was made is told by the index.

use std::collections::BTreeMap;

/// The field manager of every write.
pub const MANAGER: &str = "faas-iam";
/// The labels of shards and index, as a selector. The value is never `openfaas`: the provider would list
/// and replace what has that.
pub const SELECTOR: &str = "app.kubernetes.io/managed-by=faas-iam,app.kubernetes.io/component=bundle";
/// The name of the Lease.
pub const LEASE: &str = "faas-iam-operator";

/// The labels of [`SELECTOR`].
pub fn labels() -> BTreeMap<String, String> {
    SELECTOR
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}
