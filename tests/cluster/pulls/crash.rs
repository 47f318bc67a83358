//! The crash plan for pull secrets: the operator dies at every write that it makes for them, before it is sent, after it
//! was done and nobody told, and after it. Started again it leaves what an operator leaves that never died.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use super::scene::{FIRST, Scene, pulling};
use crate::operator::installed::WITHIN;
use crate::support::{
    Failure, Result,
    chart::Operator,
    cluster::Cluster,
    faults::{
        Call, Moment, Proxy,
        dump::{Dump, Dumper},
        play::{dying_at, ends_as},
    },
    shared::shared,
};

const AT_ONCE: usize = 4;
const SECOND: (&str, &str) = ("robot", "the second");

/// What people do and wait for.
#[derive(Clone, Copy)]
enum Play {
    /// A login comes and is rotated.
    Rotate,
    /// A login comes and goes.
    Remove,
}

impl Play {
    async fn go(self, scene: &Scene) -> Result<()> {
        scene.has(FIRST).await?;
        scene.status("Accepted").await?;
        match self {
            Self::Rotate => {
                scene.login(SECOND.0, SECOND.1).await?;
                scene.has(SECOND).await?;
                scene.status("Accepted").await?;
                Ok(())
            }
            Self::Remove => {
                scene.delete().await?;
                scene.is_gone().await
            }
        }
    }

    /// The writes that have to be in its plan.
    const fn writes(self) -> [&'static str; 4] {
        match self {
            Self::Rotate => {
                ["PATCH serviceaccounts", "POST secrets", "PATCH secrets", "PATCH registrycredentials"]
            }
            Self::Remove => {
                ["PATCH serviceaccounts", "POST secrets", "DELETE secrets", "PATCH registrycredentials"]
            }
        }
    }
}

async fn dump(scene: &Scene, dumper: &Dumper) -> Result<Dump> {
    let words = [(&scene.secret, "PULL"), (&scene.functions[0], "FUNCTIONS"), (&scene.at.namespace, "IAM")];
    let words = words.map(|(word, stands)| (word.clone(), stands.to_owned())).into();
    dumper.of(&scene.functions[0], &words).await
}

async fn set(scene: &Scene) -> Result<Proxy> {
    scene.declare(json!({})).await?;
    Proxy::before(scene.at.account().kubeconfig()).await
}

/// What an undisturbed run leaves in the function namespace, and the writes that it makes there.
async fn undisturbed(cluster: &Cluster, play: Play) -> Result<(Dumper, Dump, Vec<Call>)> {
    let mut recorded = None;
    pulling(cluster, 1, async |scene| {
        let dumper = Dumper::new(cluster.admin().await?).await?;
        let proxy = set(&scene).await?;
        let operator = scene.start_behind(&proxy)?;
        play.go(&scene).await?;
        operator.stop().await?;
        let ours = |call: &Call| {
            play.writes().iter().any(|kind| call.what.starts_with(kind))
                && !call.what.contains("faas-iam-bundle")
                && !call.what.contains("issuer-key")
        };
        let writes = proxy.calls().into_iter().filter(ours).collect();
        recorded = Some((dumper.clone(), dump(&scene, &dumper).await?, writes));
        Ok(())
    })
    .await?;
    recorded.ok_or_else(|| Failure::new("nothing was recorded"))
}

async fn ends(scene: &Scene, dumper: &Dumper, expected: &Dump, mut operator: Operator) -> Result<()> {
    operator.ready().await?;
    ends_as(expected, WITHIN, async || dump(scene, dumper).await).await?;
    operator.stop().await?;
    ends_as(expected, WITHIN, async || dump(scene, dumper).await).await
}

async fn dies_at_each_write_of(play: Play) -> Result<()> {
    let cluster = shared().await?.cluster();
    let (dumper, expected, writes) = undisturbed(cluster, play).await?;
    for kind in play.writes() {
        assert!(writes.iter().any(|call| call.what.starts_with(kind)), "no {kind} in {writes:?}");
    }
    let deaths = writes.into_iter().flat_map(|call| Moment::ALL.map(|moment| (call.clone(), moment)));
    stream::iter(deaths)
        .map(async |(call, moment)| {
            let name = format!("{moment:?} {call}");
            let run = pulling(cluster, 1, async |scene| {
                let proxy = set(&scene).await?;
                let operator =
                    dying_at(&proxy, call, moment, || scene.start_behind(&proxy), play.go(&scene)).await?;
                ends(&scene, &dumper, &expected, operator).await
            });
            run.await.map_err(|failure| failure.during(name))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_write_of_a_rotation_the_operator_dies_at_the_end_is_that_of_an_undisturbed_run()
-> Result<()> {
    dies_at_each_write_of(Play::Rotate).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_write_of_a_removal_the_operator_dies_at_nothing_of_ours_is_left() -> Result<()> {
    dies_at_each_write_of(Play::Remove).await
}
