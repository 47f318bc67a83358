//! A FunctionPrivacy's spec (design section 4): which functions, by namespaces and names, and whether they
//! are private.
//!
//! What only a cluster can give is refused by name. Of an object that is wrong it is told what it could cover
//! at most, because that stays private (`security-rules.md` 29).

use serde_json::{Map, Value};

use super::policy::forbidden;
use crate::api::{limits, privacy as api};
use crate::compile::cursor::Cursor;
use crate::compile::wording::shown;
use crate::model::{FunctionName, Namespace, Privacy, ResourcePattern};

/// The fields of the spec.
pub(super) const FIELDS: &[&str] = &["functions", "privacy"];
/// The fields of a matcher.
pub(super) const MATCHER: &[&str] = &["namespaces", "names"];
/// What an object may say where there is a cluster to act on, which no folder is.
const IN_A_CLUSTER: &[&str] = &["exempt", "accessTokens", "networkPolicy", "watchdog"];
/// The same of a matcher.
const SELECTORS: &[&str] = &["labels", "labelSelector", "selector"];

/// Everything.
const ANY: &str = "*";

/// Reads the spec of a FunctionPrivacy.
pub(super) fn privacy(at: &mut Cursor<'_>, spec: &Value) -> Option<Privacy> {
    let map = fields(at, spec, FIELDS, IN_A_CLUSTER)?;
    let private = at.required(map, "privacy", |at, value| {
        let text = at.text(value)?;
        if !matches!(text, api::PRIVATE | api::PUBLIC) {
            at.invalid(format!("{} is neither `{}` nor `{}`", shown(text), api::PRIVATE, api::PUBLIC));
        }
        Some(text == api::PRIVATE)
    });
    let functions = at.required(map, "functions", matcher);
    Some(Privacy { functions: functions?, private: private? })
}

fn matcher(at: &mut Cursor<'_>, value: &Value) -> Option<Vec<ResourcePattern>> {
    let map = fields(at, value, MATCHER, SELECTORS)?;
    if !map.contains_key("namespaces") && !map.contains_key("names") {
        at.invalid("neither `namespaces` nor `names`; write `names: [\"*\"]` where every function is meant");
        return None;
    }
    let namespaces = at.optional(map, "namespaces", |at, v| at.list(v, limits::NAMESPACES, namespace));
    let names = at.optional(map, "names", |at, v| at.list(v, limits::FUNCTIONS, name));
    let patterns = product(namespaces.as_deref().unwrap_or(&[ANY]), names.as_deref().unwrap_or(&[ANY]));
    if patterns.is_none() {
        at.invalid(format!(
            "namespaces times names are more than {}: split it into several objects",
            limits::FUNCTION_PATTERNS
        ));
    }
    patterns
}

/// A map of fields, of which some are known and not acted on.
fn fields<'v>(
    at: &mut Cursor<'_>,
    value: &'v Value,
    known: &[&str],
    later: &[&'static str],
) -> Option<&'v Map<String, Value>> {
    let map = at.fields(value, &[known, later].concat())?;
    for name in later.iter().filter(|name| map.contains_key(**name)) {
        at.within(*name, |at| at.mismatch("not supported yet without a cluster; remove it"));
    }
    Some(map)
}

fn namespace<'v>(at: &mut Cursor<'_>, value: &'v Value) -> Option<&'v str> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    if text.contains('*') {
        at.invalid("namespaces take no wildcards; leave `namespaces` out where every one is meant");
        return None;
    }
    if let Err(error) = Namespace::new(text) {
        at.invalid(error.to_string());
        return None;
    }
    forbidden(at, &format!("{text}:*"));
    Some(text)
}

fn name<'v>(at: &mut Cursor<'_>, value: &'v Value) -> Option<&'v str> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    if !is_name(text) {
        at.invalid(format!(
            "{} is no name of a function: letters, digits, `-`, `_`, `.`, and `*` for any run; its namespace belongs into `namespaces`",
            shown(text)
        ));
        return None;
    }
    Some(text)
}

fn is_name(text: &str) -> bool {
    FunctionName::new(&text.replace('*', "x")).is_ok()
}

/// Each name in each namespace; `None` where that is too much.
fn product(namespaces: &[&str], names: &[&str]) -> Option<Vec<ResourcePattern>> {
    if namespaces.len().saturating_mul(names.len()) > limits::FUNCTION_PATTERNS {
        return None;
    }
    let each = namespaces.iter().flat_map(|ns| names.iter().map(move |name| format!("{ns}:{name}")));
    each.map(|text| ResourcePattern::parse(&text).ok()).collect()
}

/// What a FunctionPrivacy could cover at most, whatever is wrong with it: what of its matcher can be read
/// narrows, and what cannot does not.
pub(in crate::compile) fn could_cover(object: &Value) -> Vec<ResourcePattern> {
    let namespaces = readable(object, "/spec/functions/namespaces", |text| Namespace::new(text).is_ok());
    let names = readable(object, "/spec/functions/names", is_name);
    product(&namespaces, &names)
        .or_else(|| product(&namespaces, &[ANY]))
        .or_else(|| product(&[ANY], &[ANY]))
        .unwrap_or_default()
}

/// The texts of a list of which every one is right; else everything.
fn readable<'v>(object: &'v Value, path: &str, is_right: impl Fn(&str) -> bool) -> Vec<&'v str> {
    let items = object.pointer(path).and_then(Value::as_array).filter(|items| !items.is_empty());
    let texts = |items: &'v Vec<Value>| -> Option<Vec<&'v str>> {
        items.iter().map(|item| item.as_str().filter(|text| is_right(text))).collect()
    };
    items.and_then(texts).unwrap_or_else(|| vec![ANY])
}
