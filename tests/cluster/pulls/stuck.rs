//! Pods that were made before their ServiceAccount named the pull secret. No kubelet runs: the test says of a Pod what one
//! would.

use faas_iam::api::Kind;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod, events::v1::Event};
use kube::{
    Api, ResourceExt as _,
    api::{ListParams, Patch},
};
use serde_json::{Value, json};

use super::scene::{FIRST, Scene, pulling_with};
use crate::operator::installed::WITHIN;
use crate::support::{Result, chart::Operator, shared::shared, wait::eventually};

fn watched() -> Value {
    json!({ "stuckPods": true })
}

/// An operator that watches Pods.
fn start(scene: &Scene) -> Result<Operator> {
    let mut arguments = scene.arguments();
    arguments.push("--stuck-pods");
    scene.at.start("one", &arguments)
}

/// A function that is deployed, with more in its Pods' spec, and its Pod, which the kubelet cannot pull for.
async fn stuck(scene: &Scene, name: &str, more: Value) -> Result<Pod> {
    let mut spec = json!({ "containers": [{ "name": name, "image": "ghcr.io/a/b" }] });
    spec.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let labels = json!({ "faas_function": name });
    let deployment = json!({
        "metadata": { "name": name, "labels": labels },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": spec },
        },
    });
    let deployments: Api<Deployment> = Api::namespaced(scene.at.client.clone(), &scene.functions[0]);
    deployments.create(&Default::default(), &serde_json::from_value(deployment)?).await?;
    let pod = pod(scene, name, "a Pod", |_| true).await?;
    let waiting = json!({
        "name": name, "image": "ghcr.io/a/b", "imageID": "", "ready": false, "restartCount": 0,
        "state": { "waiting": { "reason": "ImagePullBackOff" } },
    });
    let status = json!({ "status": { "containerStatuses": [waiting] } });
    Ok(pods(scene).patch_status(&pod.name_any(), &Default::default(), &Patch::Merge(status)).await?)
}

fn pods(scene: &Scene) -> Api<Pod> {
    Api::namespaced(scene.at.client.clone(), &scene.functions[0])
}

/// The one Pod of a function, once it is as asked.
async fn pod(scene: &Scene, function: &str, what: &str, is: impl Fn(&Pod) -> bool) -> Result<Pod> {
    let those = ListParams::default().labels(&format!("faas_function={function}"));
    eventually(what, WITHIN, async || {
        let mut all = pods(scene).list(&those).await?.items;
        Ok(all.pop().filter(|pod| all.is_empty() && is(pod)))
    })
    .await
}

fn names(pod: &Pod) -> Vec<String> {
    let listed = pod.spec.iter().flat_map(|spec| spec.image_pull_secrets.iter().flatten());
    listed.map(|one| one.name.clone()).collect()
}

/// Waits for an Event of this reason, and says what it is about, as `kind name`.
async fn told(scene: &Scene, reason: &str) -> Result<String> {
    let events: Api<Event> = Api::namespaced(scene.at.client.clone(), &scene.functions[0]);
    eventually(reason, WITHIN, async || {
        let found = events.list(&Default::default()).await?.items;
        let found = found.into_iter().find(|event| event.reason.as_deref() == Some(reason));
        let about = found.and_then(|event| event.regarding);
        Ok(about
            .map(|about| format!("{} {}", about.kind.unwrap_or_default(), about.name.unwrap_or_default())))
    })
    .await
}

#[tokio::test]
async fn a_pod_that_was_made_too_early_is_made_anew_and_names_the_pull_secret_then() -> Result<()> {
    pulling_with(shared().await?.cluster(), 1, watched(), async |scene| {
        let before = stuck(&scene, "resize", json!({})).await?;
        assert_eq!(names(&before), [""; 0]);
        scene.declare(json!({ "stuckPods": "Recreate" })).await?;
        let operator = start(&scene)?;
        scene.has(FIRST).await?;
        let after = pod(&scene, "resize", "another Pod", |pod| pod.uid() != before.uid()).await?;
        assert_eq!(names(&after), std::slice::from_ref(&scene.secret));
        assert_eq!(told(&scene, "StuckPodDeleted").await?, format!("Pod {}", before.name_any()));
        assert_eq!(operator.metric("faas_iam_recreated_pods_total").await?, Some(1.0));
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn a_pod_that_was_made_too_early_and_a_function_with_a_list_of_its_own_are_told_and_left() -> Result<()>
{
    pulling_with(shared().await?.cluster(), 1, watched(), async |scene| {
        let early = stuck(&scene, "early", json!({})).await?;
        let own = json!({ "imagePullSecrets": [{ "name": "own" }] });
        let shadowed = stuck(&scene, "shadowed", own).await?;
        scene.declare(json!({})).await?;
        let operator = start(&scene)?;
        assert_eq!(told(&scene, "PullSecretMissing").await?, format!("Pod {}", early.name_any()));
        assert_eq!(told(&scene, "PullSecretShadowed").await?, "Deployment shadowed");

        // With the other choice too, what a new Pod would not cure is no reason for one.
        let recreate = Patch::Merge(json!({ "spec": { "stuckPods": "Recreate" } }));
        let credentials = scene.at.objects(Kind::RegistryCredential);
        credentials.patch(super::scene::NAME, &Default::default(), &recreate).await?;
        pod(&scene, "early", "another Pod", |pod| pod.uid() != early.uid()).await?;
        let same = pod(&scene, "shadowed", "the same Pod", |_| true).await?;
        assert_eq!(same.uid(), shadowed.uid());
        operator.stop().await
    })
    .await
}
