//! One write of the plan, done: POST for what is not there, PUT and DELETE with the uid and version that
//! were seen. Decides nothing but what an answer means; what comes next is the plan's.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client};

use super::holdings::{HeldIndex, HeldMap, Version};
use super::names::{MANAGER, labels};
use super::plan::Write;
use super::seen;
use super::signing::{self, SigningError};
use super::world::SigningKey;
use crate::bundle::names::{INDEX_KEY, INDEX_SECRET, INDEX_TYPE, SHARD_KEY, SIGNING_KEY, SIGNING_SECRET};
use crate::bundle::{Digest, Index};

/// What became of a write.
#[derive(Debug)]
pub enum Applied {
    /// The shard is there.
    Shard(Box<str>, HeldMap),
    /// Somebody else holds the name.
    Taken(Box<str>),
    /// The index is written.
    Index(HeldIndex),
    /// The shard is gone.
    Deleted(Box<str>),
    /// It was changed by somebody meanwhile: the watch tells how.
    Stale,
}

/// A write that the API server did not take.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A shard.
    #[error("the shard `{name}` cannot be written")]
    Shard {
        /// The ConfigMap's name.
        name: Box<str>,
        /// The API server's words.
        source: kube::Error,
    },
    /// The index.
    #[error("the index `{INDEX_SECRET}` cannot be written")]
    Index(#[source] kube::Error),
    /// A deletion.
    #[error("the shard `{name}` cannot be deleted")]
    Delete {
        /// The ConfigMap's name.
        name: Box<str>,
        /// The API server's words.
        source: kube::Error,
    },
    /// Our signing key.
    #[error("the Secret `issuer-key` cannot be made")]
    Key(#[source] kube::Error),
    /// A new key.
    #[error(transparent)]
    Generate(#[from] SigningError),
}

/// Writes to the IAM namespace.
pub struct Applier {
    secrets: Api<Secret>,
    maps: Api<ConfigMap>,
}

impl Applier {
    /// Writes to this namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { secrets: Api::namespaced(client.clone(), namespace), maps: Api::namespaced(client, namespace) }
    }

    /// Does one write.
    ///
    /// # Errors
    /// [`ApplyError`] where the API server refuses for another reason than that somebody was first.
    pub async fn write(&self, write: &Write) -> Result<Applied, ApplyError> {
        match write {
            Write::Shard { name, text } => self
                .shard(name, text)
                .await
                .map_err(|source| ApplyError::Shard { name: name.clone(), source }),
            Write::Index { index, over } => self.index(index, over.as_ref()).await.map_err(ApplyError::Index),
            Write::Delete { name, version } => self
                .delete(name, version)
                .await
                .map_err(|source| ApplyError::Delete { name: name.clone(), source }),
        }
    }

    async fn shard(&self, name: &str, text: &str) -> kube::Result<Applied> {
        let map = ConfigMap {
            metadata: meta(name),
            immutable: Some(true),
            data: Some(BTreeMap::from([(SHARD_KEY.to_owned(), text.to_owned())])),
            binary_data: None,
        };
        match self.maps.create(&params(), &map).await {
            Ok(made) => Ok(Applied::Shard(name.into(), seen::map(&made).1)),
            Err(error) if code(&error) == Some(409) => self.whose(name, text).await,
            Err(error) => Err(error),
        }
    }

    /// The name is held: by the very shard, as after an answer that was lost, or by a stranger.
    async fn whose(&self, name: &str, text: &str) -> kube::Result<Applied> {
        let Some(found) = self.maps.get_opt(name).await? else { return Ok(Applied::Stale) };
        let labelled =
            labels().iter().all(|(k, v)| found.metadata.labels.as_ref().and_then(|l| l.get(k)) == Some(v));
        let (_, held) = seen::map(&found);
        let same = labelled && held.immutable && held.sha256 == Some(Digest::of(text.as_bytes()));
        Ok(if same { Applied::Shard(name.into(), held) } else { Applied::Taken(name.into()) })
    }

    async fn index(&self, index: &Index, over: Option<&Version>) -> kube::Result<Applied> {
        let mut secret = Secret {
            metadata: meta(INDEX_SECRET),
            type_: Some(INDEX_TYPE.to_owned()),
            data: Some(BTreeMap::from([(INDEX_KEY.to_owned(), ByteString(index.encode()))])),
            ..Secret::default()
        };
        let answer = match over {
            None => self.secrets.create(&params(), &secret).await,
            Some(seen) => {
                secret.metadata.uid = Some(seen.uid.clone());
                secret.metadata.resource_version = Some(seen.resource_version.clone());
                self.secrets.replace(INDEX_SECRET, &params(), &secret).await
            }
        };
        match answer {
            Ok(written) => Ok(Applied::Index(HeldIndex::Ours(seen::version(&written), Some(index.clone())))),
            Err(error) if matches!(code(&error), Some(404 | 409)) => Ok(Applied::Stale),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, name: &str, version: &Version) -> kube::Result<Applied> {
        let seen = Preconditions {
            uid: Some(version.uid.clone()),
            resource_version: Some(version.resource_version.clone()),
        };
        let params = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
        match self.maps.delete(name, &params).await {
            Ok(_) => Ok(Applied::Deleted(name.into())),
            Err(error) if code(&error) == Some(404) => Ok(Applied::Deleted(name.into())),
            Err(error) if code(&error) == Some(409) => Ok(Applied::Stale),
            Err(error) => Err(error),
        }
    }

    /// Makes our signing key, where there is none. It is known at once, so that no bundle is written without it. Where
    /// somebody was first, or an answer was lost, the watch tells which one it is.
    ///
    /// # Errors
    /// [`ApplyError`] where no key can be made or stored.
    pub async fn make_signing_key(&self) -> Result<SigningKey, ApplyError> {
        let pem = signing::generate()?;
        let mut metadata = meta(SIGNING_SECRET);
        metadata.labels =
            Some(BTreeMap::from([("app.kubernetes.io/managed-by".to_owned(), MANAGER.to_owned())]));
        let secret = Secret {
            metadata,
            type_: Some("Opaque".to_owned()),
            data: Some(BTreeMap::from([(SIGNING_KEY.to_owned(), ByteString(pem.as_bytes().to_vec()))])),
            ..Secret::default()
        };
        match self.secrets.create(&params(), &secret).await {
            Ok(made) => Ok(seen::signing_key(Some(&made))),
            Err(error) if code(&error) == Some(409) => Ok(SigningKey::Unknown),
            Err(error) => Err(ApplyError::Key(error)),
        }
    }

    /// The text of a shard, for starting from what an earlier operator left.
    ///
    /// # Errors
    /// The API server's.
    pub async fn read_shard(&self, name: &str) -> kube::Result<Option<String>> {
        let found = self.maps.get_opt(name).await?;
        Ok(found.and_then(|map| map.data).and_then(|mut data| data.remove(SHARD_KEY)))
    }
}

fn meta(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), labels: Some(labels()), ..ObjectMeta::default() }
}

fn params() -> PostParams {
    PostParams { dry_run: false, field_manager: Some(MANAGER.to_owned()) }
}

/// The HTTP status of a refusal.
pub fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}
