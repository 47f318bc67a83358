//! Events to the upstream's webhook (`openfaas-wire.md`): in batches, signed, one delivery at a time, tried
//! again within bounds, and then dropped and counted. Follows no redirect, logs no part of the URL but its host.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use prometheus_client::metrics::counter::Counter;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::event::{Event, delivery};
use super::queue::{Lost, Message, Waiting};
use crate::causes::chain;

/// Events of one delivery, at most.
pub const BATCH: usize = 100;
/// How long one attempt may take.
const WITHIN: Duration = Duration::from_secs(10);

/// How long is waited.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long the first event of a delivery waits for others.
    pub gather: Duration,
    /// The pauses between the attempts at one delivery.
    pub pauses: [Duration; 4],
}

impl Default for Pace {
    fn default() -> Self {
        Self { gather: Duration::from_secs(1), pauses: [1, 2, 4, 8].map(Duration::from_secs) }
    }
}

/// A webhook that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Not a URL that events can be sent to. It may hold a password, so that it is not repeated.
    #[error("`--audit-webhook-url` is no URL of a webhook: https or http, and a host")]
    Url,
    /// The library refuses.
    #[error("the client of the audit webhook cannot be made: {0}")]
    Client(String),
}

/// Where events are sent. Its `Debug` tells the host alone: paths and queries of webhooks are credentials.
pub struct Webhook {
    url: Url,
    secret: hmac::Key,
    client: reqwest::Client,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Webhook {
    /// The webhook at a URL, with the secret that its receiver knows.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn new(url: &str, secret: &Zeroizing<String>) -> Result<Self, WebhookError> {
        let url = Url::parse(url).map_err(|_| WebhookError::Url)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(WebhookError::Url);
        }
        let client = reqwest::Client::builder().redirect(Policy::none()).timeout(WITHIN).no_proxy();
        let client = client.build().map_err(|error| WebhookError::Client(chain(&error.without_url())))?;
        Ok(Self { url, secret: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), client })
    }

    /// Whether others can read what is sent.
    pub fn is_open(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Its host, for the log.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    async fn attempt(&self, id: &Uuid, body: &[u8]) -> Result<(), String> {
        let signature = hex::encode(hmac::sign(&self.secret, body));
        let request = self.client.post(self.url.clone()).body(body.to_vec());
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .header("x-openfaas-event", "api_access")
            .header("x-openfaas-signature-256", format!("sha256={signature}"))
            .header("x-openfaas-delivery", id.to_string());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answers with status {}", answer.status().as_u16())),
            Err(error) => Err(chain(&error.without_url())),
        }
    }
}

/// Who delivers.
pub struct Deliverer {
    /// Where to.
    pub webhook: Webhook,
    /// How long is waited.
    pub pace: Pace,
    /// What did not arrive.
    pub lost: Arc<Lost>,
    /// What did.
    pub delivered: Counter,
    /// Once it is cancelled, nothing is waited for and tried again.
    pub hurry: CancellationToken,
}

impl Deliverer {
    /// Delivers what comes in until there is no more.
    pub async fn run(self, mut waiting: Waiting) {
        loop {
            let (events, more) = self.gather(&mut waiting).await;
            if !events.is_empty() {
                self.deliver(&events).await;
            }
            if !more {
                return;
            }
        }
    }

    /// The next events, and whether more may come.
    async fn gather(&self, waiting: &mut Waiting) -> (Vec<Arc<Event>>, bool) {
        let mut events = Vec::new();
        let mut until = None;
        while events.len() < BATCH {
            let next = match until {
                None => waiting.recv().await,
                Some(at) => tokio::select! {
                    biased;
                    next = timeout_at(at, waiting.recv()) => match next {
                        Ok(next) => next,
                        Err(_) => break,
                    },
                    // What waits is taken at once, as much as fits; then nobody waits for more.
                    () = self.hurry.cancelled(), if waiting.is_empty() => break,
                },
            };
            match next {
                Some(Message::Event(event)) => events.push(event),
                Some(Message::End) | None => return (events, false),
            }
            until = until.or_else(|| Some(Instant::now() + self.pace.gather));
        }
        (events, true)
    }

    async fn deliver(&self, events: &[Arc<Event>]) {
        let (id, body) = (Uuid::new_v4(), delivery(events.iter().map(AsRef::as_ref)));
        match self.attempts(&id, &body).await {
            Ok(()) => {
                self.delivered.inc_by(events.len() as u64);
            }
            Err(why) => {
                self.lost.add(events.len() as u64, &why);
                // Nobody reads of gaps here.
                self.lost.take();
            }
        }
    }

    async fn attempts(&self, id: &Uuid, body: &[u8]) -> Result<(), String> {
        let mut last = self.webhook.attempt(id, body).await;
        for pause in self.pace.pauses {
            let Err(why) = &last else { break };
            tracing::debug!(host = self.webhook.host(), %id, why, "a delivery failed");
            if timeout(pause, self.hurry.cancelled()).await.is_ok() {
                break;
            }
            last = self.webhook.attempt(id, body).await;
        }
        last
    }
}
