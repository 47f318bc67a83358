//! Label selectors, by the rules of Kubernetes: what it would take for a mistake is one here, too.

use std::collections::BTreeSet;

use kube::core::{Expression, Selector};
use serde_json::{Map, Value};

use super::keys::is_name;
use crate::api::{limits, parts};
use crate::compile::cursor::{Cursor, clipped};
use crate::compile::wording::{names, shown};

/// The fields of a selector.
pub(super) const FIELDS: &[&str] = &["matchLabels", "matchExpressions"];
/// The fields of an expression.
pub(super) const EXPRESSION: &[&str] = &["key", "operator", "values"];

/// Reads a selector.
pub(super) fn selector(at: &mut Cursor<'_>, value: &Value) -> Option<Selector> {
    let map = at.fields(value, FIELDS)?;
    let labels = at.optional(map, "matchLabels", labels).unwrap_or_default();
    let expressions =
        at.optional(map, "matchExpressions", |at, v| at.list(v, limits::SELECTOR_TERMS, expression));
    Some(labels.into_iter().chain(expressions.unwrap_or_default()).collect())
}

fn labels(at: &mut Cursor<'_>, value: &Value) -> Option<Vec<Expression>> {
    let map = at.map(value, limits::SELECTOR_TERMS)?;
    let each = map.iter().filter_map(|(name, value)| {
        at.within(clipped(name), |at| {
            check_key(at, name);
            Some(Expression::Equal(name.clone(), label(at, value)?))
        })
    });
    Some(each.collect())
}

fn expression(at: &mut Cursor<'_>, value: &Value) -> Option<Expression> {
    let map = at.fields(value, EXPRESSION)?;
    let key = at.required(map, "key", key)?;
    let operator = at.required(map, "operator", |at, v| at.text(v).filter(|t| !t.is_empty()))?;
    let values = at.optional(map, "values", |at, v| at.list(v, limits::SELECTOR_VALUES, label));
    let values: BTreeSet<_> = values.unwrap_or_default().into_iter().collect();
    match operator {
        "In" | "NotIn" if !map.contains_key("values") => {
            at.within("values", |at| at.invalid(format!("missing, and `{operator}` needs them")));
            None
        }
        "In" => Some(Expression::In(key, values)),
        "NotIn" => Some(Expression::NotIn(key, values)),
        "Exists" | "DoesNotExist" => {
            without_values(at, map, operator);
            let exists = operator == "Exists";
            Some(if exists { Expression::Exists(key) } else { Expression::DoesNotExist(key) })
        }
        other => {
            let cure = names(parts::SELECTOR_OPERATORS);
            at.within("operator", |at| {
                at.invalid(format!("{} is not known; write one of {cure}", shown(other)));
            });
            None
        }
    }
}

fn without_values(at: &mut Cursor<'_>, map: &Map<String, Value>, operator: &str) {
    if map.contains_key("values") {
        at.within("values", |at| at.invalid(format!("`{operator}` takes none; remove them, or write `In`")));
    }
}

fn key(at: &mut Cursor<'_>, value: &Value) -> Option<String> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    check_key(at, text);
    Some(text.to_owned())
}

fn check_key(at: &mut Cursor<'_>, text: &str) {
    if !is_key(text) {
        at.invalid(format!(
            "{} is no key of a label: letters, digits, `-`, `_` and `.`, at most {}, perhaps behind a DNS name and `/`",
            shown(text),
            limits::LABEL
        ));
    }
}

/// What an object's label has as its value, which is compared byte by byte.
fn label(at: &mut Cursor<'_>, value: &Value) -> Option<String> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    if !is_label(text) {
        at.invalid(format!(
            "{} is no value of a label: letters, digits, `-`, `_` and `.`, a letter or digit at both ends, at most {}",
            shown(text),
            limits::LABEL
        ));
    }
    Some(text.to_owned())
}

fn is_key(text: &str) -> bool {
    let (prefix, name) = text.rsplit_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    is_label(name) && prefix.is_none_or(|prefix| prefix.len() <= limits::NAME && is_name(prefix))
}

fn is_label(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    text.len() <= limits::LABEL
        && edge(text.bytes().next())
        && edge(text.bytes().next_back())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
