//! One custom resource as the API server sends it, read however deep it is nested.
//!
//! Under `jwks` the schema keeps whatever is written, and the API server takes far more levels than our JSON
//! reader: one such object would otherwise make the whole list unreadable, and nobody's edits would arrive.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::{ApiResource, DynamicObject};
use kube::core::DynamicResourceScope;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::limits;

/// Levels of maps and lists that are kept: one more than are valid, so that the validator sees the excess.
const LEVELS: usize = limits::DEPTH + 1;

/// An object whose deepest levels may be missing; the validator refuses it then.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Arrived(pub DynamicObject);

impl Arrived {
    /// Whether it is being deleted. Finalizers of others may keep it for as long as they like, and what was
    /// deleted grants nothing meanwhile: a deletion cannot be taken back.
    pub fn is_going(&self) -> bool {
        self.0.metadata.deletion_timestamp.is_some()
    }
}

impl<'de> Deserialize<'de> for Arrived {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Shallow { levels: LEVELS }.deserialize(deserializer)?;
        serde_json::from_value(value).map(Self).map_err(D::Error::custom)
    }
}

impl Resource for Arrived {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        DynamicObject::kind(of)
    }

    fn group(of: &ApiResource) -> Cow<'_, str> {
        DynamicObject::group(of)
    }

    fn version(of: &ApiResource) -> Cow<'_, str> {
        DynamicObject::version(of)
    }

    fn plural(of: &ApiResource) -> Cow<'_, str> {
        DynamicObject::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

/// Reads a value of which so many levels are kept; what is deeper becomes null.
#[derive(Clone, Copy)]
struct Shallow {
    levels: usize,
}

impl<'de> DeserializeSeed<'de> for Shallow {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.levels {
            // Skipped without recursion.
            0 => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Value::Null),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Shallow {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inner = Self { levels: self.levels.saturating_sub(1) };
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = Self { levels: self.levels.saturating_sub(1) };
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            map.insert(key, entries.next_value_seed(inner)?);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use kube::core::{ObjectList, WatchEvent};

    use super::*;
    use crate::api::Kind;
    use crate::compile::validate::validate;
    use crate::model::Unplaced;

    /// A JwtIssuer whose one key has a member nested so deep, in lists or maps.
    fn issuer(levels: usize, open: &str, close: &str) -> String {
        let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        format!(
            r#"{{"apiVersion": "iam.openfaas.com/v1", "kind": "JwtIssuer",
            "metadata": {{"name": "deep", "managedFields": [{{"fieldsV1": {{"f": {deep}}}}}]}},
            "spec": {{"iss": "https://idp.example.com", "aud": ["a"], "jwks": {{"keys": [{{
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "x5c": {deep}}}]}}}}}}"#
        )
    }

    fn listed(objects: &[String]) -> Vec<Arrived> {
        let text = format!(
            r#"{{"apiVersion": "v1", "kind": "List", "metadata": {{}}, "items": [{}]}}"#,
            objects.join(",")
        );
        serde_json::from_str::<ObjectList<Arrived>>(&text).unwrap().items
    }

    fn is_valid(object: &Arrived) -> bool {
        validate(Kind::JwtIssuer, &serde_json::to_value(object).unwrap(), &Unplaced).verdict.is_ok()
    }

    #[test]
    fn one_object_that_is_nested_too_deep_is_invalid_and_the_list_it_comes_in_is_read() {
        for (open, close) in [("[", "]"), ("{\"f\":", "}")] {
            let objects = [1, 95, 96, 9_000].map(|levels| issuer(levels, open, close));
            let valid: Vec<_> = listed(&objects).iter().map(is_valid).collect();
            assert_eq!(valid, [true, true, false, false], "{open}");
        }
    }

    #[test]
    fn an_event_of_an_object_that_is_nested_too_deep_is_read() {
        let text = format!(r#"{{"type": "ADDED", "object": {}}}"#, issuer(9_000, "[", "]"));
        assert!(matches!(serde_json::from_str(&text), Ok(WatchEvent::<Arrived>::Added(_))));
    }

    #[test]
    fn what_is_not_too_deep_arrives_as_it_was_sent() {
        let text = issuer(3, "[", "]");
        let sent: DynamicObject = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::from_str::<Arrived>(&text).unwrap().0, sent);
    }

    #[test]
    fn an_object_that_is_being_deleted_is_known_as_such() {
        let going = r#"{"metadata": {"name": "a", "deletionTimestamp": "2026-07-01T00:00:00Z"}}"#;
        for (text, is) in [(going, true), (r#"{"metadata": {"name": "a"}}"#, false)] {
            assert_eq!(serde_json::from_str::<Arrived>(text).unwrap().is_going(), is);
        }
    }
}
