//! Rule 26: every limit at its edge, and one over.

use faas_iam::api::{Kind, Reason};
use serde_json::{Map, Value, json};

use crate::pipeline::judge;
use crate::reference;

/// A limit: what it is, the most there may be, and an object with as many as asked for.
type Limit = (&'static str, usize, fn(usize) -> (Kind, Value));

#[rustfmt::skip]
const LIMITS: [Limit; 29] = [
    ("statements of a Policy", 100, |n| policy(json!(vec![statement(json!({})); n]))),
    ("actions of a statement", 64, |n| one(json!({"action": vec!["Function:Get"; n]}))),
    ("resources of a statement", 256, |n| one(json!({"resource": names("dev:f", n)}))),
    ("characters of a sid", 512, |n| one(json!({"sid": "é".repeat(n)}))),
    ("characters of a resource", 512, |n| one(json!({"resource": [format!("dev:{}", "f".repeat(n - 4))]}))),
    ("operators of a statement's condition", 16, |n| one(json!({"condition": operators(n)}))),
    ("keys of an operator in a statement", 32, |n| one(json!({"condition": {"StringEqual": keys(n)}}))),
    ("values of a key in a statement", 1000, |n| one(json!({"condition": {"StringEqual": {"jwt:a": names("v", n)}}}))),
    ("policies of a Role", 64, |n| role(json!({"policy": names("p", n)}))),
    ("scopes of a Role", 64, |n| role(json!({"scope": names("dev:f", n)}))),
    ("characters of the name of a policy", 512, |n| role(json!({"policy": ["p".repeat(n)]}))),
    ("characters of a function's name in a scope", 253, |n| role(json!({"scope": [format!("dev:{}", "f".repeat(n))]}))),
    ("subjects of a principal", 1000, |n| role(json!({"principal": {"jwt:sub": names("s", n)}}))),
    ("characters of a subject", 512, |n| role(json!({"principal": {"jwt:sub": ["é".repeat(n)]}}))),
    ("operators of a condition", 16, |n| role(json!({"condition": operators(n)}))),
    ("keys of an operator", 32, |n| role(json!({"condition": {"StringEqual": keys(n)}}))),
    ("values of a key", 1000, |n| role(json!({"condition": {"ForAnyValue:StringEqual": {"jwt:a": names("v", n)}}}))),
    ("characters of a value", 512, |n| role(json!({"condition": {"StringEqual": {"jwt:a": ["é".repeat(n)]}}}))),
    ("characters of a key", 512, |n| role(json!({"condition": {"StringEqual": {format!("jwt:{}", "k".repeat(n - 4)): ["v"]}}}))),
    ("characters of a value of jwt:iss", 2048, |n| role(json!({"condition": {"StringEqual": {"jwt:iss": ["é".repeat(n)]}}}))),
    ("characters of a value of jwt:aud", 2048, |n| role(json!({"condition": {"ForAnyValue:StringLike": {"jwt:aud": ["é".repeat(n)]}}}))),
    ("audiences of a JwtIssuer", 16, |n| issuer(json!({"aud": names("a", n)}))),
    ("characters of an audience", 2048, |n| issuer(json!({"aud": ["é".repeat(n)]}))),
    ("characters of iss", 2048, |n| issuer(json!({"iss": address(n)}))),
    ("characters of issInternal", 2048, |n| issuer(json!({"issInternal": address(n)}))),
    ("keys of a key set", 64, |n| issuer(json!({"jwks": {"keys": vec![key(0); n]}}))),
    ("bytes of a Policy's spec", 256 << 10, |n| policy(padded(n))),
    ("bytes of a key set", 256 << 10, |n| issuer(json!({"jwks": key_set(n)}))),
    ("bytes of a Role's spec", 256 << 10, |n| (Kind::Role, padded_role(n))),
];

#[test]
fn r26_every_limit_holds_at_its_edge_and_not_one_over() {
    let mut wrong = Vec::new();
    for (what, most, object) in LIMITS {
        for (count, want) in [(most, true), (most + 1, false)] {
            let (kind, spec) = object(count);
            let judged = judge(kind, "x", &spec).verdict;
            if judged.is_ok() != want {
                let problems = judged.err().map(|problems| problems[0].field.to_string());
                wrong.push(format!("{count} {what}: the product has a problem at {problems:?}"));
            }
            let by_reference = reference::is_valid(&format!("{kind:?}"), "x", &spec);
            if by_reference != want {
                wrong.push(format!("{count} {what}: the reference says {by_reference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn r26_a_spec_that_is_too_large_has_a_reason_of_its_own() {
    for (kind, spec) in [policy(padded((256 << 10) + 1)), (Kind::Role, padded_role((256 << 10) + 1))] {
        let problems = judge(kind, "x", &spec).verdict.unwrap_err();
        assert!(problems.iter().any(|p| p.reason == Reason::TooLarge), "{kind:?}: {:?}", problems.first());
    }
    let (kind, spec) = issuer(json!({"jwks": key_set(320 << 10)}));
    let problems = judge(kind, "x", &spec).verdict.unwrap_err();
    assert!(problems.iter().any(|p| p.reason == Reason::TooLarge), "{:?}", problems.first());
}

fn policy(statements: Value) -> (Kind, Value) {
    (Kind::Policy, json!({"statement": statements}))
}

fn one(fields: Value) -> (Kind, Value) {
    policy(json!([statement(fields)]))
}

fn statement(fields: Value) -> Value {
    over(json!({"sid": "s", "action": ["*"], "effect": "Allow", "resource": ["*"]}), fields)
}

fn role(fields: Value) -> (Kind, Value) {
    (Kind::Role, over(json!({"policy": ["p"], "principal": {"jwt:sub": ["s"]}}), fields))
}

fn issuer(fields: Value) -> (Kind, Value) {
    (Kind::JwtIssuer, over(json!({"iss": "https://idp.example.com", "aud": ["a"]}), fields))
}

fn over(mut under: Value, over: Value) -> Value {
    if let (Some(under), Value::Object(over)) = (under.as_object_mut(), over) {
        under.extend(over);
    }
    under
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

fn keys(count: usize) -> Map<String, Value> {
    (0..count).map(|n| (format!("jwt:k{n}"), json!(["v"]))).collect()
}

/// A condition of so many operators, in every spelling there is.
fn operators(count: usize) -> Map<String, Value> {
    let base =
        ["StringEqual", "StringEquals", "StringNotEqual", "StringNotEquals", "StringLike", "StringNotLike"];
    let all =
        ["", "ForAnyValue:", "ForAllValues:"].into_iter().flat_map(|set| base.map(|op| format!("{set}{op}")));
    all.take(count).map(|op| (op, json!({"jwt:a": ["v"]}))).collect()
}

fn address(length: usize) -> String {
    let start = "https://idp.example.com/";
    format!("{start}{}", "x".repeat(length - start.len()))
}

fn key(padding: usize) -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "kid": "k", "pad": "x".repeat(padding),
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

/// A key set of so many bytes as JSON without spaces.
fn key_set(bytes: usize) -> Value {
    let set = |padding| json!({"keys": [key(padding)]});
    set(bytes - set(0).to_string().len())
}

/// What one string of the full length adds to a list: its characters, quotes, and a comma.
const FULL: usize = 512 + 3;

/// Statements that make the spec of a Policy exactly so many bytes.
fn padded(bytes: usize) -> Value {
    let make = |full: usize, last: usize, sid: usize| {
        let mut resources = vec![format!("dev:{}", "f".repeat(508)); full];
        resources.push(format!("dev:{}", "f".repeat(last)));
        let whole = statement(json!({"resource": vec![format!("dev:{}", "f".repeat(508)); 256]}));
        json!([whole, statement(json!({"resource": resources, "sid": "s".repeat(sid)}))])
    };
    let size = |statements: Value| json!({"statement": statements}).to_string().len();
    let left = bytes - size(make(0, 1, 1));
    let (full, rest) = (left / FULL, left % FULL);
    make(full, 1 + rest / 2, 1 + rest - rest / 2)
}

/// The spec of a Role of exactly so many bytes.
fn padded_role(bytes: usize) -> Value {
    let make = |full: usize, last: usize, policy: usize| {
        let mut subjects = vec!["s".repeat(512); full];
        subjects.push("s".repeat(last));
        json!({"policy": ["p".repeat(policy)], "principal": {"jwt:sub": subjects}})
    };
    let left = bytes - make(0, 1, 1).to_string().len();
    let (full, rest) = (left / FULL, left % FULL);
    make(full, 1 + rest / 2, 1 + rest - rest / 2)
}

#[test]
fn the_padding_is_exact() {
    for bytes in [(256 << 10) - 1, 256 << 10, (256 << 10) + 1] {
        assert_eq!(policy(padded(bytes)).1.to_string().len(), bytes);
        assert_eq!(padded_role(bytes).to_string().len(), bytes);
        assert_eq!(key_set(bytes).to_string().len(), bytes);
    }
}
