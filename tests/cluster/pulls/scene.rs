//! The chart with `registry.enabled`, and function namespaces of its own.

use std::collections::BTreeMap;

use faas_iam::{
    api::Kind,
    registry::{DOCKER_CONFIG_JSON, read},
};
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use kube::{
    Api,
    api::{ObjectMeta, Patch},
};
use serde_json::{Value, json};

use crate::operator::installed::{Installed, WITHIN, installed};
use crate::support::{
    Result, chart::Operator, cluster::Cluster, faults::Proxy, namespace::unique, wait::eventually,
};

/// The credential that every scene has.
pub const NAME: &str = "ghcr";
/// Its Secret, and what is in it at first.
pub const SOURCE: &str = "login";
pub const FIRST: (&str, &str) = ("robot$team+pull", "correct horse 1");

/// The pull secret: the same in every scene, so that requests have the same names. Each scene has an owner of its own.
const SECRET: &str = "faas-iam-pull";

/// An installation, and the namespaces that it is for.
pub struct Scene {
    pub at: Installed,
    /// The name of the pull secret.
    pub secret: String,
    pub functions: Vec<String>,
}

/// Runs `test` with so many function namespaces, which go with it.
pub async fn pulling<F>(cluster: &Cluster, namespaces: usize, test: impl FnOnce(Scene) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    pulling_with(cluster, namespaces, json!({}), test).await
}

/// The same with more in the chart's `registry`.
pub async fn pulling_with<F>(
    cluster: &Cluster,
    namespaces: usize,
    more: Value,
    test: impl FnOnce(Scene) -> F,
) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let secret = SECRET.to_owned();
    let functions: Vec<String> = (0..namespaces).map(|_| unique("functions")).collect();
    let mut values = json!({
        "rbac": { "referencedSecrets": [SOURCE] }, "registry": { "enabled": true, "secretName": secret },
    });
    values["registry"].as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let (client, all) = (cluster.admin().await?, functions.clone());
    for name in &all {
        function_namespace(&client, name).await?;
    }
    let outcome = installed(cluster, values, async |at| test(Scene { at, secret, functions }).await).await;
    let api: Api<Namespace> = Api::all(client);
    for name in &all {
        api.delete(name, &Default::default()).await?;
    }
    outcome
}

/// Makes a function namespace, as people do.
pub async fn function_namespace(client: &kube::Client, name: &str) -> Result<()> {
    let annotations = BTreeMap::from([("openfaas".to_owned(), "1".to_owned())]);
    let metadata =
        ObjectMeta { name: Some(name.to_owned()), annotations: Some(annotations), ..Default::default() };
    let namespace = Namespace { metadata, ..Default::default() };
    Api::all(client.clone()).create(&Default::default(), &namespace).await?;
    Ok(())
}

impl Scene {
    /// The arguments with which the chart starts an operator here.
    pub fn arguments(&self) -> Vec<&str> {
        vec!["--registry-credentials", "--pull-secret", &self.secret]
    }

    pub fn start(&self) -> Result<Operator> {
        self.at.start("one", &self.arguments())
    }

    /// The same behind a proxy.
    pub fn start_behind(&self, proxy: &Proxy) -> Result<Operator> {
        self.at.account().behind(proxy).start("one", &self.arguments())
    }

    /// Writes the login, and the credential for all function namespaces of the scene, with more in its spec.
    pub async fn declare(&self, more: Value) -> Result<()> {
        self.login(FIRST.0, FIRST.1).await?;
        let mut spec = json!({
            "registry": "ghcr.io", "secretRef": { "name": SOURCE },
            "targets": { "namespaces": { "names": self.functions } },
        });
        spec.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let kind = Kind::RegistryCredential;
        let object = json!({
            "apiVersion": kind.api_version(), "kind": kind.kind(), "metadata": { "name": NAME }, "spec": spec,
        });
        self.at.apply(&object.to_string()).await
    }

    /// Puts a login into the source.
    pub async fn login(&self, username: &str, password: &str) -> Result<()> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/basic-auth",
            "metadata": { "name": SOURCE }, "stringData": { "username": username, "password": password },
        });
        self.at.apply(&secret.to_string()).await
    }

    pub async fn delete(&self) -> Result<()> {
        self.at.objects(Kind::RegistryCredential).delete(NAME, &Default::default()).await?;
        Ok(())
    }

    pub fn accounts(&self, namespace: &str) -> Api<ServiceAccount> {
        Api::namespaced(self.at.client.clone(), namespace)
    }

    pub fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.at.client.clone(), namespace)
    }

    /// The names that a ServiceAccount refers to.
    pub async fn references(&self, namespace: &str, account: &str) -> Result<Vec<String>> {
        let account = self.accounts(namespace).get(account).await?;
        Ok(account.image_pull_secrets.unwrap_or_default().into_iter().map(|one| one.name).collect())
    }

    /// What the pull secret of a namespace says, as `registry=user:password`; none where there is none.
    pub async fn logins(&self, namespace: &str) -> Result<Vec<String>> {
        let Some(secret) = self.secrets(namespace).get_opt(&self.secret).await? else {
            return Ok(Vec::new());
        };
        let file = secret.data.unwrap_or_default().remove(DOCKER_CONFIG_JSON).unwrap_or_default();
        let login = |(registry, login): (_, faas_iam::registry::Login)| {
            format!("{registry}={}:{}", login.username(), login.password())
        };
        Ok(read(&file.0).into_iter().map(login).collect())
    }

    /// Waits until every function namespace has this login, and its `default` names it.
    pub async fn has(&self, (username, password): (&str, &str)) -> Result<()> {
        for namespace in &self.functions {
            self.namespace_has(namespace, (username, password)).await?;
        }
        Ok(())
    }

    pub async fn namespace_has(&self, namespace: &str, (username, password): (&str, &str)) -> Result<()> {
        let expected = [format!("ghcr.io={username}:{password}")];
        eventually(&format!("the login in {namespace}"), WITHIN, async || {
            let referred = self.references(namespace, "default").await?.contains(&self.secret);
            Ok((referred && self.logins(namespace).await? == expected).then_some(()))
        })
        .await
    }

    /// Waits until nothing of ours is in the function namespaces any more.
    pub async fn is_gone(&self) -> Result<()> {
        for namespace in &self.functions {
            eventually(&format!("nothing of ours in {namespace}"), WITHIN, async || {
                let account = self.accounts(namespace).get("default").await?;
                let marked = account.metadata.annotations.is_some_and(|all| !all.is_empty());
                let referred = self.references(namespace, "default").await?.contains(&self.secret);
                let there = self.secrets(namespace).get_opt(&self.secret).await?.is_some();
                Ok((!marked && !referred && !there).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Changes the pull secret of a namespace as somebody else.
    pub async fn meddle(&self, namespace: &str, patch: Value) -> Result<()> {
        self.secrets(namespace).patch(&self.secret, &Default::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Waits until the credential's `Ready` has this reason, and gives its status.
    pub async fn status(&self, reason: &str) -> Result<Value> {
        self.at.reason(Kind::RegistryCredential, NAME, reason).await?;
        let object = self.at.objects(Kind::RegistryCredential).get(NAME).await?;
        Ok(object.data["status"].clone())
    }

    /// Waits until the status is as asked.
    pub async fn status_with(&self, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        eventually(&format!("a status with {what}"), WITHIN, async || {
            let object = self.at.objects(Kind::RegistryCredential).get(NAME).await?;
            let status = object.data["status"].clone();
            if is(&status) { Ok(Some(status)) } else { Err(crate::support::Failure::new(status.to_string())) }
        })
        .await
    }
}
