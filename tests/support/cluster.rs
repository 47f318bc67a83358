//! A cluster as its users see it: the administrator's client, and clients of ServiceAccounts with real tokens.
//!
//! A client lives no longer than the runtime that made it, so every test asks for its own; what is kept is the
//! kubeconfig.

use std::path::{Path, PathBuf};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client, Config,
    config::{AuthInfo, KubeConfigOptions, Kubeconfig, NamedAuthInfo},
};

use super::{Failure, Result};

/// A cluster by the administrator's kubeconfig.
#[derive(Clone)]
pub struct Cluster {
    file: PathBuf,
}

impl Cluster {
    /// The cluster that the current context of `file` names.
    pub fn new(file: PathBuf) -> Self {
        Self { file }
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.file
    }

    /// A client of the administrator's.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used.
    pub async fn admin(&self) -> Result<Client> {
        client(self.read()?).await
    }

    /// The API server's address, such as `https://127.0.0.1:20001`.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used.
    pub async fn server(&self) -> Result<String> {
        Ok(config(self.read()?).await?.cluster_url.to_string().trim_end_matches('/').to_owned())
    }

    /// A token of a ServiceAccount, by TokenRequest; no audiences means the API server itself.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn token(&self, namespace: &str, name: &str, audiences: &[&str]) -> Result<String> {
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                audiences: Some(audiences.iter().map(|&audience| audience.to_owned()).collect()),
                expiration_seconds: Some(3600),
                ..Default::default()
            }),
            ..Default::default()
        };
        let accounts: Api<ServiceAccount> = Api::namespaced(self.admin().await?, namespace);
        let answer = accounts.create_token_request(name, &Default::default(), &request).await?;
        let token = answer.status.and_then(|status| status.token);
        token.ok_or_else(|| Failure::new("a TokenRequest came back without a token"))
    }

    /// A client that is the ServiceAccount, with its rights and no others.
    ///
    /// # Errors
    /// When the API server gives no token.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<Client> {
        client(self.with_token(&self.token(namespace, name, &[]).await?, namespace)?).await
    }

    /// Writes a kubeconfig that is the ServiceAccount, for programs; its token holds for an hour.
    ///
    /// # Errors
    /// When the API server gives no token, or the file cannot be written.
    pub async fn service_account_kubeconfig(
        &self,
        namespace: &str,
        name: &str,
        folder: &Path,
    ) -> Result<PathBuf> {
        let kubeconfig = self.with_token(&self.token(namespace, name, &[]).await?, namespace)?;
        let path = folder.join(format!("{namespace}-{name}.kubeconfig"));
        write_private(&path, &serde_json::to_string_pretty(&kubeconfig)?)?;
        Ok(path)
    }

    fn read(&self) -> Result<Kubeconfig> {
        Ok(Kubeconfig::read_from(&self.file)?)
    }

    /// The administrator's kubeconfig with everybody's credentials replaced by `token`.
    fn with_token(&self, token: &str, namespace: &str) -> Result<Kubeconfig> {
        let mut kubeconfig = self.read()?;
        let auth = AuthInfo { token: Some(token.to_owned().into()), ..Default::default() };
        let user = |named: &NamedAuthInfo| NamedAuthInfo { auth_info: Some(auth.clone()), ..named.clone() };
        kubeconfig.auth_infos = kubeconfig.auth_infos.iter().map(user).collect();
        for context in kubeconfig.contexts.iter_mut().filter_map(|named| named.context.as_mut()) {
            context.namespace = Some(namespace.to_owned());
        }
        Ok(kubeconfig)
    }
}

/// A kubeconfig with one cluster, user and context, JSON (which is YAML).
pub fn kubeconfig(server: &str, authority: &str, certificate: &str, key: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "faas-iam",
        "clusters": [{"name": "faas-iam", "cluster": {
            "server": server, "certificate-authority-data": STANDARD.encode(authority)}}],
        "users": [{"name": "faas-iam", "user": {
            "client-certificate-data": STANDARD.encode(certificate), "client-key-data": STANDARD.encode(key)}}],
        "contexts": [{"name": "faas-iam", "context": {"cluster": "faas-iam", "user": "faas-iam"}}],
    })
    .to_string()
}

/// Writes a file that this user alone can read.
///
/// # Errors
/// When writing fails.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file =
        std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

async fn config(kubeconfig: Kubeconfig) -> Result<Config> {
    Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}

async fn client(kubeconfig: Kubeconfig) -> Result<Client> {
    Ok(Client::try_from(config(kubeconfig).await?)?)
}
