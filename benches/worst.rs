//! The installation that helps the index over resources least: every Policy grants everything on `*`, so
//! that who asks is all that tells the Roles apart, and that by one claim each.

use faas_iam::api::Kind;
use faas_iam::engine::{Completeness, Engine, Principal};
use faas_iam::model::Request;
use serde_json::{Value, json};

use crate::mix::{KEYCLOAK, NOW, PUBLIC};

/// How Roles are told apart: the condition of the n-th, and a claim that meets it and no other.
pub struct Told {
    condition: fn(usize) -> Value,
    claim: fn(usize) -> (&'static str, String),
}

/// By a claim's value.
pub const BY_VALUE: Told = Told {
    condition: |n| json!({"StringEqual": {"jwt:team": [format!("team-{n}")]}}),
    claim: |n| ("team", format!("team-{n}")),
};

/// By a pattern whose beginning is fixed.
pub const BY_BEGINNING: Told = Told {
    condition: |n| json!({"StringLike": {"jwt:project": [format!("acme/team-{n}/*")]}}),
    claim: |n| ("project", format!("acme/team-{n}/api")),
};

/// By a pattern that begins with a wildcard.
pub const BY_ENDING: Told = Told {
    condition: |n| json!({"StringLike": {"jwt:email": [format!("*@team-{n}.example.com")]}}),
    claim: |n| ("email", format!("alice@team-{n}.example.com")),
};

/// All objects of an installation with so many Policies.
pub fn objects(policies: usize, told: &Told) -> Vec<(Kind, String, Value)> {
    let everything =
        json!({"statement": [{"sid": "s", "action": ["*"], "effect": "Allow", "resource": ["*"]}]});
    let mut all = vec![(Kind::JwtIssuer, "keycloak".to_owned(), json!({"iss": KEYCLOAK, "aud": [PUBLIC]}))];
    for n in 0..policies {
        let mut condition = (told.condition)(n);
        condition["StringEqual"]["jwt:iss"] = json!([KEYCLOAK]);
        all.push((Kind::Policy, format!("p-{n}"), everything.clone()));
        all.push((
            Kind::Role,
            format!("r-{n}"),
            json!({"policy": [format!("p-{n}")], "condition": condition}),
        ));
    }
    all
}

/// Somebody of the Role in the middle, who may, and somebody of none, who may not, with their question.
pub fn askers(engine: &Engine, policies: usize, told: &Told) -> [(Principal, Request); 2] {
    [policies / 2, policies].map(|n| {
        let (claim, value) = (told.claim)(n);
        let claims = json!({"iss": KEYCLOAK, "sub": "alice", "aud": PUBLIC, "exp": NOW + 600, claim: value});
        let who = engine.identify(claims.as_object().unwrap(), NOW, Completeness::Token).unwrap();
        (who, Request::parse("Function:Get", "dev:env").unwrap())
    })
}
