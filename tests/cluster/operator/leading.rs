//! Two operators at once: one writes, the other waits, and takes over.

use std::time::Duration;

use faas_iam::api::Kind;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use serde_json::json;

use super::{
    installed::{Installed, LEASE, Operator, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES},
};
use crate::support::{Result, shared::shared, skip::skip, wait::eventually};

/// Short, so that a test does not wait long for a takeover.
const LASTS: Duration = Duration::from_secs(3);
const TERMS: [&str; 2] = ["--lease-duration", "3s"];

async fn holder(at: &Installed) -> Result<Option<String>> {
    let leases: Api<Lease> = Api::namespaced(at.client.clone(), &at.namespace);
    let lease = leases.get_opt(LEASE).await?;
    Ok(lease.and_then(|lease| lease.spec).and_then(|spec| spec.holder_identity))
}

async fn held_by(at: &Installed, identity: &str, within: Duration) -> Result<()> {
    eventually(&format!("the Lease to be held by `{identity}`"), within, async || {
        Ok((holder(at).await?.as_deref() == Some(identity)).then_some(()))
    })
    .await
}

/// Two operators, of which the first leads.
async fn two(at: &Installed) -> Result<(Operator, Operator)> {
    at.apply(DECLARED).await?;
    let winner = at.start("winner", &TERMS)?;
    all_ready(at, &DECLARED_NAMES).await?;
    let mut loser = at.start("loser", &TERMS)?;
    loser.ready().await?;
    Ok((winner, loser))
}

#[tokio::test]
async fn who_does_not_lead_is_ready_and_writes_nothing() -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    installed(shared.cluster(), json!({}), async |at| {
        let (winner, mut loser) = two(&at).await?;
        winner.stop().await?;
        held_by(&at, "loser", LASTS * 3).await?;
        // The one ServiceAccount does not tell the two apart in the log: let the other alone write, and watch.
        let mut idle = at.start("idle", &TERMS)?;
        idle.ready().await?;
        let mark = audit.mark().await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let writes = audit.by_user_since(&at.user(), &mark).await?;
        let writes = writes.iter().filter(|r| r.writes() && r.resource != "leases");
        let writes: Vec<_> = writes.map(|r| (r.resource.as_str(), r.code)).collect();
        assert_eq!(writes.iter().filter(|(resource, _)| *resource == "secrets").count(), 1, "{writes:?}");
        assert!(writes.iter().all(|(_, code)| *code < 300), "nobody got in anybody's way: {writes:?}");
        assert_eq!(
            (loser.metric("faas_iam_leader").await?, idle.metric("faas_iam_leader").await?),
            (Some(1.0), Some(0.0))
        );
        assert!(idle.ready().await?.contains("another one writes"));
        loser.ready().await?;
        idle.stop().await?;
        loser.stop().await
    })
    .await
}

#[tokio::test]
async fn when_the_leader_is_killed_the_other_takes_over_and_goes_on() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let (mut winner, loser) = two(&at).await?;
        winner.process.kill().await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        held_by(&at, "loser", LASTS * 4).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        at.bundle_with("the edit", |bundle| bundle.roles().any(|(_, role)| role.scope.is_some())).await?;
        loser.stop().await
    })
    .await
}

#[tokio::test]
async fn a_leader_that_ends_well_gives_the_lease_back_and_one_that_comes_again_takes_its_own() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &[])?;
        all_ready(&at, &DECLARED_NAMES).await?;
        operator.stop().await?;
        assert_eq!(holder(&at).await?.as_deref(), Some(""));

        let mut killed = at.start("one", &[])?;
        held_by(&at, "one", Duration::from_secs(10)).await?;
        killed.process.kill().await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        let again = at.start("one", &[])?;
        // Within less than the 15 s that the killed one's Lease still lasts.
        eventually("the edit to be reported", Duration::from_secs(10), async || {
            let role = at.objects(Kind::Role).get("caller").await?;
            let seen = role.data["status"]["observedGeneration"].as_i64();
            Ok((seen == role.metadata.generation).then_some(()))
        })
        .await?;
        again.stop().await
    })
    .await
}
