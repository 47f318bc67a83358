//! Policies and Roles, one in eight of them broken.

use serde_json::{Value, json};

use super::conditions::{NAMED, condition};
use super::dice::Dice;

#[rustfmt::skip]
const ACTIONS: [&str; 27] = [
    "*", "*", "*", "*", "*", "*", "*", "Function:*", "Function:*", "Function:*", "Function:Get", "Function:Get",
    "Function:List", "Function:Invoke", "Function:Invoke", "Function:Create", "Function:Delete",
    "Function:Tag", "Function:Admin", "Function:Read", "Secret:*", "Secret:Read", "Secret:Admin",
    "Namespace:*", "Namespace:List", "System:Info", "Role:*",
];

#[rustfmt::skip]
const RESOURCES: [&str; 24] = [
    "*", "*", "*", "*", "*", "*", "dev:*", "dev:*", "dev:*", "*:*", "*:*", "dev:env", "d*:*", "dev:e*", "prod:*", "prod:*",
    "*:env", "*v:*n*", "kube-*:*", "prod:api", "dev:*v", "kube-system:x", "d*v:e*", "dev:**",
];

#[rustfmt::skip]
const SCOPES: [&str; 14] = [
    "*", "*", "*", "dev:*", "dev:*", "dev:*", "prod:*", "prod:*", "dev:env", "dev:env", "dev:api", "prod:api",
    "kube-system:*", "d*:*",
];

const POLICIES: [&str; 6] = ["p0", "p1", "p2", "p3", "p4", "nowhere"];
const SUBJECTS: [&str; 7] =
    ["alice", "alice", "alice", "bob", "repo:acme/api:ref:x", "function:dev:env", "admin"];

pub fn policy(dice: &mut Dice) -> Value {
    let mut statements: Vec<Value> = (0..=dice.below(3)).map(|_| statement(dice)).collect();
    match dice.below(56) {
        0 => statements[0]["effect"] = "Deny".into(),
        1 => statements[0]["condition"] = Value::Null,
        2 => statements[0]["conditions"] = json!({"StringEqual": {"jwt:team": ["dev"]}}),
        3 => statements[0]["sid"] = "".into(),
        4 => statements.clear(),
        5 => statements[0]["action"] = json!(["Function:Nope"]),
        6 => statements[0]["resource"] = json!(["*", "dev"]),
        _ => {}
    }
    json!({"statement": statements})
}

fn statement(dice: &mut Dice) -> Value {
    let (action, resource) = (dice.few(&ACTIONS, 2), dice.few(&RESOURCES, 2));
    let mut statement = json!({"sid": "s", "action": action, "effect": "Allow", "resource": resource});
    if dice.once_in(3) {
        statement["condition"] = condition(dice);
    }
    statement
}

pub fn role(dice: &mut Dice) -> Value {
    let mut role = json!({"policy": dice.some(&POLICIES)});
    if !dice.once_in(4) {
        role["condition"] = condition(dice);
    }
    if dice.below(5) < 2 {
        role["condition"]["StringEqual"]["jwt:iss"] = json!(dice.some(&NAMED));
    }
    // Who is bound by nothing would be bound to nobody; most Roles say whom they mean.
    let open = role.get("condition").is_none() && !dice.once_in(10);
    if open || dice.below(10) < 3 {
        role["principal"] = json!({"jwt:sub": dice.few(&SUBJECTS, 2)});
    }
    if dice.below(10) < 4 {
        role["scope"] = json!(dice.few(&SCOPES, 2));
    }
    flawed(dice, &mut role);
    role
}

fn flawed(dice: &mut Dice, role: &mut Value) {
    match dice.below(50) {
        0 => role["scope"] = json!([]),
        1 => role["conditions"] = json!({"StringEqual": {"jwt:team": ["dev"]}}),
        2 => role["principal"] = json!({"jwt:sub": []}),
        3 => role["condition"] = json!({}),
        4 => role["policy"] = json!([]),
        5 => role["principal"] = json!({"jwt:sub": ["repo:/*"]}),
        _ => {}
    }
}
