//! The main job: what people declare is ready, is in the bundle, and decides.

use faas_iam::{
    api::Kind,
    bundle::{KeyState, Record, Sort},
};
use kube::ResourceExt as _;
use serde_json::json;

use super::installed::{all_ready, installed};
use crate::support::{Result, shared::shared};

pub const GATEWAY: &str = "https://gateway.example.com";

/// The gateway itself, the cluster's own issuer, and who may do what.
pub const DECLARED: &str = r#"
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: system }
spec: { iss: "https://gateway.example.com", aud: ["https://gateway.example.com"], tokenExpiry: 30m }
---
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: kubernetes }
spec:
  iss: https://kubernetes.default.svc.cluster.local
  aud: ["https://gateway.example.com"]
  tokenExpiry: 2h
---
apiVersion: iam.openfaas.com/v1
kind: Policy
metadata: { name: invoke-dev }
spec:
  statement:
    - { sid: "1", effect: Allow, action: ["Function:Invoke"], resource: ["dev:*"] }
---
apiVersion: iam.openfaas.com/v1
kind: Role
metadata: { name: caller }
spec:
  policy: [invoke-dev]
  principal: { "jwt:sub": ["system:serviceaccount:default:default"] }
  condition: { StringEqual: { "jwt:iss": ["https://kubernetes.default.svc.cluster.local"] } }
"#;

pub const DECLARED_NAMES: [(Kind, &str); 4] = [
    (Kind::JwtIssuer, "system"),
    (Kind::JwtIssuer, "kubernetes"),
    (Kind::Policy, "invoke-dev"),
    (Kind::Role, "caller"),
];

#[tokio::test]
async fn what_is_declared_is_ready_and_a_token_of_the_cluster_is_judged_by_it() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let mut operator = at.start("one", &["--public-url", GATEWAY])?;
        operator.ready().await?;
        all_ready(&at, &DECLARED_NAMES).await?;

        let token = at.cluster.token("default", "default", &[GATEWAY]).await?;
        let token = at.file("token", &token)?;
        let (code, said) = at.run(&["can-i", "Function:Invoke", "dev:env", "--token", &token])?;
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = at.run(&["can-i", "Function:Invoke", "prod:env", "--token", &token])?;
        assert_eq!(code, Some(1), "{said}");

        let events = at.events("caller").await?;
        assert!(events.iter().any(|event| event.starts_with("Accepted: ")), "{events:?}");
        assert_eq!(operator.metric("faas_iam_leader").await?, Some(1.0));
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn the_log_tells_the_start_the_leadership_each_verdict_and_each_generation() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let mut operator = at.start("one", &["--public-url", GATEWAY, "--log-format", "json"])?;
        operator.ready().await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let generation = format!("\"generation\":{}", at.index().await?.generation);
        let log = operator.process.stderr();
        let line = |parts: &[&str]| log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(line(&["\"message\":\"started\"", &at.namespace, "\"api\":\"https://"]), "{log}");
        assert!(line(&["leadership has changed", "\"leads\":true"]), "{log}");
        assert!(line(&["\"name\":\"caller\"", "\"reason\":\"Accepted\""]), "{log}");
        assert!(line(&["a new bundle serves", &generation]), "{log}");
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn our_own_key_is_made_once_and_the_bundle_tells_its_state_and_nothing_of_it() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &[])?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let key = at.secrets().get("issuer-key").await?;
        let pem = String::from_utf8(key.data.unwrap()["issuer.key"].0.clone())?;
        assert!(pem.starts_with("-----BEGIN EC PRIVATE KEY-----\n"));

        let bundle = at.bundle().await?;
        let states = bundle.iter().filter(|(key, _)| key.sort == Sort::KeyState).collect::<Vec<_>>();
        assert!(
            matches!(states.as_slice(), [(_, Record::KeyState { state: KeyState::Active, .. })]),
            "{states:?}"
        );
        let secret = pem.lines().nth(1).unwrap();
        for map in at.maps().list(&Default::default()).await? {
            assert!(!format!("{map:?}").contains(secret), "{}", map.name_any());
        }
        assert!(!operator.process.stderr().contains(secret));
        operator.stop().await?;

        let again = at.start("one", &[])?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        assert_eq!(at.secrets().get("issuer-key").await?.metadata.uid, key.metadata.uid);
        again.stop().await
    })
    .await
}

#[tokio::test]
async fn an_edit_a_narrowing_and_a_deletion_reach_the_bundle() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &[])?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let generation = at.index().await?.generation;

        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:env"] })).await?;
        at.bundle_with("a narrower Role", |bundle| {
            bundle.roles().any(|(_, role)| role.scope.as_ref().is_some_and(|scope| scope.len() == 1))
        })
        .await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        assert!(at.index().await?.generation > generation);

        at.objects(Kind::Role).delete("caller", &Default::default()).await?;
        at.bundle_with("no Role", |bundle| bundle.roles().next().is_none()).await?;
        let (code, said) = at.run(&[
            "can-i",
            "Function:Invoke",
            "dev:env",
            "--as",
            "https://kubernetes.default.svc.cluster.local,system:serviceaccount:default:default",
        ])?;
        assert_eq!(code, Some(1), "{said}");
        operator.stop().await
    })
    .await
}
