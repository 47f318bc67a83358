//! The upstream's webhook: what its receiver gets, and that a bad one harms nobody.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::support::*;
use crate::gateway::audit::{Audit, AuditArgs, Deliverer, Pace, Queue, Webhook, Writers};
use crate::gateway::config::BasicAuth;
use crate::gateway::forward::Upstream;

/// A delivery as it came.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub headers: axum::http::HeaderMap,
    pub target: String,
    pub body: String,
}

/// Answers with one status after the other, the last one from then on; with 0 never.
#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Delivery>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    pub async fn start(status: u16) -> Self {
        Self::answering(&[status]).await
    }

    pub async fn answering(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = statuses.iter().rev().copied().collect();
        let receiver = Self { address, got: Default::default(), answers: Arc::new(Mutex::new(answers)) };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    pub fn got(&self) -> Vec<Delivery> {
        self.got.lock().unwrap().clone()
    }

    fn next(&self) -> u16 {
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop().unwrap() } else { answers[0] }
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    request: Request,
) -> (StatusCode, [(&'static str, String); 1]) {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let target = parts.uri.to_string();
    receiver.got.lock().unwrap().push(Delivery { headers: parts.headers, target, body });
    let status = receiver.next();
    if status == 0 {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(status).unwrap(), [("location", receiver.url("/elsewhere"))])
}

/// A gateway that tells this receiver alone, over a queue of so many places.
async fn telling(receiver: &Receiver, most: usize) -> Running {
    let webhook = Webhook::new(&receiver.url("/hook"), &"secret".to_owned().into()).unwrap();
    let provider = Provider::default();
    let upstream = Upstream::new(&format!("http://{}", provider.start().await)).unwrap();
    let pace = Pace { gather: Duration::ZERO, pauses: [Duration::ZERO; 4] };
    let start = |metrics: &crate::gateway::metrics::Metrics| {
        let (queue, waiting) = Queue::new("webhook", |_| true, most, metrics.audited("webhook", "dropped"));
        let (lost, delivered) = (queue.lost().clone(), metrics.audited("webhook", "written"));
        let deliverer = Deliverer { webhook, pace, lost, delivered, hurry: Default::default() };
        tokio::spawn(deliverer.run(waiting));
        (Audit::of(vec![queue]), Writers::default())
    };
    Running::telling(provider, upstream, BasicAuth::Deny, Some(world()), start).await
}

fn count(running: &Running, result: &str) -> f64 {
    let sample = format!("faas_iam_gateway_audit_events_total{{sink=\"webhook\",result=\"{result}\"}}");
    running.metric(&sample).unwrap_or_default()
}

async fn until(what: impl Fn() -> bool) {
    let waited = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited).await.unwrap();
}

#[tokio::test]
async fn a_delivery_is_signed_and_holds_what_was_decided_about_the_api_and_nothing_else() {
    let (receiver, folder) = (Receiver::start(202).await, tempfile::tempdir().unwrap());
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "shared secret\n").unwrap();
    let args = AuditArgs {
        audit_webhook_url: Some(receiver.url("/hook?a=b").parse().unwrap()),
        audit_webhook_secret_file: Some(secret),
        ..AuditArgs::default()
    };
    let provider = Provider::default();
    let upstream = Upstream::new(&format!("http://{}", provider.start().await)).unwrap();
    let start = |m: &_| Audit::start(&args, m).unwrap();
    let mut running = Running::telling(provider, upstream, BasicAuth::Deny, Some(world()), start).await;
    let token = running.api_token("alice").await;
    for (target, token) in [
        ("/system/functions?namespace=dev&x=y", Some(token.as_str())),
        ("/system/info", None),
        ("/function/a.kube-system", None),
    ] {
        running.send("GET", target, token, "").await;
    }
    running.written().await;
    let got = receiver.got();
    assert_eq!((got.len(), got[0].target.as_str()), (1, "/hook?a=b"));
    let header = |name: &str| got[0].headers[name].to_str().unwrap();
    assert_eq!((header("x-openfaas-event"), header("content-type")), ("api_access", "application/json"));
    assert_eq!(header("x-openfaas-delivery").parse::<uuid::Uuid>().unwrap().get_version_num(), 4);
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"shared secret");
    let signature = hex::decode(header("x-openfaas-signature-256").strip_prefix("sha256=").unwrap()).unwrap();
    hmac::verify(&key, got[0].body.as_bytes(), &signature).unwrap();
    let mut events: Vec<Value> = serde_json::from_str(&got[0].body).unwrap();
    for event in &mut events {
        let time = event.as_object_mut().unwrap().remove("time").unwrap();
        assert!(time.as_str().unwrap().parse::<k8s_openapi::jiff::Timestamp>().is_ok(), "{time}");
    }
    let alice = json!({"sub": "fed:alice", "issuer": US, "fed_issuer": IDP});
    let nobody = json!({"sub": "", "issuer": "", "fed_issuer": ""});
    assert_eq!(
        events,
        [
            json!({"actor": alice, "path": "/system/functions", "method": "GET",
                "actions": ["Function:List"], "response_code": 200}),
            json!({"actor": nobody, "path": "/system/info", "method": "GET",
                "actions": ["System:Info"], "response_code": 401}),
        ]
    );
}

#[tokio::test]
async fn what_fails_is_sent_again_as_the_same_delivery() {
    let receiver = Receiver::answering(&[500, 302, 200]).await;
    let running = telling(&receiver, 100).await;
    running.api_token("alice").await;
    until(|| count(&running, "written") == 1.0).await;
    let got = receiver.got();
    let ids: Vec<_> = got.iter().map(|got| got.headers["x-openfaas-delivery"].clone()).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{got:?}");
    assert!(got.iter().all(|got| got.target == "/hook"), "no redirect is followed: {got:?}");
    assert_eq!(count(&running, "dropped"), 0.0);
}

#[tokio::test]
async fn s30_a_receiver_that_always_fails_is_left_after_five_times_and_what_it_missed_is_counted() {
    let receiver = Receiver::start(500).await;
    let running = telling(&receiver, 100).await;
    running.api_token("alice").await;
    until(|| count(&running, "dropped") == 1.0).await;
    assert_eq!(receiver.got().len(), 5);
}

#[tokio::test]
async fn s30_a_receiver_that_hangs_holds_nobody_up_and_what_does_not_fit_is_counted() {
    let receiver = Receiver::start(0).await;
    let running = telling(&receiver, 3).await;
    let token = running.api_token("alice").await;
    until(|| !receiver.got().is_empty()).await;
    for _ in 0..10 {
        assert_eq!(running.send("GET", "/system/functions?namespace=dev", Some(&token), "").await.0, 200);
    }
    assert_eq!(count(&running, "dropped"), 7.0);
}

#[test]
fn what_is_no_webhook_is_refused_without_being_shown() {
    for url in ["canary", "ftp://canary/", "mailto:canary@x", ""] {
        let error = Webhook::new(url, &"s".to_owned().into()).unwrap_err().to_string();
        assert!(error.contains("is no URL of a webhook") && !error.contains("canary"), "{error}");
    }
    let webhook =
        Webhook::new("https://user:canary@host/canary?canary", &"canary".to_owned().into()).unwrap();
    assert_eq!(format!("{webhook:?}"), "Webhook { host: Some(\"host\"), .. }");
}
