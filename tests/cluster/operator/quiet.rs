//! A cluster in which nothing happens: no request but watches and the Lease, and none that writes after a restart.

use std::time::Duration;

use faas_iam::api::Kind;
use serde_json::json;

use super::{
    installed::{all_ready, installed, swept},
    main_job::{DECLARED, DECLARED_NAMES, GATEWAY},
};
use crate::support::{Result, audit::Request, shared::shared, skip::skip};

const QUIET: Duration = Duration::from_secs(60);
/// Short, so that old shards are gone before the quiet begins.
const KEEP: [&str; 4] = ["--keep-shards-for", "2s", "--public-url", GATEWAY];

/// An issuer whose status has a warning that comes from asking it: the cluster's, under a name it no longer has.
const WARNED: &str = r#"
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: former }
spec: { iss: "https://former.example.com", aud: [gw], issInternal: "https://kubernetes.default.svc" }
"#;

/// What a quiet operator may ask: it goes on watching, and renews its Lease.
fn is_usual(request: &Request) -> bool {
    request.verb == "watch" || request.resource == "leases"
}

fn unusual(requests: &[Request]) -> Vec<String> {
    let odd = requests.iter().filter(|request| !is_usual(request));
    odd.map(|request| format!("{} {} {} {}", request.verb, request.uri, request.code, request.agent))
        .collect()
}

#[tokio::test]
async fn a_quiet_cluster_sees_watches_and_the_lease_and_a_restart_writes_nothing_else() -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        at.apply(WARNED).await?;
        let mut operator = at.start("one", &KEEP)?;
        all_ready(&at, &DECLARED_NAMES).await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        operator.ready().await?;
        swept(&at).await?;

        let warned = at.reason(Kind::JwtIssuer, "former", "Accepted").await?;
        assert_eq!(warned.status("Warnings"), "True", "{warned:?}");

        let mark = audit.mark().await?;
        tokio::time::sleep(QUIET).await;
        let asked = audit.by_user_since(&at.user(), &mark).await?;
        assert_eq!(unusual(&asked), Vec::<String>::new());
        assert!(
            asked.iter().any(|request| request.resource == "leases"),
            "the log has the operator's requests"
        );

        operator.stop().await?;
        let mark = audit.mark().await?;
        let mut again = at.start("one", &KEEP)?;
        again.ready().await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*", "test:*"] })).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let asked = audit.by_user_since(&at.user(), &mark).await?;
        let writes = asked.iter().filter(|r| r.writes() && r.resource != "leases");
        let writes: Vec<_> = writes.map(|r| (r.verb.as_str(), r.resource.as_str())).collect();
        // The edit, which proves that the operator had begun to work: a shard, the index, one status.
        assert_eq!(writes, [("create", "configmaps"), ("update", "secrets"), ("patch", "roles/status")]);
        again.stop().await
    })
    .await
}
