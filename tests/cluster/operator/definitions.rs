//! Another chart's definitions over ours: seen, said, and nothing that was narrow becomes wide.

use faas_iam::{
    api::Kind,
    bundle::{Bundle, names::INDEX_SECRET},
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::json;

use super::{
    installed::{Installed, Operator, WITHIN, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES},
};
use crate::support::{Result, controlplane::ControlPlane, crds, flags::Options, wait::eventually};

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

#[tokio::test]
async fn charts_that_overwrite_each_others_definitions_never_widen_a_role_and_raise_no_storm() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let seen = installed(plane.cluster(), json!({}), async |at| {
        narrow(&at).await?;
        let mut operator = at.start("one", &[])?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let mark = plane.audit().mark().await?;
        for _ in 0..6 {
            crds::install_these(&at.cluster, &crds::upstream()?).await?;
            assert_eq!(scope(&at.bundle().await?), ["dev:env"]);
            crds::install(&at.cluster).await?;
            assert_eq!(scope(&at.bundle().await?), ["dev:env"]);
        }
        says_missing(&mut operator, false).await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:other"] })).await?;
        at.bundle_with("the edit", |bundle| scope(bundle) == ["dev:other"]).await?;
        let requests = plane.audit().by_user_since(&at.user(), &mark).await?;
        let writes = requests.iter().filter(|r| r.writes() && r.resource != "leases").count();
        assert!(writes < 60, "{writes} writes");
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
