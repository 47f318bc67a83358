//! The API server and etcd die under the operator, and etcd forgets what the operator's watches ask for.

use serde_json::json;

use super::scene::{NAMES, Scene};
use crate::operator::installed::{all_ready, installed};
use crate::support::{
    Failure, Result,
    controlplane::{ControlPlane, Program},
    faults::{
        Call,
        dump::{Dump, Dumper},
        proxy::{Fault, Gate},
    },
    flags::Options,
};

/// What is left where nobody restarts anything.
async fn undisturbed(plane: &ControlPlane, left: &mut Option<(Dumper, Dump)>) -> Result<()> {
    installed(plane.cluster(), json!({}), async |at| {
        let dumper = Dumper::new(at.client.clone()).await?;
        let scene = Scene::set(at, dumper.clone()).await?;
        let operator = scene.start()?;
        scene.spare_comes().await?;
        scene.spare_goes().await?;
        scene.spare_is_forgotten().await?;
        scene.play().await?;
        operator.stop().await?;
        *left = Some((dumper, scene.dump().await?));
        Ok(())
    })
    .await
}

/// Kills a program and starts it again; whoever asks the API server asks anew.
async fn dies(plane: &mut ControlPlane, program: Program) -> Result<()> {
    plane.kill(program).await?;
    plane.start_program(program).await?;
    plane.ready(Program::Apiserver).await
}

/// Makes etcd forget everything but what is there now.
async fn compact(plane: &ControlPlane) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let etcd = async |path: &str, body: serde_json::Value| -> Result<serde_json::Value> {
        let url = format!("http://127.0.0.1:{}/v3/{path}", plane.ports().etcd);
        let answer = client.post(url).body(body.to_string()).send().await?.error_for_status()?;
        Ok(serde_json::from_str(&answer.text().await?)?)
    };
    let status = etcd("maintenance/status", json!({})).await?;
    let revision = status.pointer("/header/revision").and_then(|text| text.as_str());
    let revision = revision.ok_or_else(|| Failure::new(format!("etcd tells no revision: {status}")))?;
    etcd("kv/compaction", json!({ "revision": revision, "physical": true })).await.map(drop)
}

/// What people do while the API server and etcd die, and etcd forgets.
async fn forgotten(plane: &mut ControlPlane, scene: &mut Scene, expected: &Dump) -> Result<()> {
    let operator = scene.start()?;
    scene.spare_comes().await?;
    for program in [Program::Apiserver, Program::Etcd] {
        dies(plane, program).await?;
    }
    scene.again().await?;
    all_ready(&scene.at, &NAMES).await?;

    let gate = Gate::closed();
    let held = scene.proxy.on(Call::watches, Fault::Hold(gate.clone()));
    scene.proxy.cut_watches();
    held.reaches(1).await?;
    scene.spare_goes().await?;
    compact(plane).await?;
    dies(plane, Program::Apiserver).await?;
    scene.proxy.heal();
    gate.open();
    scene.proxy.gone().reaches(1).await?;
    scene.again().await?;
    scene.spare_is_forgotten().await?;
    scene.play().await?;
    scene.ends_as(expected, operator).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_server_and_etcd_die_and_forget_under_the_operator_and_no_deletion_is_lost() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    let cluster = plane.cluster().clone();
    let mut left = None;
    undisturbed(&plane, &mut left).await?;
    let (dumper, expected) = left.ok_or_else(|| Failure::new("nothing is left"))?;
    let outcome = installed(&cluster, json!({}), async |at| {
        let mut scene = Scene::set(at, dumper).await?;
        let outcome = forgotten(&mut plane, &mut scene, &expected).await;
        outcome.map_err(|failure| scene.blame(&failure))
    })
    .await;
    plane.shut_down().await?;
    outcome
}
