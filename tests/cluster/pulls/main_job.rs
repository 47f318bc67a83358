//! From a RegistryCredential to pull secrets, and away again.

use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::{
    Api,
    api::{ObjectMeta, Patch},
};
use serde_json::json;

use super::scene::{FIRST, NAME, Scene, function_namespace, pulling};
use crate::support::{Result, namespace::unique, shared::shared};

#[tokio::test]
async fn a_login_is_in_every_function_namespace_rotates_in_place_and_goes_without_a_trace() -> Result<()> {
    pulling(shared().await?.cluster(), 3, async |scene| {
        scene.declare(json!({})).await?;
        let mut operator = scene.start()?;
        scene.has(FIRST).await?;
        let status = scene.status("Accepted").await?;
        assert_eq!(status["namespaces"]["summary"], "3/3", "{status}");
        assert_eq!(status["registry"], "ghcr.io");
        operator.ready().await?;

        let uid = |secret: k8s_openapi::api::core::v1::Secret| secret.metadata.uid;
        let before = uid(scene.secrets(&scene.functions[0]).get(&scene.secret).await?);
        scene.login("robot$team+pull", "the second").await?;
        scene.has(("robot$team+pull", "the second")).await?;
        let after = uid(scene.secrets(&scene.functions[0]).get(&scene.secret).await?);
        assert_eq!(before, after, "a Secret made anew is none that the kubelet knows");

        scene.delete().await?;
        scene.is_gone().await?;
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn a_namespace_that_comes_later_and_an_account_that_a_function_runs_as_get_it() -> Result<()> {
    pulling(shared().await?.cluster(), 1, async |scene| {
        let later = unique("later");
        let targets = json!({ "targets": { "namespaces": { "names": [scene.functions[0], later] } } });
        scene.declare(targets).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        function_namespace(&scene.at.client, &later).await?;
        scene.namespace_has(&later, FIRST).await?;
        runs_as(&scene, &later, "worker").await?;
        let referred =
            async || Ok(scene.references(&later, "worker").await?.contains(&scene.secret).then_some(()));
        crate::support::wait::eventually("the reference", crate::operator::installed::WITHIN, referred)
            .await?;
        Api::<k8s_openapi::api::core::v1::Namespace>::all(scene.at.client.clone())
            .delete(&later, &Default::default())
            .await?;
        operator.stop().await
    })
    .await
}

/// A function that runs as a ServiceAccount of its own, as OpenFaaS' provider deploys it.
async fn runs_as(scene: &Scene, namespace: &str, account: &str) -> Result<()> {
    let metadata = ObjectMeta { name: Some(account.to_owned()), ..Default::default() };
    let object = ServiceAccount { metadata, ..Default::default() };
    scene.accounts(namespace).create(&Default::default(), &object).await?;
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "resize", "labels": { "faas_function": "resize" } },
        "spec": {
            "replicas": 0, "selector": { "matchLabels": { "faas_function": "resize" } },
            "template": {
                "metadata": { "labels": { "faas_function": "resize" } },
                "spec": { "serviceAccountName": account, "containers": [{ "name": "resize", "image": "ghcr.io/a/b" }] },
            },
        },
    });
    let api: Api<k8s_openapi::api::apps::v1::Deployment> =
        Api::namespaced(scene.at.client.clone(), namespace);
    api.create(&Default::default(), &serde_json::from_value(deployment)?).await?;
    Ok(())
}

#[tokio::test]
async fn a_pod_that_is_created_then_names_our_secret_by_the_api_servers_own_admission() -> Result<()> {
    pulling(shared().await?.cluster(), 1, async |scene| {
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        let pods: Api<Pod> = Api::namespaced(scene.at.client.clone(), &scene.functions[0]);
        let pod = json!({ "metadata": { "name": "one" }, "spec": { "containers": [{ "name": "a", "image": "b" }] } });
        let pod = pods.create(&Default::default(), &serde_json::from_value(pod)?).await?;
        let names: Vec<_> = pod.spec.unwrap().image_pull_secrets.unwrap_or_default().into_iter().map(|one| one.name).collect();
        assert_eq!(names, std::slice::from_ref(&scene.secret));
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn what_others_change_is_put_back_and_what_is_theirs_stays() -> Result<()> {
    pulling(shared().await?.cluster(), 1, async |scene| {
        let namespace = scene.functions[0].clone();
        let theirs = json!({ "imagePullSecrets": [{ "name": "theirs" }] });
        scene
            .accounts(&namespace)
            .patch("default", &Default::default(), &Patch::Merge(theirs.clone()))
            .await?;
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        assert_eq!(scene.references(&namespace, "default").await?, ["theirs", &scene.secret]);

        scene.secrets(&namespace).delete(&scene.secret, &Default::default()).await?;
        scene.has(FIRST).await?;
        scene.meddle(&namespace, json!({ "data": { ".dockerconfigjson": "e30=" } })).await?;
        scene.has(FIRST).await?;
        scene.accounts(&namespace).patch("default", &Default::default(), &Patch::Merge(theirs)).await?;
        scene.has(FIRST).await?;
        let status = scene.status("Accepted").await?;
        assert_eq!(status["namespaces"]["summary"], "1/1", "{NAME}: {status}");
        scene.delete().await?;
        scene.is_gone().await?;
        assert_eq!(scene.references(&namespace, "default").await?, ["theirs"]);
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn what_is_deleted_while_no_operator_runs_is_gone_once_one_does() -> Result<()> {
    pulling(shared().await?.cluster(), 2, async |scene| {
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        operator.stop().await?;
        scene.delete().await?;
        let operator = scene.start()?;
        scene.is_gone().await?;
        operator.stop().await
    })
    .await
}
