//! What claims hold, whoever made them: mostly what conditions look for, else something odd, else nothing.

use serde_json::{Map, Value, json};

use super::dice::Dice;

const CLAIMS: [&str; 13] = [
    "email",
    "email_verified",
    "groups",
    "team",
    "n",
    "admin",
    "repository_owner",
    "repository",
    "namespace_path",
    "hd",
    "openfaas:namespace",
    "policy",
    "https://acme.com/role",
];

/// Claims besides those that every token has.
pub fn usual(dice: &mut Dice) -> Map<String, Value> {
    let mut claims = Map::new();
    for claim in CLAIMS {
        let value = match dice.below(15) {
            0..10 => Some(shapes(claim)[0].clone()),
            at => shapes(claim).get(at - 9).cloned(),
        };
        claims.extend(value.map(|value| (claim.to_owned(), value)));
    }
    claims
}

/// What a claim may be, the usual first.
#[rustfmt::skip]
fn shapes(claim: &str) -> Vec<Value> {
    match claim {
        "email" => vec![
            json!("alice@example.com"), json!("bob@evil.org"), json!("x@y@example.com"), json!(["a@b.c"]),
        ],
        "email_verified" => vec![json!(true), json!(false), json!("true"), json!(null), json!("false")],
        "groups" => vec![
            json!(["dev"]), json!(["dev", "ops"]), json!([]), json!("dev"), json!(["x", true]), json!(null),
        ],
        "team" => vec![
            json!("dev"), json!("dév"), json!("DEV"), json!(["dev"]), json!({"dev": 1}), json!(""),
        ],
        "n" => vec![
            json!(7), json!("7"), json!(7.5), json!(9_007_199_254_740_993_i64), json!(-7), json!(true),
        ],
        "admin" => vec![json!(true), json!(false), json!("true"), json!([true])],
        "repository_owner" => vec![json!("acme"), json!("Acme"), json!("evil")],
        "repository" => vec![json!("acme/api"), json!("evil/api"), json!("acme")],
        "namespace_path" => vec![json!("acme"), json!("acme/x"), json!("evil")],
        "hd" => vec![json!("example.com"), json!("evil.com")],
        "openfaas:namespace" => vec![json!("dev"), json!("prod")],
        "policy" => vec![json!(["p0", "p1", "p2", "p3"]), json!(["p0"]), json!("p0"), json!([])],
        _ => vec![json!(["x"]), json!("x"), json!(null)],
    }
}
