//! How long an edit of a Role takes until the gateway decides by it: a real API server, the operator and the
//! gateway under the chart's accounts; README.md has the method. Asserts nothing, prints a verdict.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "a bench that meets the unexpected ends there"
)]

#[allow(dead_code, reason = "shared with the cluster tier, which uses all of it")]
#[path = "../tests/cluster/operator/installed.rs"]
mod installed;
#[allow(dead_code, unused_imports, reason = "shared with the cluster tier, which uses all of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use faas_iam::api::Kind;
use installed::{Installed, WITHIN, all_ready, installed};
use serde_json::{Value, json};
use support::shared::shared;
use support::wait::eventually;
use support::{Failure, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const US: &str = "https://gateway.example.com";
/// Edits that are timed.
const EDITS: usize = 200;
/// What an edit may take in 99 of 100 cases.
const BOUND: Duration = Duration::from_millis(250);

const DECLARED: &str = r#"
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: system }
spec: { iss: "https://gateway.example.com", aud: ["https://gateway.example.com"] }
---
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: kubernetes }
spec: { iss: https://kubernetes.default.svc.cluster.local, aud: ["https://gateway.example.com"], tokenExpiry: 2h }
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

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if !words.is_empty() && !words.iter().any(|word| word == "propagation") {
        return Ok(());
    }
    let shared = shared().await?;
    let values = json!({"publicUrl": US, "gateway": {"enabled": true}});
    installed(shared.cluster(), values, async |at| measure(&at).await).await
}

async fn measure(at: &Installed) -> Result<()> {
    let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
    at.apply(DECLARED).await?;
    let operator = at.start("one", &["--public-url", US])?;
    let issuers = [(Kind::JwtIssuer, "system"), (Kind::JwtIssuer, "kubernetes")];
    all_ready(at, &issuers).await?;
    all_ready(at, &[(Kind::Policy, "look"), (Kind::Role, "robot")]).await?;
    gateway.ready().await?;
    let caller = Caller { client: reqwest::Client::builder().no_proxy().build()?, url };
    let subject = at.cluster.token("default", "default", &[US]).await?;
    let token =
        eventually("an exchange", WITHIN, || async { Ok(caller.exchange(&subject).await.ok()) }).await?;
    let mut took = Vec::with_capacity(EDITS);
    for edit in 0..EDITS {
        let (scope, status) = if edit.is_multiple_of(2) { ("prod:*", 403) } else { ("dev:*", 200) };
        at.edit(Kind::Role, "robot", json!({ "scope": [scope] })).await?;
        let answered = Instant::now();
        while caller.get(&token).await? != status {
            assert!(answered.elapsed() < WITHIN, "the edit is never felt");
        }
        took.push(answered.elapsed());
        // Edits of people do not come in step with what the last one left behind.
        tokio::time::sleep(Duration::from_millis((edit as u64 * 37) % 300)).await;
    }
    show(&mut took);
    operator.stop().await?;
    gateway.stop().await
}

fn show(took: &mut [Duration]) {
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    let [p50, p90, p99, most] = [0.5, 0.9, 0.99, 1.0].map(at).map(|took| took.as_secs_f64() * 1000.0);
    println!(
        "An edit until the gateway decides by it, {EDITS} edits: p50 {p50:.0} ms, p90 {p90:.0} ms, p99 {p99:.0} ms, most {most:.0} ms"
    );
    let word = if at(0.99) <= BOUND { "within" } else { "over" };
    println!("p99 {p99:.0} ms of at most {} ms: {word}", BOUND.as_millis());
}

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

/// Who asks the gateway.
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
        let answer: Value = serde_json::from_str(&request.send().await?.text().await?)?;
        let token = answer["access_token"].as_str().map(str::to_owned);
        token.ok_or_else(|| Failure::new(format!("no token: {answer}")))
    }

    async fn get(&self, token: &str) -> Result<u16> {
        let url = format!("{}/system/function/env?namespace=dev", self.url);
        Ok(self.client.get(url).bearer_auth(token).send().await?.status().as_u16())
    }
}
