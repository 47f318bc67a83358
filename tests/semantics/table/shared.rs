//! `shared.yaml`: what binds one tenant of a shared issuer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Both, Findings, rows};
use crate::world::{World, grant, issuer, token};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    iss: String,
    shared: Option<bool>,
    #[serde(default)]
    binds: Vec<String>,
    #[serde(default)]
    not: Vec<String>,
}

#[test]
fn r22_a_role_on_a_shared_issuer_has_to_bind_what_one_tenant_owns() {
    let mut found = Findings::default();
    for row in rows::<Row>(include_str!("shared.yaml")) {
        for (lines, want) in [(&row.binds, true), (&row.not, false)] {
            for line in lines {
                let (role, claims) = (role(line), claims(&row.iss, line));
                let what = format!("22 {} {line}", row.iss);
                let here = world(&row.iss, row.shared, &role);
                Both::of(&here).ask(&mut found, &what, &claims, "Function:Get dev:env", Some(want));
                let lifted = world(&row.iss, Some(false), &role);
                let what = format!("{what}, not shared");
                Both::of(&lifted).ask(&mut found, &what, &claims, "Function:Get dev:env", Some(true));
            }
        }
    }
    found.report();
}

#[test]
fn r22_the_binding_has_to_stand_in_the_role_itself() {
    let iss = "https://gitlab.com";
    let statement = json!({"sid": "s", "action": ["*"], "effect": "Allow", "resource": ["*"],
        "condition": {"StringEqual": {"jwt:namespace_path": ["acme"]}}});
    let role = json!({"policy": ["acme"], "condition": {"StringEqual": {"jwt:ref": ["main"]}}});
    let claims = token(iss, json!({"namespace_path": "acme", "ref": "main"}));
    let mut found = Findings::default();
    for (shared, want) in [(None, false), (Some(false), true)] {
        let world = world(iss, shared, &role).policy("acme", json!({"statement": [statement]}));
        Both::of(&world).ask(&mut found, "22", &claims, "Function:Get dev:env", Some(want));
    }
    found.report();
}

#[test]
fn r22_is_judged_for_each_pair_of_role_and_issuer() {
    let (shared, own) = ("https://gitlab.com", "https://idp.example.com");
    let role = json!({"policy": ["all"], "condition": {"StringEqual": {"jwt:ref": ["main"]}}});
    let world = world(shared, None, &role).issuer("own", issuer(own));
    let mut found = Findings::default();
    for (iss, want) in [(shared, false), (own, true)] {
        let claims = token(iss, json!({"ref": "main"}));
        Both::of(&world).ask(&mut found, "22", &claims, "Function:Get dev:env", Some(want));
    }
    found.report();
}

fn world(iss: &str, shared: Option<bool>, role: &Value) -> World {
    let mut issuer = issuer(iss);
    if let Some(shared) = shared {
        issuer["shared"] = shared.into();
    }
    World::default().issuer("idp", issuer).policy("all", grant(&["*"], &["*"])).role("r", role.clone())
}

/// `operator claim value…`, of each part of a line.
fn parts(line: &str) -> impl Iterator<Item = (&str, &str, Vec<&str>)> {
    line.split(" + ").map(|part| {
        let mut words = part.split(' ');
        (words.next().unwrap(), words.next().unwrap(), words.collect())
    })
}

fn role(line: &str) -> Value {
    let mut role = json!({"policy": ["all"]});
    for (operator, claim, values) in parts(line) {
        let key = format!("jwt:{claim}");
        match operator {
            "principal" => role["principal"][key] = json!(values),
            operator => role["condition"][operator][key] = json!(values),
        }
    }
    role
}

/// A token that meets the Role of a line.
fn claims(iss: &str, line: &str) -> Value {
    let met = parts(line).filter(|(_, claim, _)| *claim != "iss");
    let met = met.map(|(operator, claim, values)| (claim.to_owned(), meeting(operator, values[0])));
    token(iss, Value::Object(met.collect()))
}

fn meeting(operator: &str, value: &str) -> Value {
    match operator {
        "Bool" => Value::Bool(value == "true"),
        "Null" => "something".into(),
        _ if operator.contains("Not") && value.contains('@') => "other@acme.com".into(),
        _ if operator.contains("Not") => "other".into(),
        _ if operator.contains("IgnoreCase") => value.to_ascii_uppercase().into(),
        _ if operator.contains("Like") => value.replace(['*', '?'], "x").into(),
        _ => value.into(),
    }
}
