//! Writes into a cluster what a command was asked to write, with the rights of whoever runs it: made by POST, or
//! changed on condition that it is what was seen (`security-rules.md` 24).

use std::fmt;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Cluster, ClusterError};
use crate::api::{Kind, RegistryCredential};
use crate::model::{FUNCTION_NAMESPACE, Registry};

/// Who writes, in managed fields.
pub(super) const MANAGER: &str = "faas-iam-cli";
/// The type of a Secret that holds user name and password.
pub const BASIC_AUTH: &str = "kubernetes.io/basic-auth";
/// The value of the annotation, as OpenFaaS' documentation has it.
const ENABLED: &str = "1";

const CREDENTIAL_CURE: &str =
    "this command reads, creates and patches registrycredentials.iam.openfaas.com in the IAM namespace";
const SECRET_CURE: &str = "this command reads, creates and patches Secrets in the IAM namespace";
const NAMESPACE_CURE: &str = "this command reads, creates and patches namespaces";

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Written {
    /// It is new.
    Created,
    /// It was there, and says now what was asked for.
    Updated,
    /// It was there, and said so already.
    Unchanged,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        })
    }
}

impl Cluster {
    /// Looks whether both may be written, before either is: a credential beside a Secret of another one has the operator
    /// send that one's password to its own registry.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn takes(&self, credential: &RegistryCredential, secret: &Secret) -> Result<(), ClusterError> {
        self.wait("RegistryCredential and its Secret", async {
            self.look(credential, |seen| takes_credential(seen, credential), CREDENTIAL_CURE).await?;
            self.look(secret, takes_login, SECRET_CURE).await
        })
    }

    async fn look<K>(
        &self,
        object: &K,
        takes: impl Fn(&K) -> Result<(), ClusterError>,
        cure: &'static str,
    ) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + fmt::Debug,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), &self.namespace);
        let name = object.name_any();
        let what = format!("{}/{name}", K::plural(&()));
        let seen = api.get_opt(&name).await.map_err(|e| self.failed(what, &e, cure))?;
        seen.as_ref().map_or(Ok(()), takes)
    }

    /// Makes a login for a registry known, or changes the one of this name to say what `spec` says.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn put_credential(
        &self,
        credential: &RegistryCredential,
        spec: &Value,
    ) -> Result<Written, ClusterError> {
        let what = format!("{}/{}", Kind::RegistryCredential, credential.name_any());
        self.wait("RegistryCredential", async {
            let api: Api<RegistryCredential> = Api::namespaced(self.client.clone(), &self.namespace);
            let takes = |seen: &RegistryCredential| takes_credential(seen, credential);
            self.put(&api, credential, json!({ "spec": spec }), takes, &what, CREDENTIAL_CURE).await
        })
    }

    /// Makes the Secret with a login, or puts the login into the one of this name, which has to be of its type.
    ///
    /// # Errors
    /// [`ClusterError`]; none of its texts holds a value.
    pub fn put_login(&self, secret: &Secret) -> Result<Written, ClusterError> {
        let what = format!("secrets/{}", secret.name_any());
        self.wait("Secret", async {
            let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
            self.put(&api, secret, json!({ "data": secret.data }), takes_login, &what, SECRET_CURE).await
        })
    }

    async fn put<K>(
        &self,
        api: &Api<K>,
        object: &K,
        change: Value,
        takes: impl Fn(&K) -> Result<(), ClusterError>,
        what: &str,
        cure: &'static str,
    ) -> Result<Written, ClusterError>
    where
        K: Resource + Clone + Serialize + DeserializeOwned + fmt::Debug,
    {
        match api.create(&created_by_us(), object).await {
            Ok(_) => return Ok(Written::Created),
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
            Err(error) => return Err(self.refused(what, &error, cure)),
        }
        let name = object.name_any();
        let seen = api.get(&name).await.map_err(|e| self.failed(what.to_owned(), &e, cure))?;
        takes(&seen)?;
        self.change(api, &seen, change, what, cure).await
    }

    /// Changes what was seen, and nothing that somebody has written since.
    async fn change<K>(
        &self,
        api: &Api<K>,
        seen: &K,
        mut change: Value,
        what: &str,
        cure: &'static str,
    ) -> Result<Written, ClusterError>
    where
        K: Resource + Clone + DeserializeOwned + fmt::Debug,
    {
        let version = seen.resource_version();
        let wanted = json!({ "metadata": { "uid": seen.uid(), "resourceVersion": version } });
        json_patch::merge(&mut change, &wanted);
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        match api.patch(&seen.name_any(), &params, &Patch::Merge(&change)).await {
            Ok(now) if now.resource_version() == version => Ok(Written::Unchanged),
            Ok(_) => Ok(Written::Updated),
            Err(kube::Error::Api(status)) if status.code == 409 => {
                Err(ClusterError::Changed(what.to_owned()))
            }
            Err(error) => Err(self.refused(what, &error, cure)),
        }
    }

    /// Has OpenFaaS take a namespace for one of functions; makes it where it is not there and `create` says so.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn enable_namespace(&self, name: &str, create: bool) -> Result<Written, ClusterError> {
        let what = format!("namespaces/{name}");
        let mark = json!({ "metadata": { "annotations": { FUNCTION_NAMESPACE: ENABLED } } });
        self.wait("namespace", async {
            let api: Api<Namespace> = Api::all(self.client.clone());
            let seen = api.get_opt(name).await.map_err(|e| self.failed(what.clone(), &e, NAMESPACE_CURE))?;
            match seen {
                None if create => self.make_namespace(&api, name, &what).await,
                None => Err(ClusterError::NoNamespace(name.to_owned())),
                // Any value counts, and another one than ours is somebody's.
                Some(seen) if seen.annotations().contains_key(FUNCTION_NAMESPACE) => Ok(Written::Unchanged),
                Some(seen) => self.change(&api, &seen, mark, &what, NAMESPACE_CURE).await,
            }
        })
    }

    async fn make_namespace(
        &self,
        api: &Api<Namespace>,
        name: &str,
        what: &str,
    ) -> Result<Written, ClusterError> {
        let annotations = [(FUNCTION_NAMESPACE.to_owned(), ENABLED.to_owned())].into();
        let metadata = ObjectMeta { annotations: Some(annotations), ..ObjectMeta::default() };
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..metadata };
        let made = api.create(&created_by_us(), &Namespace { metadata, ..Namespace::default() }).await;
        made.map(|_| Written::Created).map_err(|e| self.refused(what, &e, NAMESPACE_CURE))
    }

    /// What the API server said to what was written.
    fn refused(&self, what: &str, error: &kube::Error, cure: &'static str) -> ClusterError {
        match error {
            kube::Error::Api(status) if !matches!(status.code, 403 | 404) => {
                ClusterError::Refused { what: what.to_owned(), why: status.message.clone() }
            }
            other => self.failed(what.to_owned(), other, cure),
        }
    }
}

/// A credential goes on being for its registry: its Secret holds that one's password until it is written, too.
fn takes_credential(seen: &RegistryCredential, wanted: &RegistryCredential) -> Result<(), ClusterError> {
    let registry = |of: &RegistryCredential| Registry::parse(&of.spec.registry);
    if registry(seen) == registry(wanted) {
        return Ok(());
    }
    Err(ClusterError::Taken {
        what: format!("{}/{}", Kind::RegistryCredential, seen.name_any()),
        why: format!(
            "it is for `{}`, not for `{}`; give another `--name`",
            seen.spec.registry.escape_debug(),
            wanted.spec.registry
        ),
    })
}

fn takes_login(seen: &Secret) -> Result<(), ClusterError> {
    match seen.type_.as_deref() {
        Some(BASIC_AUTH) => Ok(()),
        other => Err(ClusterError::Taken {
            what: format!("secrets/{}", seen.name_any()),
            why: format!(
                "its type is `{}`, not `{BASIC_AUTH}`; give another `--secret-name`",
                other.unwrap_or("Opaque")
            ),
        }),
    }
}

fn created_by_us() -> PostParams {
    PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::RegistryCredentialSpec;

    fn of(registry: &str) -> RegistryCredential {
        let spec = RegistryCredentialSpec { registry: registry.to_owned(), ..Default::default() };
        RegistryCredential::new("example-com", spec)
    }

    #[test]
    fn s24_a_credential_never_becomes_one_of_another_registry() {
        for (seen, wanted) in [
            ("example.com", "*.example.com"),
            ("a.b", "a-b"),
            ("localhost:5000", "localhost/5000"),
            ("no registry", "a.b"),
        ] {
            let said = takes_credential(&of(seen), &of(wanted)).unwrap_err().to_string();
            let parts = [&*format!("`{seen}`"), &*format!("`{wanted}`"), "give another `--name`"];
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        }
    }

    #[test]
    fn a_credential_of_the_same_registry_is_renewed_however_that_is_spelled() {
        assert!(takes_credential(&of("https://Example.com/"), &of("example.com")).is_ok());
        assert!(takes_credential(&of("docker.io"), &of("index.docker.io")).is_ok());
    }
}
