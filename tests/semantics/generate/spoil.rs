//! What makes claims name nobody, or nearly so: times at their edges, audiences, kinds.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use crate::world::{AUD, NOW};

/// Mostly changes one thing about the claims.
pub fn spoiled(dice: &mut Dice, claims: &mut Map<String, Value>) {
    let (name, value) = change(dice);
    match value {
        Some(value) => claims.insert(name.to_owned(), value),
        None => claims.remove(name),
    };
}

/// A claim and what is written in its place; nothing where it is taken away.
#[rustfmt::skip]
fn change(dice: &mut Dice) -> (&'static str, Option<Value>) {
    let times = [
        NOW - 31, NOW - 30, NOW - 29, NOW - 2, NOW - 1, NOW, NOW + 1, NOW + 2, NOW + 29, NOW + 30, NOW + 31,
    ];
    match dice.below(20) {
        0..4 => ("exp", Some(dice.one(&times).into())),
        4..7 => ("nbf", Some(dice.one(&times).into())),
        7 => ("exp", Some(Value::Null)),
        8 => ("nbf", Some(json!(1.5))),
        9 => ("iat", Some(json!("1"))),
        10 => ("aud", Some(json!(["", AUD]))),
        11 => ("aud", Some(json!([]))),
        12 => ("aud", None),
        13 => ("exp", None),
        14 => ("sub", Some("".into())),
        15 => ("openfaas:kind", None),
        16 => ("openfaas:kind", Some(dice.one(&["api", "function", "identity", "other"]).into())),
        17 => ("fed:aud", Some(dice.one(&["other", "", "x"]).into())),
        18 => ("fed:aud", None),
        _ => ("function", None),
    }
}
