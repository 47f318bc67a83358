//! What the status of an object has to say, and whether that is written already. Pure: compares ignoring
//! time, so that nothing is written twice.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::Meta;
use crate::api::status::{KeysStatus, READY};
use crate::api::{Kind, limits};
use crate::bundle::Digest;
use crate::compile::report::{conditions, same};
use crate::compile::{ObjectRef, Readiness, Report};

/// One status that has to be written.
#[derive(Debug, Clone)]
pub struct StatusWrite {
    /// Of which object.
    pub key: ObjectRef,
    /// Its uid.
    pub uid: String,
    /// The version that was seen.
    pub resource_version: String,
    /// The whole status; null where a field has to go.
    pub status: Value,
    /// What has changed for people, where something has.
    pub news: Option<News>,
    /// What it says, whenever it began to, and without what is said of rivals.
    pub wanted: Digest,
    /// Whether it puts back what somebody has undone.
    pub repair: bool,
}

/// What an Event tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Whether the object is ready.
    pub ready: bool,
    /// The reason of `Ready`.
    pub reason: String,
    /// Its message.
    pub message: String,
}

/// The status that an object lacks; `None` where it says what it should. `generation` is the one that the
/// report is about.
pub fn due(
    key: &ObjectRef,
    meta: &Meta,
    generation: i64,
    report: &Report,
    keys: Option<&KeysStatus>,
    now: Timestamp,
) -> Option<StatusWrite> {
    if report.readiness == Readiness::Pending {
        return None;
    }
    let before: Vec<Condition> = meta
        .status
        .get("conditions")
        .and_then(|c| serde_json::from_value(c.clone()).ok())
        .unwrap_or_default();
    let after = conditions(report, generation, &before, now);
    let (name, detail) = detail(key.kind, report, keys);
    let said = meta.status.get("observedGeneration").and_then(Value::as_i64) == Some(generation)
        && same(&before, &after)
        && name.is_none_or(|name| meta.status.get(name).unwrap_or(&Value::Null) == &detail);
    if said {
        return None;
    }
    let mut status = json!({ "observedGeneration": generation, "conditions": after });
    if let (Some(name), Some(map)) = (name, status.as_object_mut()) {
        map.insert(name.to_owned(), detail);
    }
    Some(StatusWrite {
        key: key.clone(),
        uid: meta.uid.clone(),
        resource_version: meta.resource_version.clone(),
        news: news(&before, &after),
        wanted: wanted(key, generation, report, keys),
        repair: false,
        status,
    })
}

/// What tells one thing to say from another, whenever it began to be said.
pub fn wanted(key: &ObjectRef, generation: i64, report: &Report, keys: Option<&KeysStatus>) -> Digest {
    let conditions = conditions(report, generation, &[], Timestamp::UNIX_EPOCH);
    Digest::of_json(&json!([generation, conditions, detail(key.kind, report, keys).1]))
}

/// What a kind's status holds besides conditions; null where there is nothing to hold.
fn detail(kind: Kind, report: &Report, keys: Option<&KeysStatus>) -> (Option<&'static str>, Value) {
    match kind {
        Kind::JwtIssuer => (Some("keys"), keys.map_or(Value::Null, |k| json!(k))),
        Kind::Role if report.issuers.is_empty() => (Some("issuers"), Value::Null),
        Kind::Role => {
            let listed: Vec<_> = report.issuers.iter().take(limits::LISTED).collect();
            (Some("issuers"), json!(listed))
        }
        _ => (None, Value::Null),
    }
}

/// What `Ready` says now, where it said something else before. A first `True` is news, too.
pub fn news(before: &[Condition], after: &[Condition]) -> Option<News> {
    let ready = |list: &[Condition]| {
        let found = list.iter().find(|c| c.type_ == READY)?;
        Some(News {
            ready: found.status == "True",
            reason: found.reason.clone(),
            message: found.message.clone(),
        })
    };
    ready(after).filter(|now| ready(before).as_ref() != Some(now))
}

#[cfg(test)]
mod tests;
