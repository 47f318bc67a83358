//! A ServiceAccount that calls a gateway in a cluster: what is declared for it, what is behind the gateway, and its
//! calls. Holds no expectation.

use faas_iam::api::Kind;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Failure, Result};

/// What the gateway calls itself.
pub const US: &str = "https://gateway.example.com";

/// The account `default/default` may look at functions in `dev`.
pub const DECLARED: &str = r#"
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

/// The objects of [`DECLARED`].
pub const NAMES: [(Kind, &str); 4] = [
    (Kind::JwtIssuer, "system"),
    (Kind::JwtIssuer, "kubernetes"),
    (Kind::Policy, "look"),
    (Kind::Role, "robot"),
];

/// An upstream that answers everything with 200.
///
/// # Errors
/// When there is no port.
pub async fn upstream() -> Result<String> {
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

/// Who calls.
pub struct Caller {
    client: reqwest::Client,
    url: String,
}

impl Caller {
    /// One that calls the gateway at this URL.
    ///
    /// # Errors
    /// When there is no client.
    pub fn new(url: String) -> Result<Self> {
        Ok(Self::with(reqwest::Client::builder().no_proxy().build()?, url))
    }

    /// The same by a client of its own kind.
    pub fn with(client: reqwest::Client, url: String) -> Self {
        Self { client, url }
    }

    /// Exchanges a token; the failure is the refusal's text.
    ///
    /// # Errors
    /// When there is no answer, or no token in it.
    pub async fn exchange(&self, token: &str) -> Result<String> {
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

    /// The status of a look at a function in `dev`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, token: &str) -> Result<u16> {
        self.get_in(token, "dev").await
    }

    /// The status of a look at a function in a namespace.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get_in(&self, token: &str, namespace: &str) -> Result<u16> {
        let url = format!("{}/system/function/env?namespace={namespace}", self.url);
        Ok(self.client.get(url).bearer_auth(token).send().await?.status().as_u16())
    }
}
