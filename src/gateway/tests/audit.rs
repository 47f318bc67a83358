//! The audit trail: what is told, what is not, and that nobody waits for it.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::log::Log;
use super::support::*;
use crate::bundle::Bundle;
use crate::gateway::audit::{Audit, AuditArgs, Queue};
use crate::gateway::config::BasicAuth;
use crate::gateway::forward::Upstream;

pub fn to_file(path: &Path) -> AuditArgs {
    AuditArgs { audit_file: Some(path.to_owned()), ..AuditArgs::default() }
}

/// A gateway that writes into `audit` of the folder.
pub async fn audited(basic_auth: BasicAuth, bundle: Option<Bundle>) -> (Running, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (writing(&folder.path().join("audit"), basic_auth, bundle).await, folder)
}

async fn writing(path: &Path, basic_auth: BasicAuth, bundle: Option<Bundle>) -> Running {
    let provider = Provider::default();
    let upstream = Upstream::new(&format!("http://{}", provider.start().await)).unwrap();
    let args = to_file(path);
    Running::telling(provider, upstream, basic_auth, bundle, |m| Audit::start(&args, m).unwrap()).await
}

pub fn lines(folder: &TempDir) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.path().join("audit")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a line says, without what differs from run to run.
fn said(line: &Value) -> String {
    let text = |field: &str| line[field].as_str().unwrap_or("-").to_owned();
    let actor = |field: &str| {
        let text = line["actor"][field].as_str().filter(|text| !text.is_empty());
        text.unwrap_or("-").to_owned()
    };
    format!(
        "{} {} {} {} {} {} {} {} by {} {} {} {}",
        text("event"),
        text("outcome"),
        text("reason"),
        text("method"),
        text("path"),
        line["actions"],
        text("resource"),
        line["response_code"],
        actor("kind"),
        actor("sub"),
        actor("issuer"),
        actor("fed_issuer"),
    )
}

#[tokio::test]
async fn every_decision_that_matters_is_a_line_and_no_other() {
    let (mut running, folder) = audited(BasicAuth::Migrate, Some(world())).await;
    running.change(|bundle| bundle.insert("p", private(&["dev:*"])));
    let token = running.api_token("alice").await;
    let function = running.function_token("alice", &["dev:env"]).await;
    let _ = running.exchange(&running.id_token("nobody"), &[]).await.unwrap_err();
    for (method, target, token) in [
        ("GET", "/system/functions?namespace=dev", Some(&token)),
        ("GET", "/system/namespaces", Some(&token)),
        ("GET", "/system/functions?namespace=prod", Some(&token)),
        ("GET", "/system/function/other?namespace=dev", None),
        ("GET", "/function/env.dev/x?y=z", Some(&function)),
        ("GET", "/function/other.dev", Some(&function)),
        ("GET", "/function/env.dev", None),
        // Nobody's business: public, and what is there for everybody.
        ("GET", "/function/env", None),
        ("GET", "/healthz", None),
        ("GET", "/", None),
        ("GET", "/.well-known/keys", None),
    ] {
        running.send(method, target, token.map(String::as_str), "").await;
    }
    let basic = client().get(running.url("/system/info")).basic_auth("admin", Some("hunter2"));
    assert_eq!(basic.send().await.unwrap().status(), 200);
    running.written().await;
    let lines = lines(&folder);
    let said: Vec<_> = lines.iter().map(said).collect();
    insta::assert_snapshot!(said.join("\n"));
    let exchange =
        json!({"scope": "function", "audience": ["dev:env"], "permissions": 1, "expires_in": 1800});
    assert_eq!(lines[1]["exchange"], exchange);
    assert!(lines.iter().all(|line| line["peer"] == "127.0.0.1" && line["generation"] == 2), "{lines:?}");
    let detail = lines[5]["detail"].as_str().unwrap();
    assert!(detail.contains("dev"), "the whole reason: {detail}");
}

#[tokio::test]
async fn who_leaves_before_the_answer_has_done_it_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let args = to_file(&folder.path().join("audit"));
    let start = |m: &_| Audit::start(&args, m).unwrap();
    let world = Some(world());
    let mut running = Running::telling(Provider::default(), upstream, BasicAuth::Migrate, world, start).await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    let request = "DELETE /system/functions?namespace=dev HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWRtaW46aHVudGVyMg==\r\nContent-Length: 22\r\n\r\n{\"functionName\":\"env\"}";
    client.write_all(request.as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    assert!(upstream.read(&mut [0; 4096]).await.unwrap() > 0);
    drop(client);
    // The gateway lets go of the upstream when it has noticed.
    while upstream.read(&mut [0; 4096]).await.is_ok_and(|count| count > 0) {}
    running.written().await;
    let told = said(&lines(&folder)[0]);
    let want = "system allowed client_left DELETE /system/functions [\"Function:Delete\"] dev:env 499 by basic_auth admin urn:faas-iam:basic-auth -";
    assert_eq!(told, want);
    assert_eq!(running.metric("faas_iam_gateway_requests_in_flight"), Some(0.0));
}

#[tokio::test]
async fn what_was_allowed_and_failed_is_told_as_that_and_of_a_public_call_nothing_even_then() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let args = to_file(&folder.path().join("audit"));
    let start = |m: &_| Audit::start(&args, m).unwrap();
    let world = Some(world());
    let mut running = Running::telling(Provider::default(), upstream, BasicAuth::Deny, world, start).await;
    let token = running.api_token("root").await;
    assert_eq!(running.send("GET", "/function/env", None, "").await.0, 502);
    assert_eq!(running.send("GET", "/system/info", Some(&token), "").await.0, 502);
    running.written().await;
    let said: Vec<_> = lines(&folder).iter().skip(1).map(said).collect();
    let want = "system allowed upstream GET /system/info [\"System:Info\"] * 502 by api fed:root https://gw.example.com https://idp.example.com";
    assert_eq!(said, [want]);
    let allowed = "faas_iam_gateway_decisions_total{action=\"System:Info\",outcome=\"allowed\"}";
    assert_eq!(running.metric(allowed), Some(1.0), "and not counted once more as refused");
}

#[tokio::test]
async fn s30_a_disk_that_is_full_is_counted_and_holds_nobody_up() {
    let log = Log::of_everything();
    let mut running = writing(Path::new("/dev/full"), BasicAuth::Deny, Some(world())).await;
    let token = running.api_token("alice").await;
    for _ in 0..20 {
        assert_eq!(running.send("GET", "/system/functions?namespace=dev", Some(&token), "").await.0, 200);
    }
    running.written().await;
    let count = |result: &str| {
        running.metric(&format!("faas_iam_gateway_audit_events_total{{sink=\"file\",result=\"{result}\"}}"))
    };
    assert_eq!((count("dropped"), count("written")), (Some(21.0), Some(0.0)));
    drop(log);
}

#[tokio::test]
async fn s30_a_queue_that_is_full_is_counted_said_once_and_holds_nobody_up() {
    let log = Log::of_everything();
    let provider = Provider::default();
    let upstream = Upstream::new(&format!("http://{}", provider.start().await)).unwrap();
    let mut kept = None;
    let full = |metrics: &crate::gateway::metrics::Metrics| {
        let (queue, waiting) = Queue::new("file", |_| true, 2, metrics.audited("file", "dropped"));
        kept = Some(waiting);
        (Audit::of(vec![queue]), Default::default())
    };
    let running = Running::telling(provider, upstream, BasicAuth::Deny, Some(world()), full).await;
    let token = running.api_token("alice").await;
    for _ in 0..20 {
        assert_eq!(running.send("GET", "/system/functions?namespace=dev", Some(&token), "").await.0, 200);
    }
    let dropped = "faas_iam_gateway_audit_events_total{sink=\"file\",result=\"dropped\"}";
    assert_eq!(running.metric(dropped), Some(19.0));
    assert_eq!(running.metric("faas_iam_gateway_audit_events_waiting{sink=\"file\"}"), Some(2.0));
    let said = log.lines().iter().filter(|line| line["message"] == "audit events are dropped").count();
    assert_eq!(said, 1);
    drop(kept);
}

#[tokio::test]
async fn s26_no_secret_that_is_sent_shows_in_log_audit_trail_or_metrics() {
    let log = Log::of_everything();
    let folder = tempfile::tempdir().unwrap();
    let receiver = super::webhook::Receiver::start(200).await;
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "canary-signs\n").unwrap();
    let args = AuditArgs {
        audit_webhook_url: Some(receiver.url("/canary-path?token=canary-url").parse().unwrap()),
        audit_webhook_secret_file: Some(secret),
        ..to_file(&folder.path().join("audit"))
    };
    assert!(!format!("{args:?}").contains("canary"), "{args:?}");
    let provider = Provider::default();
    let upstream = Upstream::new(&format!("http://{}", provider.start().await)).unwrap();
    let start = |m: &_| Audit::start(&args, m).unwrap();
    let mut running = Running::telling(provider, upstream, BasicAuth::Migrate, Some(world()), start).await;
    running.change(|bundle| bundle.insert("p", private(&["dev:*"])));
    let id = running.id_token("alice");
    let (api, function) = (running.api_token("alice").await, running.function_token("alice", &[]).await);
    let last = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let canaries =
        [last(&id), last(&api), last(&function), "canary".into(), "aHVudGVyMg".into(), "hunter2".into()];
    let targets = [
        "/system/functions?namespace=dev&access_token=canary-query",
        "/system/info?token=canary-query",
        "/system/unheard-of?token=canary-query",
        "/function/env.dev/a?token=canary-query",
        "/function/other.prod?token=canary-query",
        "/oauth/token?subject_token=canary-query&grant_type=x",
        "/?token=canary-query",
    ];
    for target in targets {
        for method in ["GET", "POST", "DELETE"] {
            for value in [
                format!("Bearer {api}"),
                format!("Bearer {function}"),
                format!("Bearer {id}"),
                "Bearer canary.canary.canary".into(),
                "Basic YWRtaW46aHVudGVyMg==".into(),
                "Basic YWRtaW46Y2FuYXJ5".into(),
                "Digest canary".into(),
            ] {
                let request = client().request(method.parse().unwrap(), running.url(target));
                let request = request.header("authorization", value).header("cookie", "session=canary");
                let request =
                    request.header("x-auth-token", "canary").body(r#"{"name":"s","value":"canary-value"}"#);
                request.send().await.unwrap();
            }
        }
    }
    for pairs in [[("subject_token", "canary.canary.canary")], [("client_secret", "canary-client")]] {
        let _ = running.exchange(&id, &pairs).await;
    }
    running.written().await;
    let file = std::fs::read_to_string(folder.path().join("audit")).unwrap();
    assert!(file.lines().count() > 50 && !receiver.got().is_empty() && log.lines().len() > 50);
    let deliveries: String = receiver.got().iter().map(|got| got.body.clone()).collect();
    for (place, text) in [
        ("file", file),
        ("webhook", deliveries),
        ("log", log.text()),
        ("metrics", running.gateway.measured().unwrap()),
    ] {
        for canary in &canaries {
            let shown = text.lines().find(|line| line.contains(canary.as_str()));
            assert!(shown.is_none(), "{place} shows {canary}: {shown:?}");
        }
    }
}

#[tokio::test]
async fn nothing_is_kept_of_a_call_that_nobody_is_told_of() {
    let running = Running::new().await;
    let identity = Arc::new(crate::gateway::authenticate::Identity {
        principal: crate::engine::Principal::basic_auth("admin"),
        until: 0,
    });
    let mut case =
        crate::gateway::case::Case::new("/system", [0, 0, 0, 0].into(), running.gateway.audit.is_on());
    case.is_of(&identity);
    assert!(case.identity.is_none());
}
