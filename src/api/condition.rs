//! Conditions and principals: the maps from operators to claims to values, and their schema.
//!
//! Decides which operators and keys the API server lets in. What a value means, and whether it
//! binds anybody, is the validator's.

use std::collections::BTreeMap;

use kube::core::Rule;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::limits;

/// Values by key, e.g. `jwt:sub` to a list of subjects. A value of `None` is a null in the object.
pub type Claims = BTreeMap<String, Option<Vec<String>>>;

/// Claims by operator, e.g. `StringEqual`. A value of `None` is a null in the object.
pub type Condition = BTreeMap<String, Option<Claims>>;

/// The one key of a principal.
pub const PRINCIPAL_KEY: &str = "jwt:sub";

/// What every key begins with; the rest is the name of one top-level claim.
pub const KEY_PREFIX: &str = "jwt:";

/// The operators that compare strings, in both spellings, without a set in front of them.
pub const STRING_OPERATORS: [&str; 10] = [
    "StringEqual",
    "StringEquals",
    "StringNotEqual",
    "StringNotEquals",
    "StringEqualIgnoreCase",
    "StringEqualsIgnoreCase",
    "StringNotEqualIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];

/// What turns a string operator into one on sets.
pub const SET_PREFIXES: [&str; 2] = ["ForAnyValue:", "ForAllValues:"];

/// The operators that look at booleans and at presence.
pub const OTHER_OPERATORS: [&str; 2] = ["Bool", "Null"];

/// Every operator there is, each spelling of its own.
pub fn operators() -> impl Iterator<Item = String> {
    ["", "ForAnyValue:", "ForAllValues:"]
        .into_iter()
        .flat_map(|set| STRING_OPERATORS.into_iter().map(move |operator| format!("{set}{operator}")))
        .chain(OTHER_OPERATORS.into_iter().map(str::to_owned))
}

const OPERATOR_CURE: &str = "use StringEqual, StringNotEqual, StringEqualIgnoreCase, \
    StringNotEqualIgnoreCase, StringLike or StringNotLike, each also behind ForAnyValue: or \
    ForAllValues: for a claim that is a list, or use Bool or Null";
const KEY_CURE: &str = "a key is `jwt:` and the name of a claim, such as `jwt:email`";
const PRINCIPAL_CURE: &str = "`principal` knows only the key `jwt:sub`: move other claims to `condition`";
const NULL_OPERATOR: &str =
    "an operator without keys (null): give it a key such as `jwt:email`, or remove the operator";
const NULL_KEY: &str = "a key without values (null): give it a list of values, or remove the key";

/// The schema of a Role's `condition`.
pub fn role_condition(_: &mut SchemaGenerator) -> Schema {
    checked_condition("`principal` does not belong inside `condition`: move it up, to `spec.principal`")
}

/// The schema of a statement's `condition`.
pub fn statement_condition(_: &mut SchemaGenerator) -> Schema {
    checked_condition("a Policy has no `principal`: bind it in a Role, in `spec.principal`")
}

/// The schema of a Role's `principal`.
pub fn principal(_: &mut SchemaGenerator) -> Schema {
    with_rules(
        claims(),
        json!([
            every("unknown key", &format!("entry == '{PRINCIPAL_KEY}'"), PRINCIPAL_CURE),
            not_null(NULL_KEY),
        ]),
    )
}

/// The schema of a field that is taken for a condition: its shape without its rules, since a rule
/// of the object refuses the field itself.
pub fn mistaken_condition(_: &mut SchemaGenerator) -> Schema {
    map_of(claims())
}

/// The schema of a field that is taken for a principal.
pub fn mistaken_principal(_: &mut SchemaGenerator) -> Schema {
    claims()
}

fn checked_condition(misplaced_principal: &str) -> Schema {
    let a_key = format!("entry.startsWith('{KEY_PREFIX}') && entry != '{KEY_PREFIX}'");
    let keyed = with_rules(claims(), json!([every("wrong key", &a_key, KEY_CURE), not_null(NULL_KEY)]));
    let known = operators().map(|o| format!("'{o}'")).collect::<Vec<_>>().join(", ");
    with_rules(
        map_of(keyed),
        json!([
            Rule::new("!('principal' in self)").message(misplaced_principal),
            every("unknown operator", &format!("entry in [{known}, 'principal']"), OPERATOR_CURE),
            not_null(NULL_OPERATOR),
        ]),
    )
}

/// The map from operators to what stands under one.
fn map_of(keyed: Schema) -> Schema {
    json_schema!({
        "type": "object",
        "nullable": true,
        "minProperties": 1,
        "maxProperties": limits::OPERATORS,
        "additionalProperties": keyed,
    })
}

/// The map from keys to values, without rules.
fn claims() -> Schema {
    json_schema!({
        "type": "object",
        "nullable": true,
        "minProperties": 1,
        "maxProperties": limits::KEYS,
        "additionalProperties": {
            "type": "array",
            "nullable": true,
            "minItems": 1,
            "maxItems": limits::VALUES,
            "items": { "type": "string", "minLength": 1, "maxLength": limits::LONG_TEXT },
        },
    })
}

fn with_rules(mut schema: Schema, rules: Value) -> Schema {
    schema.insert("x-kubernetes-validations".to_owned(), rules);
    schema
}

/// The rule that every name in a map is right; the message names the first that is wrong, and what
/// to write instead.
fn every(wrong: &str, right: &str, cure: &str) -> Value {
    json!({
        "rule": format!("self.all(entry, {right})"),
        "message": format!("{wrong}: {cure}"),
        "messageExpression": format!("'{wrong} `' + self.filter(entry, !({right}))[0] + '`: {cure}'"),
    })
}

/// The rule that nothing in a map is null, which only its untyped reading can see.
fn not_null(cure: &str) -> Value {
    json!({ "rule": "self.all(entry, dyn(self[entry]) != null)", "message": cure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirty_two_operators_and_no_set_of_booleans() {
        let all = operators().collect::<Vec<_>>();
        assert_eq!(all.len(), 32);
        assert!(all.contains(&"ForAllValues:StringNotEqualsIgnoreCase".to_owned()));
        assert!(!all.contains(&"ForAnyValue:Bool".to_owned()));
    }
}
