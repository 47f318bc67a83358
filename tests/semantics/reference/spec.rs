//! Whether a Policy (5–7) or a Role (8–10) is valid, with what both have in common (12–13, 18, 25–27).

use serde_json::{Map, Value};

use super::request::{is_action_term, is_resource_pattern, is_scope};
use super::text::{has_invisible, names_nobody};

pub fn policy(spec: &Value) -> bool {
    spec.as_object().is_some_and(|map| {
        is_clean(spec) && only(map, &["statement"]) && list(map.get("statement"), 100, statement)
    }) && fits(spec, 256)
}

fn statement(value: &Value) -> bool {
    let Some(map) = value.as_object() else { return false };
    only(map, &["sid", "action", "effect", "resource", "condition"])
        && map.get("sid").is_some_and(is_short)
        && map.get("effect").is_some_and(|effect| effect == "Allow")
        && list(map.get("action"), 64, |v| v.as_str().is_some_and(is_action_term))
        && list(map.get("resource"), 256, |v| is_short(v) && v.as_str().is_some_and(is_resource_pattern))
        && map.get("condition").is_none_or(condition)
}

pub fn role(spec: &Value) -> bool {
    let Some(map) = spec.as_object() else { return false };
    let empty = Value::Array(Vec::new());
    let policy = map.get("policy").unwrap_or(&empty);
    let mut others = spec.clone();
    others["policy"] = Value::Bool(true); // 9: an empty `policy` is no problem.
    is_clean(&others)
        && only(map, &["policy", "principal", "condition", "scope"])
        && (policy == &empty || (list(Some(policy), 64, is_short) && is_clean(policy)))
        && (map.contains_key("principal") || map.contains_key("condition"))
        && map.get("principal").is_none_or(principal)
        && map.get("condition").is_none_or(condition)
        && map
            .get("scope")
            .is_none_or(|s| list(Some(s), 64, |v| is_short(v) && v.as_str().is_some_and(is_scope)))
        && fits(spec, 256)
}

fn principal(value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        only(map, &["jwt:sub"]) && map.values().all(|values| list(Some(values), 1000, is_subject))
    })
}

fn is_subject(value: &Value) -> bool {
    is_short(value) && !value.as_str().is_some_and(names_nobody)
}

fn condition(value: &Value) -> bool {
    value.as_object().is_some_and(|operators| {
        operators.len() <= 16
            && operators.iter().all(|(operator, keys)| is_operator(operator) && keyed(operator, keys))
    })
}

fn keyed(operator: &str, keys: &Value) -> bool {
    keys.as_object().is_some_and(|keys| {
        keys.len() <= 32
            && keys.iter().all(|(key, values)| {
                key.len() > "jwt:".len()
                    && key.starts_with("jwt:")
                    && list(Some(values), 1000, |v| {
                        v.as_str().is_some_and(|v| condition_value(operator, key, v))
                    })
            })
    })
}

fn condition_value(operator: &str, key: &str, value: &str) -> bool {
    if ["Bool", "Null"].contains(&operator) {
        return ["true", "false"].contains(&value);
    }
    let long = ["jwt:iss", "jwt:aud"].contains(&key);
    let like = operator.ends_with("Like");
    value.chars().count() <= if long { 2048 } else { 512 }
        && !names_nobody(value)
        && (key != "jwt:email" || is_address(value, like))
}

/// 18: one `@`, and no wildcard behind it.
fn is_address(value: &str, like: bool) -> bool {
    value.matches('@').count() == 1
        && value
            .split_once('@')
            .is_some_and(|(_, domain)| !(domain.is_empty() || like && domain.contains(['*', '?'])))
}

/// 12.
fn is_operator(operator: &str) -> bool {
    const TEXT: [&str; 10] = [
        "StringEqual",
        "StringEquals",
        "StringNotEqual",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualIgnoreCase",
        "StringEqualsIgnoreCase",
        "StringNotEqualIgnoreCase",
        "StringNotEqualsIgnoreCase",
    ];
    let set = operator.strip_prefix("ForAnyValue:").or_else(|| operator.strip_prefix("ForAllValues:"));
    TEXT.contains(&set.unwrap_or(operator)) || ["Bool", "Null"].contains(&operator)
}

/// 8, 26, 27: nothing empty or null, no invisible characters, no key longer than 512 characters.
pub fn is_clean(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && !has_invisible(text),
        Value::Array(items) => !items.is_empty() && items.iter().all(is_clean),
        Value::Object(map) => {
            let key = |key: &str| !key.is_empty() && key.chars().count() <= 512 && !has_invisible(key);
            !map.is_empty() && map.iter().all(|(k, v)| key(k) && is_clean(v))
        }
        _ => true,
    }
}

/// 25: no unknown fields.
pub fn only(map: &Map<String, Value>, known: &[&str]) -> bool {
    map.keys().all(|key| known.contains(&key.as_str()))
}

/// A list of at least one and at most so many, each of which is right.
pub fn list(value: Option<&Value>, most: usize, right: impl Fn(&Value) -> bool) -> bool {
    let Some(items) = value.and_then(Value::as_array) else { return false };
    !items.is_empty() && items.len() <= most && items.iter().all(right)
}

/// A string of at most 512 characters (26).
pub fn is_short(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.chars().count() <= 512)
}

/// 26: the size of a whole spec, in KiB as JSON without spaces.
pub fn fits(spec: &Value, kib: usize) -> bool {
    spec.to_string().len() <= kib * 1024
}
