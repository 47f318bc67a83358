//! Schemas of fields that a Rust type cannot describe by itself.
//!
//! Shapes alone: each function is the schema of one field, without its description.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{limits, policy};

/// The values of `algorithms`: asymmetric signatures that the token library verifies.
pub const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// The values of `emailVerified`; the first is the default.
pub const EMAIL_VERIFIED: [&str; 2] = ["IfPresent", "Required"];

/// The values of a reference's `kind`.
pub const REF_KINDS: [&str; 2] = ["Secret", "ConfigMap"];

/// The values of `operator` in a selector.
pub const SELECTOR_OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// One of a few texts.
pub fn one_of(values: &[&str]) -> Schema {
    json_schema!({ "type": "string", "enum": values, "maxLength": limits::TEXT })
}

/// The schema of a statement's `effect`.
pub fn effect(_: &mut SchemaGenerator) -> Schema {
    one_of(&[policy::ALLOW])
}

/// The schema of a reference's `kind`.
pub fn ref_kind(_: &mut SchemaGenerator) -> Schema {
    one_of(&REF_KINDS)
}

/// The schema of `emailVerified`.
pub fn email_verified(_: &mut SchemaGenerator) -> Schema {
    one_of(&EMAIL_VERIFIED)
}

/// The schema of `algorithms`.
pub fn algorithms(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": limits::ALGORITHMS,
        "items": one_of(&ALGORITHMS),
    })
}

/// The schema of a Role's `scope`, and of the field that is taken for it.
pub fn scope(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "nullable": true,
        "minItems": 1,
        "maxItems": limits::SCOPES,
        "items": { "type": "string", "minLength": 1, "maxLength": limits::TEXT },
    })
}

/// The schema of a type, that lets null through to be refused by the validator.
pub fn nullable<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    or_null(T::json_schema(generator))
}

fn or_null(mut schema: Schema) -> Schema {
    schema.insert("nullable".to_owned(), true.into());
    schema
}

/// The schema of a time, RFC 3339.
pub fn date_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time", "maxLength": limits::LABEL })
}

/// The schema of a list of names.
pub fn names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": limits::TARGET_NAMES,
        "items": { "type": "string", "minLength": 1, "maxLength": limits::NAME },
    })
}

/// The same, whose loss would widen.
pub fn nullable_names(generator: &mut SchemaGenerator) -> Schema {
    or_null(names(generator))
}

/// The schema of labels that must be there.
pub fn match_labels(_: &mut SchemaGenerator) -> Schema {
    labels().into()
}

fn labels() -> Map<String, Value> {
    let labels = json!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": limits::SELECTOR_TERMS,
        "additionalProperties": { "type": "string", "minLength": 1, "maxLength": limits::LABEL },
    });
    labels.as_object().cloned().unwrap_or_default()
}

/// The schema of a label selector, with bounds that Kubernetes' own lacks.
pub fn label_selector(_: &mut SchemaGenerator) -> Schema {
    let mut match_labels = labels();
    match_labels.insert("description".to_owned(), "Labels that must be there, each with its value.".into());
    json_schema!({
        "type": "object",
        "minProperties": 1,
        "properties": {
            "matchLabels": match_labels,
            "matchExpressions": {
                "description": "What must hold of labels, all of it, as Kubernetes defines it.",
                "type": "array",
                "minItems": 1,
                "maxItems": limits::SELECTOR_TERMS,
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {
                            "description": "The key of the label.",
                            "type": "string",
                            "minLength": 1,
                            "maxLength": limits::LABEL_KEY,
                        },
                        "operator": selector_operator(),
                        "values": {
                            "description": "The values, for `In` and `NotIn` alone, which need them.",
                            "type": "array",
                            "minItems": 1,
                            "maxItems": limits::SELECTOR_VALUES,
                            "items": { "type": "string", "minLength": 1, "maxLength": limits::LABEL },
                        },
                    },
                },
            },
        },
    })
}

fn selector_operator() -> Schema {
    let mut operator = one_of(&SELECTOR_OPERATORS);
    let what = "`In`, `NotIn`, `Exists` or `DoesNotExist`.";
    operator.insert("description".to_owned(), what.into());
    operator
}

/// The same, whose loss would widen.
pub fn nullable_label_selector(generator: &mut SchemaGenerator) -> Schema {
    or_null(label_selector(generator))
}

const PRIVATE_KEY: &str = "a key set holds public keys alone: remove the private or symmetric key, \
    and replace it wherever it is in use, since it has been shown";

/// The schema of `jwks`: free inside, for keys of kinds that nobody knows yet, but that parts of
/// private keys are refused before they are stored.
pub fn key_set(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "required": ["keys"],
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "keys": {
                "description": "The keys, 1 to 64, each a public JSON Web Key.",
                "type": "array",
                "minItems": 1,
                "maxItems": limits::JWKS_KEYS,
                "items": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": true,
                    "properties": {
                        "d": private("The private part of an RSA, EC or OKP key"),
                        "k": private("A symmetric key"),
                        "priv": private("The private part of an AKP key"),
                    },
                    "x-kubernetes-validations": [{
                        "rule": "!has(self.d) && !has(self.k) && !has(self.priv)",
                        "message": PRIVATE_KEY,
                        "reason": "FieldValueForbidden",
                    }],
                },
            },
        },
    })
}

fn private(what: &str) -> Value {
    json!({
        "description": format!("{what}: refused, a key set holds public keys alone."),
        "type": "string",
        "maxLength": limits::LONG_TEXT,
    })
}
