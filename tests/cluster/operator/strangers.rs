//! What others do to the bundle: taken names stop nothing, changes are undone, and theirs is left alone.

use std::collections::BTreeMap;

use faas_iam::{
    api::Kind,
    bundle::{
        Digest, Index, Origin, Record,
        names::{INDEX_KEY, INDEX_SECRET},
    },
};
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::api::{DynamicObject, ObjectMeta, Patch};
use serde_json::json;

use super::{
    installed::{Installed, Operator, WITHIN, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES},
};
use crate::support::{Failure, Result, shared::shared, skip::skip, wait::eventually};

async fn working(at: &Installed) -> Result<Operator> {
    at.apply(DECLARED).await?;
    let mut operator = at.start("one", &[])?;
    all_ready(at, &DECLARED_NAMES).await?;
    operator.ready().await?;
    Ok(operator)
}

fn theirs(name: &str) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..Default::default() };
    ConfigMap {
        metadata,
        data: Some(BTreeMap::from([("theirs".into(), "yes".into())])),
        ..Default::default()
    }
}

/// The name that the shard of the bundle would have at first choice, as a stranger can work it out who reads it.
fn first_choice(bundle: &faas_iam::bundle::Bundle) -> String {
    format!("{INDEX_SECRET}-{}", bundle.shards()[0].sha256)
}

#[tokio::test]
async fn a_stranger_who_holds_the_next_shards_name_cannot_hold_back_a_narrowing() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        // The operator is away while the Role is edited, so that the stranger can work out what it will write.
        operator.stop().await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:env"] })).await?;
        let role = at.objects(Kind::Role).get("caller").await?;
        let mut next = faas_iam::bundle::Bundle::new();
        for (key, record) in at.bundle().await?.iter() {
            next.insert(key.name.clone(), edited(record, &role));
        }
        let name = first_choice(&next);
        at.maps().create(&Default::default(), &theirs(&name)).await?;

        let mut operator = at.start("one", &[])?;
        at.bundle_with("the narrowing", |bundle| bundle.roles().any(|(_, role)| role.scope.is_some()))
            .await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let listed = at.index().await?.shards[0].name.to_string();
        assert!(
            listed.starts_with(&format!("{name}-")),
            "the stranger did hold the first choice: {listed} {name}"
        );
        assert_eq!(at.maps().get(&name).await?.data.unwrap()["theirs"], "yes");
        assert!(operator.ready().await?.contains("somebody else's"));
        let events = at.events(INDEX_SECRET).await?;
        assert!(events.iter().any(|event| event.starts_with("ShardNameTaken: ")), "{events:?}");
        operator.stop().await
    })
    .await
}

/// The record that the edited Role will have.
fn edited(record: &Record, role: &DynamicObject) -> Record {
    match record {
        Record::Role { origin, role: before } => Record::Role {
            origin: Origin {
                generation: role.metadata.generation.unwrap(),
                digest: Digest::of_json(&role.data["spec"]),
                ..origin.clone()
            },
            role: faas_iam::model::Role {
                scope: Some(vec![faas_iam::model::Resource::parse("dev:env").unwrap()]),
                ..before.clone()
            },
        },
        other => other.clone(),
    }
}

#[tokio::test]
async fn where_somebody_elses_secret_has_the_indexs_name_nothing_is_written_and_it_is_said() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let metadata = ObjectMeta { name: Some(INDEX_SECRET.into()), ..Default::default() };
        let secret = Secret {
            metadata,
            string_data: Some(BTreeMap::from([("a".into(), "b".into())])),
            ..Default::default()
        };
        let foreign = at.secrets().create(&Default::default(), &secret).await?;
        at.apply(DECLARED).await?;
        let mut operator = at.start("one", &[])?;
        eventually("the operator to say so", WITHIN, async || {
            let (code, said) = operator.get("/readyz").await?;
            Ok((code == 503 && said.contains(INDEX_SECRET)).then_some(()))
        })
        .await?;
        eventually("an Event", WITHIN, async || {
            let events = at.events(INDEX_SECRET).await?;
            Ok(events.iter().any(|event| event.starts_with("IndexNameTaken: ")).then_some(()))
        })
        .await?;
        assert_eq!(operator.get("/livez").await?.0, 200);
        assert_eq!(operator.metric("faas_iam_index_name_taken").await?, Some(1.0));
        assert_eq!(
            at.secrets().get(INDEX_SECRET).await?.metadata.resource_version,
            foreign.metadata.resource_version
        );

        at.secrets().delete(INDEX_SECRET, &Default::default()).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        operator.ready().await?;
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn a_shard_that_somebody_deletes_or_replaces_is_there_again() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        let name = at.index().await?.shards[0].name.to_string();
        at.maps().delete(&name, &Default::default()).await?;
        at.bundle_with("its shard again", |_| true).await?;

        at.maps().delete(&name, &Default::default()).await?;
        // Whoever is faster: either the operator's shard is back, or the stranger holds the name now.
        let taken = at.maps().create(&Default::default(), &theirs(&name)).await.is_ok();
        at.bundle_with("its shard again", |bundle| bundle.roles().next().is_some()).await?;
        if taken {
            assert_ne!(*at.index().await?.shards[0].name, *name);
            assert_eq!(at.maps().get(&name).await?.data.unwrap()["theirs"], "yes");
        }
        operator.stop().await
    })
    .await
}

/// Alters the index in the cluster.
async fn alter(at: &Installed, bytes: Vec<u8>) -> Result<()> {
    let patch = Secret {
        data: Some(BTreeMap::from([(INDEX_KEY.to_owned(), ByteString(bytes))])),
        ..Default::default()
    };
    at.secrets().patch(INDEX_SECRET, &Default::default(), &Patch::Merge(&patch)).await?;
    Ok(())
}

#[tokio::test]
async fn an_index_that_somebody_alters_or_deletes_comes_back_with_a_higher_generation() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        let before = at.index().await?;
        let older = Index { generation: before.generation - 1, ..before.clone() };
        let without = Index { shards: Vec::new(), size: 0, ..before.clone() };
        let mut generation = before.generation;
        for bytes in [b"rubbish".to_vec(), older.encode(), without.encode()] {
            alter(&at, bytes).await?;
            generation = restored(&at, generation).await?;
        }
        at.secrets().delete(INDEX_SECRET, &Default::default()).await?;
        restored(&at, generation).await?;
        operator.stop().await
    })
    .await
}

async fn restored(at: &Installed, above: u64) -> Result<u64> {
    eventually("the index to be restored", WITHIN, async || {
        let index = at.index().await?;
        let bundle = at.bundle().await?;
        if bundle.roles().next().is_none() {
            return Err(Failure::new("it has no Role"));
        }
        Ok((index.generation > above).then_some(index.generation))
    })
    .await
}

#[tokio::test]
async fn a_status_that_somebody_changes_is_written_again() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        let lie = Patch::Merge(json!({ "status": { "observedGeneration": 1, "conditions": [] } }));
        at.objects(Kind::Role).patch_status("caller", &Default::default(), &lie).await?;
        at.reason(Kind::Role, "caller", "Accepted").await?;
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn no_answer_holds_more_than_a_few_of_what_strangers_may_write_in_any_number() -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    installed(shared.cluster(), json!({}), async |at| {
        let mark = audit.mark().await?;
        let operator = working(&at).await?;
        let asked = audit.by_user_since(&at.user(), &mark).await?;
        let lists = || asked.iter().filter(|r| r.verb == "list" && !r.uri.contains("fieldSelector"));
        assert!(lists().any(|r| r.resource == "configmaps") && lists().any(|r| r.resource == "roles"));
        let long: Vec<_> = lists().filter(|r| !r.uri.contains("limit=32")).map(|r| &r.uri).collect();
        assert!(long.is_empty(), "{long:?}");
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn a_role_that_is_deleted_grants_nothing_however_long_somebodys_finalizer_keeps_it() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let operator = working(&at).await?;
        let held = |by: &[&str]| Patch::Merge(json!({ "metadata": { "finalizers": by } }));
        let roles = at.objects(Kind::Role);
        roles.patch("caller", &Default::default(), &held(&["example.com/hold"])).await?;
        roles.delete("caller", &Default::default()).await?;
        at.bundle_with("the deletion", |bundle| bundle.roles().count() == 0).await?;
        roles.patch("caller", &Default::default(), &held(&[])).await?;
        operator.stop().await
    })
    .await
}
