//! The schemas of the custom resources, as a real API server enforces them.
//!
//! What arrives in the cluster and what is refused at the door, by each way in which people and tools write.

mod documents;
mod examples;
mod limits;
mod nulls;
mod served;
mod ways;

use faas_iam::api::Kind;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::{Failure, Result, cluster::Cluster, crds, shared::shared};

/// The shared cluster with our definitions in it.
pub(crate) async fn cluster() -> Result<&'static Cluster> {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let cluster = shared().await?.cluster();
    INSTALLED.get_or_try_init(|| crds::install(cluster)).await?;
    Ok(cluster)
}

/// The least `spec` of a kind that the door lets in.
fn least(kind: Kind) -> Value {
    match kind {
        Kind::JwtIssuer => json!({ "iss": "https://base.example.com", "aud": ["base"] }),
        Kind::Policy => json!({ "statement": [statement(json!({}))] }),
        Kind::RegistryCredential => credential(json!({})),
        _ => json!({ "principal": { "jwt:sub": ["base"] } }),
    }
}

/// A statement with some fields set otherwise, or in addition.
fn statement(fields: Value) -> Value {
    merged(json!({ "sid": "1", "effect": "Allow", "action": ["*"], "resource": ["*"] }), fields)
}

fn policy(fields: Value) -> Value {
    json!({ "statement": [statement(fields)] })
}

fn issuer(fields: Value) -> Value {
    merged(json!({ "iss": "https://idp.example.com", "aud": ["faas"] }), fields)
}

fn credential(fields: Value) -> Value {
    merged(json!({ "registry": "ghcr.io", "secretRef": { "name": "login" } }), fields)
}

fn merged(mut base: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// Fails with every line that was found, so that one run shows all there is to cure.
fn none(wrong: &[String]) -> Result<()> {
    if wrong.is_empty() { Ok(()) } else { Err(Failure::new(format!("\n{}", wrong.join("\n")))) }
}
