//! A Role's spec (`semantics.md` 8–11). Whether its Policies and issuers exist is `link`'s.

use serde_json::Value;

use super::condition::{self, Place, condition};
use super::policy::forbidden;
use super::value;
use crate::api::condition::PRINCIPAL_KEY;
use crate::api::limits;
use crate::compile::cursor::{Cursor, clipped};
use crate::compile::wording::shown;
use crate::model::{Resource, Role};

/// The fields of the spec; the last three are there to be refused.
pub(super) const FIELDS: &[&str] =
    &["policy", "principal", "condition", "scope", "conditions", "principals", "scopes"];

/// Reads the spec of a Role.
pub(super) fn role(at: &mut Cursor<'_>, spec: &Value) -> Option<Role> {
    let map = at.fields(spec, FIELDS)?;
    for (name, instead) in [("conditions", "condition"), ("principals", "principal"), ("scopes", "scope")] {
        at.refused(map, name, instead);
    }
    if !map.contains_key("principal") && !map.contains_key("condition") {
        at.invalid("neither `principal` nor `condition`: it would bind everybody; give it one of them");
    }
    let policies =
        at.optional(map, "policy", |at, v| at.list(v, limits::POLICIES, policy)).unwrap_or_default();
    if map.get("policy").is_none_or(|p| p.as_array().is_some_and(Vec::is_empty)) {
        at.within("policy", |at| at.warn("names no Policy, so the Role grants nothing"));
    }
    let subjects = at.optional(map, "principal", principal);
    let condition = at.optional(map, "condition", |at, v| condition(at, v, Place::Role));
    let scope = at.optional(map, "scope", |at, v| at.list(v, limits::SCOPES, scope));
    Some(Role { policies, subjects, condition, scope })
}

fn policy(at: &mut Cursor<'_>, value: &Value) -> Option<Box<str>> {
    at.text(value).map(Into::into)
}

/// `principal` knows only `jwt:sub`.
fn principal(at: &mut Cursor<'_>, value: &Value) -> Option<Vec<Box<str>>> {
    let map = at.map(value, limits::KEYS)?;
    for key in map.keys().filter(|key| *key != PRINCIPAL_KEY) {
        at.within(clipped(key), |at| {
            let cure = if condition::meant(key) == PRINCIPAL_KEY {
                "write it so".to_owned()
            } else {
                format!("move {} to `spec.condition`, under an operator such as StringEqual", shown(key))
            };
            at.invalid(format!("`principal` knows only `{PRINCIPAL_KEY}`; {cure}"));
        });
    }
    at.optional(map, PRINCIPAL_KEY, |at, list| at.list(list, limits::VALUES, subject))
}

fn subject(at: &mut Cursor<'_>, value: &Value) -> Option<Box<str>> {
    let text = at.text(value)?;
    value::exact(at, text);
    Some(text.into())
}

fn scope(at: &mut Cursor<'_>, value: &Value) -> Option<Resource> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    match Resource::parse(text) {
        Ok(resource) => {
            forbidden(at, text);
            Some(resource)
        }
        Err(error) => {
            at.invalid(error.to_string());
            None
        }
    }
}
