//! Our chart as a cluster gets it, and the operator as a process that has the chart's rights and no others.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use k8s_openapi::{
    ClusterResourceScope,
    api::{
        admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
        rbac::v1::{ClusterRole, ClusterRoleBinding},
    },
};
use kube::{Api, Client, ResourceExt, api::DynamicObject};

use super::{
    Failure, Result, child::Leashed, cluster::Cluster, faults::Proxy, helm, ports, product, tools::root,
};

/// The version of the control plane.
const KUBERNETES: &str = "1.36";
/// What is waited for happens within this, or never.
pub const WITHIN: Duration = Duration::from_secs(30);

/// The objects of the chart as `helm install RELEASE --namespace NAMESPACE` makes them.
///
/// # Errors
/// Those of [`helm::render`].
pub fn render(release: &str, namespace: &str, values: &serde_json::Value) -> Result<Vec<DynamicObject>> {
    render_for(KUBERNETES, release, namespace, values)
}

/// The same for a cluster of another version of Kubernetes.
///
/// # Errors
/// Those of [`helm::render`].
pub fn render_for(
    kubernetes: &str,
    release: &str,
    namespace: &str,
    values: &serde_json::Value,
) -> Result<Vec<DynamicObject>> {
    helm::render(&root().join("charts/faas-iam"), release, namespace, values, kubernetes)
}

/// Installs the chart, or upgrades it; gives the name of the operator's ServiceAccount.
///
/// # Errors
/// When Helm or the API server refuses.
pub async fn install(
    client: &Client,
    release: &str,
    namespace: &str,
    values: &serde_json::Value,
) -> Result<String> {
    let objects = render(release, namespace, values)?;
    helm::apply(client, &objects, namespace).await?;
    account(&objects, "operator")
}

/// The ServiceAccount of a part of the chart: `operator` or `gateway`.
///
/// # Errors
/// When it has none.
pub fn account(objects: &[DynamicObject], part: &str) -> Result<String> {
    let is = |object: &&DynamicObject| {
        let kind = object.types.as_ref().map(|types| types.kind.as_str());
        let labelled = object.labels().get("app.kubernetes.io/component").map(String::as_str);
        kind == Some("ServiceAccount") && labelled == Some(part)
    };
    let found = objects.iter().find(is).map(ResourceExt::name_any);
    found.ok_or_else(|| Failure::new(format!("the chart has no ServiceAccount of the {part}")))
}

/// Takes away what the releases of a namespace have outside of it; the definitions stay, other tests use them.
///
/// # Errors
/// When the API server refuses.
pub async fn forget_cluster_wide(client: &Client, namespace: &str) -> Result<()> {
    let (rights, policies) = (format!("{namespace}:"), format!("{namespace}."));
    forget::<ClusterRoleBinding>(client, &rights).await?;
    forget::<ClusterRole>(client, &rights).await?;
    forget::<ValidatingAdmissionPolicyBinding>(client, &policies).await?;
    forget::<ValidatingAdmissionPolicy>(client, &policies).await
}

async fn forget<K>(client: &Client, prefix: &str) -> Result<()>
where
    K: kube::Resource<DynamicType = (), Scope = ClusterResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let api: Api<K> = Api::all(client.clone());
    let names = api.list_metadata(&Default::default()).await?.items.into_iter().map(|one| one.name_any());
    for name in names.filter(|name| name.starts_with(prefix)) {
        api.delete(&name, &Default::default()).await?;
    }
    Ok(())
}

/// A ServiceAccount with the chart's rights, from which operators are started.
pub struct Account {
    namespace: String,
    name: String,
    kubeconfig: PathBuf,
}

impl Account {
    /// The ServiceAccount with a kubeconfig in `folder`, whose token holds for an hour.
    ///
    /// # Errors
    /// When the API server gives no token, or the file cannot be written.
    pub async fn new(cluster: &Cluster, namespace: &str, name: &str, folder: &Path) -> Result<Self> {
        let kubeconfig = cluster.service_account_kubeconfig(namespace, name, folder).await?;
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned(), kubeconfig })
    }

    /// The same account whose requests all go by a proxy.
    pub fn behind(&self, proxy: &Proxy) -> Self {
        let (namespace, name) = (self.namespace.clone(), self.name.clone());
        Self { namespace, name, kubeconfig: proxy.kubeconfig().to_owned() }
    }

    /// As whom operators of it ask.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    /// Where its token is.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Starts a gateway as it, in front of `upstream`; gives where it listens.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_gateway(&self, upstream: &str, public_url: &str) -> Result<(Operator, String)> {
        let listen = format!("127.0.0.1:{}", ports::free());
        let gateway = self.start_gateway_at(&listen, upstream, public_url, &[])?;
        Ok((gateway, format!("http://{listen}")))
    }

    /// The same, to listen at an address; `more` are arguments besides those that every one has.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_gateway_at(
        &self,
        listen: &str,
        upstream: &str,
        public_url: &str,
        more: &[&str],
    ) -> Result<Operator> {
        let address = format!("127.0.0.1:{}", ports::free());
        let kubeconfig = self.kubeconfig.display().to_string();
        let mut arguments = vec!["gateway", "--namespace", &self.namespace, "--kubeconfig", &kubeconfig];
        arguments.extend(["--metrics-listen", &address, "--listen", listen]);
        arguments.extend(["--upstream", upstream, "--public-url", public_url]);
        arguments.extend(more);
        let folder = self.kubeconfig.parent().ok_or_else(|| Failure::new("a kubeconfig without a folder"))?;
        let process = product::start("gateway", folder, &arguments, &[("FAAS_IAM_LOG_FORMAT", "text")])?;
        Ok(Operator { process, address })
    }

    /// Starts an operator as it; `more` are arguments besides those that every one has.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, identity: &str, more: &[&str]) -> Result<Operator> {
        let address = format!("127.0.0.1:{}", ports::free());
        let kubeconfig = self.kubeconfig.display().to_string();
        let mut arguments = vec!["operator", "--namespace", &self.namespace, "--kubeconfig", &kubeconfig];
        arguments.extend(["--metrics-listen", &address, "--identity", identity]);
        arguments.extend(more);
        let name = format!("{identity}-{}", address.rsplit(':').next().unwrap_or_default());
        let folder = self.kubeconfig.parent().ok_or_else(|| Failure::new("a kubeconfig without a folder"))?;
        // By the environment, so that an argument can say otherwise.
        let process = product::start(&name, folder, &arguments, &[("FAAS_IAM_LOG_FORMAT", "text")])?;
        Ok(Operator { process, address })
    }
}

/// One running operator.
pub struct Operator {
    /// The process.
    pub process: Leashed,
    address: String,
}

impl Operator {
    /// Waits until it is ready, and gives what it says.
    ///
    /// # Errors
    /// When it is not in time, or has ended; the message has its log's tail.
    pub async fn ready(&mut self) -> Result<String> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://{}/readyz", self.address);
        self.process.answers(&client, &url, WITHIN).await?;
        Ok(self.get("/readyz").await?.1)
    }

    /// What a path answers now: the HTTP status, and the body.
    ///
    /// # Errors
    /// When nothing answers.
    pub async fn get(&self, path: &str) -> Result<(u16, String)> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer = client.get(format!("http://{}{path}", self.address)).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// A sample of `/metrics`, by the text before its value.
    ///
    /// # Errors
    /// When nothing answers.
    pub async fn metric(&self, sample: &str) -> Result<Option<f64>> {
        let (_, text) = self.get("/metrics").await?;
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        Ok(line.and_then(|value| value.parse().ok()))
    }

    /// Ends it as Kubernetes does.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn stop(mut self) -> Result<()> {
        match self.process.stop().await? {
            0 => Ok(()),
            code => Err(self.process.blame(&format!("ended with code {code}"))),
        }
    }
}
