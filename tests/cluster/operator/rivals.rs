//! Who keeps undoing what the operator writes is named: in a condition where it is a status, in Events and a
//! metric where it is the bundle. And what came up while nobody led is told.

use std::{collections::BTreeMap, time::Duration};

use faas_iam::{
    api::Kind,
    bundle::names::{INDEX_KEY, INDEX_SECRET},
};
use k8s_openapi::{
    ByteString,
    api::{
        coordination::v1::{Lease, LeaseSpec},
        core::v1::Secret,
    },
};
use kube::{
    Api,
    api::{ObjectMeta, Patch, PatchParams},
};
use serde_json::json;

use super::{
    installed::{Conditions, Installed, LEASE, Operator, WITHIN, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES},
};
use crate::support::{
    Result,
    audit::{Audit, Mark, Request},
    shared::shared,
    skip::skip,
    wait::eventually,
};

const MEDDLER: &str = "meddler";

fn meddling() -> PatchParams {
    PatchParams { field_manager: Some(MEDDLER.to_owned()), ..Default::default() }
}

async fn working(at: &Installed) -> Result<Operator> {
    at.apply(DECLARED).await?;
    let mut operator = at.start("one", &[])?;
    all_ready(at, &DECLARED_NAMES).await?;
    operator.ready().await?;
    Ok(operator)
}

/// Says something else in a status.
async fn lie(at: &Installed, number: i64) -> Result<()> {
    let lie = Patch::Merge(json!({ "status": { "observedGeneration": number } }));
    at.objects(Kind::Role).patch_status("caller", &meddling(), &lie).await?;
    Ok(())
}

/// Waits for an Event about an object, for a reason, that has a word in it.
async fn event_of(at: &Installed, about: &str, reason: &str, word: &str) -> Result<()> {
    // Longer than it takes to take a Lease over.
    eventually("an Event", WITHIN + Duration::from_secs(15), async || {
        let events = at.events(about).await?;
        Ok(events.iter().any(|event| event.starts_with(reason) && event.contains(word)).then_some(()))
    })
    .await
}

async fn conditions(at: &Installed) -> Result<Conditions> {
    at.conditions(Kind::Role, "caller").await
}

#[tokio::test]
async fn whoever_keeps_changing_a_status_is_named_in_its_warnings_and_in_an_event() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        lie(&at, 77).await?;
        assert_eq!(conditions(&at).await?.status("Warnings"), "absent", "once may be a mistake");
        lie(&at, 77).await?;
        let told = conditions(&at).await?;
        assert_eq!((told.status("Ready"), told.status("Warnings")), ("True", "True"), "{told:?}");
        assert!(told.message("Warnings").contains(&format!("`{MEDDLER}`")), "{told:?}");
        event_of(&at, "caller", "StatusUndone", MEDDLER).await?;
        assert_eq!(operator.metric(r#"faas_iam_repairs_total{object="status"}"#).await?, Some(2.0));
        operator.stop().await
    })
    .await
}

/// An operator that has nothing left to do, and whose requests are counted from then on.
async fn counted(test: impl AsyncFnOnce(&Installed, &Audit, &Mark) -> Result<()>) -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        let mark = audit.mark().await?;
        test(&at, &audit, &mark).await?;
        operator.stop().await
    })
    .await
}

/// Pauses before the second repair, the third, and so on, ms.
const PAUSES: [i64; 4] = [500, 1_000, 2_000, 4_000];

/// What the operator asked for, of one resource.
async fn asked(at: &Installed, audit: &Audit, since: &Mark, resource: &str) -> Result<Vec<Request>> {
    let mut asked = audit.by_user_since(&at.user(), since).await?;
    asked.retain(|request| request.writes() && request.resource == resource);
    Ok(asked)
}

/// A rival who undoes without end, until that was answered five times, by a repair or an attempt.
async fn fight(
    at: &Installed,
    audit: &Audit,
    since: &Mark,
    resource: &str,
    undo: impl AsyncFn(i64) -> Result<()>,
) -> Result<()> {
    let never = async {
        for number in 77.. {
            undo(number).await?;
        }
        Ok(())
    };
    let fought = eventually("five answers", WITHIN, async || {
        Ok((asked(at, audit, since, resource).await?.len() > PAUSES.len()).then_some(()))
    });
    tokio::select! { end = never => end, end = fought => end }
}

/// There was a pause before each answer, and nothing was written besides answers and Events about them.
async fn assert_few(
    at: &Installed,
    audit: &Audit,
    since: &Mark,
    resource: &str,
    events: usize,
) -> Result<()> {
    let answers = asked(at, audit, since, resource).await?;
    println!("{:?}", answers.iter().map(|request| (request.received, request.code)).collect::<Vec<_>>());
    for (two, pause) in answers.windows(2).zip(PAUSES) {
        // A pause begins when an answer is decided on, which is somewhat before it arrives.
        let waited = two[1].received.duration_since(two[0].received);
        assert!(waited.as_millis() >= i128::from(pause / 4 * 3), "{waited:?}, not {pause} ms");
    }
    let all = audit.by_user_since(&at.user(), since).await?;
    let others = all.iter().filter(|r| r.writes() && r.resource != "leases" && r.resource != resource);
    let others: Vec<_> = others.map(|r| (r.verb.as_str(), r.resource.as_str())).collect();
    assert!(others.len() <= events && others.iter().all(|(_, resource)| *resource == "events"), "{others:?}");
    Ok(())
}

#[tokio::test]
async fn who_changes_a_status_without_end_costs_few_requests_and_is_named() -> Result<()> {
    counted(async |at, audit, mark| {
        fight(at, audit, mark, "roles/status", async |number| lie(at, number).await).await?;
        let told = conditions(at).await?;
        assert!(told.message("Warnings").contains(&format!("`{MEDDLER}`")), "{told:?}");
        assert_few(at, audit, mark, "roles/status", 1).await
    })
    .await
}

/// Writes something else into the index.
async fn spoil(at: &Installed, rubbish: &str) -> Result<()> {
    let data = BTreeMap::from([(INDEX_KEY.to_owned(), ByteString(rubbish.into()))]);
    let rubbish = Secret { data: Some(data), ..Default::default() };
    at.secrets().patch(INDEX_SECRET, &meddling(), &Patch::Merge(&rubbish)).await?;
    Ok(())
}

#[tokio::test]
async fn who_changes_the_index_without_end_costs_few_requests_and_holds_back_no_edit() -> Result<()> {
    counted(async |at, audit, mark| {
        let undo = async |number: i64| spoil(at, &number.to_string()).await;
        fight(at, audit, mark, "secrets", undo).await?;
        assert_few(at, audit, mark, "secrets", PAUSES.len() + 2).await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:env"] })).await?;
        at.bundle_with("the edit", |bundle| bundle.roles().any(|(_, role)| role.scope.is_some())).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn whoever_changes_the_index_is_named_in_an_event() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        spoil(&at, "rubbish").await?;
        event_of(&at, INDEX_SECRET, "BundleUndone", MEDDLER).await?;
        assert_eq!(operator.metric(r#"faas_iam_repairs_total{object="index"}"#).await?, Some(1.0));
        operator.stop().await
    })
    .await
}

/// A Lease that another one holds for an hour.
async fn held_by_another(at: &Installed) -> Result<Api<Lease>> {
    let leases: Api<Lease> = Api::namespaced(at.client.clone(), &at.namespace);
    let spec = LeaseSpec {
        holder_identity: Some("another".into()),
        lease_duration_seconds: Some(3600),
        ..Default::default()
    };
    let metadata = ObjectMeta { name: Some(LEASE.into()), ..Default::default() };
    leases.create(&Default::default(), &Lease { metadata, spec: Some(spec) }).await?;
    Ok(leases)
}

#[tokio::test]
async fn what_came_up_while_another_led_is_told_when_we_begin_to() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let leases = held_by_another(&at).await?;
        let secret = Secret {
            metadata: ObjectMeta { name: Some("ca-bundle".into()), ..Default::default() },
            string_data: Some(BTreeMap::from([("ca.crt".into(), "no certificate".into())])),
            ..Default::default()
        };
        at.secrets().create(&Default::default(), &secret).await?;
        let mut operator = at.start("one", &[])?;
        assert!(operator.ready().await?.contains("another one writes"));
        assert_eq!(at.events(INDEX_SECRET).await?, Vec::<String>::new());

        leases.delete(LEASE, &Default::default()).await?;
        event_of(&at, INDEX_SECRET, "CaBundleRefused", "").await?;
        operator.stop().await
    })
    .await
}
