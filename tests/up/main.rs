//! `make up`: a control plane on this machine with the operator and the quick start, until interrupted.
//!
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

#[path = "../support/mod.rs"]
mod support;

use support::{Result, controlplane::ControlPlane, flags::Options};

#[tokio::main]
async fn main() -> Result<()> {
    let exit = std::env::args().any(|argument| argument == "--exit");
    let interrupt = tokio::signal::ctrl_c();
    tokio::pin!(interrupt);
    tokio::select! {
        done = run(exit) => done,
        _ = &mut interrupt => { println!("interrupted: everything has ended"); Ok(()) }
    }
}

/// Starts everything and shows it; dropped when interrupted, which ends everything.
async fn run(exit: bool) -> Result<()> {
    println!("starting etcd, kube-apiserver and kube-controller-manager (about 10 s)");
    let plane = ControlPlane::start(Options::default()).await?;
    println!("kubeconfig: {}", plane.cluster().kubeconfig().display());
    if exit {
        return plane.shut_down().await;
    }
    println!("running until interrupted (Ctrl-C)");
    std::future::pending().await
}
