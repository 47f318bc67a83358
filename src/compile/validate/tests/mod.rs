//! What the validator says: tables of values, each with the number of the rule in `semantics.md` it shows.

mod credential;
mod cures;
mod limits;
mod privacy;
mod rows;
mod schema;
mod written;

use serde_json::{Map, Value, json};

use super::validate;
use crate::api::Kind;
use crate::compile::Judged;
use crate::model::Unplaced;

/// The spec of a valid object without warnings.
pub fn base(kind: Kind) -> Value {
    match kind {
        Kind::JwtIssuer => json!({ "iss": "https://idp.example.com", "aud": ["gateway"] }),
        Kind::Policy => json!({ "statement": [
            { "sid": "s", "action": ["Function:Get"], "effect": "Allow", "resource": ["dev:*"] }
        ] }),
        Kind::FunctionPrivacy => json!({ "functions": { "namespaces": ["dev"] }, "privacy": "Private" }),
        Kind::RegistryCredential => json!({ "registry": "ghcr.io", "secretRef": { "name": "login" } }),
        _ => json!({
            "policy": ["p"],
            "principal": { "jwt:sub": ["alice"] },
            "condition": { "StringEqual": { "jwt:iss": ["https://idp.example.com"] } }
        }),
    }
}

/// A valid spec with `value` at a path such as `statement/0/sid` (in keys, `~1` is a slash), made where it
/// is missing; no value takes out what is there.
pub fn with(kind: Kind, path: &str, value: Option<Value>) -> Value {
    let mut spec = base(kind);
    let steps: Vec<_> = path.split('/').map(|s| s.replace("~1", "/")).collect();
    let (last, way) = steps.split_last().unwrap();
    let parent = way.iter().fold(&mut spec, |at, step| match at {
        Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        Value::Object(map) => map.entry(step.clone()).or_insert_with(|| Value::Object(Map::new())),
        other => panic!("{path}: {other}"),
    });
    match (parent, value) {
        (Value::Array(items), Some(value)) => items[last.parse::<usize>().unwrap()] = value,
        (Value::Object(map), Some(value)) => drop(map.insert(last.clone(), value)),
        (Value::Object(map), None) => drop(map.remove(last)),
        (other, _) => panic!("{path}: {other}"),
    }
    spec
}

/// Judges a spec, of an object with this name.
pub fn judge_named(kind: Kind, name: &str, spec: Value) -> Judged {
    validate(kind, &json!({ "metadata": { "name": name }, "spec": spec }), &Unplaced)
}

/// Judges a spec.
pub fn judge(kind: Kind, spec: Value) -> Judged {
    judge_named(kind, "x", spec)
}

/// The problems and the warnings, as texts.
pub fn told(judged: &Judged) -> (Vec<String>, Vec<String>) {
    let problems = judged.verdict.as_ref().err().into_iter().flatten();
    (problems.map(ToString::to_string).collect(), judged.warnings.iter().map(ToString::to_string).collect())
}

#[test]
fn the_base_of_the_tables_is_valid_and_without_warnings() {
    for kind in Kind::IN_FILES {
        assert_eq!(told(&judge(kind, base(kind))), (vec![], vec![]));
    }
}

#[test]
fn an_object_that_is_no_map_is_a_problem() {
    for value in
        [json!(null), json!([]), json!("x"), json!({}), json!({ "spec": [] }), json!({ "spec": null })]
    {
        let judged = validate(Kind::Role, &value, &Unplaced);
        let problems = judged.verdict.unwrap_err();
        assert!(!problems.is_empty() || value.is_null(), "{value}");
    }
}

#[test]
fn kinds_of_later_versions_are_refused_by_name() {
    let judged = judge(Kind::FunctionIdentity, json!({ "audiences": ["x"] }));
    assert!(told(&judged).0[0].contains("functionidentities.iam.openfaas.com"), "{judged:?}");
}

#[test]
fn all_problems_of_an_object_are_told_at_once_and_sorted_by_place() {
    let spec = json!({
        "policy": [7], "scopes": ["*"], "scope": ["d*:x"], "unknown": 1,
        "condition": { "StringEqual": { "iss": ["x"], "jwt:sub": [""] }, "Numeric": {} },
    });
    let (problems, _) = told(&judge(Kind::Role, spec));
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn problems_beyond_the_bound_are_counted() {
    let nulls = vec![Value::Null; 3_000];
    let (problems, _) = told(&judge(Kind::Role, with(Kind::Role, "principal/jwt:sub", Some(nulls.into()))));
    assert_eq!(problems.len(), crate::compile::cursor::KEPT + 1);
    assert!(problems.last().unwrap().contains("more problems are not listed"));
}

#[test]
fn hidden_characters_never_reach_a_message() {
    let spec = with(Kind::Policy, "statement/0/action/0", Some(json!("Function:\u{202e}\u{1b}[31mGet")));
    for problem in told(&judge(Kind::Policy, spec)).0 {
        assert!(!problem.contains(['\u{202e}', '\u{1b}']), "{problem:?}");
    }
}

#[test]
fn messages_are_bounded_whatever_is_written() {
    let long = "ab:".repeat(40_000);
    for (kind, path) in [
        (Kind::Policy, "statement/0/action/0"),
        (Kind::Policy, "statement/0/resource/0"),
        (Kind::Policy, "statement/0/effect"),
        (Kind::Role, "scope"),
        (Kind::Role, "policy"),
        (Kind::JwtIssuer, "tokenExpiry"),
        (Kind::JwtIssuer, "issInternal"),
    ] {
        let judged = judge(kind, with(kind, path, Some(json!(long))));
        for problem in judged.verdict.unwrap_err() {
            assert!(problem.message.chars().count() <= 1_024, "{path}: {}", problem.message);
        }
    }
    let spec = with(Kind::Role, &format!("condition/{long}"), Some(json!({ long.clone(): [null] })));
    for problem in judge(Kind::Role, spec).verdict.unwrap_err() {
        assert!(problem.field.to_string().len() < 2_000);
    }
}

#[test]
fn the_origin_is_what_the_metadata_says() {
    let object = json!({
        "metadata": { "name": "x", "uid": "u", "generation": 3, "creationTimestamp": "2026-01-01T00:00:00Z" },
        "spec": base(Kind::Role),
    });
    let origin = validate(Kind::Role, &object, &Unplaced).origin;
    assert_eq!((&*origin.uid, origin.generation, origin.created), ("u", 3, 1_767_225_600));
    assert_eq!(origin.digest, crate::bundle::Digest::of_json(&base(Kind::Role)));
}

#[test]
fn r20_the_iss_is_known_of_an_invalid_issuer_too() {
    let judged = judge(Kind::JwtIssuer, with(Kind::JwtIssuer, "aud", None));
    assert!(judged.verdict.is_err());
    assert_eq!(judged.iss, ["https://idp.example.com".into()].into());
}
