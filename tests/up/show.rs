//! What `make up` shows: each object with its condition, the bundle, and two explained decisions.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use faas_iam::api::{GROUP, Kind};
use faas_iam::bundle::names::{INDEX_KEY, INDEX_SECRET};
use faas_iam::bundle::{DEFAULT_LIMIT, Index};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt as _};

use super::eventually;
use super::support::{Failure, Result, product, tools::root};

/// Waits until every object has been judged and tells what was found, then the bundle.
pub async fn everything(client: &Client, namespace: &str, within: Duration) -> Result<String> {
    let objects = eventually("every object to be reconciled", within, || async {
        let mut all = Vec::new();
        for kind in Kind::ACCESS {
            for object in list(client, namespace, kind).await? {
                match row(kind, &object) {
                    Some(row) => all.push(row),
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(all))
    })
    .await?;
    let mut text = String::new();
    writeln!(text, "{:<36} {:<16} {:<6} {:<10} MESSAGE", "KIND", "NAME", "READY", "REASON")?;
    for [kind, name, ready, reason, message] in &objects {
        writeln!(text, "{kind:<36} {name:<16} {ready:<6} {reason:<10} {message}")?;
    }
    let index = index(client, namespace).await?;
    writeln!(
        text,
        "\nbundle: generation {}, {} records, {} bytes, shards: {}\n        sha256 {}",
        index.generation,
        index.records,
        index.size,
        index.shards.len(),
        index.digest
    )?;
    if objects.iter().any(|[_, _, ready, ..]| ready != "True") {
        return Err(Failure::new(format!("not every object is Ready\n{text}")));
    }
    Ok(text)
}

async fn list(client: &Client, namespace: &str, kind: Kind) -> Result<Vec<DynamicObject>> {
    let gvk = GroupVersionKind::gvk(GROUP, kind.version(), kind.kind());
    let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    Ok(api.list(&ListParams::default()).await?.items)
}

/// What the status says of the present generation; nothing where it is about an earlier one.
fn row(kind: Kind, object: &DynamicObject) -> Option<[String; 5]> {
    let status = &object.data["status"];
    let judged = status["observedGeneration"].as_i64() == object.metadata.generation;
    let ready = status["conditions"].as_array()?.iter().find(|c| c["type"] == "Ready").filter(|_| judged)?;
    let text = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
    Some([kind.resource(), object.name_any(), text("status"), text("reason"), text("message")])
}

async fn index(client: &Client, namespace: &str) -> Result<Index> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let data = secrets.get(INDEX_SECRET).await?.data.unwrap_or_default();
    let bytes = data.get(INDEX_KEY).ok_or_else(|| Failure::new("the index Secret has no index"))?;
    Ok(Index::decode(&bytes.0, DEFAULT_LIMIT)?)
}

/// Asks the cluster two questions as a person would, one that is allowed and one that is not.
pub fn decisions(kubeconfig: &Path, namespace: &str) -> Result<()> {
    ask(kubeconfig, namespace, "Function:Update", "dev:hello", 0)?;
    ask(kubeconfig, namespace, "Function:Delete", "prod:billing", 1)
}

fn ask(kubeconfig: &Path, namespace: &str, action: &str, resource: &str, expected: i32) -> Result<()> {
    let claims = "examples/quickstart/claims/bob.json";
    println!("$ faas-iam can-i {action} {resource} --claims {claims}");
    let output = std::process::Command::new(product::binary()?)
        .args(["can-i", action, resource, "--namespace", namespace])
        .arg("--claims")
        .arg(root().join(claims))
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    println!("{said}");
    if output.status.code() == Some(expected) {
        return Ok(());
    }
    Err(Failure::new(format!("`can-i` ended with {:?}, not {expected}", output.status.code())))
}
