//! Requests that are on their way for long, and what goes on meanwhile.

use faas_iam::api::Kind;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::WatchParams};
use serde_json::json;

use crate::operator::installed::{WITHIN, all_ready, installed};
use crate::support::{
    Result,
    cluster::Cluster,
    faults::{
        Call, Proxy,
        proxy::{Fault, Gate},
    },
    robot::{DECLARED, NAMES, US},
    scratch::Scratch,
    shared::shared,
};

#[tokio::test]
async fn a_watch_that_was_held_goes_on_when_the_gate_opens() -> Result<()> {
    let folder = Scratch::new()?;
    let kubeconfig = std::fs::read_to_string(shared().await?.cluster().kubeconfig())?;
    let proxy = Proxy::before(&folder.write("kubeconfig", &kubeconfig)?).await?;
    let gate = Gate::closed();
    let held = proxy.on(Call::watches, Fault::Hold(gate.clone()));
    let api: Api<Namespace> = Api::all(Cluster::new(proxy.kubeconfig().to_owned()).admin().await?);
    let watch = tokio::spawn(async move {
        let mut events = api.watch(&WatchParams::default(), "0").await?.boxed();
        events.next().await.transpose()
    });
    held.reaches(1).await?;
    gate.open();
    let told = tokio::time::timeout(WITHIN, watch).await.expect("an event while the watch goes on")??;
    assert!(told.is_some());
    Ok(())
}

/// The status of a request that was given up is told before the next turn begins.
const GIVEN_UP: &str = r#"faas_iam_writes_total{object="status",result="failed"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s27_an_edit_waits_for_nobodys_status() -> Result<()> {
    installed(shared().await?.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let proxy = Proxy::before(at.account().kubeconfig()).await?;
        let gate = Gate::closed();
        let held = proxy.on(|call| call.what.ends_with("/status"), Fault::Hold(gate.clone()));
        let operator = at.account().behind(&proxy).start("one", &["--public-url", US])?;
        held.reaches(1).await?;
        at.edit(Kind::Role, "robot", json!({ "scope": ["dev:env"] })).await?;
        at.bundle_with("the edit", |bundle| bundle.roles().any(|(_, role)| role.scope.is_some())).await?;
        assert_eq!(operator.metric(GIVEN_UP).await?, None, "the edit came while statuses were on their way");
        gate.open();
        all_ready(&at, &NAMES).await?;
        operator.stop().await
    })
    .await
}
