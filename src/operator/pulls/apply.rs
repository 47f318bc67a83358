//! One write, done: a JSON Patch with a test, a POST, a merge patch or a DELETE with uid and version. Decides nothing but
//! what an answer means.

use k8s_openapi::api::core::v1::{Pod, Secret, ServiceAccount};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Status;
use kube::{Api, Client};

use super::plan::{Act, Miss, Object, Step, Wrote, created};
use super::world::Key;
use crate::api::Reason;
use crate::causes::chain;
use crate::operator::holdings::Version;
use crate::operator::names::MANAGER;

/// Characters of the API server's words that are told.
const WORDS: usize = 512;

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub struct Author {
    /// In managed fields.
    pub manager: &'static str,
    /// What people are told where a right is missing.
    pub lacks_right: &'static str,
}

/// Who keeps pull secrets as they should be.
pub const OPERATOR: Author =
    Author { manager: MANAGER, lacks_right: "the operator lacks a right; give it back with the chart" };

/// Writes pull secrets and the references to them.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    owner: Box<str>,
    author: Author,
}

impl Writer {
    /// For the installation in the IAM namespace `owner`.
    pub fn new(client: Client, owner: &str, author: Author) -> Self {
        Self { client, owner: owner.into(), author }
    }

    /// Does one write.
    ///
    /// # Errors
    /// [`Miss`].
    pub async fn write(&self, namespace: &str, step: &Step) -> Result<Wrote, Miss> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let done = match (&step.object, &step.act) {
            (Object::Account(name), Act::Refer(patch)) => {
                let patch = Patch::Json::<()>(patch.clone());
                accounts.patch(name, &self.params(), &patch).await.map(|made| Wrote::Account(made.into()))
            }
            (Object::Secret(name), Act::Create(file)) => {
                match serde_json::from_value(created(name, file, &self.owner)) {
                    Ok(secret) => {
                        secrets.create(&self.post(), &secret).await.map(|made| Wrote::Secret(made.into()))
                    }
                    Err(error) => Err(kube::Error::SerdeError(error)),
                }
            }
            (Object::Secret(name), Act::Change(patch)) => secrets
                .patch(name, &self.params(), &Patch::Merge(patch))
                .await
                .map(|made| Wrote::Secret(made.into())),
            (Object::Secret(name), Act::Delete(version)) => {
                secrets.delete(name, &deletion(version)).await.map(|_| Wrote::Gone)
            }
            // The plan makes no other pair.
            _ => return Err(Miss::Beaten),
        };
        done.or_else(|error| self.missed(&step.act, &error))
    }

    fn params(&self) -> PatchParams {
        PatchParams { field_manager: Some(self.author.manager.to_owned()), ..PatchParams::default() }
    }

    fn post(&self) -> PostParams {
        PostParams { dry_run: false, field_manager: Some(self.author.manager.to_owned()) }
    }

    /// Deletes a Pod in this very version.
    ///
    /// # Errors
    /// [`Miss`].
    pub async fn delete_pod(&self, (namespace, name): &Key, version: &Version) -> Result<(), Miss> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        match pods.delete(name, &deletion(version)).await {
            Ok(_) => Ok(()),
            Err(error) => self.missed(&Act::Delete(version.clone()), &error).map(|_| ()),
        }
    }

    fn missed(&self, act: &Act, error: &kube::Error) -> Result<Wrote, Miss> {
        match error {
            kube::Error::Api(status) if status.code == 404 && matches!(act, Act::Delete(_)) => {
                Ok(Wrote::Gone)
            }
            kube::Error::Api(status) => Err(meaning(status, matches!(act, Act::Refer(_)), self.author)),
            error => Err(Miss::Failed(
                Reason::Failed,
                format!("the API server cannot be asked: {}", cut(&chain(error))),
            )),
        }
    }
}

/// What a refusal means; `tested` where the write has a test of its own, which fails with 422.
fn meaning(status: &Status, tested: bool, author: Author) -> Miss {
    let words = cut(&status.message);
    let cause = |reason: &str| {
        status.details.iter().flat_map(|details| &details.causes).any(|cause| cause.reason == reason)
    };
    let failed = |reason: Reason, message: String| Miss::Failed(reason, message);
    match status.code {
        404 | 409 if !cause("NamespaceTerminating") => Miss::Beaten,
        422 if tested => Miss::Beaten,
        403 if cause("NamespaceTerminating") || words.contains("because it is being terminated") => {
            failed(Reason::Terminating, "it is being deleted".to_owned())
        }
        403 if words.contains("exceeded quota") => {
            failed(Reason::QuotaExceeded, format!("its quota allows no more Secrets: {words}"))
        }
        403 if words.contains("cannot ") && words.contains(" resource ") => {
            failed(Reason::Forbidden, format!("{}: {words}", author.lacks_right))
        }
        400 | 403 | 422 if words.contains("denied") => failed(
            Reason::AdmissionDenied,
            format!("an admission policy or webhook refuses the write: {words}"),
        ),
        403 => failed(Reason::Forbidden, words),
        _ => failed(Reason::Failed, words),
    }
}

fn cut(words: &str) -> String {
    words.chars().take(WORDS).collect()
}

fn deletion(seen: &Version) -> DeleteParams {
    let seen =
        Preconditions { uid: Some(seen.uid.clone()), resource_version: Some(seen.resource_version.clone()) };
    DeleteParams { preconditions: Some(seen), ..DeleteParams::default() }
}
