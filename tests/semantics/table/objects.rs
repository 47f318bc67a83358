//! `objects.yaml`: what is valid, and what is a problem.

use faas_iam::api::Kind;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Findings, rows};
use crate::pipeline::judge;
use crate::reference;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    rule: String,
    kind: String,
    name: Option<String>,
    base: Option<Value>,
    put: Option<String>,
    #[serde(default)]
    valid: Vec<Value>,
    #[serde(default)]
    warned: Vec<Value>,
    #[serde(default)]
    problem: Vec<Value>,
}

#[test]
fn r5_to_r28_objects_are_valid_where_the_table_says_so() {
    let mut found = Findings::default();
    for row in rows::<Row>(include_str!("objects.yaml")) {
        for (values, want) in [(&row.valid, true), (&row.warned, true), (&row.problem, false)] {
            for value in values {
                let spec = spec(&row, value);
                let what = format!("{}: {} {spec}", row.rule, row.kind);
                let name = row.name.as_deref().unwrap_or("x");
                found.expect(&what, "the reference", &reference::is_valid(&row.kind, name, &spec), &want);
                found.expect(
                    &what,
                    "the product",
                    &judge(kind(&row.kind), name, &spec).verdict.is_ok(),
                    &want,
                );
            }
        }
    }
    found.report();
}

#[test]
fn r5_to_r28_what_is_odd_gets_a_warning() {
    let mut found = Findings::default();
    for row in rows::<Row>(include_str!("objects.yaml")) {
        let usual = warnings(&row.kind, &plain(&row.kind));
        for value in &row.warned {
            let spec = spec(&row, value);
            let odd = warnings(&row.kind, &spec).iter().any(|warning| !usual.contains(warning));
            found.expect(&format!("{}: a warning for {spec}", row.rule), "the product", &odd, &true);
        }
    }
    found.report();
}

#[test]
fn r26_every_problem_says_what_and_where() {
    for row in rows::<Row>(include_str!("objects.yaml")) {
        for value in &row.problem {
            let spec = spec(&row, value);
            let problems =
                judge(kind(&row.kind), row.name.as_deref().unwrap_or("x"), &spec).verdict.unwrap_err();
            assert!(!problems.is_empty(), "{}: {spec}", row.rule);
            for problem in problems {
                assert!(problem.field.to_string().starts_with("spec"), "{}: {problem:?}", row.rule);
                assert!(!problem.message.is_empty(), "{}: {problem:?}", row.rule);
            }
        }
    }
}

fn warnings(of: &str, spec: &Value) -> Vec<String> {
    judge(kind(of), "x", spec).warnings.into_iter().map(|warning| warning.message).collect()
}

/// An object with nothing odd about it.
fn plain(kind: &str) -> Value {
    match kind {
        "JwtIssuer" => json!({"iss": "https://idp.example.com", "aud": ["a"]}),
        "Policy" => crate::world::grant(&["*"], &["*"]),
        _ => json!({"policy": ["a"], "condition": {"StringEqual": {"jwt:a": ["b"]}}}),
    }
}

fn kind(name: &str) -> Kind {
    Kind::ACCESS.into_iter().find(|kind| format!("{kind:?}") == name).expect("a kind")
}

/// The whole spec of a row: the value itself, or `base` with the value at `put`.
fn spec(row: &Row, value: &Value) -> Value {
    let Some(place) = &row.put else { return value.clone() };
    let mut spec = row.base.clone().expect("`put` needs a base");
    let mut at = &mut spec;
    for step in place.split('.') {
        at = match step.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[step],
        };
    }
    *at = value.clone();
    spec
}
