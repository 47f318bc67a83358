//! Namespaces that last as long as one test: dumped when it fails, kept on request, deleted otherwise.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU32, Ordering},
};

use futures::FutureExt as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Discovery, ResourceExt as _,
    api::{DynamicObject, ListParams, ObjectMeta},
    discovery::{ApiResource, Scope, verbs},
};

use super::{Result, cluster::Cluster};

/// Runs `test` in a new namespace whose name begins with `purpose`.
///
/// When the test fails or panics, every object in the namespace (Events among them, the data of Secrets left out) is
/// printed. The namespace is deleted without waiting for it; with `FAAS_IAM_KEEP_NS` set that of a failed test is kept,
/// and so that it outlives the moment the test waits to be interrupted.
///
/// # Errors
/// Those of the test, or of making the namespace.
pub async fn with_temp_ns<F>(cluster: &Cluster, purpose: &str, test: impl FnOnce(String) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let name = unique(purpose);
    create(&cluster.admin().await?, &name).await?;
    let outcome = AssertUnwindSafe(test(name.clone())).catch_unwind().await;
    if !matches!(outcome, Ok(Ok(()))) {
        dump(cluster, &name).await.unwrap_or_else(|failure| eprintln!("namespace {name}: {failure}"));
        if std::env::var_os("FAAS_IAM_KEEP_NS").is_some() {
            hold(cluster, &name).await;
        }
    }
    delete(cluster, &name).await.unwrap_or_else(|failure| eprintln!("namespace {name}: {failure}"));
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Keeps a failed test's cluster alive for a person to look at.
async fn hold(cluster: &Cluster, name: &str) {
    use std::io::Write as _;
    let file = cluster.kubeconfig().display();
    let text = format!("\nkept for you to look at, until Ctrl-C: namespace {name}, kubeconfig {file}\n");
    // Not by a macro: the test runner would show it only after the end.
    let _ = std::io::stderr().write_all(text.as_bytes());
    std::future::pending().await
}

/// A name that no other test uses, on a cluster that several test runs may share.
pub fn unique(purpose: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{purpose}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn create(client: &Client, name: &str) -> Result<()> {
    let namespace = Namespace {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..Default::default() },
        ..Default::default()
    };
    Api::all(client.clone()).create(&Default::default(), &namespace).await?;
    Ok(())
}

async fn delete(cluster: &Cluster, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(cluster.admin().await?);
    namespaces.delete(name, &Default::default()).await?;
    Ok(())
}

/// Prints every object of the namespace to standard error.
async fn dump(cluster: &Cluster, namespace: &str) -> Result<()> {
    let client = cluster.admin().await?;
    for kind in listable(&client).await? {
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
        for object in api.list(&ListParams::default()).await? {
            eprintln!("--- {} {namespace}/{}\n{}", kind.kind, object.name_any(), print(&kind.kind, object));
        }
    }
    Ok(())
}

/// Every kind of namespaced object that can be listed.
///
/// # Errors
/// When the API server does not say.
pub async fn listable(client: &Client) -> Result<Vec<ApiResource>> {
    let discovery = Discovery::new(client.clone()).run().await?;
    let kinds = discovery.groups().flat_map(|group| group.recommended_resources());
    let listable =
        kinds.filter(|(_, can)| can.scope == Scope::Namespaced && can.supports_operation(verbs::LIST));
    Ok(listable.map(|(kind, _)| kind).collect())
}

fn print(kind: &str, mut object: DynamicObject) -> String {
    object.metadata.managed_fields = None;
    if kind == "Secret" {
        // Where a client-side apply keeps a copy.
        object.metadata.annotations = None;
        object.data = serde_json::json!({"data": "left out"});
    }
    serde_saphyr::to_string(&object).unwrap_or_else(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dump_of_a_secret_has_its_name_and_nothing_of_its_data() {
        let secret = serde_json::json!({
            "metadata": {"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "canary"}},
            "data": {"password": "canary"}, "stringData": {"password": "canary"}, "type": "canary",
        });
        let text = print("Secret", serde_json::from_value(secret).unwrap());
        assert!(text.contains("name: s") && !text.contains("canary"), "{text}");
    }
}
