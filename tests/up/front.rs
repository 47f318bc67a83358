//! The gateway of `make up`, in front of a small provider, and a pipeline that calls it: the quick start's.

use std::path::Path;

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use serde_json::Value;

use super::support::{
    Result,
    chart::{self, Account, Operator},
    cluster::{Cluster, write_private},
    ports,
    provider::{Options, Provider},
};
use super::{NAMESPACE, PUBLIC_URL, RELEASE};
use crate::session::{Call, Session};

/// The ServiceAccount that the quick start's Role `pipeline` names.
const PIPELINE: (&str, &str) = ("ci", "deployer");

/// A gateway and what is behind it; dropping it ends both.
pub struct Front {
    /// The gateway's process.
    pub gateway: Operator,
    url: String,
    // After the gateway, which would miss it.
    _provider: Provider,
}

impl Front {
    /// Starts both; when it returns, the gateway is ready.
    ///
    /// # Errors
    /// When one of them cannot be started.
    pub async fn start(cluster: &Cluster, values: &Value, folder: &Path) -> Result<Self> {
        let (user, password) = ("admin", ports::free().to_string());
        let functions = ["billing.prod", "hello.dev"].map(str::to_owned).to_vec();
        let admin = Some((user.to_owned(), password.clone()));
        let provider = Provider::start(&Options { functions, admin, ..Options::default() })?;
        let name = chart::account(&chart::render(RELEASE, NAMESPACE, values)?, "gateway")?;
        println!(
            "starting a provider that stands for OpenFaaS, and the gateway as ServiceAccount {NAMESPACE}/{name}"
        );
        let account = Account::new(cluster, NAMESPACE, &name, folder).await?;
        let file = |name: &str, text: &str| -> Result<String> {
            let path = folder.join(name);
            write_private(&path, text)?;
            Ok(path.display().to_string())
        };
        let (user, password) = (file("basic-auth-user", user)?, file("basic-auth-password", &password)?);
        let listen = format!("127.0.0.1:{}", ports::friendly());
        let more = ["--admin-user-file", &user, "--admin-password-file", &password];
        let mut gateway = account.start_gateway_at(&listen, provider.url(), PUBLIC_URL, &more)?;
        gateway.ready().await?;
        Ok(Self { gateway, url: format!("http://{listen}"), _provider: provider })
    }

    /// Exchanges the pipeline's token, and makes a call that is allowed and one that is not.
    ///
    /// # Errors
    /// When a result is not as the quick start promises.
    pub async fn show(&self, cluster: &Cluster, client: &Client, folder: &Path) -> Result<()> {
        let (namespace, name) = PIPELINE;
        account(client, namespace, name).await?;
        let file = folder.join(format!("{name}.jwt"));
        write_private(&file, &cluster.token(namespace, name, &[PUBLIC_URL]).await?)?;
        println!("The gateway listens at {}. {} is a token of", self.url, file.display());
        println!("ServiceAccount {namespace}/{name}, good for an hour, as its Pods would have one.\n");
        let (url, mut session) = (&self.url, Session::new()?);
        session
            .set("TOKEN", &format!("faas-iam token exchange --gateway {url} --token {}", file.display()))?;
        let get = |path: &str| Call {
            method: "GET",
            url: format!("{url}{path}"),
            token: Some("TOKEN"),
            body: None,
        };
        session.call(&get("/system/function/billing?namespace=prod"), 200, "\"billing\"").await?;
        session.call(&get("/system/function/hello?namespace=dev"), 403, "decision").await
    }
}

async fn account(client: &Client, namespace: &str, name: &str) -> Result<()> {
    let named = |name: &str| ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let made = Namespace { metadata: named(namespace), ..Namespace::default() };
    Api::all(client.clone()).create(&PostParams::default(), &made).await?;
    let made = ServiceAccount { metadata: named(name), ..ServiceAccount::default() };
    Api::namespaced(client.clone(), namespace).create(&PostParams::default(), &made).await?;
    Ok(())
}
