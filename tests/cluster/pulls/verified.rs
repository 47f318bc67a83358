//! Logins that a real registry takes or refuses, behind a private authority, and what becomes of them.

use serde_json::json;

use super::scene::{Scene, pulling};
use crate::operator::installed::WITHIN;
use crate::support::{
    Result, certs::Authority, registry::Registry, shared::shared, token_service::TokenService,
    wait::eventually,
};

const IMAGES: &str = "team/app";

/// The installation trusts this authority.
async fn trust(scene: &Scene, authority: &Authority) -> Result<()> {
    let bundle = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "ca-bundle" },
        "stringData": { "ca.crt": authority.pem() },
    });
    scene.at.apply(&bundle.to_string()).await
}

async fn has(scene: &Scene, registry: &Registry, login: (&str, &str)) -> Result<()> {
    let expected = [format!("{}={}:{}", registry.host(), login.0, login.1)];
    eventually("the login", WITHIN, async || {
        Ok((scene.logins(&scene.functions[0]).await? == expected).then_some(()))
    })
    .await
}

async fn verified(scene: &Scene, reason: &str) -> Result<()> {
    let is = |status: &serde_json::Value| {
        let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|one| one["type"] == "Verified" && one["reason"] == reason)
    };
    scene.status_with(reason, is).await.map(drop)
}

#[tokio::test]
async fn behind_the_gate_a_login_that_the_registry_refuses_does_not_replace_one_that_works() -> Result<()> {
    let authority = Authority::new("registry")?;
    let registry = Registry::by_passwords(&authority, &[("robot", "one"), ("robot-2", "two")]).await?;
    pulling(shared().await?.cluster(), 1, async |scene| {
        trust(&scene, &authority).await?;
        let gate = json!({ "mode": "Login", "gateRollout": true });
        scene.declare(json!({ "registry": registry.host(), "verification": gate })).await?;
        scene.login("robot", "one").await?;
        let operator = scene.start()?;
        has(&scene, &registry, ("robot", "one")).await?;
        verified(&scene, "LoginAccepted").await?;

        scene.login("robot", "wrong").await?;
        verified(&scene, "Refused").await?;
        has(&scene, &registry, ("robot", "one")).await?;
        scene.login("robot-2", "two").await?;
        has(&scene, &registry, ("robot-2", "two")).await?;
        verified(&scene, "LoginAccepted").await?;
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn a_robot_that_may_log_in_and_not_pull_is_told_by_a_pull() -> Result<()> {
    let authority = Authority::new("registry")?;
    let service = TokenService::start(&authority).await?;
    service.knows("robot", "one", &[IMAGES]);
    service.knows("expired", "two", &[]);
    let registry = Registry::by_tokens(&authority, &service, &service.realm_at("localhost")).await?;
    registry.push(IMAGES).await?;
    pulling(shared().await?.cluster(), 1, async |scene| {
        trust(&scene, &authority).await?;
        let pull = json!({ "mode": "Pull", "repository": IMAGES });
        scene.declare(json!({ "registry": registry.host(), "verification": pull })).await?;
        scene.login("robot", "one").await?;
        let operator = scene.start()?;
        verified(&scene, "PullAccepted").await?;
        scene.login("expired", "two").await?;
        verified(&scene, "Refused").await?;
        // Without a gate it is handed out all the same.
        has(&scene, &registry, ("expired", "two")).await?;
        operator.stop().await
    })
    .await
}
