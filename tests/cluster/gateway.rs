//! The gateway on a real API server, as the chart's ServiceAccount and nothing more: what people declare is
//! what it enforces, and what they take away it enforces no longer.

use faas_iam::api::Kind;
use serde_json::json;

use crate::operator::installed::{WITHIN, all_ready, installed};
use crate::support::{
    Result,
    controlplane::{ControlPlane, Program},
    flags::Options,
    robot::{Caller, DECLARED, NAMES, US, upstream},
    shared::shared,
    wait::eventually,
};

async fn until(caller: &Caller, token: &str, status: u16) -> Result<()> {
    eventually(&format!("the answer {status}"), WITHIN, || async {
        Ok((caller.get(token).await? == status).then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_is_declared_is_enforced_and_what_is_taken_away_is_felt_by_tokens_already_out() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({"publicUrl": US, "gateway": {"enabled": true}}), async |at| {
        let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
        let caller = Caller::new(url)?;
        at.apply(DECLARED).await?;
        let operator = at.start("one", &["--public-url", US])?;
        all_ready(&at, &NAMES).await?;
        gateway.ready().await?;

        let subject = at.cluster.token("default", "default", &[US]).await?;
        let token =
            eventually("an exchange", WITHIN, || async { Ok(caller.exchange(&subject).await.ok()) }).await?;
        assert_eq!(caller.get(&token).await?, 200);

        at.edit(Kind::Role, "robot", json!({ "scope": ["prod:*"] })).await?;
        until(&caller, &token, 403).await?;
        at.edit(Kind::Role, "robot", json!({ "scope": ["dev:*"] })).await?;
        until(&caller, &token, 200).await?;
        at.objects(Kind::JwtIssuer).delete("kubernetes", &Default::default()).await?;
        until(&caller, &token, 401).await?;
        operator.stop().await?;
        gateway.stop().await
    })
    .await
}

#[tokio::test]
async fn without_an_operator_the_last_bundle_serves_and_a_broken_index_changes_nothing() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({"publicUrl": US, "gateway": {"enabled": true}}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &["--public-url", US])?;
        all_ready(&at, &NAMES).await?;
        let generation = at.index().await?.generation;
        operator.stop().await?;
        let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
        let caller = Caller::new(url)?;
        assert!(gateway.ready().await?.contains(&generation.to_string()));
        let subject = at.cluster.token("default", "default", &[US]).await?;
        let token = caller.exchange(&subject).await?;

        let broken = json!({"data": {"index.json": "e30="}});
        let patch = kube::api::Patch::Merge(broken);
        at.secrets().patch("faas-iam-bundle", &Default::default(), &patch).await?;
        eventually("the broken bundle to be refused", WITHIN, || async {
            let refused = gateway.metric("faas_iam_gateway_bundles_refused_total").await?;
            Ok(refused.filter(|count| *count > 0.0).map(drop))
        })
        .await?;
        assert_eq!(caller.get(&token).await?, 200);
        at.secrets().delete("faas-iam-bundle", &Default::default()).await?;
        assert_eq!(caller.get(&token).await?, 200);
        gateway.stop().await
    })
    .await
}

#[tokio::test]
async fn s29_without_the_api_server_the_gateway_serves_on_and_tells_for_how_long() -> Result<()> {
    const METRIC: &str = "faas_iam_gateway_out_of_contact_seconds";
    let mut plane = ControlPlane::start(Options::default()).await?;
    let cluster = plane.cluster().clone();
    let served = installed(&cluster, json!({"publicUrl": US, "gateway": {"enabled": true}}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &["--public-url", US])?;
        all_ready(&at, &NAMES).await?;
        operator.stop().await?;
        let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
        let caller = Caller::new(url)?;
        gateway.ready().await?;
        let token = caller.exchange(&at.cluster.token("default", "default", &[US]).await?).await?;
        assert_eq!(gateway.metric(METRIC).await?, Some(0.0));

        plane.kill(Program::Apiserver).await?;
        let lost = async || Ok(gateway.metric(METRIC).await?.filter(|seconds| *seconds > 0.0).map(drop));
        eventually("the lost contact to be measured", WITHIN, lost).await?;
        assert_eq!((caller.get(&token).await?, gateway.get("/readyz").await?.0), (200, 200));

        plane.start_program(Program::Apiserver).await?;
        plane.ready(Program::Apiserver).await?;
        let back = async || Ok(gateway.metric(METRIC).await?.filter(|seconds| *seconds == 0.0).map(drop));
        eventually("contact to be back", std::time::Duration::from_secs(120), back).await?;
        assert_eq!(caller.get(&token).await?, 200);
        gateway.stop().await
    })
    .await;
    plane.shut_down().await?;
    served
}
