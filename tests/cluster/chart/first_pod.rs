//! The race that the operator cannot win: a Pod that is created as soon as its namespace takes one names the pull secret
//! all the same, by the chart's MutatingAdmissionPolicy. No operator runs here.
//!
//! On a control plane of its own: the policy is for all Pods of a cluster.

use std::time::{Duration, Instant};

use k8s_openapi::api::{
    admissionregistration::v1::MutatingAdmissionPolicy,
    core::v1::{Namespace, Pod, ServiceAccount},
};
use kube::{
    Api, Client,
    api::{Patch, PostParams},
};
use serde_json::{Value, json};

use super::RELEASE;
use crate::support::{
    Result,
    chart::{self, WITHIN},
    controlplane::ControlPlane,
    flags::Options,
    wait::eventually,
};

const PULL: &str = "faas-iam-pull";
/// Namespaces that are made one after the other, and how long Pods are created in each from the first one on.
const NAMESPACES: usize = 10;
const RACE: Duration = Duration::from_millis(500);

async fn make_namespace(client: &Client, name: &str, annotations: Value) -> Result<()> {
    let namespace = json!({ "metadata": { "name": name, "annotations": annotations } });
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.create(&Default::default(), &serde_json::from_value(namespace)?).await?;
    Ok(())
}

fn pod(spec: Value) -> Result<Pod> {
    let mut pod = json!({
        "metadata": { "generateName": "p-", "annotations": spec["annotations"] },
        "spec": { "containers": [{ "name": "c", "image": "registry.example.com/env" }] },
    });
    for field in ["imagePullSecrets", "serviceAccountName", "nodeName"] {
        pod["spec"][field] = spec[field].clone();
    }
    Ok(serde_json::from_value(pod)?)
}

/// The pull secrets of a Pod that was just created.
async fn created(client: &Client, namespace: &str, spec: Value) -> Result<Vec<String>> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let made = pods.create(&PostParams::default(), &pod(spec)?).await?;
    let secrets = made.spec.and_then(|spec| spec.image_pull_secrets).unwrap_or_default();
    Ok(secrets.into_iter().map(|one| one.name).collect())
}

/// The pull secrets of the first Pod of a namespace: refused until its `default` ServiceAccount is there.
async fn first(client: &Client, namespace: &str) -> Result<Vec<String>> {
    eventually("a Pod to be let in", WITHIN, async || Ok(Some(created(client, namespace, json!({})).await?)))
        .await
}

/// The chart with its policy in force, which refuses where it fails: as it is shipped it would say nothing.
async fn in_force(client: &Client) -> Result<()> {
    make_namespace(client, "iam", json!({})).await?;
    make_namespace(client, "probe", json!({ "openfaas": "1" })).await?;
    let values = json!({ "registry": {
        "enabled": true, "defaultNamespace": "functions", "admission": { "mutating": true },
    }});
    chart::install(client, RELEASE, "iam", &values).await?;
    let policies: Api<MutatingAdmissionPolicy> = Api::all(client.clone());
    let fail = Patch::Merge(json!({ "spec": { "failurePolicy": "Fail" } }));
    policies.patch(&format!("iam.{RELEASE}-operator.first-pod"), &Default::default(), &fail).await?;
    eventually("the policy to be in force", WITHIN, async || {
        Ok((first(client, "probe").await? == [PULL]).then_some(()))
    })
    .await
}

#[tokio::test]
async fn with_the_admission_policy_every_pod_of_a_function_namespace_names_the_pull_secret() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let client = plane.cluster().admin().await?;
    in_force(&client).await?;

    for number in 0..NAMESPACES {
        let namespace = format!("race-{number}");
        make_namespace(&client, &namespace, json!({ "openfaas": "" })).await?;
        let mut names = first(&client, &namespace).await?;
        let begun = Instant::now();
        while begun.elapsed() < RACE {
            assert_eq!(names, [PULL], "{namespace} after {:?}", begun.elapsed());
            names = created(&client, &namespace, json!({})).await?;
        }
    }

    for (namespace, annotations, expected) in [
        ("functions", json!({}), &[PULL][..]),
        ("opted-in", json!({ "iam.openfaas.com/registry-credentials": "true" }), &[PULL]),
        ("opted-out", json!({ "iam.openfaas.com/registry-credentials": "false" }), &[]),
        ("elsewhere", json!({ "openfaas.com/other": "1" }), &[]),
    ] {
        make_namespace(&client, namespace, annotations).await?;
        assert_eq!(first(&client, namespace).await?, expected, "{namespace}");
    }

    let account = json!({
        "metadata": { "name": "robot" }, "imagePullSecrets": [{ "name": "first" }, { "name": "second" }],
    });
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "functions");
    accounts.create(&Default::default(), &serde_json::from_value(account)?).await?;
    let mirror = json!({ "annotations": { "kubernetes.io/config.mirror": "1" }, "nodeName": "node" });
    for (what, spec, expected) in [
        (
            "after those of its ServiceAccount",
            json!({ "serviceAccountName": "robot" }),
            &["first", "second", PULL][..],
        ),
        ("after those of its own", json!({ "imagePullSecrets": [{ "name": "own" }] }), &["own", PULL]),
        ("once", json!({ "imagePullSecrets": [{ "name": PULL }, { "name": "own" }] }), &[PULL, "own"]),
        ("not where it is a kubelet's mirror", mirror, &[]),
    ] {
        assert_eq!(created(&client, "functions", spec).await?, expected, "{what}");
    }
    plane.shut_down().await
}
