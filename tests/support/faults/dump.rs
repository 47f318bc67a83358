//! What a namespace holds, so worded that two runs can be compared: without uids, versions, times, generations, Events and
//! Leases; what is random by design has a name; what is named by a hash is named by the hash of the words it has here.

use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kube::{
    Api, Client, ResourceExt as _,
    api::{ApiResource, DynamicObject, ListParams},
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::call::without_hashes;
use crate::support::{Failure, Result, namespace::listable};

/// What is left out wherever it stands.
const UNEQUAL: [&str; 9] = [
    "resourceVersion",
    "creationTimestamp",
    "managedFields",
    "lastTransitionTime",
    "generation",
    "created",
    "since",
    "staleSince",
    // What was there once; what is still there is dumped.
    "retired",
];

/// Kinds that are left out: what Kubernetes' own controllers make and name at random, and what tells of times alone.
const LEFT_OUT: [&str; 7] =
    ["Event", "Lease", "Endpoints", "EndpointSlice", "Deployment", "ReplicaSet", "Pod"];

/// Hexadecimal digits of a SHA-256.
const SHA256: usize = 64;

/// Texts that differ between runs by design, and what to call them: a key that was made at random, say.
pub type Words = Vec<(String, String)>;

/// Every object of a namespace by kind and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump(BTreeMap<String, String>);

/// What dumps namespaces; asks once which kinds there are.
#[derive(Clone)]
pub struct Dumper {
    client: Client,
    kinds: Vec<ApiResource>,
}

impl Dumper {
    /// One for a cluster.
    ///
    /// # Errors
    /// When the API server does not say which kinds there are.
    pub async fn new(client: Client) -> Result<Self> {
        let mut kinds = listable(&client).await?;
        kinds.retain(|kind| !LEFT_OUT.contains(&kind.kind.as_str()));
        Ok(Self { client, kinds })
    }

    /// The same with another connection.
    pub fn of_client(&self, client: Client) -> Self {
        Self { client, kinds: self.kinds.clone() }
    }

    /// Everything in a namespace.
    ///
    /// # Errors
    /// When something cannot be listed.
    pub async fn of(&self, namespace: &str, words: &Words) -> Result<Dump> {
        let listed = self.kinds.iter().map(async |kind| {
            let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, kind);
            let objects = api.list(&ListParams::default()).await?;
            Ok::<_, Failure>(
                objects.into_iter().map(|object| (kind.kind.clone(), object)).collect::<Vec<_>>(),
            )
        });
        let objects = futures::future::try_join_all(listed).await?.into_iter().flatten().collect();
        Ok(dump(objects, namespace, words))
    }
}

fn dump(objects: Vec<(String, DynamicObject)>, namespace: &str, words: &Words) -> Dump {
    let uid = |(kind, object): &(String, DynamicObject)| {
        Some((object.uid()?, format!("uid of {kind} {}", object.name_any())))
    };
    let mut words: Words = objects.iter().filter_map(uid).chain(words.iter().cloned()).collect();
    words.push((namespace.to_owned(), "NAMESPACE".to_owned()));
    let mut hashes = Words::new();
    let told: Vec<_> = objects
        .into_iter()
        .map(|(kind, object)| (format!("{kind} {}", object.name_any()), told(object, &words, &mut hashes)))
        .collect();
    words.extend(hashes);
    // What is left is the hash of something that is gone.
    let named = |text: &str| without_hashes(&replaced(text, &words), SHA256);
    let told = told.into_iter();
    Dump(
        told.map(|(name, value)| {
            (named(&name), named(&serde_json::to_string_pretty(&value).unwrap_or_default()))
        })
        .collect(),
    )
}

/// An object without what differs, its data readable.
fn told(mut object: DynamicObject, words: &Words, hashes: &mut Words) -> Value {
    object.metadata.uid = None;
    let mut value = serde_json::to_value(&object).unwrap_or_default();
    for (field, is_base64) in [("data", object.types_are("Secret")), ("binaryData", true)] {
        for text in value.get_mut(field).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
        {
            *text = read(text, is_base64, words, hashes);
        }
    }
    without_unequal(&mut value);
    value
}

trait TypesAre {
    fn types_are(&self, kind: &str) -> bool;
}

impl TypesAre for DynamicObject {
    fn types_are(&self, kind: &str) -> bool {
        // A list's items have no types of their own; a Secret alone has a `type`.
        self.types.as_ref().is_some_and(|types| types.kind == kind) || self.data.get("type").is_some()
    }
}

/// One text of an object's data: as lines of JSON where it is that; its hash is that of what is told of it.
fn read(text: &Value, is_base64: bool, words: &Words, hashes: &mut Words) -> Value {
    let Some(text) = text.as_str() else { return text.clone() };
    let bytes = if is_base64 { STANDARD.decode(text).unwrap_or_default() } else { text.into() };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    let told = match lines {
        Ok(mut lines) if !lines.is_empty() => {
            lines.iter_mut().for_each(without_unequal);
            Value::Array(lines)
        }
        _ => Value::String(text.clone().into_owned()),
    };
    let told_hash = hex::encode_upper(Sha256::digest(replaced(&told.to_string(), words)));
    hashes.push((hex::encode(Sha256::digest(&bytes)), told_hash));
    told
}

fn without_unequal(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !UNEQUAL.contains(&key.as_str()));
            map.values_mut().for_each(without_unequal);
        }
        Value::Array(list) => list.iter_mut().for_each(without_unequal),
        _ => {}
    }
}

fn replaced(text: &str, words: &Words) -> String {
    words.iter().fold(text.to_owned(), |text, (from, to)| {
        // Within JSON a text of several lines is written otherwise.
        let escaped = Value::from(from.as_str()).to_string();
        text.replace(escaped.trim_matches('"'), to).replace(from.as_str(), to)
    })
}

impl Dump {
    /// Whether there is an object whose name and form contain these.
    pub fn has(&self, name: &str, text: &str) -> bool {
        self.0.iter().any(|(at, form)| at.contains(name) && form.contains(text))
    }

    /// What another one lacks of this, or has otherwise; it may have more.
    pub fn lacks(&self, other: &Self) -> Vec<&String> {
        self.0.iter().filter(|(name, form)| other.0.get(*name) != Some(form)).map(|(name, _)| name).collect()
    }

    /// Where another one differs, for people.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys());
        let mut differing: Vec<_> = names.filter(|name| self.0.get(*name) != other.0.get(*name)).collect();
        differing.sort();
        differing.dedup();
        let side = |dump: &Self, name: &String| dump.0.get(name).cloned().unwrap_or_else(|| "nothing".into());
        differing
            .into_iter()
            .map(|name| format!("{name}\n--- here\n{}\n--- there\n{}", side(self, name), side(other, name)))
            .collect()
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, form)| writeln!(f, "{name}\n{form}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    /// A run: an object, a text that has its uid and a random key, and an index of that text by its hash.
    fn run(uid: &str, key: &str, version: &str, spec: &str) -> Dump {
        let text = format!("{{\"of\":\"{uid}\",\"key\":\"{key}\",\"since\":{}}}\n", version.len());
        let hash = hex::encode(Sha256::digest(&text));
        let meta = |name: &str, uid: &str| json!({"name": name, "uid": uid, "resourceVersion": version});
        let index = STANDARD.encode(json!({"generation": version, "shards": [hash]}).to_string());
        let objects = vec![
            ("Role".to_owned(), object(json!({"metadata": meta("a", uid), "spec": spec}))),
            ("ConfigMap".to_owned(), object(json!({"metadata": meta(&hash, "u2"), "data": {"t": text}}))),
            (
                "Secret".to_owned(),
                object(json!({"metadata": meta("i", "u3"), "type": "x", "data": {"j": index}})),
            ),
        ];
        dump(objects, "ns", &vec![(key.to_owned(), "KEY".to_owned())])
    }

    #[test]
    fn two_runs_that_differ_by_uids_versions_times_and_what_is_random_are_equal_and_no_others() {
        let one = run("6ba7b810", "random-1", "12", "same");
        assert_eq!(one.differences(&run("f47ac10b", "random-22", "3456", "same")), Vec::<String>::new());
        let other = one.differences(&run("6ba7b810", "random-1", "12", "different"));
        assert!(matches!(other.as_slice(), [only] if only.starts_with("Role a")), "{other:?}");
        assert!(one.has("Secret i", "shards") && one.has("ConfigMap", "KEY"), "{one}");
    }
}
