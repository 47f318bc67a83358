//! Whether conditions hold (12–18).

use serde_json::Value;

use super::identity::Subject;
use super::text::{matches, same_ignoring_case};
use super::texts;

/// 12: operators AND, keys AND. No condition holds always.
pub fn holds(condition: Option<&Value>, who: &Subject) -> bool {
    clauses(condition).all(|(operator, key, values)| {
        let values: Vec<&str> = texts(values).collect();
        key.strip_prefix("jwt:").is_some_and(|claim| clause(operator, claim, &values, who))
    })
}

/// Operator, key and values of everything that a condition says.
pub fn clauses(condition: Option<&Value>) -> impl Iterator<Item = (&str, &str, &Value)> {
    let operators = condition.and_then(Value::as_object).into_iter().flatten();
    operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| (operator.as_str(), key.as_str(), values))
    })
}

fn clause(operator: &str, claim: &str, values: &[&str], who: &Subject) -> bool {
    if who.has_omitted(claim) || (claim == "email" && !address_counts(who)) {
        return false;
    }
    let value = who.claims.get(claim).filter(|value| !value.is_null());
    match (operator, value) {
        // 14: presence alone.
        ("Null", value) => values.contains(&if value.is_none() { "true" } else { "false" }),
        (_, None) => false,
        // 15: JSON true and false alone.
        ("Bool", Some(value)) => value.as_bool().is_some_and(|b| values.contains(&b.to_string().as_str())),
        (operator, Some(value)) => on_text(operator, one_audience(claim, value), values),
    }
}

/// 16: `aud` with one element is a scalar.
fn one_audience<'a>(claim: &str, value: &'a Value) -> &'a Value {
    match value.as_array().map(Vec::as_slice) {
        Some([only]) if claim == "aud" => only,
        _ => value,
    }
}

/// 16: plain operators, sets, and what a scalar is under each.
fn on_text(operator: &str, value: &Value, values: &[&str]) -> bool {
    let set = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    if let Some(operator) = operator.strip_prefix("ForAnyValue:") {
        set.iter().any(|element| scalar(operator, element, values))
    } else if let Some(operator) = operator.strip_prefix("ForAllValues:") {
        !set.is_empty() && set.iter().all(|element| scalar(operator, element, values))
    } else {
        scalar(operator, value, values)
    }
}

/// 12: values OR; negated: none of them. 15: what is no text satisfies nothing.
fn scalar(operator: &str, value: &Value, values: &[&str]) -> bool {
    let Some(text) = as_text(value) else { return false };
    let any = |same: &dyn Fn(&str) -> bool| values.iter().any(|v| same(v));
    match operator {
        "StringEqual" | "StringEquals" => any(&|v| v == text),
        "StringNotEqual" | "StringNotEquals" => !any(&|v| v == text),
        "StringEqualIgnoreCase" | "StringEqualsIgnoreCase" => any(&|v| same_ignoring_case(v, &text)),
        "StringNotEqualIgnoreCase" | "StringNotEqualsIgnoreCase" => !any(&|v| same_ignoring_case(v, &text)),
        "StringLike" => any(&|v| matches(v, &text, true)),
        "StringNotLike" => !any(&|v| matches(v, &text, true)),
        _ => false,
    }
}

/// 15: strings, and integers that every reader of JSON reads alike.
fn as_text(value: &Value) -> Option<String> {
    const SAFE: i64 = (1 << 53) - 1;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => n.as_i64().filter(|n| (-SAFE..=SAFE).contains(n)).map(|n| n.to_string()),
        _ => None,
    }
}

/// 18: an address that nobody has verified, or that is none, satisfies nothing.
fn address_counts(who: &Subject) -> bool {
    let required = who.issuer.is_some_and(|issuer| issuer["emailVerified"] == "Required");
    let verified = match who.claims.get("email_verified") {
        None => !required,
        Some(value) => value == &Value::Bool(true) || value == "true",
    };
    let well_formed = match who.claims.get("email") {
        None | Some(Value::Null) => true, // Missing is another rule (14).
        Some(value) => value.as_str().is_some_and(|text| text.matches('@').count() == 1),
    };
    verified && well_formed
}
