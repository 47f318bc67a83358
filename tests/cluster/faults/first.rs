//! Every request of the operator, whatever it reads or writes, goes wrong the first time; the operator lives on and
//! leaves what it leaves when nothing goes wrong.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use super::scene::{Scene, Undisturbed, undisturbed};
use crate::operator::installed::installed;
use crate::support::{
    Result,
    cluster::Cluster,
    faults::{
        Call,
        dump::{Dump, Dumper},
        proxy::Fault,
    },
    shared::shared,
};

const FAULTS: [Fault; 8] = [
    Fault::DropBefore,
    Fault::DropAfter,
    Fault::Truncate,
    Fault::Delay(Duration::from_millis(300)),
    Fault::Answer(429),
    Fault::Answer(500),
    Fault::Answer(403),
    // Gone, where it is a watch or the next page of a list.
    Fault::Answer(410),
];

/// Whether it is to go wrong: what is asked for the first time, and every other write.
fn is_first(call: &Call) -> bool {
    call.ordinal == 1 || (call.writes() && call.ordinal % 2 == 1)
}

async fn lives_with(cluster: &Cluster, dumper: &Dumper, fault: Fault, expected: &Dump) -> Result<()> {
    installed(cluster, json!({}), async |at| {
        let scene = Scene::set(at, dumper.clone()).await?;
        let met = scene.proxy.on(is_first, fault);
        let outcome = async {
            let operator = scene.start()?;
            scene.play().await?;
            scene.ends_as(expected, operator).await
        };
        outcome.await.map_err(|failure| scene.blame(&failure))?;
        assert!(met.get() > 20, "only {} requests met it", met.get());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_with_every_request_the_first_time_ends_as_if_nothing_had() -> Result<()> {
    let cluster = shared().await?.cluster();
    let Undisturbed { dumper, dump, .. } = undisturbed(cluster).await?;
    stream::iter(FAULTS)
        .map(async |fault| {
            let name = format!("{fault:?}");
            lives_with(cluster, &dumper, fault, &dump).await.map_err(|failure| failure.during(name))
        })
        .buffer_unordered(FAULTS.len())
        .try_collect()
        .await
}
