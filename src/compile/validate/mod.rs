//! One object → what it means, or all of its problems. The only validator there is: the operator, the
//! command line and the tests call it.
//!
//! Judges one object alone; what it says about others is `link`'s. Problems of type ([`Reason::TypeMismatch`])
//! are unknown fields and values of another JSON type: in a cluster the API server drops or refuses them, so
//! one that arrives was let through by another schema than ours. All others are [`Reason::Invalid`], or
//! [`Reason::TooLarge`] for the whole.

mod address;
mod applied;
mod condition;
mod credential;
mod duration;
mod issuer;
mod keys;
mod policy;
mod privacy;
mod role;
mod selector;
mod text;
mod value;

use serde_json::Value;

use super::cursor::Cursor;
use super::{Judged, Meaning};
use crate::api::{Kind, Reason, limits};
use crate::bundle::{Digest, Origin};
use crate::model::Written;

/// What may stand at an object's root.
const FIELDS: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status"];

/// Validates one object: `object` is the whole of it (`metadata`, `spec`), `written` knows how it was
/// written down. Paths of problems begin at the object's root (`spec.condition…`).
pub fn validate(kind: Kind, object: &Value, written: &dyn Written) -> Judged {
    let mut at = Cursor::new(written);
    let meaning = meaning(&mut at, kind, object);
    let (problems, warnings) = at.finish();
    let verdict = match meaning {
        Some(meaning) if problems.is_empty() => Ok(meaning),
        _ => Err(problems),
    };
    let covers = match &verdict {
        Ok(Meaning::Privacy(privacy)) => privacy.functions.clone(),
        Err(_) if kind == Kind::FunctionPrivacy => privacy::could_cover(object),
        _ => Vec::new(),
    };
    let iss = object.pointer("/spec/iss").filter(|_| kind == Kind::JwtIssuer);
    Judged {
        origin: origin(object),
        verdict,
        warnings,
        iss: iss.and_then(Value::as_str).map(Into::into).into_iter().collect(),
        covers,
    }
}

fn meaning(at: &mut Cursor<'_>, kind: Kind, object: &Value) -> Option<Meaning> {
    let root = at.fields(object, FIELDS)?;
    applied::compare(at, object);
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    at.required(root, "spec", |at, spec| {
        size(at, kind, spec);
        if depth(spec) >= limits::DEPTH {
            at.invalid(format!("nested more than {} levels deep: no key set needs that", limits::DEPTH));
        }
        text::everywhere(at, spec);
        match kind {
            Kind::JwtIssuer => issuer::issuer(at, name, spec),
            Kind::Policy => policy::policy(at, spec).map(Meaning::Policy),
            Kind::Role => role::role(at, spec).map(Meaning::Role),
            Kind::FunctionPrivacy => privacy::privacy(at, spec).map(Meaning::Privacy),
            Kind::RegistryCredential => {
                credential::credential(at, name, spec).map(|c| Meaning::Credential(Box::new(c)))
            }
            Kind::FunctionIdentity => {
                at.problem(
                    Reason::TypeMismatch,
                    format!("this version does not act on {kind} yet; remove it"),
                );
                None
            }
        }
    })
}

/// The bound of a whole spec as JSON without spaces (`semantics.md` 26).
fn size(at: &mut Cursor<'_>, kind: Kind, spec: &Value) {
    let max = if kind == Kind::JwtIssuer { limits::ISSUER_SPEC_BYTES } else { limits::SPEC_BYTES };
    let bytes = spec.to_string().len();
    if bytes > max {
        let message =
            format!("{bytes} bytes as JSON, at most {max} are allowed: split it into several objects");
        at.problem(Reason::TooLarge, message);
    }
}

/// Levels of maps and lists; scalars have none.
fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(map) => map.values().map(depth).max(),
        _ => return 0,
    };
    inner.unwrap_or_default().saturating_add(1)
}

fn origin(object: &Value) -> Origin {
    let metadata = |field: &str| object.get("metadata").and_then(|m| m.get(field));
    let created = metadata("creationTimestamp").and_then(Value::as_str);
    let created = created.and_then(|t| t.parse::<k8s_openapi::jiff::Timestamp>().ok());
    Origin {
        uid: metadata("uid").and_then(Value::as_str).unwrap_or_default().into(),
        generation: metadata("generation").and_then(Value::as_i64).unwrap_or_default(),
        digest: Digest::of_json(object.get("spec").unwrap_or(&Value::Null)),
        created: created.map_or(0, k8s_openapi::jiff::Timestamp::as_second),
    }
}

#[cfg(test)]
mod tests;
