//! Charts as a cluster gets them: rendered by Helm, applied on the server's side.
//!
//! Nothing is waited for but CRDs to be served: without a kubelet no Deployment ever becomes available.

use std::{path::Path, process::Stdio, time::Duration};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, ResourceExt as _,
    api::{DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
    discovery::{Scope, pinned_kind},
};

use super::{Failure, Result, scratch::Scratch, tools, wait::eventually};

/// Renders the chart in `folder` as `helm install RELEASE --namespace NAMESPACE` would, CRDs first, for a cluster of this
/// version of Kubernetes.
///
/// # Errors
/// When Helm refuses; the message is Helm's.
pub fn render(
    folder: &Path,
    release: &str,
    namespace: &str,
    values: &serde_json::Value,
    kubernetes: &str,
) -> Result<Vec<DynamicObject>> {
    let scratch = Scratch::new()?;
    let values = scratch.write("values.json", &values.to_string())?;
    let output = std::process::Command::new(tools::tool("helm")?)
        .args(["template", "--include-crds", "--namespace", namespace, release])
        .arg(folder)
        .arg("--values")
        .arg(values)
        .args(["--kube-version", kubernetes])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(Failure::new(String::from_utf8_lossy(&output.stderr)));
    }
    parse(&String::from_utf8(output.stdout)?)
}

/// The objects in a stream of YAML documents, empty documents left out.
///
/// # Errors
/// When a document is not an object of Kubernetes.
pub fn parse(yaml: &str) -> Result<Vec<DynamicObject>> {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(yaml)?;
    let objects = documents.into_iter().filter(|document| !document.is_null());
    Ok(objects.map(serde_json::from_value).collect::<Result<_, _>>()?)
}

/// Applies objects in their order, into `namespace` where they name none. What a CRD declares can follow it.
///
/// # Errors
/// When the API server refuses one; the message names it.
pub async fn apply(client: &Client, objects: &[DynamicObject], namespace: &str) -> Result<()> {
    for object in objects {
        let kind = object.types.as_ref().map_or("", |types| types.kind.as_str());
        let step = || format!("applying {kind} `{}`", object.name_any());
        apply_one(client, object, namespace).await.map_err(|failure| failure.during(step()))?;
    }
    Ok(())
}

async fn apply_one(client: &Client, object: &DynamicObject, namespace: &str) -> Result<()> {
    let types = object.types.as_ref().ok_or_else(|| Failure::new("it has no apiVersion and kind"))?;
    let (resource, capabilities) = pinned_kind(client, &GroupVersionKind::try_from(types)?).await?;
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => Api::namespaced_with(
            client.clone(),
            object.metadata.namespace.as_deref().unwrap_or(namespace),
            &resource,
        ),
    };
    api.patch(&object.name_any(), &PatchParams::apply("helm").force(), &Patch::Apply(object)).await?;
    if types.kind == "CustomResourceDefinition" {
        established(client, &object.name_any()).await
    } else {
        Ok(())
    }
}

/// Waits until a CRD is served.
///
/// # Errors
/// When it is not after a while, as with a conflict of names.
pub async fn established(client: &Client, name: &str) -> Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    eventually(&format!("the CRD `{name}` to be served"), Duration::from_secs(30), || async {
        let status = definitions.get(name).await?.status;
        let conditions = status.and_then(|status| status.conditions).unwrap_or_default();
        let served = conditions.iter().any(|one| one.type_ == "Established" && one.status == "True");
        Ok(served.then_some(()))
    })
    .await
}
