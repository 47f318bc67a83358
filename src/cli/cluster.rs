//! Asks a cluster: for the bundle that it serves, and for the objects themselves.
//!
//! With the rights of whoever runs the command. Nothing here watches, and what is written is in a file of its own.
//! What was read is verified and judged by the code that the operator and the gateway use.

mod clearing;
mod writing;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use tokio::runtime::{Builder, Runtime};

use super::progress::awaited;
use crate::api::{GROUP, Kind};
use crate::bundle::names::{INDEX_KEY, INDEX_SECRET, INDEX_TYPE, SHARD_KEY};
use crate::bundle::{AssembleError, Bundle, Index, IndexError, assemble};
use crate::causes::chain;
use crate::kubeconfig::{self, ClusterArgs};
use crate::operator::arrived::Arrived;

/// How long one question may take altogether.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a bundle is read anew that changed while it was read.
const TRIES: usize = 3;
/// Shards read at the same time.
const AT_ONCE: usize = 8;
/// Objects asked for at a time.
const PAGE: u32 = 500;

/// Why a cluster gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no kubeconfig that leads to a cluster.
    #[error("no cluster to ask: {0}; what takes `-f PATH` works on files, too")]
    NoConfig(String),
    /// No threads or sockets.
    #[error("cannot start")]
    Start(#[from] std::io::Error),
    /// The API server refuses.
    #[error("not allowed: {0}; {1}")]
    Forbidden(String, &'static str),
    /// The API server has another answer.
    #[error("cannot read {what}: {why}")]
    Answer {
        /// What was asked for.
        what: String,
        /// What came back.
        why: String,
    },
    /// The API server knows no such thing.
    #[error("cannot read {what}: {why}; are the CRDs installed (`faas-iam crds`)?")]
    NotServed {
        /// What was asked for.
        what: String,
        /// What came back.
        why: String,
    },
    /// The API server does not take what is written.
    #[error("cannot write {what}: {why}")]
    Refused {
        /// What was to be written.
        what: String,
        /// What came back.
        why: String,
    },
    /// Somebody else's object has the name.
    #[error("{what} is there already and is no login that this command has made: {why}")]
    Taken {
        /// Which object.
        what: String,
        /// Why it is none, and what to do.
        why: String,
    },
    /// Somebody else has written meanwhile.
    #[error("{0} was changed by somebody else at the same time; run the command again")]
    Changed(String),
    /// There is no such namespace.
    #[error("there is no namespace `{0}`; give `--create` where it shall be made")]
    NoNamespace(String),
    /// Nobody answers, or nobody that can be trusted, or there is nothing to show them.
    #[error("cannot ask {address} ({whence}): {why}")]
    Unreachable {
        /// The API server's address.
        address: String,
        /// Where that stands.
        whence: String,
        /// Each cause.
        why: String,
    },
    /// It took longer than [`PATIENCE`].
    #[error("no answer from {0} within {seconds} seconds", seconds = PATIENCE.as_secs())]
    Late(String),
    /// Nothing is served from this namespace.
    #[error(
        "there is no bundle in namespace `{0}`: no operator has written one there, or `-n` names another namespace"
    )]
    NoBundle(String),
    /// Somebody else's Secret has the name of the index.
    #[error(
        "the Secret `{INDEX_SECRET}` in namespace `{0}` is not the operator's (its type is not `{INDEX_TYPE}`); no bundle is served"
    )]
    NameTaken(String),
    /// The index is broken.
    #[error("the bundle that the cluster serves cannot be used")]
    Index(#[from] IndexError),
    /// The shards do not make what the index promises.
    #[error("the bundle that the cluster serves cannot be used")]
    Assemble(#[from] AssembleError),
}

/// What the right to read the index is good for, and who has none.
const INDEX_CURE: &str = "this command reads the Secret `faas-iam-bundle` and its ConfigMaps in the IAM namespace; \
                          whoever may not finds the reason of a refusal in the refusal's own text";
const OBJECTS_CURE: &str = "this command lists jwtissuers, policies, roles and registrycredentials of iam.openfaas.com in \
                            the IAM namespace";

const CREDENTIALS_CURE: &str = "this command lists registrycredentials.iam.openfaas.com in the IAM namespace";

pub use writing::{BASIC_AUTH, Written};

/// A connection to a cluster.
pub struct Cluster {
    runtime: Runtime,
    client: Client,
    address: String,
    /// Which context of which file names the address.
    whence: String,
    namespace: String,
}

impl Cluster {
    /// Finds the cluster that the flags name and makes ready to ask it.
    ///
    /// # Errors
    /// [`ClusterError::NoConfig`] where the flags and the environment lead nowhere.
    pub fn connect(args: &ClusterArgs) -> Result<Self, ClusterError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let config =
            runtime.block_on(kubeconfig::find(args)).map_err(|e| ClusterError::NoConfig(chain(&e)))?;
        let address = config.cluster_url.to_string();
        let (whence, namespace) = (kubeconfig::whence(args), args.namespace.clone());
        let plugin = config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
        // Making the client is what runs the plugin, and needs the runtime.
        match runtime.block_on(async { Client::try_from(config) }) {
            Ok(client) => Ok(Self { runtime, client, address, whence, namespace }),
            Err(error) => {
                let plugin = plugin.map(|name| format!(" (the plugin `{name}`)")).unwrap_or_default();
                Err(ClusterError::Unreachable { address, whence, why: chain(&error) + &plugin })
            }
        }
    }

    /// The bundle that the cluster serves, every hash checked.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn served(&self) -> Result<(Index, Bundle), ClusterError> {
        self.wait("bundle", self.read_served())
    }

    /// All objects of the IAM namespace, kind by kind.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn objects(&self) -> Result<Vec<(Kind, DynamicObject)>, ClusterError> {
        self.wait("objects", async {
            let lists = stream::iter(Kind::DEFINED).then(|kind| async move {
                match self.list(kind, OBJECTS_CURE).await {
                    // An older chart has no such definition.
                    Err(ClusterError::NotServed { .. }) if !Kind::ACCESS.contains(&kind) => Ok(Vec::new()),
                    list => list,
                }
            });
            Ok(lists.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
        })
    }

    /// All logins for registries of the IAM namespace.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn credentials(&self) -> Result<Vec<DynamicObject>, ClusterError> {
        self.wait("logins", async {
            let all = self.list(Kind::RegistryCredential, CREDENTIALS_CURE).await?;
            Ok(all.into_iter().map(|(_, object)| object).collect())
        })
    }

    fn wait<T>(
        &self,
        what: &str,
        answer: impl Future<Output = Result<T, ClusterError>>,
    ) -> Result<T, ClusterError> {
        let asking = format!("asking {} for the {what} in namespace `{}`", self.address, self.namespace);
        let bounded = async { tokio::time::timeout(PATIENCE, answer).await };
        self.runtime
            .block_on(awaited(&asking, bounded))
            .map_err(|_| ClusterError::Late(self.address.clone()))?
    }

    /// Reads again where the operator has just moved on and a shard is gone.
    async fn read_served(&self) -> Result<(Index, Bundle), ClusterError> {
        let mut index = self.index().await?;
        for _ in 1..TRIES {
            match self.assemble(&index).await {
                Err(ClusterError::Assemble(_)) => {
                    let newer = self.index().await?;
                    if newer.generation == index.generation {
                        break;
                    }
                    index = newer;
                }
                other => return other.map(|bundle| (index, bundle)),
            }
        }
        let bundle = self.assemble(&index).await?;
        Ok((index, bundle))
    }

    async fn index(&self) -> Result<Index, ClusterError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let what = || format!("Secret `{INDEX_SECRET}`");
        let secret = secrets.get_opt(INDEX_SECRET).await.map_err(|e| self.failed(what(), &e, INDEX_CURE))?;
        let secret = secret.ok_or_else(|| ClusterError::NoBundle(self.namespace.clone()))?;
        if secret.type_.as_deref() != Some(INDEX_TYPE) {
            return Err(ClusterError::NameTaken(self.namespace.clone()));
        }
        let bytes = secret.data.and_then(|mut data| data.remove(INDEX_KEY)).unwrap_or_default();
        // The operator has its own limit; what it wrote is what there is.
        Ok(Index::decode(&bytes.0, usize::MAX)?)
    }

    async fn assemble(&self, index: &Index) -> Result<Bundle, ClusterError> {
        let shards = stream::iter(index.shards.iter().map(|shard| self.shard(&shard.name))).buffered(AT_ONCE);
        let texts: BTreeMap<_, _> = shards.try_collect().await?;
        let found = |name: &str| texts.get(name)?.as_deref();
        Ok(assemble(index, found)?)
    }

    async fn shard(&self, name: &str) -> Result<(String, Option<String>), ClusterError> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let what = || format!("ConfigMap `{name}`");
        let map = maps.get_opt(name).await.map_err(|e| self.failed(what(), &e, INDEX_CURE))?;
        Ok((name.to_owned(), map.and_then(|m| m.data?.remove(SHARD_KEY))))
    }

    /// What the API server said, in its own words, or why it said nothing.
    fn failed(&self, what: String, error: &kube::Error, cure: &'static str) -> ClusterError {
        match error {
            kube::Error::Api(status) if status.code == 403 => {
                ClusterError::Forbidden(status.message.clone(), cure)
            }
            kube::Error::Api(status) if status.code == 404 => {
                ClusterError::NotServed { what, why: status.message.clone() }
            }
            kube::Error::Api(status) => ClusterError::Answer { what, why: status.message.clone() },
            other => ClusterError::Unreachable {
                address: self.address.clone(),
                whence: self.whence.clone(),
                why: chain(other),
            },
        }
    }

    async fn list(&self, kind: Kind, cure: &'static str) -> Result<Vec<(Kind, DynamicObject)>, ClusterError> {
        let api: Api<Arrived> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &api_resource(kind));
        let mut page = ListParams::default().limit(PAGE);
        let mut objects = Vec::new();
        loop {
            let list = api.list(&page).await.map_err(|e| self.failed(kind.to_string(), &e, cure))?;
            let there = list.items.into_iter().filter(|object| !object.is_going());
            objects.extend(there.map(|Arrived(object)| (kind, object)));
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(objects),
            }
        }
    }
}

fn api_resource(kind: Kind) -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: kind.version().to_owned(),
        api_version: kind.api_version(),
        kind: kind.kind().to_owned(),
        plural: kind.plural().to_owned(),
    }
}
