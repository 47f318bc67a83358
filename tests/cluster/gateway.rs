//! The gateway on a real API server, as the chart's ServiceAccount and nothing more: what people declare is
//! what it enforces, and what they take away it enforces no longer.

use faas_iam::api::Kind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::operator::installed::{WITHIN, all_ready, installed};
use crate::support::{
    Failure, Result,
    controlplane::{ControlPlane, Program},
    flags::Options,
    shared::shared,
    wait::eventually,
};

const US: &str = "https://gateway.example.com";

const DECLARED: &str = r#"
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: system }
spec: { iss: "https://gateway.example.com", aud: ["https://gateway.example.com"] }
---
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: kubernetes }
spec: { iss: https://kubernetes.default.svc.cluster.local, aud: ["https://gateway.example.com"] }
---
apiVersion: iam.openfaas.com/v1
kind: Policy
metadata: { name: look }
spec: { statement: [{ sid: "1", effect: Allow, action: ["Function:Get"], resource: ["dev:*"] }] }
---
apiVersion: iam.openfaas.com/v1
kind: Role
metadata: { name: robot }
spec:
  policy: [look]
  principal: { "jwt:sub": ["system:serviceaccount:default:default"] }
  condition: { StringEqual: { "jwt:iss": ["https://kubernetes.default.svc.cluster.local"] } }
"#;

const NAMES: [(Kind, &str); 4] = [
    (Kind::JwtIssuer, "system"),
    (Kind::JwtIssuer, "kubernetes"),
    (Kind::Policy, "look"),
    (Kind::Role, "robot"),
];

/// An upstream that answers everything with 200.
async fn upstream() -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 8192];
            let _ = stream.read(&mut head).await;
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            let _ = stream.write_all(answer).await;
        }
    });
    Ok(url)
}

/// Somebody with a token.
struct Caller {
    client: reqwest::Client,
    url: String,
}

impl Caller {
    async fn exchange(&self, token: &str) -> Result<String> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
            .append_pair("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")
            .append_pair("subject_token", token)
            .finish();
        let request = self.client.post(format!("{}/oauth/token", self.url)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await?.text().await?;
        let answer: Value = serde_json::from_str(&answer)?;
        let token = answer["access_token"].as_str().map(str::to_owned);
        token.ok_or_else(|| Failure::new(format!("no token: {answer}")))
    }

    async fn get(&self, token: &str) -> Result<u16> {
        let url = format!("{}/system/function/env?namespace=dev", self.url);
        Ok(self.client.get(url).bearer_auth(token).send().await?.status().as_u16())
    }

    async fn until(&self, token: &str, status: u16) -> Result<()> {
        eventually(&format!("the answer {status}"), WITHIN, || async {
            Ok((self.get(token).await? == status).then_some(()))
        })
        .await
    }
}

#[tokio::test]
async fn what_is_declared_is_enforced_and_what_is_taken_away_is_felt_by_tokens_already_out() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({"publicUrl": US, "gateway": {"enabled": true}}), async |at| {
        let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
        let caller = Caller { client: reqwest::Client::builder().no_proxy().build()?, url };
        at.apply(DECLARED).await?;
        let operator = at.start("one", &["--public-url", US])?;
        all_ready(&at, &NAMES).await?;
        gateway.ready().await?;

        let subject = at.cluster.token("default", "default", &[US]).await?;
        let token =
            eventually("an exchange", WITHIN, || async { Ok(caller.exchange(&subject).await.ok()) }).await?;
        assert_eq!(caller.get(&token).await?, 200);

        at.edit(Kind::Role, "robot", json!({ "scope": ["prod:*"] })).await?;
        caller.until(&token, 403).await?;
        at.edit(Kind::Role, "robot", json!({ "scope": ["dev:*"] })).await?;
        caller.until(&token, 200).await?;
        at.objects(Kind::JwtIssuer).delete("kubernetes", &Default::default()).await?;
        caller.until(&token, 401).await?;
        operator.stop().await?;
        gateway.stop().await
    })
    .await
}

#[tokio::test]
async fn without_an_operator_the_last_bundle_serves_and_a_broken_index_changes_nothing() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({"publicUrl": US, "gateway": {"enabled": true}}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &["--public-url", US])?;
        all_ready(&at, &NAMES).await?;
        let generation = at.index().await?.generation;
        operator.stop().await?;
        let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
        let caller = Caller { client: reqwest::Client::builder().no_proxy().build()?, url };
        assert!(gateway.ready().await?.contains(&generation.to_string()));
        let subject = at.cluster.token("default", "default", &[US]).await?;
        let token = caller.exchange(&subject).await?;

        let broken = json!({"data": {"index.json": "e30="}});
        let patch = kube::api::Patch::Merge(broken);
        at.secrets().patch("faas-iam-bundle", &Default::default(), &patch).await?;
        eventually("the broken bundle to be refused", WITHIN, || async {
            let refused = gateway.metric("faas_iam_gateway_bundles_refused_total").await?;
            Ok(refused.filter(|count| *count > 0.0).map(drop))
        })
        .await?;
        assert_eq!(caller.get(&token).await?, 200);
        at.secrets().delete("faas-iam-bundle", &Default::default()).await?;
        assert_eq!(caller.get(&token).await?, 200);
        gateway.stop().await
    })
    .await
}

#[tokio::test]
async fn s29_without_the_api_server_the_gateway_serves_on_and_tells_for_how_long() -> Result<()> {
    const METRIC: &str = "faas_iam_gateway_out_of_contact_seconds";
    let mut plane = ControlPlane::start(Options::default()).await?;
    let cluster = plane.cluster().clone();
    let served = installed(&cluster, json!({"publicUrl": US, "gateway": {"enabled": true}}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &["--public-url", US])?;
        all_ready(&at, &NAMES).await?;
        operator.stop().await?;
        let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
        let caller = Caller { client: reqwest::Client::builder().no_proxy().build()?, url };
        gateway.ready().await?;
        let token = caller.exchange(&at.cluster.token("default", "default", &[US]).await?).await?;
        assert_eq!(gateway.metric(METRIC).await?, Some(0.0));

        plane.kill(Program::Apiserver).await?;
        let lost = async || Ok(gateway.metric(METRIC).await?.filter(|seconds| *seconds > 0.0).map(drop));
        eventually("the lost contact to be measured", WITHIN, lost).await?;
        assert_eq!((caller.get(&token).await?, gateway.get("/readyz").await?.0), (200, 200));

        plane.start_program(Program::Apiserver).await?;
        plane.ready(Program::Apiserver).await?;
        let back = async || Ok(gateway.metric(METRIC).await?.filter(|seconds| *seconds == 0.0).map(drop));
        eventually("contact to be back", std::time::Duration::from_secs(120), back).await?;
        assert_eq!(caller.get(&token).await?, 200);
        gateway.stop().await
    })
    .await;
    plane.shut_down().await?;
    served
}
