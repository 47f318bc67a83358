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
use crate::support::{Result, shared::shared, wait::eventually};

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
async fn lie(at: &Installed) -> Result<()> {
    let lie = Patch::Merge(json!({ "status": { "observedGeneration": 77 } }));
    at.objects(Kind::Role).patch_status("caller", &meddling(), &lie).await?;
    Ok(())
}

async fn conditions(at: &Installed) -> Result<Conditions> {
    at.conditions(Kind::Role, "caller").await
}

#[tokio::test]
async fn whoever_keeps_changing_a_status_is_named_in_its_warnings_and_in_an_event() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        lie(&at).await?;
        assert_eq!(conditions(&at).await?.status("Warnings"), "absent", "once may be a mistake");
        lie(&at).await?;
        let told = conditions(&at).await?;
        assert_eq!((told.status("Ready"), told.status("Warnings")), ("True", "True"), "{told:?}");
        assert!(told.message("Warnings").contains(&format!("`{MEDDLER}`")), "{told:?}");
        eventually("an Event", WITHIN, async || {
            let events = at.events("caller").await?;
            Ok(events.iter().any(|e| e.starts_with("StatusUndone: ") && e.contains(MEDDLER)).then_some(()))
        })
        .await?;
        assert_eq!(operator.metric(r#"faas_iam_repairs_total{object="status"}"#).await?, Some(2.0));
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn whoever_changes_the_index_is_named_in_an_event() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        let data = BTreeMap::from([(INDEX_KEY.to_owned(), ByteString(b"rubbish".to_vec()))]);
        let rubbish = Secret { data: Some(data), ..Default::default() };
        at.secrets().patch(INDEX_SECRET, &meddling(), &Patch::Merge(&rubbish)).await?;
        eventually("an Event", WITHIN, async || {
            let events = at.events(INDEX_SECRET).await?;
            Ok(events.iter().any(|e| e.starts_with("BundleUndone: ") && e.contains(MEDDLER)).then_some(()))
        })
        .await?;
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
        eventually("an Event", WITHIN + Duration::from_secs(15), async || {
            let events = at.events(INDEX_SECRET).await?;
            Ok(events.iter().any(|event| event.starts_with("CaBundleRefused: ")).then_some(()))
        })
        .await?;
        operator.stop().await
    })
    .await
}
