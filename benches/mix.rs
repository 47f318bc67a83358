//! A realistic installation of any size, for benches and for the count of allocations: teams with a
//! namespace each, a few Policies on `*`, Roles told apart by subject, group and repository.

use faas_iam::api::Kind;
use faas_iam::bundle::Bundle;
use faas_iam::compile::link::link;
use faas_iam::compile::validate::validate;
use faas_iam::compile::{Catalogue, ObjectRef, Surroundings};
use faas_iam::engine::{Completeness, Engine, Principal};
use faas_iam::model::{Request, Unplaced};
use serde_json::{Value, json};

/// The time of every question.
pub const NOW: i64 = 1_800_000_000;
/// The gateway's address, which is the audience of everybody.
pub const PUBLIC: &str = "https://gateway.example.com";
/// An issuer of one tenant.
pub const KEYCLOAK: &str = "https://keycloak.example.com/realms/main";
const GITHUB: &str = "https://token.actions.githubusercontent.com";
/// Policies of one team; each has a Role.
const PER_TEAM: usize = 5;

/// All objects of an installation with so many Policies.
pub fn objects(policies: usize) -> Vec<(Kind, String, Value)> {
    let mut all = vec![
        (Kind::JwtIssuer, "system".to_owned(), json!({"iss": PUBLIC, "aud": [PUBLIC]})),
        (Kind::JwtIssuer, "keycloak".to_owned(), json!({"iss": KEYCLOAK, "aud": [PUBLIC]})),
        (Kind::JwtIssuer, "github".to_owned(), json!({"iss": GITHUB, "aud": [PUBLIC]})),
    ];
    for n in 0..policies {
        let (policy, role) = pair(n / PER_TEAM, n % PER_TEAM);
        all.push((Kind::Policy, format!("p-{n}"), json!({"statement": [policy]})));
        let mut role = role;
        role["policy"] = json!([format!("p-{n}")]);
        all.push((Kind::Role, format!("r-{n}"), role));
    }
    all
}

/// A statement of a team, and who gets it.
fn pair(team: usize, which: usize) -> (Value, Value) {
    let statement = |action: Value, resource: Value| json!({"sid": "s", "action": action, "effect": "Allow", "resource": resource});
    let here = json!([format!("team-{team}:*")]);
    let group = |name: &str| json!({"condition": {"StringEqual": {"jwt:iss": [KEYCLOAK]}, "ForAnyValue:StringEqual": {"jwt:groups": [name]}}});
    match which {
        0 => (statement(json!(["Function:*", "Secret:*"]), here), group(&format!("team-{team}-admin"))),
        1 => (statement(json!(["Function:Read", "Function:Logs"]), here), group(&format!("team-{team}"))),
        2 => (
            statement(json!(["Function:Create", "Function:Update", "Function:List"]), here),
            json!({"condition": {"StringEqual": {"jwt:iss": [GITHUB]}, "StringLike": {"jwt:sub": [format!("repo:acme/team-{team}:*")]}}}),
        ),
        3 => (
            statement(json!(["Function:Invoke"]), json!([format!("team-{team}:api-*"), "shared:*"])),
            json!({"condition": {"StringEqual": {"jwt:iss": [PUBLIC], "jwt:openfaas:namespace": [format!("team-{team}")]}}}),
        ),
        // Every tenth team has somebody who looks after everything.
        _ if team.is_multiple_of(10) => (
            statement(json!(["Function:Read", "Namespace:List", "System:Info"]), json!(["*"])),
            json!({"principal": {"jwt:sub": [format!("auditor-{team}")]}, "condition": {"StringEqual": {"jwt:iss": [KEYCLOAK]}}}),
        ),
        _ => (
            statement(json!(["Function:Scale", "Function:Get"]), json!([format!("team-{team}:worker-*")])),
            json!({"principal": {"jwt:sub": [format!("scaler-{team}")]}, "condition": {"StringEqual": {"jwt:iss": [KEYCLOAK, "urn:faas-iam:basic-auth"]}}}),
        ),
    }
}

/// The bundle of these objects, made as the operator makes it.
pub fn bundle(objects: &[(Kind, String, Value)]) -> Bundle {
    let judged = objects.iter().map(|(kind, name, spec)| {
        let object = json!({"apiVersion": kind.api_version(), "kind": format!("{kind:?}"), "metadata": {"name": name, "namespace": "openfaas"}, "spec": spec});
        (ObjectRef { kind: *kind, name: name.as_str().into() }, validate(*kind, &object, &Unplaced))
    });
    link(&Catalogue { objects: judged.collect() }, &Surroundings::default()).bundle
}

/// Somebody of each kind, of a team in the middle, with a question that is allowed and one that is not.
pub fn askers(engine: &Engine, policies: usize) -> Vec<(&'static str, Principal, Request, Request)> {
    let team = policies / PER_TEAM / 2;
    let ask = |action: &str, place: &str| Request::parse(action, &format!("team-{team}:{place}")).unwrap();
    let base = json!({"sub": "alice", "aud": PUBLIC, "exp": NOW + 600});
    let who = |more: Value| {
        let mut claims = base.as_object().cloned().unwrap_or_default();
        claims.extend(more.as_object().cloned().unwrap_or_default());
        engine.identify(&claims, NOW, Completeness::Question).unwrap()
    };
    let groups = json!(["everybody", "staff", format!("team-{team}")]);
    let federated = |kind: &str| {
        json!({"iss": PUBLIC, "sub": "fed:alice", "fed:iss": KEYCLOAK, "fed:aud": PUBLIC, "groups": [format!("team-{team}-admin")],
            "openfaas:kind": kind, "policy": (0..PER_TEAM).map(|n| format!("p-{}", team * PER_TEAM + n)).collect::<Vec<_>>(),
            "function": {"permissions": [format!("team-{team}:*")]}})
    };
    let foreign = Request::parse("Function:Delete", "team-99999:env").unwrap();
    let scaler = if team.is_multiple_of(10) {
        (format!("auditor-{team}"), "Function:Get")
    } else {
        (format!("scaler-{team}"), "Function:Scale")
    };
    vec![
        (
            "member of a group",
            who(json!({"iss": KEYCLOAK, "groups": groups})),
            ask("Function:Get", "env"),
            ask("Function:Delete", "env"),
        ),
        (
            "subject",
            who(json!({"iss": KEYCLOAK, "sub": scaler.0})),
            ask(scaler.1, "worker-1"),
            ask("Function:Delete", "worker-1"),
        ),
        (
            "repository",
            who(json!({"iss": GITHUB, "sub": format!("repo:acme/team-{team}:ref:refs/heads/main")})),
            ask("Function:Create", "env"),
            ask("Function:Delete", "env"),
        ),
        ("API token", who(federated("api")), ask("Secret:List", "*"), foreign.clone()),
        ("function token", who(federated("function")), ask("Function:Invoke", "api-1"), foreign.clone()),
        (
            "identity",
            who(
                json!({"iss": PUBLIC, "sub": format!("function:team-{team}:env"), "openfaas:namespace": format!("team-{team}")}),
            ),
            ask("Function:Invoke", "api-1"),
            ask("Function:Invoke", "env"),
        ),
        (
            "basic auth",
            Principal::basic_auth("scaler-1"),
            Request::parse("Function:Scale", "team-1:worker-1").unwrap(),
            foreign.clone(),
        ),
        ("anonymous", Principal::anonymous(), ask("Function:Get", "env"), foreign),
    ]
}
