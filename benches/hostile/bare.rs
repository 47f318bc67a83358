//! The bare way of an edit: the requests of operator and gateway in the same order, by accounts with the same rights, in a
//! namespace where neither runs, with nothing in between. What it takes is the share of API server and machine.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::{Duration, Instant};

use faas_iam::api::Kind;
use faas_iam::bundle::names::{INDEX_SECRET, SHARD_KEY};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::installed::{Installed, WITHIN};
use crate::support::chart::Account;
use crate::support::cluster::Cluster;
use crate::support::robot::DECLARED;
use crate::support::{Failure, Result};

/// Where the name of an edit stands in the bare index.
const EDIT: &str = "edit";

/// What writes and reads as operator and gateway do.
pub struct Bare<'a> {
    at: &'a Installed,
    stage: &'static str,
    edits: usize,
    arrived: mpsc::UnboundedReceiver<String>,
    _tasks: JoinSet<Result<()>>,
}

impl<'a> Bare<'a> {
    /// Begins anew in a namespace of its own; what it writes has the size of what serves in the other.
    pub async fn begin(stage: &'static str, at: &'a Installed, like: &Installed) -> Result<Self> {
        let _ = at.secrets().delete(INDEX_SECRET, &Default::default()).await;
        let _ = at.objects(Kind::Role).delete("robot", &Default::default()).await;
        at.apply(DECLARED).await?;
        let index = like.index().await?;
        let text = "x".repeat(index.size / index.shards.len().max(1));
        let secret = like.secrets().get(INDEX_SECRET).await?;
        let index = Secret { data: secret.data, type_: secret.type_, ..Secret::default() };
        let (tell, arrived) = mpsc::unbounded_channel();
        let (operator, gateway) = (client(at.account()).await?, client(&at.gateway_account().await?).await?);
        let roles = at.objects_as(operator.clone(), Kind::Role);
        let mut tasks = JoinSet::new();
        tasks.spawn(writes(roles, operator, at.namespace.clone(), text, index));
        tasks.spawn(reads(gateway, at.namespace.clone(), tell));
        let mut bare = Self { at, stage, edits: 0, arrived, _tasks: tasks };
        bare.edit().await?;
        Ok(bare)
    }

    /// How long an edit takes from its answer until it was read at the other end.
    pub async fn edit(&mut self) -> Result<Duration> {
        self.edits += 1;
        let name = format!("{}-{}", self.stage, self.edits);
        self.at.edit(Kind::Role, "robot", json!({ "scope": [format!("{name}:*")] })).await?;
        let answered = Instant::now();
        let arrives = async { while self.arrived.recv().await.as_ref() != Some(&name) {} };
        tokio::time::timeout(WITHIN, arrives)
            .await
            .map_err(|_| Failure::new("the bare edit never arrives"))?;
        Ok(answered.elapsed())
    }
}

async fn client(account: &Account) -> Result<Client> {
    Cluster::new(account.kubeconfig().to_owned()).admin().await
}

/// As the operator: a Role is seen, a shard is made, the index replaced.
async fn writes(
    roles: Api<kube::api::DynamicObject>,
    client: Client,
    namespace: String,
    text: String,
    mut index: Secret,
) -> Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    let secrets: Api<Secret> = Api::namespaced(client, &namespace);
    let mut seen = pin!(watcher(roles, Config::default()).applied_objects());
    index.metadata.name = Some(INDEX_SECRET.to_owned());
    while let Some(role) = seen.next().await {
        let role = role?;
        let Some(name) = role.data["spec"]["scope"][0].as_str().and_then(|scope| scope.strip_suffix(":*"))
        else {
            continue;
        };
        let mut map = ConfigMap { immutable: Some(true), ..ConfigMap::default() };
        map.metadata.name = Some(name.to_owned());
        map.data = Some(BTreeMap::from([(SHARD_KEY.to_owned(), text.clone())]));
        maps.create(&Default::default(), &map).await?;
        index.metadata.annotations = Some(BTreeMap::from([(EDIT.to_owned(), name.to_owned())]));
        let written = if index.metadata.resource_version.is_none() {
            secrets.create(&Default::default(), &index).await?
        } else {
            secrets.replace(INDEX_SECRET, &Default::default(), &index).await?
        };
        index.metadata.resource_version = written.metadata.resource_version;
    }
    Ok(())
}

/// As the gateway: the index is seen, the shard read.
async fn reads(client: Client, namespace: String, tell: mpsc::UnboundedSender<String>) -> Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    let secrets: Api<Secret> = Api::namespaced(client, &namespace);
    let only = Config::default().fields(&format!("metadata.name={INDEX_SECRET}"));
    let mut seen = pin!(watcher(secrets, only).applied_objects());
    while let Some(index) = seen.next().await {
        if let Some(name) = index?.annotations().get(EDIT) {
            maps.get(name).await?;
            let _ = tell.send(name.clone());
        }
    }
    Ok(())
}
