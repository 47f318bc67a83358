//! Objects larger than they may be: refused at the door by the field's name, or told by a reason of their own. They
//! grant nothing, and the rest stays served.

use faas_iam::{
    api::{Kind, limits},
    bundle::Sort,
};
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    installed::{Installed, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES},
};
use crate::support::{Result, shared::shared};

fn statement() -> Value {
    json!({ "sid": "1", "effect": "Allow", "action": ["*"], "resource": ["*"] })
}

fn key() -> Value {
    json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

fn issuer(jwks: Value) -> Value {
    json!({ "iss": "https://large.example.com", "aud": ["gw"], "jwks": jwks })
}

fn texts(count: usize, letters: usize) -> Vec<String> {
    (0..count).map(|n| format!("dev:{n:0>letters$}")).collect()
}

async fn create(at: &Installed, kind: Kind, name: &str, spec: &Value) -> kube::Result<DynamicObject> {
    let object = json!({
        "apiVersion": kind.api_version(), "kind": kind.kind(), "metadata": { "name": name }, "spec": spec,
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    at.objects(kind).create(&Default::default(), &object).await
}

/// One element more than a list may have.
fn too_many() -> [(Kind, Value, &'static str, usize); 4] {
    let (statements, keys, values) = (limits::STATEMENTS, limits::JWKS_KEYS, limits::VALUES);
    [
        (
            Kind::Policy,
            json!({ "statement": vec![statement(); statements + 1] }),
            "spec.statement",
            statements,
        ),
        (Kind::JwtIssuer, issuer(json!({ "keys": vec![key(); keys + 1] })), "spec.jwks.keys", keys),
        (
            Kind::Role,
            json!({ "principal": { "jwt:sub": texts(values + 1, 4) } }),
            "spec.principal.jwt:sub",
            values,
        ),
        (Kind::Role, json!({ "policy": texts(65, 4), "principal": { "jwt:sub": ["a"] } }), "spec.policy", 64),
    ]
}

/// Every part of them has a size that it may have; together they are too much.
fn too_large() -> [(Kind, &'static str, Value, &'static str); 4] {
    let padding = |bytes| "x".repeat(bytes);
    let wide =
        json!({ "sid": "1", "effect": "Allow", "action": ["*"], "resource": texts(limits::RESOURCES, 500) });
    let set = |bytes| json!({ "keys": [key()], "note": padding(bytes) });
    [
        (Kind::Policy, "large", json!({ "statement": [wide.clone(), wide.clone(), wide] }), "TooLarge"),
        (
            Kind::Role,
            "large",
            json!({ "policy": ["invoke-dev"], "principal": { "jwt:sub": texts(limits::VALUES, 500) } }),
            "TooLarge",
        ),
        (Kind::JwtIssuer, "large", issuer(set(limits::ISSUER_SPEC_BYTES)), "TooLarge"),
        (
            Kind::JwtIssuer,
            "large-set",
            json!({ "iss": "https://set.example.com", "aud": ["gw"], "jwks": set(limits::JWKS_BYTES) }),
            "Invalid",
        ),
    ]
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_its_field_or_told_and_the_rest_stays_served() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &[])?;
        all_ready(&at, &DECLARED_NAMES).await?;

        for (kind, spec, field, most) in too_many() {
            let refusal = create(&at, kind, "too-many", &spec).await.unwrap_err().to_string();
            assert!(refusal.contains(field) && refusal.contains(&most.to_string()), "{kind}: {refusal}");
        }
        for (kind, name, spec, reason) in too_large() {
            create(&at, kind, name, &spec).await?;
            let conditions = at.reason(kind, name, reason).await?;
            assert_eq!(conditions.state(), "failed", "{kind} {name}: {conditions:?}");
            let said = conditions.message("Ready");
            assert!(said.contains("spec") && said.contains("bytes"), "{kind} {name}: {said}");
        }
        // Whoever leans on what is too large gets nothing by it.
        let leaning = json!({ "policy": ["large"], "principal": { "jwt:sub": ["a"] } });
        create(&at, Kind::Role, "leaning", &leaning).await?;
        at.reason(Kind::Role, "leaning", "PolicyInvalid").await?;

        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:env"] })).await?;
        let bundle =
            at.bundle_with("the edit", |bundle| bundle.roles().any(|(_, role)| role.scope.is_some())).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        for (sort, name) in [
            (Sort::Policy, "large"),
            (Sort::Role, "large"),
            (Sort::Issuer, "large"),
            (Sort::Issuer, "large-set"),
        ] {
            assert!(bundle.get(sort, name).is_none(), "{sort:?} `{name}` serves");
        }

        at.edit(Kind::Policy, "large", json!({ "statement": [statement()] })).await?;
        all_ready(&at, &[(Kind::Policy, "large"), (Kind::Role, "leaning")]).await?;
        operator.stop().await
    })
    .await
}
