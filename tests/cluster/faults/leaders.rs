//! Two operators that both believe they lead: the one's writes are held on their way until the other has taken over.

use faas_iam::api::Kind;
use serde_json::json;

use super::scene::{NAMES, Scene, Undisturbed, undisturbed};
use crate::operator::installed::{WITHIN, all_ready, installed, swept};
use crate::support::{
    Failure, Result,
    faults::{
        Call,
        proxy::{Fault, Gate},
    },
    shared::shared,
    skip::skip,
    wait::eventually,
};

const TERMS: [&str; 4] = ["--lease-duration", "3s", "--keep-shards-for", "1s"];

#[tokio::test]
async fn what_a_leader_sent_before_another_took_over_is_refused_when_it_comes_late() -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    let Undisturbed { dumper, dump, .. } = undisturbed(shared.cluster()).await?;
    installed(shared.cluster(), json!({}), async |at| {
        let scene = Scene::set(at, dumper.clone()).await?;
        let at = &scene.at;
        let mut late = at.account().behind(&scene.proxy).start("late", &TERMS)?;
        all_ready(at, &NAMES).await?;
        swept(at).await?;
        let other = at.another_account("second").await?;
        let other = other.start("other", &TERMS)?;

        let (gate, mark) = (Gate::closed(), audit.mark().await?);
        let is_index = |call: &Call| call.what == "PUT secrets/faas-iam-bundle";
        let held = scene.proxy.on(is_index, Fault::Hold(gate.clone()));
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:env"] })).await?;
        held.reaches(1).await?;
        let is_lease = |call: &Call| call.what.ends_with(" leases/faas-iam-operator");
        scene.proxy.on(is_lease, Fault::Hold(gate.clone()));
        // The other one's.
        all_ready(at, &NAMES).await?;
        let generation = at.index().await?.generation;

        gate.open();
        eventually("the late index to be refused", WITHIN, async || {
            let asked = audit.by_user_since(&at.user(), &mark).await?;
            let index =
                asked.iter().find(|request| request.verb == "update" && request.resource == "secrets");
            Ok(index.map(|request| assert_eq!(request.code, 409)))
        })
        .await?;
        assert_eq!(at.index().await?.generation, generation, "nothing was put back");
        assert!(late.ready().await?.contains("another one writes"));
        late.stop().await?;
        // The chart's second release is there besides.
        eventually("the objects of the undisturbed run", WITHIN, async || {
            let there = scene.dump().await?;
            let other = dump.lacks(&there);
            if other.is_empty() { Ok(Some(())) } else { Err(Failure::new(format!("{other:?}"))) }
        })
        .await?;
        swept(at).await?;
        other.stop().await
    })
    .await
}
