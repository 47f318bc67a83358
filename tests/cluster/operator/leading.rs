//! Two operators at once, each with a ServiceAccount of its own, so that the audit log tells them apart: one writes, the
//! other waits, and takes over.

use std::time::Duration;

use faas_iam::api::Kind;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, runtime::wait::await_condition};
use serde_json::json;

use super::{
    installed::{Installed, LEASE, Operator, WITHIN, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES},
};
use crate::support::{
    Failure, Result,
    audit::{Audit, Mark, Request},
    chart::Account,
    shared::shared,
    skip::skip,
    wait::eventually,
};

/// Short, so that a test does not wait long for a takeover.
const LASTS: Duration = Duration::from_secs(3);
const TERMS: [&str; 2] = ["--lease-duration", "3s"];

/// The Lease once `identity` holds it, as the API server's own watch tells.
async fn held_by(at: &Installed, identity: &'static str) -> Result<Lease> {
    let leases: Api<Lease> = Api::namespaced(at.client.clone(), &at.namespace);
    let is = |lease: Option<&Lease>| lease.is_some_and(|lease| holder(lease) == Some(identity));
    let held = tokio::time::timeout(WITHIN, await_condition(leases, LEASE, is)).await;
    let held = held.map_err(|_| Failure::new(format!("`{identity}` does not hold the Lease")))??;
    held.ok_or_else(|| Failure::new("the Lease is gone"))
}

fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref()
}

/// One operator that leads, and one that came later.
struct Two {
    winner: Operator,
    loser: Operator,
    account: Account,
    /// Before the loser was started.
    mark: Mark,
}

impl Two {
    async fn start(at: &Installed, audit: &Audit) -> Result<Self> {
        at.apply(DECLARED).await?;
        let account = at.another_account("second").await?;
        let winner = at.start("winner", &TERMS)?;
        all_ready(at, &DECLARED_NAMES).await?;
        let mark = audit.mark().await?;
        let mut loser = account.start("loser", &TERMS)?;
        loser.ready().await?;
        Ok(Self { winner, loser, account, mark })
    }
}

/// What was asked that was meant to change something.
fn writes(requests: &[Request]) -> Vec<(&str, &str, u16)> {
    let writes = requests.iter().filter(|request| request.writes());
    writes.map(|r| (r.verb.as_str(), r.resource.as_str(), r.code)).collect()
}

#[tokio::test]
async fn who_does_not_lead_is_ready_and_writes_nothing() -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    installed(shared.cluster(), json!({}), async |at| {
        let Two { mut winner, mut loser, account, mark } = Two::start(&at, &audit).await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        at.bundle_with("the edit", |bundle| bundle.roles().any(|(_, role)| role.scope.is_some())).await?;
        all_ready(&at, &DECLARED_NAMES).await?;

        assert!(loser.ready().await?.contains("another one writes"));
        winner.ready().await?;
        assert_eq!(loser.metric("faas_iam_leader").await?, Some(0.0));
        assert_eq!(winner.metric("faas_iam_leader").await?, Some(1.0));

        let asked = audit.by_user_since(&account.user(), &mark).await?;
        assert!(asked.iter().any(|request| request.resource == "leases"), "it looks who leads");
        assert!(asked.iter().any(|request| request.resource == "roles"), "it watches, to take over at once");
        assert_eq!(writes(&asked), [], "not even an attempt on the Lease");
        let done = audit.by_user_since(&at.user(), &mark).await?;
        let done = writes(&done).into_iter().filter(|(_, resource, _)| *resource != "leases");
        assert!(
            done.clone().all(|(.., code)| code < 300),
            "nobody gets in its way: {:?}",
            done.collect::<Vec<_>>()
        );
        loser.stop().await?;
        winner.stop().await
    })
    .await
}

/// Between two looks at a Lease that another holds, in proportion to [`LASTS`] as Kubernetes' own components have it.
const LOOKS_EVERY: f64 = 2.0 / 15.0;

#[tokio::test]
async fn when_the_leader_is_killed_the_other_takes_over_within_the_lease_and_goes_on() -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    installed(shared.cluster(), json!({}), async |at| {
        let Two { mut winner, loser, account, .. } = Two::start(&at, &audit).await?;
        winner.process.kill().await?;
        let mark = audit.mark().await?;
        let left = held_by(&at, "winner").await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        let taken = held_by(&at, "loser").await?;
        at.bundle_with("the edit", |bundle| bundle.roles().any(|(_, role)| role.scope.is_some())).await?;
        all_ready(&at, &DECLARED_NAMES).await?;

        let asked = audit.by_user_since(&account.user(), &mark).await?;
        let looks = asked.iter().filter(|r| r.resource == "leases").take_while(|r| r.verb == "get").count();
        // One at which it first saw the last renewal, and then until that is as old as the Lease lasts.
        let most = (1.0 / LOOKS_EVERY).ceil() as usize + 1;
        assert!(looks <= most, "{looks} looks, where {most} cover the Lease");
        let since = |lease: &Lease| lease.spec.as_ref().and_then(|spec| spec.renew_time.clone()).unwrap().0;
        let waited = since(&taken).duration_since(since(&left));
        assert!(waited.unsigned_abs() >= LASTS, "it waited {waited:?}, less than the Lease lasts");

        let written = writes(&asked);
        assert_eq!(written.first(), Some(&("update", "leases", 200)), "{written:?}");
        for object in
            [("create", "configmaps", 201), ("update", "secrets", 200), ("patch", "roles/status", 200)]
        {
            assert!(written.contains(&object), "no {object:?} in {written:?}");
        }
        assert_eq!(writes(&audit.by_user_since(&at.user(), &mark).await?), []);
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
        held_by(&at, "").await?;

        let mut killed = at.start("one", &[])?;
        held_by(&at, "one").await?;
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
