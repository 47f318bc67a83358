//! The crash plan: the operator dies at every write that it makes, before it is sent, after it was done and nobody told,
//! and after it. Started again it leaves what an operator leaves that never died.
//!
//! The writes are enumerated from a recorded run, so a new one is in the plan by itself.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use super::scene::{Scene, Undisturbed, undisturbed};
use crate::operator::installed::installed;
use crate::support::{
    Result,
    cluster::Cluster,
    faults::{
        Call, Moment,
        dump::{Dump, Dumper},
        play::dying_at,
    },
    shared::shared,
};

/// Runs at the same time: most of each is waiting.
const AT_ONCE: usize = 4;

/// One run with one death.
async fn dies(cluster: &Cluster, dumper: &Dumper, call: Call, moment: Moment, expected: &Dump) -> Result<()> {
    installed(cluster, json!({}), async |at| {
        let scene = Scene::set(at, dumper.clone()).await?;
        let outcome = async {
            let operator = dying_at(&scene.proxy, call, moment, || scene.start(), scene.play()).await?;
            scene.ends_as(expected, operator).await
        };
        outcome.await.map_err(|failure| scene.blame(&failure))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_write_the_operator_dies_at_the_next_one_leaves_what_an_undisturbed_one_leaves()
-> Result<()> {
    let cluster = shared().await?.cluster();
    let Undisturbed { dumper, dump, writes } = undisturbed(cluster).await?;
    for kind in [
        "POST leases",
        "POST secrets",
        "POST configmaps",
        "PUT secrets",
        "PATCH roles",
        "POST events",
        "DELETE",
    ] {
        assert!(writes.iter().any(|call| call.what.starts_with(kind)), "no {kind} in {writes:?}");
    }
    assert!(dump.has("Secret faas-iam-bundle", "shards") && dump.has("Role caller", "Accepted"), "{dump}");
    let deaths = writes.into_iter().flat_map(|call| Moment::ALL.map(|moment| (call.clone(), moment)));
    stream::iter(deaths)
        .map(async |(call, moment)| {
            let name = format!("{moment:?} {call}");
            dies(cluster, &dumper, call, moment, &dump).await.map_err(|failure| failure.during(name))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
