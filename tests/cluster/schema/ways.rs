//! The ways in which people and tools bring an object into a cluster, down to the requests they make.

use axum::http::{Request, request::Builder};
use faas_iam::api::Kind;
use kube::Client;
use serde_json::{Map, Value, json};

use super::least;
use crate::support::{Result, namespace::unique};

/// How an object gets its `spec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// POST of a new object.
    Post,
    /// PUT over an object that was fine.
    Put,
    /// JSON merge patch of an object that was fine, holding only what is set.
    MergePatch,
    /// `kubectl apply` of a new object: POST with strict checking and an annotation of what was applied.
    ClientSideCreate,
    /// `kubectl apply` over an object that it applied before: a merge patch of three sides, strictly checked.
    ClientSideApply,
    /// Server-side apply, as `kubectl apply --server-side`, Flux and Argo CD do it.
    ServerSideApply,
}

impl Way {
    pub const ALL: [Self; 6] = [
        Self::Post,
        Self::Put,
        Self::MergePatch,
        Self::ClientSideCreate,
        Self::ClientSideApply,
        Self::ServerSideApply,
    ];
}

/// What came of it.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// The `spec` as it is read back.
    Stored(Value),
    /// What the API server said.
    Refused(String),
}

/// The annotation in which `kubectl apply` keeps what was applied.
pub const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const STRICT: &str = "fieldManager=kubectl&fieldValidation=Strict";

/// Writes objects of one kind into one namespace.
pub struct Writer {
    pub client: Client,
    pub namespace: String,
    pub kind: Kind,
}

impl Writer {
    /// Brings a `spec` into the cluster, over [`least`] where the way needs an object to begin with.
    pub async fn write(&self, way: Way, spec: &Value) -> Result<Answer> {
        match self.write_over(way, &least(self.kind), spec).await {
            Ok(object) => Ok(Answer::Stored(object["spec"].clone())),
            Err(kube::Error::Api(status)) => Ok(Answer::Refused(status.message)),
            Err(error) => Err(error.into()),
        }
    }

    /// Brings a `spec` into the cluster, over an object with the `spec` `base` where the way needs one, and reads the
    /// whole object back.
    pub async fn write_over(&self, way: Way, base: &Value, spec: &Value) -> Result<Value, kube::Error> {
        let name = unique("object");
        let before = match way {
            Way::Put | Way::MergePatch => Some(self.post(self.object(&name, base)).await?),
            Way::ClientSideApply => Some(self.post(annotated(self.object(&name, base))).await?),
            Way::Post | Way::ClientSideCreate | Way::ServerSideApply => None,
        };
        let object = self.object(&name, spec);
        match way {
            Way::Post => self.send(Request::post(self.path("", "")), JSON, &object).await,
            Way::ClientSideCreate => {
                self.send(Request::post(self.path("", STRICT)), JSON, &annotated(object)).await
            }
            Way::Put => {
                let object = with_version(object, before.as_ref());
                self.send(Request::put(self.path(&name, "")), JSON, &object).await
            }
            Way::MergePatch => {
                let patch = json!({ "spec": difference(base, spec) });
                self.send(Request::patch(self.path(&name, "")), MERGE, &patch).await
            }
            Way::ClientSideApply => {
                let original = self.object(&name, base);
                let patch = three_way(&original, &annotated(object), &before.unwrap_or_default());
                self.send(Request::patch(self.path(&name, STRICT)), MERGE, &patch).await
            }
            Way::ServerSideApply => {
                let query = "fieldManager=kubectl&force=true";
                self.send(Request::patch(self.path(&name, query)), APPLY, &object).await
            }
        }
    }

    /// The object of a name and a `spec`.
    pub fn object(&self, name: &str, spec: &Value) -> Value {
        json!({
            "apiVersion": self.kind.api_version(),
            "kind": self.kind.kind(),
            "metadata": { "name": name, "namespace": self.namespace },
            "spec": spec,
        })
    }

    /// The path of the kind's list or of one object, with a query.
    pub fn path(&self, name: &str, query: &str) -> String {
        let list =
            format!("/apis/{}/namespaces/{}/{}", self.kind.api_version(), self.namespace, self.kind.plural());
        let object = if name.is_empty() { list } else { format!("{list}/{name}") };
        if query.is_empty() { object } else { format!("{object}?{query}") }
    }

    /// Makes an object that has to be accepted.
    pub async fn post(&self, object: Value) -> Result<Value, kube::Error> {
        self.send(Request::post(self.path("", "")), JSON, &object).await
    }

    async fn send(&self, request: Builder, content: &str, body: &Value) -> Result<Value, kube::Error> {
        let body = serde_json::to_vec(body).unwrap();
        self.client.request(request.header("content-type", content).body(body).unwrap()).await
    }
}

fn with_version(mut object: Value, before: Option<&Value>) -> Value {
    object["metadata"]["resourceVersion"] = before.map(|b| b["metadata"]["resourceVersion"].clone()).unwrap();
    object
}

fn annotated(mut object: Value) -> Value {
    let applied = object.to_string();
    object["metadata"]["annotations"] = json!({ APPLIED: applied });
    object
}

/// The merge patch (RFC 7396) that leads from one value to the other, as far as such a patch can.
fn difference(from: &Value, to: &Value) -> Value {
    let (Some(from), Some(to)) = (from.as_object(), to.as_object()) else { return to.clone() };
    let gone = from.keys().filter(|name| !to.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let changed = to.iter().filter(|(name, value)| from.get(*name) != Some(value)).map(|(name, value)| {
        let before = from.get(name).filter(|before| before.is_object() && value.is_object());
        (name.clone(), before.map_or_else(|| value.clone(), |before| difference(before, value)))
    });
    gone.chain(changed).collect::<Map<_, _>>().into()
}

/// The patch that `kubectl apply` sends: what changed against the live object, without any null, and what was applied
/// before and no longer is.
fn three_way(original: &Value, modified: &Value, live: &Value) -> Value {
    let changes = nulls(&difference(live, modified), false);
    let deletions = nulls(&difference(original, modified), true);
    union(changes, deletions)
}

/// The patch reduced to its nulls, or to everything else.
fn nulls(patch: &Value, kept: bool) -> Value {
    let Some(patch) = patch.as_object() else { return patch.clone() };
    let entries = patch.iter().filter_map(|(name, value)| match value {
        Value::Null => kept.then_some((name.clone(), Value::Null)),
        Value::Object(inner) => {
            let inner = nulls(&inner.clone().into(), kept);
            let empty = inner.as_object().is_some_and(Map::is_empty);
            (!(kept && empty)).then_some((name.clone(), inner))
        }
        other => (!kept).then(|| (name.clone(), other.clone())),
    });
    entries.collect::<Map<_, _>>().into()
}

fn union(mut into: Value, from: Value) -> Value {
    let (Some(target), Value::Object(from)) = (into.as_object_mut(), from) else { return into };
    for (name, value) in from {
        let slot = target.entry(name).or_insert(Value::Null);
        *slot = if slot.is_object() { union(slot.take(), value) } else { value };
    }
    into
}
