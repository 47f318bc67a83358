//! What is in the way in one namespace: told by its cause, and no other namespace waits.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ResourceQuota, Secret};
use kube::{Api, api::Patch};
use serde_json::{Value, json};

use super::scene::{FIRST, Scene, function_namespace, pulling};
use crate::{
    operator::installed::WITHIN,
    support::{Result, shared::shared, skip::skip, wait::eventually},
};

/// Waits until one failure is told, of this reason, and the other namespace has the login.
async fn told(scene: &Scene, reason: &str) -> Result<Value> {
    scene.namespace_has(&scene.functions[1], FIRST).await?;
    let is = |status: &Value| status["failures"][0]["reason"] == reason && status["namespaces"]["ready"] == 1;
    let status = scene.status_with(reason, is).await?;
    assert_eq!(status["failures"][0]["namespace"], scene.functions[0].as_str(), "{status}");
    assert_eq!(status["namespaces"]["summary"], "1/2", "{status}");
    Ok(status)
}

#[tokio::test]
async fn s24_a_strangers_secret_of_our_name_stays_and_is_told_until_it_is_gone() -> Result<()> {
    pulling(shared().await?.cluster(), 2, async |scene| {
        let theirs = json!({ "metadata": { "name": scene.secret }, "data": { "a": "Yg==" } });
        let api = scene.secrets(&scene.functions[0]);
        let theirs: Secret = api.create(&Default::default(), &serde_json::from_value(theirs)?).await?;
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        told(&scene, "ForeignSecret").await?;
        let now = api.get(&scene.secret).await?;
        assert_eq!(now.metadata.resource_version, theirs.metadata.resource_version);
        assert_eq!(scene.references(&scene.functions[0], "default").await?, Vec::<String>::new());
        api.delete(&scene.secret, &Default::default()).await?;
        scene.has(FIRST).await?;
        scene.status("Accepted").await?;
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn a_quota_that_is_full_is_told_and_the_other_namespace_is_served() -> Result<()> {
    pulling(shared().await?.cluster(), 2, async |scene| {
        let quotas: Api<ResourceQuota> = Api::namespaced(scene.at.client.clone(), &scene.functions[0]);
        let quota = json!({ "metadata": { "name": "small" }, "spec": { "hard": { "secrets": "0" } } });
        quotas.create(&Default::default(), &serde_json::from_value(quota)?).await?;
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        told(&scene, "QuotaExceeded").await?;
        quotas.delete("small", &Default::default()).await?;
        scene.has(FIRST).await?;
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn an_immutable_secret_is_told_with_its_cure_and_made_anew_once_somebody_deletes_it() -> Result<()> {
    pulling(shared().await?.cluster(), 2, async |scene| {
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        scene.meddle(&scene.functions[0], json!({ "immutable": true })).await?;
        scene.login("robot", "two").await?;
        scene.namespace_has(&scene.functions[1], ("robot", "two")).await?;
        let is = |status: &Value| status["failures"][0]["reason"] == "ImmutableSecret";
        scene.status_with("ImmutableSecret", is).await?;
        scene.secrets(&scene.functions[0]).delete(&scene.secret, &Default::default()).await?;
        scene.has(("robot", "two")).await?;
        operator.stop().await
    })
    .await
}

/// Something in a namespace that keeps its deletion from coming to an end.
async fn held(scene: &Scene, namespace: &str) -> Result<Api<ConfigMap>> {
    let maps: Api<ConfigMap> = Api::namespaced(scene.at.client.clone(), namespace);
    let map = json!({ "metadata": { "name": "held", "finalizers": ["example.com/held"] } });
    maps.create(&Default::default(), &serde_json::from_value(map)?).await?;
    Ok(maps)
}

#[tokio::test]
async fn a_namespace_whose_deletion_hangs_is_let_be_the_other_is_served_and_one_of_its_name_gets_it_again()
-> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    pulling(shared.cluster(), 2, async |scene| {
        let ends = &scene.functions[0];
        let maps = held(&scene, ends).await?;
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        let namespaces: Api<Namespace> = Api::all(scene.at.client.clone());
        namespaces.delete(ends, &Default::default()).await?;
        scene.status_with("one namespace", |status| status["namespaces"]["summary"] == "1/1").await?;
        let mark = audit.mark().await?;
        scene.login("robot", "two").await?;
        scene.namespace_has(&scene.functions[1], ("robot", "two")).await?;
        scene.status("Accepted").await?;
        let asked = audit.by_user_since(&scene.at.user(), &mark).await?;
        let there: Vec<_> = asked.iter().filter(|asked| asked.namespace == *ends).collect();
        assert!(there.is_empty(), "{there:?}");

        let free = json!({ "metadata": { "finalizers": null } });
        maps.patch("held", &Default::default(), &Patch::Merge(free)).await?;
        let gone = async || Ok(namespaces.get_opt(ends).await?.is_none().then_some(()));
        eventually("the end of the namespace", WITHIN, gone).await?;
        function_namespace(&scene.at.client, ends).await?;
        scene.has(("robot", "two")).await?;
        operator.stop().await
    })
    .await
}
