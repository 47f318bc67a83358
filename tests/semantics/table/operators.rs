//! `operators.txt`: every operator against every shape of claim.

use serde_json::{Value, json};

use super::{Both, Findings};
use crate::world::{World, token};

const TABLE: &str = include_str!("operators.txt");
const ISS: &str = "https://idp.example.com";
/// A plain name, one with slashes, one with a dot.
const CLAIMS: [&str; 3] = ["c", "https://acme.com/c", "my.c"];

#[test]
fn r12_to_r17_every_operator_does_with_every_claim_what_the_table_says() {
    let mut found = Findings::default();
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let shapes: Vec<&str> = cells(lines.next().unwrap()).1;
    for line in lines {
        let (condition, cells) = cells(line);
        let (operator, values) = condition.split_once(' ').unwrap();
        let values: Vec<&str> = values.split_whitespace().collect();
        for operator in spellings(operator) {
            for claim in CLAIMS {
                row(&mut found, &operator, claim, &values, &shapes, &cells);
            }
        }
    }
    found.report();
}

fn row(found: &mut Findings, operator: &str, claim: &str, values: &[&str], shapes: &[&str], cells: &[&str]) {
    let condition = json!({operator: {format!("jwt:{claim}"): values}});
    for (place, world) in [("Role", in_role(&condition)), ("statement", in_statement(&condition))] {
        let both = Both::of(&world);
        for (at, shape) in shapes.iter().enumerate() {
            let want = cells.get(at).is_some_and(|cell| *cell == "y");
            let what = format!("{operator} {values:?} in a {place} against {shape}");
            both.ask(found, &what, &claims(claim, shape), "Function:Get dev:env", Some(want));
        }
    }
}

fn claims(claim: &str, shape: &str) -> Value {
    match shape {
        "missing" => token(ISS, json!({})),
        json => token(ISS, json!({claim: serde_json::from_str::<Value>(json).unwrap()})),
    }
}

fn in_role(condition: &Value) -> World {
    World::with_issuer(ISS).role("r", json!({"policy": ["all"], "condition": condition}))
}

fn in_statement(condition: &Value) -> World {
    let statement =
        json!({"sid": "s", "action": ["*"], "effect": "Allow", "resource": ["*"], "condition": condition});
    World::with_issuer(ISS)
        .policy("conditional", json!({"statement": [statement]}))
        .role("r", json!({"policy": ["conditional"], "principal": {"jwt:sub": ["somebody"]}}))
}

/// An operator as written, and with the other spelling where it has one.
fn spellings(operator: &str) -> Vec<String> {
    let other = operator.replace("Equal", "Equals");
    if other == operator { vec![other] } else { vec![operator.to_owned(), other] }
}

/// The first cell, and the others.
fn cells(line: &str) -> (&str, Vec<&str>) {
    let mut cells = line.split('|').map(str::trim);
    (cells.next().unwrap(), cells.collect())
}
