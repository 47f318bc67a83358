//! CustomResourceDefinitions in a cluster: installed, and waited for until the API server serves them.

use std::{collections::BTreeSet, time::Duration};

use axum::http::Request;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;

use super::{Failure, Result, cluster::Cluster, wait::eventually};

const WITHIN: Duration = Duration::from_secs(20);

/// Installs our definitions, over whatever is there.
///
/// # Errors
/// When the API server refuses one, or does not serve it in time.
pub async fn install(cluster: &Cluster) -> Result<()> {
    install_these(cluster, &faas_iam::api::crds()).await
}

/// The definitions as the upstream chart ships them: no status, none of our fields.
///
/// # Errors
/// When the fixture cannot be read.
pub fn upstream() -> Result<Vec<CustomResourceDefinition>> {
    Ok(serde_saphyr::from_multiple(include_str!("../fixtures/upstream-crds.yaml"))?)
}

/// Installs definitions, replacing those of the same names, and waits until they are served.
///
/// # Errors
/// When the API server refuses one, or does not serve it in time.
pub async fn install_these(cluster: &Cluster, crds: &[CustomResourceDefinition]) -> Result<()> {
    let client = cluster.admin().await?;
    for crd in crds {
        let name = crd.name_any();
        eventually(&format!("{name} to be installed"), WITHIN, async || replace(&client, crd).await).await?;
    }
    for crd in crds {
        let name = crd.name_any();
        eventually(&format!("{name} to be served"), WITHIN, async || served(&client, crd).await).await?;
    }
    Ok(())
}

/// POST, or PUT where there is one already, so that no field of the former survives.
async fn replace(client: &Client, crd: &CustomResourceDefinition) -> Result<Option<()>> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut crd = crd.clone();
    if let Some(found) = api.get_opt(&crd.name_any()).await? {
        crd.metadata.resource_version = found.metadata.resource_version;
        api.replace(&crd.name_any(), &Default::default(), &crd).await?;
    } else {
        api.create(&Default::default(), &crd).await?;
    }
    Ok(Some(()))
}

/// Whether the API server has taken over this form: what it publishes has the same fields, which follows a little
/// after what it does, and its list answers.
async fn served(client: &Client, crd: &CustomResourceDefinition) -> Result<Option<()>> {
    let version = crd.spec.versions.first().ok_or_else(|| Failure::new("a definition without a version"))?;
    let path = format!("/apis/{}/{}", crd.spec.group, version.name);
    let published: Value = get(client, &format!("/openapi/v3{path}")).await?;
    let schemas = published["components"]["schemas"].as_object().into_iter().flatten();
    let same = schemas.filter(|(_, schema)| is_kind(schema, &crd.spec.names.kind)).any(|(_, schema)| {
        let wanted = serde_json::to_value(&version.schema).unwrap_or_default();
        fields(schema) == fields(&wanted["openAPIV3Schema"])
    });
    let _: Value = get(client, &format!("{path}/{}?limit=1", crd.spec.names.plural)).await?;
    Ok(same.then_some(()))
}

fn is_kind(schema: &Value, kind: &str) -> bool {
    schema["x-kubernetes-group-version-kind"]
        .as_array()
        .is_some_and(|kinds| kinds.iter().any(|k| k["kind"] == kind))
}

/// The fields of `spec`, and `status` where there is one.
fn fields(schema: &Value) -> BTreeSet<&str> {
    let spec = schema["properties"]["spec"]["properties"].as_object().into_iter().flatten();
    let status = schema["properties"].get("status").map(|_| "status");
    spec.map(|(name, _)| name.as_str()).chain(status).collect()
}

async fn get(client: &Client, path: &str) -> Result<Value> {
    Ok(client.request(Request::get(path).body(Vec::new())?).await?)
}
