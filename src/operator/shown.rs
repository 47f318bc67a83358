//! One object as the API server shows it, with what the operator needs of its metadata.

use kube::api::DynamicObject;
use serde_json::Value;

use super::rivals::rival;
use crate::api::Kind;
use crate::bundle::{Digest, Origin};
use crate::compile::ObjectRef;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One object as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Which object.
    pub key: ObjectRef,
    /// Which version of it.
    pub origin: Origin,
    /// Its resourceVersion.
    pub resource_version: String,
    /// Its status, null where it has none.
    pub status: Value,
    /// The field manager that has changed the status last, where that is not us.
    pub rival: Option<Box<str>>,
    /// The annotation that `kubectl apply` keeps.
    pub applied: Option<String>,
    /// The whole of it, without managed fields and status.
    pub whole: Value,
}

impl Shown {
    /// An object from a watch. Whatever its spec holds, this works: what does not fit is the validator's.
    pub fn new(kind: Kind, mut object: DynamicObject) -> Self {
        let rival = rival(&object.metadata, Some("status"));
        object.metadata.managed_fields = None;
        let status = object.data.as_object_mut().and_then(|data| data.remove("status")).unwrap_or_default();
        let meta = &object.metadata;
        let origin = Origin {
            uid: meta.uid.clone().unwrap_or_default().into(),
            generation: meta.generation.unwrap_or_default(),
            digest: Digest::of_json(object.data.get("spec").unwrap_or(&Value::Null)),
            created: meta.creation_timestamp.as_ref().map_or(0, |time| time.0.as_second()),
        };
        Self {
            key: ObjectRef { kind, name: meta.name.clone().unwrap_or_default().into() },
            origin,
            resource_version: meta.resource_version.clone().unwrap_or_default(),
            applied: meta.annotations.as_ref().and_then(|all| all.get(LAST_APPLIED)).cloned(),
            status,
            rival,
            whole: serde_json::to_value(&object).unwrap_or_default(),
        }
    }

    /// `spec.iss`, where it is text.
    pub fn iss(&self) -> Option<&str> {
        self.whole.get("spec")?.get("iss")?.as_str()
    }
}
