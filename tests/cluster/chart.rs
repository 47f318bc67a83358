//! The chart as Helm renders it: the definitions are ours, the operator's rights are few, and a cluster takes all of it.

use std::{collections::BTreeSet, time::Duration};

use faas_iam::{
    api::{self, Kind},
    bundle::names::INDEX_SECRET,
};
use k8s_openapi::{
    api::{
        authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
        core::v1::{Namespace, Pod},
        rbac::v1::{ClusterRole, PolicyRule, Role},
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client,
    api::{DynamicObject, Patch},
};
use serde_json::json;

use crate::support::{Result, chart, namespace::with_temp_ns, shared::shared, tools::root, wait::eventually};

mod fence;
mod first_pod;
mod gateway;
mod registry;

const RELEASE: &str = "faas-iam";

fn render(namespace: &str, values: serde_json::Value) -> Result<Vec<DynamicObject>> {
    chart::render(RELEASE, namespace, &values)
}

/// The rendered objects of one kind.
fn of_kind<T: serde::de::DeserializeOwned>(objects: &[DynamicObject], kind: &str) -> Vec<T> {
    let found = objects.iter().filter(|object| object.types.as_ref().is_some_and(|types| types.kind == kind));
    found.map(|object| serde_json::from_value(serde_json::to_value(object).unwrap()).unwrap()).collect()
}

/// The rules in the IAM namespace, then those everywhere.
fn rules(objects: &[DynamicObject]) -> (Vec<PolicyRule>, Vec<PolicyRule>) {
    let (roles, wide) = (of_kind::<Role>(objects, "Role"), of_kind::<ClusterRole>(objects, "ClusterRole"));
    let namespaced = roles.into_iter().filter_map(|role| role.rules).flatten();
    (namespaced.collect(), wide.into_iter().filter_map(|role| role.rules).flatten().collect())
}

fn set(texts: &Option<Vec<String>>) -> BTreeSet<&str> {
    texts.iter().flatten().map(String::as_str).collect()
}

#[test]
fn the_definitions_of_the_chart_are_those_of_the_types() -> Result<()> {
    let crds: Vec<CustomResourceDefinition> =
        of_kind(&render("openfaas", json!({}))?, "CustomResourceDefinition");
    assert_eq!(crds, api::crds());
    Ok(())
}

#[test]
fn the_rights_of_the_operator_are_these_and_no_others() -> Result<()> {
    let (namespaced, wide) = rules(&render("openfaas", json!({}))?);
    insta::assert_yaml_snapshot!("rights", json!({"in the IAM namespace": namespaced, "everywhere": wide}));
    Ok(())
}

#[test]
fn no_right_is_a_wildcard_and_what_is_everywhere_is_read_alone() -> Result<()> {
    let (namespaced, wide) = rules(&render("openfaas", json!({}))?);
    for rule in namespaced.iter().chain(&wide) {
        let PolicyRule { api_groups, non_resource_urls, resource_names, resources, verbs } = rule;
        let names = [api_groups, non_resource_urls, resource_names, resources].into_iter().flat_map(set);
        assert!(names.chain(verbs.iter().map(String::as_str)).all(|name| !name.contains('*')), "{rule:?}");
    }
    for rule in &wide {
        assert!(rule.verbs.iter().all(|verb| ["get", "list", "watch"].contains(&verb.as_str())), "{rule:?}");
    }
    Ok(())
}

#[test]
fn secrets_and_definitions_are_named_one_by_one() -> Result<()> {
    let values = json!({"rbac": {"referencedSecrets": ["partner-keys"]}, "registry": {"enabled": true}});
    let (namespaced, wide) = rules(&render("openfaas", values)?);
    let secrets = namespaced.iter().filter(|rule| set(&rule.resources).contains("secrets"));
    let (unnamed, named): (Vec<_>, Vec<_>) = secrets.partition(|rule| rule.resource_names.is_none());
    // A request to create has no name that RBAC could compare.
    assert!(unnamed.iter().all(|rule| rule.verbs == ["create"]), "{unnamed:?}");
    let names: BTreeSet<&str> = named.iter().flat_map(|rule| set(&rule.resource_names)).collect();
    assert_eq!(names, BTreeSet::from([INDEX_SECRET, "issuer-key", "ca-bundle", "partner-keys"]));

    let watched = Kind::ACCESS.map(|kind| format!("{}.{}", kind.plural(), api::GROUP));
    let definitions = wide.iter().filter(|rule| set(&rule.resources).contains("customresourcedefinitions"));
    let named: BTreeSet<&str> = definitions.flat_map(|rule| set(&rule.resource_names)).collect();
    assert_eq!(named, watched.iter().map(String::as_str).collect());
    Ok(())
}

#[test]
fn a_value_that_the_chart_does_not_know_is_refused() {
    let refusal = render("openfaas", json!({"operater": {}})).unwrap_err().to_string();
    assert!(refusal.contains("'operater' not allowed"), "{refusal}");
}

#[test]
fn argo_cd_is_told_of_every_kind() -> Result<()> {
    let text = std::fs::read_to_string(root().join("charts/faas-iam/argocd/health-checks.yaml"))?;
    let file: serde_json::Value = serde_saphyr::from_str(&text)?;
    let checks = file["data"].as_object().unwrap();
    let wanted =
        Kind::DEFINED.map(|kind| format!("resource.customizations.health.{}_{}", api::GROUP, kind.kind()));
    assert_eq!(checks.keys().collect::<BTreeSet<_>>(), wanted.iter().collect());
    assert_eq!(checks.values().map(|check| check.as_str().unwrap()).collect::<BTreeSet<_>>().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_cluster_takes_the_chart_and_its_pod_meets_the_restricted_level() -> Result<()> {
    let cluster = shared().await?.cluster();
    with_temp_ns(cluster, "chart", async |namespace| {
        let client = cluster.admin().await?;
        let level = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
        Api::<Namespace>::all(client.clone())
            .patch(&namespace, &Default::default(), &Patch::Merge(level))
            .await?;

        let values = json!({"publicUrl": "https://gateway.example.com"});
        chart::install(&client, RELEASE, &namespace, &values).await?;

        let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
        eventually("the Pod of the operator to be admitted", Duration::from_secs(30), async || {
            Ok(pods.list(&Default::default()).await?.items.pop().map(drop))
        })
        .await?;
        chart::forget_cluster_wide(&client, &namespace).await
    })
    .await
}

#[tokio::test]
async fn the_operators_account_may_do_its_work_and_nothing_beside_it() -> Result<()> {
    let cluster = shared().await?.cluster();
    with_temp_ns(cluster, "chart", async |namespace| {
        let client = cluster.admin().await?;
        let account = chart::install(&client, RELEASE, &namespace, &json!({})).await?;
        let operator = cluster.service_account(&namespace, &account).await?;
        for (allowed, namespace, verb, group, resource, name) in [
            (true, &*namespace, "list", api::GROUP, "roles", ""),
            (true, &namespace, "patch", api::GROUP, "roles/status", "any"),
            (true, &namespace, "update", "", "secrets", INDEX_SECRET),
            (true, &namespace, "watch", "", "secrets", "issuer-key"),
            (true, &namespace, "create", "", "configmaps", ""),
            (
                true,
                "",
                "watch",
                "apiextensions.k8s.io",
                "customresourcedefinitions",
                "roles.iam.openfaas.com",
            ),
            (false, &namespace, "patch", api::GROUP, "roles", "any"),
            (false, &namespace, "get", "", "secrets", "basic-auth"),
            (false, &namespace, "list", "", "secrets", ""),
            (false, &namespace, "update", "", "secrets", "issuer-key"),
            (false, &namespace, "delete", "", "secrets", INDEX_SECRET),
            (false, &namespace, "create", "", "pods", ""),
            (false, "default", "list", api::GROUP, "roles", ""),
            (false, "default", "create", "", "secrets", ""),
            (false, "default", "get", "", "configmaps", "any"),
            (false, "", "list", "apiextensions.k8s.io", "customresourcedefinitions", ""),
            (
                false,
                "",
                "update",
                "apiextensions.k8s.io",
                "customresourcedefinitions",
                "roles.iam.openfaas.com",
            ),
        ] {
            let asked = may(&operator, namespace, verb, group, resource, name).await?;
            assert_eq!(asked, allowed, "{verb} {resource}.{group} `{name}` in `{namespace}`");
        }
        chart::forget_cluster_wide(&client, &namespace).await
    })
    .await
}

/// What the API server answers the client about its own rights.
async fn may(
    client: &Client,
    namespace: &str,
    verb: &str,
    group: &str,
    resource: &str,
    name: &str,
) -> Result<bool> {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let attributes = ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource: Some(subresource.to_owned()),
        name: Some(name.to_owned()),
        ..Default::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    let answer =
        Api::<SelfSubjectAccessReview>::all(client.clone()).create(&Default::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
