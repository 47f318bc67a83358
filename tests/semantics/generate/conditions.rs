//! Conditions: mostly clauses that people of the usual kind meet, so that Roles bind somebody; now and then
//! any operator on any claim.

use serde_json::{Value, json};

use super::dice::Dice;
use super::issuers::{A, B, BASIC, GITHUB, GOOGLE};
use crate::world::{AUD, PUBLIC};

/// A text whose beginning is longer than what the engine indexes whole.
pub const LONG: &str = "repo:acme/a-repository-with-a-name-that-is-longer-than-most-of-the-others-are:ref:x";
const LONG_PATTERN: &str = "repo:acme/a-repository-with-a-name-that-is-longer-than-most-of-the-others*";

/// The values by which Roles name issuers.
pub const NAMED: [&str; 8] = [A, A, B, GITHUB, BASIC, PUBLIC, "https://*", GOOGLE];

/// Claims that conditions look at, with the values that they look for.
const KEYS: [(&str, &[&str]); 17] = [
    ("sub", &["alice", "bob", "repo:acme/*", "project_path:acme/*", "function:dev:env", "a*", LONG_PATTERN]),
    ("iss", &NAMED),
    ("email", &["alice@example.com", "*@example.com", "bob@evil.org", "*example.com"]),
    ("groups", &["dev", "ops", "d*"]),
    ("team", &["dev", "ops", "D*", "DEV", "?e?", "DÉV", "d?v", "dé*"]),
    ("n", &["7", "8", "*", "-7"]),
    ("admin", &["true", "false"]),
    ("aud", &[AUD, "other"]),
    ("repository_owner", &["acme", "ac*", "ACME"]),
    ("repository", &["acme/api", "acme/*", "*", "repo:/*"]),
    ("namespace_path", &["acme", "acme/*"]),
    ("hd", &["example.com", "*.com"]),
    ("openfaas:namespace", &["dev", "prod"]),
    ("openfaas:kind", &["api", "identity", "function"]),
    ("policy", &["p0", "p1"]),
    ("fed:iss", &[A]),
    ("https://acme.com/role", &["x"]),
];

#[rustfmt::skip]
const OPERATORS: [&str; 24] = [
    "StringEqual", "StringEqual", "StringEqual", "StringEquals", "StringEquals",
    "StringLike", "StringLike", "StringLike", "StringEqualIgnoreCase",
    "StringNotEqual", "StringNotLike", "StringNotEqualsIgnoreCase",
    "ForAnyValue:StringEqual", "ForAnyValue:StringLike", "ForAnyValue:StringEqualsIgnoreCase",
    "ForAnyValue:StringNotEqual",
    "ForAllValues:StringEqual", "ForAllValues:StringLike", "ForAllValues:StringNotLike",
    "ForAllValues:StringNotEqualIgnoreCase",
    "Bool", "Null", "Null", "ForAnyValue:Bool",
];

/// Clauses that people of the usual kind meet.
const MET: [(&str, &str, &[&str]); 18] = [
    ("StringEqual", "team", &["dev"]),
    ("ForAnyValue:StringEqual", "groups", &["dev", "x"]),
    ("StringLike", "sub", &["a*", "b*"]),
    ("StringLike", "sub", &["*"]),
    ("StringEqual", "sub", &["alice", "function:dev:env"]),
    ("StringLike", "email", &["*@example.com"]),
    ("StringEqual", "repository_owner", &["acme"]),
    ("StringLike", "repository", &["acme/*"]),
    ("StringEquals", "namespace_path", &["acme"]),
    ("StringEqual", "hd", &["example.com"]),
    ("Null", "missing", &["true"]),
    ("StringEqual", "n", &["7"]),
    ("Bool", "admin", &["true"]),
    ("StringLike", "sub", &["repo:acme/*"]),
    ("StringLike", "sub", &[LONG_PATTERN, "alice"]),
    ("StringNotEqual", "sub", &["carol"]),
    ("ForAllValues:StringLike", "groups", &["d*", "o*"]),
    ("StringEqualIgnoreCase", "team", &["DEV"]),
];

/// One or two clauses.
pub fn condition(dice: &mut Dice) -> Value {
    let mut condition = json!({});
    for _ in 0..=dice.below(2) {
        let (operator, claim, values) = if dice.once_in(5) { any(dice) } else { met(dice) };
        condition[operator][format!("jwt:{claim}")] = json!(values);
    }
    condition
}

type Clause = (&'static str, &'static str, Vec<&'static str>);

fn met(dice: &mut Dice) -> Clause {
    let (operator, claim, values) = dice.one(&MET);
    (operator, claim, values.to_vec())
}

fn any(dice: &mut Dice) -> Clause {
    let operator = dice.one(&OPERATORS);
    let (claim, values) = dice.one(&KEYS);
    match operator {
        "Bool" | "Null" | "ForAnyValue:Bool" => (operator, claim, dice.some(&["true", "false"])),
        _ => (operator, claim, dice.some(values)),
    }
}
