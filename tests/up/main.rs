//! `make up`: a control plane on this machine with the operator, the quick start and the gateway, until interrupted.
//!
//! With `--standalone` it is `make standalone`: a gateway from a folder, with no control plane at all.
//! With `--exit` it ends as soon as it has shown what it shows. It leaves nothing running and no file behind.
#![allow(dead_code, reason = "the support is shared with the tests; each uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "the support is the tests'"
)]

mod front;
mod session;
mod show;
mod standalone;
#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::time::Duration;

use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use front::Front;
use support::{
    Failure, Result,
    chart::{self, Account, Operator},
    controlplane::ControlPlane,
    flags::Options,
    helm,
    tools::root,
    wait::eventually,
};

/// The IAM namespace.
const NAMESPACE: &str = "openfaas";
/// The chart's release.
const RELEASE: &str = "faas-iam";
/// The gateway's public URL in the quick start.
const PUBLIC_URL: &str = "https://gateway.example.com";
/// What is waited for happens within this, or never.
const WITHIN: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<()> {
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    let exit = asked("--exit");
    let interrupt = tokio::signal::ctrl_c();
    tokio::pin!(interrupt);
    tokio::select! {
        done = standalone::run(exit), if asked("--standalone") => done,
        done = run(exit), if !asked("--standalone") => done,
        _ = &mut interrupt => { println!("\ninterrupted: everything has ended"); Ok(()) }
    }
}

/// Starts everything and shows it; dropped when interrupted, which ends everything.
async fn run(exit: bool) -> Result<()> {
    println!("starting etcd, kube-apiserver and kube-controller-manager (about 10 s)");
    let plane = ControlPlane::start(Options::default()).await?;
    let client = plane.cluster().admin().await?;
    println!("installing charts/faas-iam into namespace {NAMESPACE}");
    let values = json!({ "publicUrl": PUBLIC_URL, "gateway": { "enabled": true } });
    let account = install(&client, &values).await?;
    println!("starting the operator as ServiceAccount {NAMESPACE}/{account}");
    let mut operator = operator(&plane, &account).await?;
    println!("applying examples/quickstart");
    apply_quickstart(&client).await?;
    let shown = show::everything(&client, NAMESPACE, WITHIN)
        .await
        .map_err(|f| operator.process.blame(&f.to_string()))?;
    println!("\n{shown}");
    show::decisions(plane.cluster().kubeconfig(), NAMESPACE)?;
    let mut front = Front::start(plane.cluster(), &values, plane.folder()).await?;
    if !exit {
        println!("kubeconfig: {}", plane.cluster().kubeconfig().display());
        println!(
            "the Pods of its Deployments stay Pending: there is no node, and what runs are processes of this machine"
        );
    }
    println!();
    front
        .show(plane.cluster(), &client, plane.folder())
        .await
        .map_err(|f| front.gateway.process.blame(&f.to_string()))?;
    if exit {
        front.gateway.stop().await?;
        operator.stop().await?;
        return plane.shut_down().await;
    }
    println!("running until interrupted (Ctrl-C)");
    tokio::select! {
        failure = ended("the operator", &mut operator) => Err(failure),
        failure = ended("the gateway", &mut front.gateway) => Err(failure),
    }
}

/// Waits for what should not come.
async fn ended(name: &str, operator: &mut Operator) -> Failure {
    match operator.process.wait(Duration::from_secs(u64::from(u32::MAX))).await {
        Ok(code) => operator.process.blame(&format!("{name} has ended with code {code}")),
        Err(failure) => failure,
    }
}

/// Makes the namespace and installs the chart as Helm would; gives the name of the operator's ServiceAccount.
async fn install(client: &Client, values: &Value) -> Result<String> {
    let namespace = k8s_openapi::api::core::v1::Namespace {
        metadata: ObjectMeta { name: Some(NAMESPACE.to_owned()), ..ObjectMeta::default() },
        ..Default::default()
    };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    chart::install(client, RELEASE, NAMESPACE, values).await
}

/// Starts the operator with the rights of the chart's ServiceAccount and waits until it is ready.
async fn operator(plane: &ControlPlane, account: &str) -> Result<Operator> {
    let account = Account::new(plane.cluster(), NAMESPACE, account, plane.folder()).await?;
    let mut operator = account.start("operator", &["--log-format", "json", "--public-url", PUBLIC_URL])?;
    operator.ready().await?;
    Ok(operator)
}

async fn apply_quickstart(client: &Client) -> Result<()> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("examples/quickstart"))?
        .map(|e| Ok(e?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    for file in files {
        helm::apply(client, &helm::parse(&std::fs::read_to_string(file)?)?, NAMESPACE).await?;
    }
    Ok(())
}
