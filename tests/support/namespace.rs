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
    discovery::{Scope, verbs},
};

use super::{Result, cluster::Cluster};

/// Runs `test` in a new namespace whose name begins with `purpose`.
///
/// When the test fails or panics, every object in the namespace (Events among them, the data of Secrets left out) is
/// printed. The namespace is deleted without waiting for it, except with `FAAS_IAM_KEEP_NS` set.
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
    }
    if std::env::var_os("FAAS_IAM_KEEP_NS").is_some() {
        eprintln!("keeping namespace {name} of {}", cluster.kubeconfig().display());
    } else {
        delete(cluster, &name).await.unwrap_or_else(|failure| eprintln!("namespace {name}: {failure}"));
    }
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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
    for group in Discovery::new(client.clone()).run().await?.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            if capabilities.scope == Scope::Namespaced && capabilities.supports_operation(verbs::LIST) {
                let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
                for object in api.list(&ListParams::default()).await? {
                    eprintln!("--- {} {namespace}/{}\n{}", resource.kind, object.name_any(), print(object));
                }
            }
        }
    }
    Ok(())
}

fn print(mut object: DynamicObject) -> String {
    object.metadata.managed_fields = None;
    for field in ["data", "stringData"] {
        if object.types.as_ref().is_some_and(|types| types.kind == "Secret")
            && object.data.get(field).is_some()
        {
            object.data[field] = "left out".into();
        }
    }
    serde_saphyr::to_string(&object).unwrap_or_else(|error| error.to_string())
}
