//! Those who ask: by a token of an issuer, by one of ours of every kind, by password.

use faas_iam::engine::Completeness;
use serde_json::{Map, Value, json};

use super::claims::usual;
use super::conditions::LONG;
use super::dice::Dice;
use super::issuers::{A, B, BASIC, GITHUB, GITLAB, GOOGLE, Issuers};
use super::spoil::spoiled;
use crate::world::{AUD, NOW, PUBLIC};

/// Somebody's claims, and how they are to be judged.
#[derive(Debug, Clone)]
pub struct Person {
    pub claims: Value,
    /// As those of a whole token; else as what somebody wrote down for a question.
    pub strict: bool,
}

impl Person {
    pub fn way(&self) -> Completeness {
        if self.strict { Completeness::Token } else { Completeness::Question }
    }
}

#[rustfmt::skip]
const SUBJECTS: [&str; 10] =
    ["alice", "alice", "alice", "bob", "bob", "carol", "repo:acme/api:ref:x", "project_path:acme/api", LONG, "repo:evil/x"];

/// Claims that this world takes, in the way they are judged.
pub fn somebody(dice: &mut Dice, issuers: &Issuers) -> Person {
    let iss = if dice.once_in(2) { A } else { dice.one(&issuers.sound) };
    let strict = dice.once_in(2);
    let mut claims = subject(dice, iss);
    vary(dice, &mut claims, strict);
    let kind = dice.below(100);
    if issuers.system {
        ours(dice, kind, &mut claims);
    }
    if kind >= 95 && !strict {
        return Person {
            claims: json!({"iss": BASIC, "sub": dice.one(&["admin", "alice"]), "team": "dev"}),
            strict,
        };
    }
    Person { claims: Value::Object(claims), strict }
}

/// The same, perhaps of an issuer that is not there or does not serve, or with something wrong about it.
pub fn anybody(dice: &mut Dice) -> Person {
    let iss = dice.one(&[A, A, B, GITHUB, GITLAB, GOOGLE, BASIC, "https://nobody.example.com"]);
    let mut claims = subject(dice, iss);
    let kind = dice.below(100);
    ours(dice, kind, &mut claims);
    spoiled(dice, &mut claims);
    Person { claims: Value::Object(claims), strict: dice.once_in(2) }
}

/// Claims of a token of an issuer.
fn subject(dice: &mut Dice, iss: &str) -> Map<String, Value> {
    let mut claims = usual(dice);
    let sub = match iss {
        GITHUB if dice.once_in(2) => "repo:acme/api:ref:x",
        _ => dice.one(&SUBJECTS),
    };
    claims.extend([("iss".into(), iss.into()), ("sub".into(), sub.into()), ("aud".into(), AUD.into())]);
    claims.insert("exp".into(), (NOW + 600).into());
    claims
}

/// What differs between tokens that are all good.
fn vary(dice: &mut Dice, claims: &mut Map<String, Value>, strict: bool) {
    match dice.below(12) {
        0 => claims.insert("aud".into(), json!(["x", AUD])),
        1 => claims.insert("aud".into(), json!([AUD])),
        2 => claims.insert("exp".into(), json!(NOW)),
        3 => claims.insert("nbf".into(), json!(NOW + 1)),
        4 => claims.insert("iat".into(), json!(1.5)),
        5 if !strict => claims.remove("aud"),
        6 if !strict => claims.remove("exp"),
        _ => None,
    };
}

/// Makes a token of ours of the claims, or leaves them as they are.
fn ours(dice: &mut Dice, kind: usize, claims: &mut Map<String, Value>) {
    match kind {
        50..67 => federated(dice, claims, "api"),
        67..77 => federated(dice, claims, "function"),
        77..89 => identity(dice, claims),
        89..95 => {
            identity(dice, claims);
            let kind = dice.one(&["api", "function"]);
            federated(dice, claims, kind);
        }
        _ => {}
    }
}

fn federated(dice: &mut Dice, claims: &mut Map<String, Value>, kind: &str) {
    for name in ["iss", "aud"] {
        let original = claims.insert(name.to_owned(), PUBLIC.into());
        claims.extend(original.map(|value| (format!("fed:{name}"), value)));
    }
    let sub = claims["sub"].as_str().unwrap_or_default().to_owned();
    claims.insert("sub".into(), format!("fed:{sub}").into());
    if kind == "function" {
        claims.insert("function".into(), function(dice));
    }
    omit(dice, claims);
    claims.insert("openfaas:kind".into(), kind.into());
}

/// What a function token may invoke.
fn function(dice: &mut Dice) -> Value {
    let mut function = json!({"permissions": dice.one(&[&["*"][..], &["dev:*", "prod:a*"], &["dev:env"]])});
    match dice.below(8) {
        0 => function["audience"] = json!(["dev:env"]),
        1 => function["audience"] = json!([]),
        2 => function["permissions"] = json!([]),
        _ => {}
    }
    function
}

fn identity(dice: &mut Dice, claims: &mut Map<String, Value>) {
    claims.extend(["iss", "aud"].map(|name| (name.to_owned(), PUBLIC.into())));
    claims.insert("sub".into(), "function:dev:env".into());
    claims.insert("openfaas:kind".into(), "identity".into());
    omit(dice, claims);
}

/// Now and then, claims that the token was too small for.
fn omit(dice: &mut Dice, claims: &mut Map<String, Value>) {
    if dice.once_in(8) {
        claims.insert("openfaas:omitted".into(), json!(dice.some(&["team", "groups", "missing", "sub"])));
    }
}
