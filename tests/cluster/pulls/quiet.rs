//! A cluster in which nothing happens: no request about pull secrets but watches, and a restart writes nothing.

use std::time::Duration;

use serde_json::json;

use super::scene::{FIRST, pulling};
use crate::support::{Result, shared::shared, skip::skip};

const QUIET: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_quiet_cluster_with_pull_secrets_sees_watches_and_the_lease_alone() -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    pulling(shared.cluster(), 2, async |scene| {
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        scene.status("Accepted").await?;
        scene.at.bundle_with("our own key", |_| true).await?;
        let mark = audit.mark().await?;
        tokio::time::sleep(QUIET).await;
        let asked = audit.by_user_since(&scene.at.user(), &mark).await?;
        let unusual = asked.iter().filter(|request| request.verb != "watch" && request.resource != "leases");
        let unusual: Vec<_> = unusual.map(|request| format!("{} {}", request.verb, request.uri)).collect();
        assert_eq!(unusual, Vec::<String>::new());
        operator.stop().await?;

        let mark = audit.mark().await?;
        let operator = scene.start()?;
        scene.login("robot$team+pull", "another").await?;
        scene.has(("robot$team+pull", "another")).await?;
        let asked = audit.by_user_since(&scene.at.user(), &mark).await?;
        let writes = asked.iter().filter(|r| r.writes() && r.namespace.starts_with("functions-"));
        let writes: Vec<_> = writes.map(|r| (r.verb.as_str(), r.resource.as_str(), r.code)).collect();
        assert_eq!(
            writes,
            [("patch", "secrets", 200); 2],
            "the rotation, which proves that it works, and nothing else"
        );
        operator.stop().await
    })
    .await
}
