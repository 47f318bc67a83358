//! The chart in a namespace of its own, and what a test asks of it.

use std::sync::Arc;

use faas_iam::{
    api::Kind,
    bundle::{
        Bundle, DEFAULT_LIMIT, Index, assemble,
        names::{INDEX_KEY, INDEX_SECRET, SHARD_KEY},
    },
};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api, Client, ResourceExt as _,
    api::{ApiResource, DynamicObject, Patch},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

pub use crate::support::chart::{Operator, WITHIN};
use crate::support::{
    Failure, Result,
    chart::{self, Account},
    child,
    cluster::Cluster,
    helm,
    namespace::with_temp_ns,
    product,
    scratch::Scratch,
    wait::eventually,
};

/// The chart's release.
const RELEASE: &str = "faas-iam";
/// The Lease.
pub const LEASE: &str = "faas-iam-operator";

/// The chart in one namespace.
pub struct Installed {
    pub cluster: Cluster,
    pub namespace: String,
    pub client: Client,
    account: Account,
    values: Value,
    folder: Arc<Scratch>,
}

/// Runs `test` with the chart installed in a namespace of its own; `values` are the chart's.
pub async fn installed<F>(cluster: &Cluster, values: Value, test: impl FnOnce(Installed) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    with_temp_ns(cluster, "operator", async |namespace| {
        let client = cluster.admin().await?;
        let name = chart::install(&client, RELEASE, &namespace, &values).await?;
        let folder = Arc::new(Scratch::new()?);
        let account = Account::new(cluster, &namespace, &name, folder.path()).await?;
        let (cluster, client, at) = (cluster.clone(), client.clone(), namespace.clone());
        let scratch = folder.clone();
        let outcome =
            test(Installed { cluster, namespace: at, client: client.clone(), account, values, folder }).await;
        chart::forget_cluster_wide(&client, &namespace).await?;
        outcome.map_err(|failure| Failure::new(format!("{failure}{}", child::logs(scratch.path()))))
    })
    .await
}

impl Installed {
    /// Connects anew, after the API server has been away.
    pub async fn again(&mut self) -> Result<()> {
        self.client = self.cluster.admin().await?;
        Ok(())
    }

    /// Upgrades the chart to other values.
    pub async fn upgrade(&self, values: &Value) -> Result<()> {
        chart::install(&self.client, RELEASE, &self.namespace, values).await.map(drop)
    }

    /// Another ServiceAccount with the same rights, by another release of the chart in the same namespace.
    pub async fn another_account(&self, release: &str) -> Result<Account> {
        let name = chart::install(&self.client, release, &self.namespace, &self.values).await?;
        Account::new(&self.cluster, &self.namespace, &name, self.folder.path()).await
    }

    /// The gateway's ServiceAccount, where the values have a gateway.
    pub async fn gateway_account(&self) -> Result<Account> {
        let objects = chart::render(RELEASE, &self.namespace, &self.values)?;
        let name = chart::account(&objects, "gateway")?;
        Account::new(&self.cluster, &self.namespace, &name, self.folder.path()).await
    }

    /// The operators' ServiceAccount.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The user as whom operators ask.
    pub fn user(&self) -> String {
        self.account.user()
    }

    /// The token with which operators ask.
    pub fn token(&self) -> Result<String> {
        let kubeconfig: Value = serde_json::from_str(&std::fs::read_to_string(self.account.kubeconfig())?)?;
        let token = kubeconfig.pointer("/users/0/user/token").and_then(Value::as_str);
        token.map(str::to_owned).ok_or_else(|| Failure::new("the kubeconfig has no token"))
    }

    /// Starts an operator, with more arguments than every one has.
    pub fn start(&self, identity: &str, more: &[&str]) -> Result<Operator> {
        self.account.start(identity, more)
    }

    /// Runs another command of the product as the administrator: exit code and what it said.
    pub fn run(&self, arguments: &[&str]) -> Result<(Option<i32>, String)> {
        let output = std::process::Command::new(product::binary()?)
            .args(arguments)
            .args(["--namespace", &self.namespace])
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig())
            .output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    }

    /// A file that only this test sees.
    pub fn file(&self, name: &str, text: &str) -> Result<String> {
        Ok(self.folder.write(name, text)?.display().to_string())
    }

    /// Applies manifests.
    pub async fn apply(&self, yaml: &str) -> Result<()> {
        helm::apply(&self.client, &helm::parse(yaml)?, &self.namespace).await
    }

    pub fn objects(&self, kind: Kind) -> Api<DynamicObject> {
        self.objects_as(self.client.clone(), kind)
    }

    /// The objects of a kind as somebody else sees them.
    pub fn objects_as(&self, client: Client, kind: Kind) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk(faas_iam::api::GROUP, kind.version(), kind.kind());
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
        Api::namespaced_with(client, &self.namespace, &resource)
    }

    pub fn maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Changes the spec of an object.
    pub async fn edit(&self, kind: Kind, name: &str, spec: Value) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.objects(kind).patch(name, &Default::default(), &patch).await?;
        Ok(())
    }

    /// Waits until the conditions of an object's present generation are written; gives them by type, as
    /// `status` and `reason: message`.
    pub async fn conditions(&self, kind: Kind, name: &str) -> Result<Conditions> {
        let api = self.objects(kind);
        eventually(&format!("the conditions of {kind} `{name}`"), WITHIN, async || {
            let object = api.get(name).await?;
            let seen = object.data["status"]["observedGeneration"].as_i64();
            Ok((seen == object.metadata.generation).then(|| Conditions::of(&object)))
        })
        .await
    }

    /// Waits until `Ready` of the present generation has this reason; gives the conditions.
    pub async fn reason(&self, kind: Kind, name: &str, reason: &str) -> Result<Conditions> {
        eventually(&format!("`{reason}` of {kind} `{name}`"), WITHIN, async || {
            let conditions = self.conditions(kind, name).await?;
            let is = conditions.reason("Ready") == reason;
            if is { Ok(Some(conditions)) } else { Err(Failure::new(format!("{conditions:?}"))) }
        })
        .await
    }

    /// The index as it is in the cluster.
    pub async fn index(&self) -> Result<Index> {
        let secret = self.secrets().get(INDEX_SECRET).await?;
        let data = secret.data.unwrap_or_default();
        let bytes = data.get(INDEX_KEY).ok_or_else(|| Failure::new("the index Secret has no index"))?;
        Ok(Index::decode(&bytes.0, DEFAULT_LIMIT)?)
    }

    /// The bundle as a gateway reads it.
    pub async fn bundle(&self) -> Result<Bundle> {
        self.assembled(&self.index().await?).await
    }

    /// The bundle of an index, perhaps of an earlier one.
    pub async fn assembled(&self, index: &Index) -> Result<Bundle> {
        let mut texts = std::collections::BTreeMap::new();
        for shard in &index.shards {
            let text = self.maps().get(&shard.name).await?.data.and_then(|mut data| data.remove(SHARD_KEY));
            texts.insert(shard.name.clone(), text.unwrap_or_default());
        }
        Ok(assemble(index, |name| texts.get(name).map(String::as_str))?)
    }

    /// Waits until the bundle is as asked; gives it.
    pub async fn bundle_with(&self, what: &str, is: impl Fn(&Bundle) -> bool) -> Result<Bundle> {
        eventually(&format!("a bundle with {what}"), WITHIN, async || {
            let bundle = self.bundle().await?;
            Ok(is(&bundle).then_some(bundle))
        })
        .await
    }

    /// The Events about an object, as `reason: note`.
    pub async fn events(&self, name: &str) -> Result<Vec<String>> {
        use k8s_openapi::api::events::v1::Event;
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let all = events.list(&Default::default()).await?;
        let about = all.items.into_iter().filter(|event| {
            event.regarding.as_ref().is_some_and(|regarding| regarding.name.as_deref() == Some(name))
        });
        Ok(about
            .map(|event| format!("{}: {}", event.reason.unwrap_or_default(), event.note.unwrap_or_default()))
            .collect())
    }
}

/// The conditions of one object.
#[derive(Debug)]
pub struct Conditions(Vec<Value>);

impl Conditions {
    fn of(object: &DynamicObject) -> Self {
        Self(object.data["status"]["conditions"].as_array().cloned().unwrap_or_default())
    }

    fn field(&self, type_: &str, field: &str) -> &str {
        let found = self.0.iter().find(|condition| condition["type"] == type_);
        found.and_then(|condition| condition[field].as_str()).unwrap_or("absent")
    }

    pub fn status(&self, type_: &str) -> &str {
        self.field(type_, "status")
    }

    pub fn reason(&self, type_: &str) -> &str {
        self.field(type_, "reason")
    }

    pub fn message(&self, type_: &str) -> &str {
        self.field(type_, "message")
    }

    /// Whether `Ready` is True, or exactly one of `Reconciling` and `Stalled` is, as kstatus reads it.
    pub fn state(&self) -> &'static str {
        match (self.status("Ready"), self.status("Reconciling"), self.status("Stalled")) {
            ("True", "absent", "absent") => "current",
            ("False", "True", "absent") => "in progress",
            ("False", "absent", "True") => "failed",
            _ => "undecided",
        }
    }
}

/// The names of an object's kind and its own, for asking every one of a list.
pub async fn all_ready(installed: &Installed, objects: &[(Kind, &str)]) -> Result<()> {
    for (kind, name) in objects {
        let conditions = installed.reason(*kind, name, "Accepted").await?;
        assert_eq!(conditions.state(), "current", "{kind} {name}: {conditions:?}");
    }
    Ok(())
}

/// Waits until no shard is left but those of the index.
pub async fn swept(at: &Installed) -> Result<()> {
    eventually("old shards to go", WITHIN, async || {
        let listed = at.index().await?.shards.len();
        let maps = at.maps().list(&Default::default()).await?.items;
        let shards = maps.iter().filter(|map| map.name_any().starts_with("faas-iam-bundle-"));
        Ok((shards.count() == listed).then_some(()))
    })
    .await
}
