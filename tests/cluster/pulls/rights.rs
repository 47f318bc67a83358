//! Least privilege for pull secrets, counted: each verb that the chart grants for them is used, and none else is asked.

use std::collections::BTreeSet;

use serde_json::json;

use super::scene::{FIRST, pulling};
use crate::operator::rights::{Right, granted_by};
use crate::support::{Result, shared::shared, skip::skip};

#[tokio::test]
async fn s23_every_verb_that_the_chart_grants_for_pull_secrets_is_used_and_every_verb_used_is_granted()
-> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    pulling(shared.cluster(), 1, async |scene| {
        let mark = audit.mark().await?;
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        scene.login("robot", "two").await?;
        scene.has(("robot", "two")).await?;
        scene.status("Accepted").await?;
        scene.delete().await?;
        scene.is_gone().await?;
        operator.stop().await?;
        let asked = audit.by_user_since(&scene.at.user(), &mark).await?;
        let all = granted_by(&scene.at, |_| true).await?;
        let beyond = asked.iter().filter(|r| r.code == 403 || Right::of_request(r, &all).is_none());
        let beyond: Vec<_> = beyond.map(|r| (&r.verb, &r.uri)).collect();
        assert!(beyond.is_empty(), "asked without a right: {beyond:?}");
        let used: BTreeSet<Right> = asked.iter().filter_map(|r| Right::of_request(r, &all)).collect();
        let granted = granted_by(&scene.at, |name| name.ends_with("-registry")).await?;
        assert!(!granted.is_empty(), "the chart grants something for them");
        let idle: Vec<&Right> = granted.difference(&used).collect();
        assert!(idle.is_empty(), "granted and never used: {idle:#?}");
        Ok(())
    })
    .await
}
