//! A Policy's statements (`semantics.md` 5–7). What a term covers is the model's; here is only what may be
//! written.

use serde_json::Value;

use super::condition::{Place, condition};
use crate::api::{limits, policy as api};
use crate::compile::cursor::Cursor;
use crate::compile::meant::unknown_action;
use crate::compile::wording::shown;
use crate::model::{Action, ActionSet, FORBIDDEN_NAMESPACE, Level, Policy, ResourcePattern, Statement, Term};

/// The fields of the spec.
pub(super) const FIELDS: &[&str] = &["statement"];
/// The fields of a statement.
pub(super) const STATEMENT: &[&str] = &["sid", "action", "effect", "resource", "condition", "conditions"];

/// Reads the spec of a Policy.
pub(super) fn policy(at: &mut Cursor<'_>, spec: &Value) -> Option<Policy> {
    let map = at.fields(spec, FIELDS)?;
    let statements =
        at.required(map, "statement", |at, list| at.list(list, limits::STATEMENTS, statement))?;
    Some(Policy { statements })
}

fn statement(at: &mut Cursor<'_>, value: &Value) -> Option<Statement> {
    let map = at.fields(value, STATEMENT)?;
    at.refused(map, "conditions", "condition");
    at.required(map, "effect", effect);
    let sid = at.required(map, "sid", |at, v| at.text(v));
    let actions = at.required(map, "action", |at, list| at.list(list, limits::ACTIONS, action));
    let resources = at.required(map, "resource", |at, list| at.list(list, limits::RESOURCES, resource));
    let condition = at.optional(map, "condition", |at, v| condition(at, v, Place::Statement));
    let (terms, resources) = (actions?, resources?);
    if map.get("resource").and_then(Value::as_array).is_some_and(|written| written.len() == resources.len()) {
        out_of_reach(at, &terms, &resources);
    }
    let actions = terms.into_iter().fold(ActionSet::EMPTY, ActionSet::union);
    Some(Statement { sid: sid?.into(), actions, resources, condition })
}

fn effect(at: &mut Cursor<'_>, value: &Value) -> Option<()> {
    let effect = at.text(value)?;
    if effect != api::ALLOW {
        at.invalid(format!(
            "{} is not known; write `Allow` (what no statement allows is denied)",
            shown(effect)
        ));
    }
    Some(())
}

fn action(at: &mut Cursor<'_>, value: &Value) -> Option<ActionSet> {
    let term = at.text(value).filter(|t| !t.is_empty())?;
    match ActionSet::parse(term) {
        Ok(Term::Exact(set)) => Some(set),
        Ok(Term::Alias(set)) => {
            at.warn(format!("{} is an older name; it works, and means {set}", shown(term)));
            Some(set)
        }
        Ok(Term::Reserved(set)) => {
            at.warn(format!("{} allows nothing yet: no call is about it", shown(term)));
            Some(set)
        }
        Err(_) => {
            at.invalid(unknown_action(term));
            None
        }
    }
}

fn resource(at: &mut Cursor<'_>, value: &Value) -> Option<ResourcePattern> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    match ResourcePattern::parse(text) {
        Ok(pattern) => {
            forbidden(at, text);
            several_stars(at, text);
            regular_expression(at, text);
            return Some(pattern);
        }
        Err(_) if text.contains('?') => {
            at.invalid(format!("{} has a `?`, and `*` is the only wildcard in a resource", shown(text)));
        }
        Err(_) if text.bytes().all(|b| b == b'*') => {
            at.invalid(format!("{} is no resource; write `*`", shown(text)))
        }
        Err(error) => at.invalid(error.to_string()),
    }
    None
}

/// Warns where a resource or scope names the namespace in which nothing is ever allowed.
pub(super) fn forbidden(at: &mut Cursor<'_>, text: &str) {
    if text.split_once(':').is_some_and(|(namespace, _)| namespace == FORBIDDEN_NAMESPACE) {
        at.warn(format!("nothing is ever allowed in `{FORBIDDEN_NAMESPACE}`"));
    }
}

/// Warns where a name takes every function and, not being `*`, no namespace as a whole (`semantics.md` 1).
fn several_stars(at: &mut Cursor<'_>, text: &str) {
    let Some((namespace, name)) = text.split_once(':') else { return };
    if name.len() > 1 && name.bytes().all(|b| b == b'*') {
        let whole = shown(&format!("{namespace}:*"));
        at.warn(format!(
            "{} covers every function and not the namespace as a whole; write {whole}",
            shown(text)
        ));
    }
}

/// Warns of a name from another language of patterns.
fn regular_expression(at: &mut Cursor<'_>, text: &str) {
    if text.split_once(':').is_some_and(|(_, name)| name.starts_with(".*")) {
        at.warn(format!(
            "names of functions do not begin with `.`, and `*` alone stands for any run; write {}",
            shown(&text.replace(".*", "*"))
        ));
    }
}

/// Warns of actions that no resource of the statement can cover, `*` aside (`semantics.md` 3, 6).
fn out_of_reach(at: &mut Cursor<'_>, terms: &[ActionSet], resources: &[ResourcePattern]) {
    let named = terms.iter().filter(|t| **t != ActionSet::ALL).fold(ActionSet::EMPTY, |all, t| all.union(*t));
    let reaches = |action: Action| {
        resources.iter().any(|resource| match (action.level(), resource) {
            (Level::Function, _) | (_, ResourcePattern::Cluster) => true,
            (Level::Namespace, ResourcePattern::Within(_, name)) => name.is_star(),
            (Level::Cluster, ResourcePattern::Within(..)) => false,
        })
    };
    for action in named.iter().filter(|a| !reaches(*a)) {
        let needed = if action.level() == Level::Cluster { "`*`" } else { "`namespace:*` or `*`" };
        at.within("resource", |at| {
            at.warn(format!("{action} needs {needed}: none of these resources covers it"))
        });
    }
}
