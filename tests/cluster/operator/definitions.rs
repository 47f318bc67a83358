//! Another chart's definitions over ours: seen, said, and nothing that was narrow becomes wide.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use faas_iam::{
    api::Kind,
    bundle::{
        Bundle, DEFAULT_LIMIT, Index,
        names::{INDEX_KEY, INDEX_SECRET},
    },
};
use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::json;

use super::{
    installed::{Installed, Operator, WITHIN, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES},
};
use crate::support::{
    Result, audit::Request, controlplane::ControlPlane, crds, flags::Options, wait::eventually,
};

/// The scopes of the Role; empty where it has none.
fn scope(bundle: &Bundle) -> Vec<String> {
    let role = bundle.roles().find(|(name, _)| *name == "caller");
    role.and_then(|(_, role)| role.scope.clone()).iter().flatten().map(ToString::to_string).collect()
}

/// Waits until the operator says that fields of Roles are missing, or that none are.
async fn says_missing(operator: &mut Operator, missing: bool) -> Result<()> {
    eventually("the operator to tell of the definition", WITHIN, async || {
        let (code, said) = operator.get("/readyz").await?;
        let told = said.contains("roles.iam.openfaas.com lacks") && said.contains("spec.scope");
        Ok((code == 200 && told == missing).then_some(()))
    })
    .await
}

async fn narrow(at: &Installed) -> Result<()> {
    at.apply(DECLARED).await?;
    at.edit(Kind::Role, "caller", json!({ "scope": ["dev:env"] })).await
}

/// The tests here replace definitions, so they have a cluster of their own.
#[tokio::test]
async fn while_another_charts_definitions_are_there_the_last_known_forms_serve() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let seen = installed(plane.cluster(), json!({}), async |at| {
        narrow(&at).await?;
        let mut operator = at.start("one", &[])?;
        all_ready(&at, &DECLARED_NAMES).await?;
        assert_eq!(scope(&at.bundle().await?), ["dev:env"]);

        crds::install_these(&at.cluster, &crds::upstream()?).await?;
        says_missing(&mut operator, true).await?;
        let role = at.objects(Kind::Role).get("caller").await?;
        assert!(role.data["spec"].get("scope").is_none(), "the API server does prune");
        eventually("an Event", WITHIN, async || {
            let events = at.events(INDEX_SECRET).await?;
            Ok(events.iter().any(|event| event.starts_with("FieldsPruned: ")).then_some(()))
        })
        .await?;
        assert!(
            operator
                .metric(r#"faas_iam_definition_missing_fields{kind="roles.iam.openfaas.com"}"#)
                .await?
                .is_some_and(|n| n > 0.0)
        );

        // A deletion is the one change that counts, and shows that the operator is at work.
        at.objects(Kind::JwtIssuer).delete("system", &Default::default()).await?;
        let bundle =
            at.bundle_with("no `system`", |b| !b.issuers().any(|(name, ..)| name == "system")).await?;
        assert_eq!(scope(&bundle), ["dev:env"]);
        operator.stop().await?;

        let mut operator = at.start("one", &[])?;
        says_missing(&mut operator, true).await?;
        at.objects(Kind::JwtIssuer).delete("kubernetes", &Default::default()).await?;
        let bundle = at.bundle_with("no issuer", |bundle| bundle.issuers().next().is_none()).await?;
        assert_eq!(scope(&bundle), ["dev:env"], "also for an operator that was started meanwhile");

        crds::install(&at.cluster).await?;
        says_missing(&mut operator, false).await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:env", "dev:other"] })).await?;
        at.bundle_with("the edit", |bundle| scope(bundle).len() == 2).await?;
        at.reason(Kind::Policy, "invoke-dev", "Accepted").await?;
        operator.stop().await
    })
    .await;
    plane.shut_down().await?;
    seen
}

/// Every index that is written while it lives, by generation, as a watch of the API server tells them.
struct Written {
    seen: Arc<Mutex<BTreeMap<u64, Index>>>,
    watch: tokio::task::JoinHandle<()>,
}

impl Written {
    fn watch(at: &Installed) -> Self {
        let seen: Arc<Mutex<BTreeMap<u64, Index>>> = Arc::default();
        let told = seen.clone();
        let only = watcher::Config::default().fields(&format!("metadata.name={INDEX_SECRET}"));
        let mut secrets = watcher(at.secrets(), only).default_backoff().applied_objects().boxed();
        let watch = tokio::spawn(async move {
            while let Some(secret) = secrets.next().await {
                let data = secret.expect("an unbroken watch").data.unwrap_or_default();
                let index = Index::decode(&data[INDEX_KEY].0, DEFAULT_LIMIT).unwrap();
                told.lock().unwrap().insert(index.generation, index);
            }
        });
        Self { seen, watch }
    }

    /// All of them, once the one that is there now is among them.
    async fn until_now(self, at: &Installed) -> Result<Vec<Index>> {
        let last = at.index().await?.generation;
        eventually("the watch to tell of the last index", WITHIN, async || {
            Ok(self.seen.lock().unwrap().contains_key(&last).then_some(()))
        })
        .await?;
        self.watch.abort();
        let seen = self.seen.lock().unwrap();
        Ok(seen.values().cloned().collect())
    }
}

/// Overwrites in the minute, one a second, every other one by the other chart.
const OVERWRITES: usize = 60;
/// After so many overwrites more a deletion counts: the operator lists anew after 8 s at the latest.
const SOON: usize = 10;

fn spare(number: usize) -> String {
    format!("spare-{number}")
}

/// Narrow Roles that nobody will miss, one for each overwrite.
async fn make_spares(at: &Installed) -> Result<()> {
    for number in 0..OVERWRITES {
        let spec =
            json!({ "policy": ["invoke-dev"], "principal": { "jwt:sub": ["spare"] }, "scope": ["dev:env"] });
        let name = json!({ "name": spare(number) });
        let role =
            json!({ "apiVersion": "iam.openfaas.com/v1", "kind": "Role", "metadata": name, "spec": spec });
        at.apply(&role.to_string()).await?;
    }
    for number in 0..OVERWRITES {
        all_ready(at, &[(Kind::Role, &spare(number))]).await?;
    }
    Ok(())
}

/// A minute in which two charts overwrite each other's definitions, while a Role a second is deleted.
async fn storm(at: &Installed, operator: &mut Operator) -> Result<()> {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for round in 0..OVERWRITES {
        second.tick().await;
        let theirs = round % 2 == 0;
        let definitions = if theirs { crds::upstream()? } else { faas_iam::api::crds() };
        crds::install_these(&at.cluster, &definitions).await?;
        says_missing(operator, theirs).await?;
        at.objects(Kind::Role).delete(&spare(round), &Default::default()).await?;
        if let Some(before) = round.checked_sub(SOON) {
            let bundle = at.bundle().await?;
            let left = bundle.roles().any(|(name, _)| name == spare(before));
            assert!(!left, "`{}` serves {SOON} overwrites after it was deleted", spare(before));
        }
    }
    at.bundle_with("no spare Role", |bundle| bundle.roles().count() == 1).await.map(drop)
}

/// The writes of that minute are few, and every index among them was seen.
fn assert_no_storm(asked: &[Request], indices: usize) {
    let done = |of: &str| asked.iter().filter(|r| r.writes() && r.resource == of && r.code < 300).count();
    assert_eq!(indices, done("secrets") + 1, "all that were written, and the one before");
    assert!((2..=OVERWRITES).contains(&done("secrets")), "at most one a deletion: {}", done("secrets"));
    // A list reads the definition, too, and may be late with what the watch has told already.
    let reads = asked.iter().filter(|r| r.verb == "get" && r.resource == "customresourcedefinitions").count();
    let seen = OVERWRITES / 2 * Kind::ACCESS.len() + reads;
    assert!(done("events") <= seen, "one each time that fields are seen to be missing: {}", done("events"));
    // What has lost its scope is known by that, and its status is believed to be there; of what loses nothing but its
    // status, a list that ends while the definition changes may repair it.
    let statuses = asked.iter().filter(|r| r.resource.ends_with("/status"));
    let (roles, others): (Vec<_>, Vec<_>) = statuses.partition(|r| r.resource == "roles/status");
    assert!(roles.is_empty() && others.len() <= reads, "{} and {} statuses", roles.len(), others.len());
}

#[tokio::test]
async fn charts_that_overwrite_each_others_definitions_for_a_minute_never_widen_a_role_and_raise_no_storm()
-> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let seen = installed(plane.cluster(), json!({}), async |at| {
        narrow(&at).await?;
        let mut operator = at.start("one", &[])?;
        make_spares(&at).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let mark = plane.audit().mark().await?;
        let written = Written::watch(&at);
        storm(&at, &mut operator).await?;
        let indices = written.until_now(&at).await?;
        let asked = plane.audit().by_user_since(&at.user(), &mark).await?;

        for index in &indices {
            let bundle = at.assembled(index).await?;
            let wide = bundle.roles().find(|(_, role)| role.scope.is_none()).map(|(name, _)| name);
            assert_eq!((wide, scope(&bundle)), (None, vec!["dev:env".to_owned()]), "{}", index.generation);
        }
        assert_no_storm(&asked, indices.len());
        let told = at.events(INDEX_SECRET).await?;
        assert_eq!(told.iter().filter(|event| event.starts_with("FieldsPruned: ")).count(), 3, "{told:?}");

        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:other"] })).await?;
        at.bundle_with("the edit", |bundle| scope(bundle) == ["dev:other"]).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        operator.stop().await
    })
    .await;
    plane.shut_down().await?;
    seen
}

/// Our definition of Roles as a newer version might have it: `policy` may be anything.
fn newer() -> CustomResourceDefinition {
    let mut crd = serde_json::to_value(faas_iam::api::crd(Kind::Role).unwrap()).unwrap();
    let fields =
        &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    fields["policy"] = json!({ "x-kubernetes-preserve-unknown-fields": true });
    serde_json::from_value(crd).unwrap()
}

#[tokio::test]
async fn one_object_that_does_not_fit_our_types_keeps_nobody_elses_edits_back() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let seen = installed(plane.cluster(), json!({}), async |at| {
        crds::install_these(&at.cluster, &[newer()]).await?;
        at.apply(DECLARED).await?;
        let odd = json!({
            "apiVersion": "iam.openfaas.com/v1", "kind": "Role", "metadata": { "name": "odd" },
            "spec": { "policy": { "of": "tomorrow" }, "principal": { "jwt:sub": ["a"] } },
        });
        at.apply(&odd.to_string()).await?;
        for number in 0..100 {
            let role = json!({
                "apiVersion": "iam.openfaas.com/v1", "kind": "Role", "metadata": { "name": format!("r{number}") },
                "spec": { "policy": ["invoke-dev"], "principal": { "jwt:sub": [format!("s{number}")] } },
            });
            at.apply(&role.to_string()).await?;
        }
        let operator = at.start("one", &[])?;
        let conditions = at.reason(Kind::Role, "odd", "TypeMismatch").await?;
        assert_eq!(conditions.state(), "failed", "{conditions:?}");
        all_ready(&at, &DECLARED_NAMES).await?;
        at.edit(Kind::Role, "r99", json!({ "scope": ["dev:env"] })).await?;
        at.bundle_with("the edit of one and all of the others", |bundle| {
            let scoped = bundle.roles().filter(|(_, role)| role.scope.is_some()).map(|(name, _)| name.to_owned());
            scoped.eq(["r99".to_owned()]) && bundle.roles().count() == 101
        })
        .await?;
        operator.stop().await
    })
    .await;
    plane.shut_down().await?;
    seen
}
