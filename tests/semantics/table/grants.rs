//! `grants.yaml`: actions, resources and scopes.

use serde::Deserialize;
use serde_json::json;

use super::{Both, Findings, rows};
use crate::world::{World, token};

const ISS: &str = "https://idp.example.com";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    rule: String,
    action: Vec<String>,
    resource: Vec<String>,
    scope: Option<Vec<String>>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    wrong: Vec<String>,
}

#[test]
fn r1_to_r10_grants_cover_what_the_table_says() {
    let mut found = Findings::default();
    for row in rows::<Row>(include_str!("grants.yaml")) {
        let world = world(&row);
        let both = Both::of(&world);
        let claims = token(ISS, json!({}));
        for (questions, want) in [(&row.allow, Some(true)), (&row.deny, Some(false)), (&row.wrong, None)] {
            questions.iter().for_each(|question| both.ask(&mut found, &row.rule, &claims, question, want));
        }
    }
    found.report();
}

fn world(row: &Row) -> World {
    let statement = json!({"sid": "s", "action": row.action, "effect": "Allow", "resource": row.resource});
    let mut role = json!({"policy": ["p"], "principal": {"jwt:sub": ["somebody"]}});
    if let Some(scope) = &row.scope {
        role["scope"] = json!(scope);
    }
    World::with_issuer(ISS).policy("p", json!({"statement": [statement]})).role("r", role)
}
