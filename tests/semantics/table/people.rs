//! `people.yaml`: whom Roles bind, and what claims name anybody.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Both, Findings, rows};
use crate::world::{NOW, World, grant, issuer, system, token};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    rule: String,
    #[serde(default)]
    issuers: Map<String, Value>,
    #[serde(default)]
    system: bool,
    #[serde(default)]
    policies: Map<String, Value>,
    roles: Map<String, Value>,
    #[serde(default)]
    allow: Vec<Value>,
    #[serde(default)]
    deny: Vec<Value>,
    /// Allowed as somebody wrote them down for a question, and no whole token's.
    #[serde(default)]
    no_token: Vec<Value>,
}

#[test]
fn r7_to_r30_roles_bind_whom_the_table_says() {
    let mut found = Findings::default();
    for row in rows::<Row>(include_str!("people.yaml")) {
        let world = world(&row);
        let iss = world.issuers[0].1["iss"].as_str().unwrap();
        let both = Both::of(&world);
        let lists = [(&row.allow, true, true), (&row.deny, false, false), (&row.no_token, true, false)];
        for (people, by_question, by_token) in lists {
            for person in people {
                let (claims, question) = claims(iss, person);
                both.ask(&mut found, &row.rule, &claims, &question, Some(by_question));
                both.ask_with_token(&mut found, &row.rule, &claims, &question, by_token);
            }
        }
    }
    found.report();
}

fn world(row: &Row) -> World {
    let mut world = World::default();
    for (name, spec) in &row.issuers {
        world = world.issuer(name, over(issuer(""), spec));
    }
    if row.issuers.is_empty() {
        world = world.issuer("idp", issuer("https://idp.example.com"));
    }
    if row.system {
        world = world.issuer("system", system());
    }
    if row.policies.is_empty() {
        world = world.policy("all", grant(&["*"], &["*"]));
    }
    for (name, spec) in &row.policies {
        let statements = spec.get("statements").and_then(Value::as_array).cloned();
        let statements = statements.unwrap_or_else(|| vec![spec.clone()]).into_iter().map(|s| statement(&s));
        world = world.policy(name, json!({"statement": statements.collect::<Vec<_>>()}));
    }
    for (name, spec) in &row.roles {
        world = world.role(name, over(json!({"policy": ["all"]}), spec));
    }
    world
}

fn statement(spec: &Value) -> Value {
    over(json!({"sid": "s", "effect": "Allow"}), spec)
}

/// The fields of one object laid over those of another.
fn over(mut under: Value, over: &Value) -> Value {
    under.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    under
}

/// The claims of a row, and the question.
fn claims(iss: &str, row: &Value) -> (Value, String) {
    let mut said = match row {
        Value::String(json) => serde_json::from_str(json).expect("a row in quotes is JSON"),
        said => said.clone(),
    };
    let said = said.as_object_mut().unwrap();
    let question = said.remove("ask").unwrap_or("Function:Get dev:env".into());
    let without = said.remove("without").unwrap_or_default();
    for name in ["exp", "nbf", "iat"] {
        if let Some(seconds) = said.remove(&format!("{name}_in")) {
            said.insert(name.into(), (NOW + seconds.as_i64().unwrap()).into());
        }
    }
    let mut claims = token(iss, Value::Object(said.clone()));
    for name in without.as_array().into_iter().flatten() {
        claims.as_object_mut().unwrap().remove(name.as_str().unwrap());
    }
    (claims, question.as_str().unwrap().to_owned())
}
