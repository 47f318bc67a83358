//! A condition: operators, keys, values (`semantics.md` 12–18). What a single value may be is `value`'s.

use serde_json::Value;

use super::value;
use crate::api::condition::{KEY_PREFIX, operators};
use crate::api::limits;
use crate::compile::cursor::{Cursor, clipped};
use crate::compile::meant::similar;
use crate::compile::wording::shown;
use crate::model::{Clause, Comparison, Condition, Operator, Pattern, Quantifier};

/// Whose condition it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A Role's.
    Role,
    /// A statement's.
    Statement,
}

/// Reads a condition; what is wrong in it is left out of what is returned.
pub(super) fn condition(at: &mut Cursor<'_>, value: &Value, place: Place) -> Option<Condition> {
    let map = at.map(value, limits::OPERATORS)?;
    let mut clauses = Vec::new();
    for (name, keyed) in map {
        at.within(clipped(name), |at| {
            if let Some(op) = operator(at, name, place) {
                clauses.extend(keys(at, op, keyed));
            }
        });
    }
    Some(Condition(clauses))
}

fn operator(at: &mut Cursor<'_>, name: &str, place: Place) -> Option<Operator> {
    if name == "principal" {
        at.invalid(match place {
            Place::Role => "`principal` does not belong inside `condition`; move it up, to `spec.principal`",
            Place::Statement => "a Policy has no `principal`; bind it in a Role, in `spec.principal`",
        });
        return None;
    }
    let Ok(op) = name.parse::<Operator>() else {
        at.invalid(unknown_operator(name));
        return None;
    };
    if name.contains("Equals") {
        at.warn(format!(
            "`{name}` works, and is the same as `{}`, OpenFaaS' spelling",
            name.replace("Equals", "Equal")
        ));
    }
    if op.negated && op.quantifier == Quantifier::Any {
        at.warn(format!("`{name}` holds where at least one element differs from all the values; where none may be among them, write `{}`", name.replace("ForAnyValue", "ForAllValues")));
    }
    Some(op)
}

fn unknown_operator(name: &str) -> String {
    let known: Vec<_> = operators().collect();
    let near = similar(name, &known.iter().map(String::as_str).collect::<Vec<_>>());
    let near = near.map(|near| near.replace("Equals", "Equal"));
    let cure = near.map_or_else(
        || "; known are StringEqual, StringNotEqual, the same with IgnoreCase, StringLike and StringNotLike, each also behind `ForAnyValue:` or `ForAllValues:`, and Bool and Null".to_owned(),
        |near| format!("; write `{near}`"),
    );
    format!("unknown operator {}{cure}", shown(name))
}

fn keys(at: &mut Cursor<'_>, op: Operator, value: &Value) -> Vec<Clause> {
    let Some(map) = at.map(value, limits::KEYS) else { return Vec::new() };
    let clause = |(key, values): (&String, &Value)| at.within(clipped(key), |at| clause(at, op, key, values));
    map.iter().filter_map(clause).collect()
}

fn clause(at: &mut Cursor<'_>, op: Operator, key: &str, values: &Value) -> Option<Clause> {
    let Some(claim) = key.strip_prefix(KEY_PREFIX).filter(|claim| !claim.is_empty()) else {
        at.invalid(format!("a key is `jwt:` and the name of a claim; write {}", shown(&meant(key))));
        return None;
    };
    odd_claim(at, op, claim);
    let values = at.list(values, limits::VALUES, |at, v| {
        let text = at.text(v).filter(|t| !t.is_empty())?;
        value::compared(at, op, claim, text);
        Some(Pattern::like(text))
    })?;
    let says = |wanted: &str| values.iter().any(|v| v.as_str() == wanted);
    if op.comparison == Comparison::Null && says("true") && says("false") {
        at.warn("holds for everybody: the claim is there or it is not");
    }
    Some(Clause { op, claim: claim.into(), values })
}

/// The key that was probably meant.
pub(super) fn meant(key: &str) -> String {
    let bare = key.get(..3).filter(|p| p.eq_ignore_ascii_case("jwt"));
    let claim = bare.and_then(|_| key.get(3..)?.strip_prefix([':', '.', '/'])).unwrap_or(key);
    format!("{KEY_PREFIX}{}", if claim.is_empty() { "email" } else { claim })
}

/// Claims that providers send as lists.
const LISTS: &[&str] = &[
    "amr",
    "cognito:groups",
    "entitlements",
    "groups",
    "groups_direct",
    "memberOf",
    "permissions",
    "roles",
    "wids",
];
/// Claims that Keycloak sends as objects.
const OBJECTS: &[&str] = &["realm_access", "resource_access"];
/// Claims that only we may make, and that no condition sees (`semantics.md` 23).
const OURS: &[&str] = &["policy", "function", "act", "cnf"];

/// Warns of claims that the operator can hardly be meant for.
fn odd_claim(at: &mut Cursor<'_>, op: Operator, claim: &str) {
    let text = !matches!(op.comparison, Comparison::Null | Comparison::Bool);
    if LISTS.contains(&claim) && op.quantifier == Quantifier::Plain && text {
        let set = if op.negated { "ForAllValues" } else { "ForAnyValue" };
        at.warn(format!(
            "`{claim}` is a list in most tokens, and a list never matches `{op}`; write `{set}:{op}`"
        ));
    }
    let first = claim.split('.').next().unwrap_or(claim);
    if OBJECTS.contains(&first) && op.comparison != Comparison::Null {
        at.warn(format!("`{first}` is an object in tokens of Keycloak, and keys are no paths; let it send the roles as a claim of their own"));
    }
    if OURS.contains(&claim) || claim.starts_with("fed:") {
        at.warn(format!("`{claim}` counts as missing: only we may make it; conditions see `iss`, `sub` and `aud` as the provider sent them"));
    }
}
