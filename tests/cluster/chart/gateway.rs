//! The gateway as the chart has it: few rights, a Pod that meets the strictest level, flags that the binary knows.

use std::{collections::BTreeMap, process::Command, time::Duration};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Namespace, Pod},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
    rbac::v1::Role,
};
use kube::{
    Api, ResourceExt as _,
    api::{DynamicObject, Patch},
};
use serde_json::{Value, json};

use super::{RELEASE, of_kind, render};
use crate::support::{Result, chart, namespace::with_temp_ns, shared::shared, tools::root, wait::eventually};

const COMPONENT: &str = "app.kubernetes.io/component";

/// Everything that can be set.
fn everything() -> Value {
    json!({"publicUrl": "https://gateway.example.com", "gateway": {
        "enabled": true,
        "tls": {"secretName": "gateway-tls"},
        "audit": {"stdout": true, "webhookUrl": "https://hooks.example.com/audit", "webhookSecret": {"name": "hook"}},
        "extraArgs": ["--private-functions"],
        "podLabels": {"team": "iam"}, "nodeSelector": {"kubernetes.io/os": "linux"}, "tolerations": [{"operator": "Exists"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}],
    }})
}

fn of_gateway<T: serde::de::DeserializeOwned + kube::ResourceExt>(
    objects: &[DynamicObject],
    kind: &str,
) -> Vec<T> {
    let mut found: Vec<T> = of_kind(objects, kind);
    found.retain(|object| object.labels().get(COMPONENT).is_some_and(|component| component == "gateway"));
    found
}

fn deployment(values: Value) -> Result<Deployment> {
    Ok(of_gateway(&render("openfaas", values)?, "Deployment").remove(0))
}

fn arguments(deployment: &Deployment) -> Vec<String> {
    let pod = deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
    pod.containers[0].args.clone().unwrap()
}

#[test]
fn the_rights_of_the_gateway_are_these_and_no_others() -> Result<()> {
    let roles: Vec<Role> = of_gateway(&render("openfaas", everything())?, "Role");
    insta::assert_yaml_snapshot!(roles.iter().map(|role| &role.rules).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn every_argument_of_the_gateway_is_one_that_the_binary_knows() -> Result<()> {
    let arguments = arguments(&deployment(everything())?);
    for wanted in ["--tls-cert-file=/secrets/tls/tls.crt", "--audit-file=-", "--private-functions"] {
        assert!(arguments.iter().any(|argument| argument == wanted), "{wanted}: {arguments:?}");
    }
    // What it does not know it refuses before it helps.
    let told = Command::new(env!("CARGO_BIN_EXE_faas-iam")).args(&arguments).arg("--help").output()?;
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    Ok(())
}

#[test]
fn s11a_every_secret_that_a_value_names_is_guarded() -> Result<()> {
    let mut values = everything();
    values["gateway"]["basicAuthSecret"] = "upstream-login".into();
    values["rbac"] = json!({"referencedSecrets": ["idp-keys", "hook"]});
    values["image"] = json!({"pullSecrets": ["registry"]});
    let arguments = arguments(&deployment(values)?);
    let wanted = "--guarded-secrets=upstream-login,gateway-tls,hook,idp-keys,registry";
    assert!(arguments.iter().any(|argument| argument == wanted), "{arguments:?}");
    Ok(())
}

#[test]
fn what_is_not_asked_for_of_the_gateway_is_not_there() -> Result<()> {
    let arguments = arguments(&deployment(json!({"publicUrl": "https://gw", "gateway": {"enabled": true}}))?);
    assert!(
        !arguments.iter().any(|argument| argument.contains("tls") || argument.contains("audit")),
        "{arguments:?}"
    );
    let url = json!({"publicUrl": "https://gw", "gateway": {"enabled": true, "audit": {"webhookUrl": "https://h"}}});
    let refusal = render("openfaas", url).unwrap_err().to_string();
    assert!(refusal.contains("gateway.audit.webhookSecret.name"), "{refusal}");
    Ok(())
}

#[test]
fn the_gateway_has_the_time_that_its_end_takes() -> Result<()> {
    let deployment = deployment(everything())?;
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    let pause =
        pod.containers[0].lifecycle.as_ref().unwrap().pre_stop.as_ref().unwrap().sleep.as_ref().unwrap();
    // Its own two limits.
    let text = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    assert!(text("src/gateway/listen.rs").contains("DRAIN: Duration = Duration::from_secs(25)"));
    assert!(text("src/gateway/audit/start.rs").contains("END: Duration = Duration::from_secs(5)"));
    assert!(pod.termination_grace_period_seconds.unwrap() > pause.seconds + 25 + 5);
    Ok(())
}

#[test]
fn more_than_one_gateway_have_a_budget_and_one_alone_has_none() -> Result<()> {
    for (replicas, budgets) in [(1, 0), (2, 1)] {
        let values = json!({"publicUrl": "https://gw", "gateway": {"enabled": true, "replicas": replicas}});
        let found: Vec<PodDisruptionBudget> = of_gateway(&render("openfaas", values)?, "PodDisruptionBudget");
        assert_eq!(found.len(), budgets, "{replicas}");
    }
    Ok(())
}

#[test]
fn the_gateways_policy_is_for_its_pods_and_the_operators_is_not() -> Result<()> {
    let objects = render("openfaas", everything())?;
    let labels = |component: &str| {
        let all: Vec<Deployment> = of_kind(&objects, "Deployment");
        let of = all.into_iter().find(|deployment| deployment.labels()[COMPONENT] == component).unwrap();
        of.spec.unwrap().template.metadata.unwrap().labels.unwrap()
    };
    let policies: Vec<NetworkPolicy> = of_kind(&objects, "NetworkPolicy");
    assert_eq!(policies.len(), 2);
    for policy in policies {
        let own = policy.labels()[COMPONENT].clone();
        let selector = policy.spec.unwrap().pod_selector.unwrap().match_labels.unwrap();
        let selects =
            |pod: &BTreeMap<String, String>| selector.iter().all(|(key, value)| pod.get(key) == Some(value));
        for component in ["gateway", "operator"] {
            assert_eq!(selects(&labels(component)), own == component, "{own} {component}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_cluster_takes_the_gateway_and_its_pod_meets_the_restricted_level() -> Result<()> {
    let cluster = shared().await?.cluster();
    with_temp_ns(cluster, "chart", async |namespace| {
        let client = cluster.admin().await?;
        let level = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
        let namespaces = Api::<Namespace>::all(client.clone());
        namespaces.patch(&namespace, &Default::default(), &Patch::Merge(level)).await?;
        chart::install(&client, RELEASE, &namespace, &everything()).await?;
        let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
        let ours = kube::api::ListParams::default().labels(&format!("{COMPONENT}=gateway"));
        eventually("both Pods of the gateway to be admitted", Duration::from_secs(30), async || {
            Ok((pods.list(&ours).await?.items.len() == 2).then_some(()))
        })
        .await?;
        chart::forget_cluster_wide(&client, &namespace).await
    })
    .await
}
