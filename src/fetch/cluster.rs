//! The cluster's own issuer, asked over the operator's own connection to the API server, whatever the
//! `jwks_uri` of its discovery says. Judges nothing.

use std::time::Duration;

use axum::http::Request;
use futures::AsyncReadExt as _;
use url::Url;

use super::http::{GetError, MAX_BYTES};
use super::route::WELL_KNOWN;
use super::{Missed, document};
use crate::api::Reason;

/// Where every API server shows its keys.
const JWKS: &str = "/openid/v1/jwks";

/// The connection to the API server.
pub struct Cluster {
    client: kube::Client,
    url: Url,
    timeout: Duration,
}

impl Cluster {
    /// By this client, which reaches the API server at this address.
    pub fn new(client: kube::Client, url: Url) -> Self {
        Self { client, url, timeout: super::Options::default().timeout }
    }

    pub(super) fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The issuer that discovery names.
    pub(super) async fn issuer(&self) -> Result<Box<str>, Missed> {
        let body = self.get(WELL_KNOWN).await?;
        let document = document::read(&body).map_err(|why| why.at(&self.at(WELL_KNOWN)))?;
        Ok(document.issuer().into())
    }

    /// The key set.
    pub(super) async fn keys(&self) -> Result<Vec<u8>, Missed> {
        self.get(JWKS).await
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, Missed> {
        let answer = tokio::time::timeout(self.timeout, self.read(path)).await;
        answer.unwrap_or(Err(GetError::Timeout)).map_err(|why| self.explain(why, path))
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, GetError> {
        let request = Request::get(path).body(Vec::new()).map_err(|_| GetError::Unreachable)?;
        let stream = self.client.request_stream(request).await.map_err(classify)?;
        let mut body = Vec::new();
        let bound = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        std::pin::pin!(stream.take(bound)).read_to_end(&mut body).await.map_err(|_| GetError::Unreachable)?;
        if body.len() > MAX_BYTES { Err(GetError::TooLarge) } else { Ok(body) }
    }

    fn explain(&self, why: GetError, path: &str) -> Missed {
        match why {
            GetError::Status(403) => Missed::new(
                Reason::IssuerUnreachable,
                "the API server refuses to show its keys; bind the ClusterRole `system:service-account-issuer-discovery` to the operator",
            ),
            why => why.at(&self.at(path)),
        }
    }

    fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap_or_else(|_| self.url.clone())
    }
}

fn classify(error: kube::Error) -> GetError {
    tracing::debug!(%error, "the API server cannot be asked for its keys");
    match error {
        kube::Error::Api(status) => GetError::Status(status.code),
        _ => GetError::Unreachable,
    }
}
