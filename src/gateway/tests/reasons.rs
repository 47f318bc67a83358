//! Every refusal, whatever its reason, is told alike: the client gets an id, and log, audit trail and metrics
//! the reason.

use serde_json::{Value, json};

use super::audit::{audited, lines};
use super::log::Log;
use super::support::*;
use crate::gateway::config::BasicAuth;

/// A request, and the reason for which it is refused.
struct Row {
    reason: &'static str,
    status: u16,
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn row(reason: &'static str, status: u16, method: &'static str, target: &str) -> Row {
    Row { reason, status, method, target: target.to_owned(), headers: vec![], body: String::new() }
}

impl Row {
    fn by(mut self, token: &str) -> Self {
        self.headers.push(("authorization", format!("Bearer {token}")));
        self
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// An exchange with these parameters besides, or instead of, those of a good one.
fn exchange(reason: &'static str, status: u16, token: &str, changed: &[(&str, &str)]) -> Row {
    let mut pairs =
        vec![("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ID_TOKEN)];
    pairs.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
    pairs.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
    let row = row(reason, status, "POST", "/oauth/token").body(form(&pairs));
    row.with("content-type", "application/x-www-form-urlencoded")
}

async fn rows(running: &Running) -> Vec<Row> {
    let (alice, function) = (running.api_token("alice").await, running.function_token("alice", &[]).await);
    let (id, now) = (running.id_token("alice"), running.gateway.now());
    let claims = |more: Value| {
        let mut claims = json!({"iss": IDP, "aud": "gw", "sub": "alice", "exp": now + 600});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    let unsigned = format!("{}.AAAA", id.rsplit_once('.').unwrap().0);
    let none = crate::token::testing::P256.token(r#"{"alg":"none"}"#, &claims(json!({})).to_string());
    let info = |reason, status| row(reason, status, "GET", "/system/info");
    let env = |reason, status| row(reason, status, "GET", "/function/env.dev");
    vec![
        row("undecided_route", 403, "GET", "/system/unheard-of"),
        row("undecided_route", 403, "GET", "/unheard-of"),
        row("ambiguous_path", 400, "GET", "/system//info"),
        row("ambiguous_path", 400, "GET", "/function/env.dev/..%2fother.dev"),
        row("name", 400, "GET", "/system/function/a,b"),
        row("name", 400, "DELETE", "/async-function/env.dev"),
        info("no_credential", 401),
        info("basic_auth", 401).with("authorization", "Basic YWRtaW46d3Jvbmc="),
        info("malformed", 401).by("rubbish"),
        info("signature", 401).by(&unsigned),
        info("key", 401).by(&signed("other", claims(json!({})))),
        info("algorithm", 401).by(&none),
        info("unknown_issuer", 401).by(&signed("idp", claims(json!({"iss": "https://evil"})))),
        info("claims", 401).by(&signed("idp", claims(json!({"exp": now - 99})))),
        info("kind", 401).by(&function),
        info("not_granted", 403).by(&alice),
        row("query", 400, "GET", "/system/functions?namespace=dev&namespace=dev").by(&alice),
        row("namespace", 400, "GET", "/system/functions?namespace=Dev").by(&alice),
        row("body", 400, "POST", "/system/functions").by(&alice).body("{"),
        row("body_too_large", 413, "POST", "/system/functions").by(&alice).body("x".repeat(3 << 20)),
        row("managed_secret", 403, "DELETE", "/system/secrets?namespace=dev")
            .by(&alice)
            .body(r#"{"name":"faas-iam-x"}"#),
        row("protected_label", 403, "PUT", "/system/functions?namespace=dev")
            .by(&alice)
            .body(r#"{"service":"env","labels":{"iam.openfaas.com/g":"2"}}"#),
        env("no_credential", 401),
        env("kind", 401).by(&alice),
        row("not_granted", 403, "GET", "/function/other.openfaas").by(&function),
        env("two_tokens", 400).by(&function).with("x-auth-token", &function),
        env("header", 400).with("authorization", "a").with("authorization", "b"),
        row("callback", 400, "POST", "/async-function/env.dev").with("x-callback-url", "ftp://x"),
        exchange("parameter", 400, &id, &[("grant_type", "")]),
        exchange("grant_type", 400, &id, &[("grant_type", "password")]),
        exchange("token_type", 400, &id, &[("subject_token_type", "saml")]),
        exchange("scope", 400, &id, &[("scope", "all")]),
        exchange("audience", 400, &id, &[("scope", "function"), ("audience", "a b")]),
        exchange("malformed", 400, "rubbish", &[]),
        exchange("signature", 400, &unsigned, &[]),
        exchange("unknown_issuer", 400, &signed("idp", claims(json!({"iss": "https://evil"}))), &[]),
        exchange("expired", 400, &signed("idp", claims(json!({"exp": now - 99}))), &[]),
        exchange("claim", 400, &signed("idp", claims(json!({"exp": "1"}))), &[]),
        exchange("token_audience", 400, &signed("idp", claims(json!({"aud": "other"}))), &[]),
        exchange("no_policies", 400, &signed("idp", claims(json!({"sub": "no\"bö\\dy"}))), &[]),
        exchange("kind", 400, &function, &[]),
        row("malformed", 400, "POST", "/oauth/token").body("{}").with("content-type", "application/json"),
    ]
}

async fn told(running: &Running, row: &Row) -> String {
    let mut request = client().request(row.method.parse().unwrap(), running.url(&row.target));
    for (name, value) in &row.headers {
        request = request.header(*name, value);
    }
    let answer = request.body(row.body.clone()).send().await.unwrap();
    assert_eq!(answer.status(), row.status, "{} {}", row.reason, row.target);
    answer.text().await.unwrap()
}

fn id(text: &str) -> &str {
    let (_, behind) = text.rsplit_once("(decision ").unwrap_or_else(|| panic!("no id in {text:?}"));
    behind.split(')').next().unwrap()
}

/// How often the metrics have counted this reason.
fn counted(running: &Running, reason: &str) -> f64 {
    let text = running.gateway.measured().unwrap();
    let ends = [format!("outcome=\"{reason}\"}}"), format!("result=\"{reason}\"}}")];
    let samples = text.lines().filter_map(|line| line.rsplit_once(' '));
    let of = samples.filter(|(sample, _)| ends.iter().any(|end| sample.ends_with(end.as_str())));
    of.map(|(_, value)| value.parse::<f64>().unwrap()).sum()
}

#[tokio::test]
async fn s30_every_reason_reaches_log_metrics_and_audit_trail_and_the_client_gets_its_id() {
    let log = Log::of_everything();
    let (mut running, folder) = audited(BasicAuth::Deny, Some(world())).await;
    running.change(|bundle| bundle.insert("p", private(&["dev:*", "openfaas:*"])));
    running.change(|bundle| bundle.insert("dev/env", watchdog(true)));
    let mut ids = Vec::new();
    for row in rows(&running).await {
        let before = counted(&running, row.reason);
        let text = told(&running, &row).await;
        assert_eq!(counted(&running, row.reason), before + 1.0, "{} {}", row.reason, row.target);
        ids.push((row, id(&text).to_owned()));
    }
    assert!(running.provider.take().iter().all(|got| got.method == "GET"), "labels were asked for, at most");
    running.written().await;
    let (logged, audited) = (log.lines(), lines(&folder));
    for (row, id) in ids {
        let of = |lines: &[Value]| {
            let mut found = lines.iter().filter(|line| line["decision"] == *id);
            let line = found.next().unwrap_or_else(|| panic!("nothing of {} {id}", row.reason)).clone();
            assert!(found.next().is_none(), "{id} twice");
            line
        };
        let (logged, audited) = (of(&logged), of(&audited));
        for field in ["reason", "text"] {
            assert_eq!(logged[field], audited[field], "{field}");
        }
        assert_eq!(audited["reason"], row.reason);
        assert_eq!(logged["detail"].as_str(), Some(audited["detail"].as_str().unwrap_or_default()));
        assert_eq!((&audited["outcome"], &audited["response_code"]), (&json!("refused"), &json!(row.status)));
    }
}

#[tokio::test]
async fn the_token_endpoint_describes_errors_in_the_characters_that_rfc_6749_allows() {
    let running = Running::new().await;
    let now = running.gateway.now();
    let token = signed("idp", json!({"iss": IDP, "aud": "gw", "sub": "no\"bö\\dy", "exp": now + 60}));
    let refused = running.exchange(&token, &[]).await.unwrap_err();
    let text = refused["error_description"].as_str().unwrap();
    assert!(text.starts_with("No policies found for subject: no'b?") && text.ends_with(')'), "{text}");
    let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    assert!(text.chars().all(allowed), "{text}");
}

#[tokio::test]
async fn s27_a_name_of_any_length_makes_no_long_refusal_and_no_long_log() {
    let log = Log::of_everything();
    let running = Running::new().await;
    let token = running.api_token("root").await;
    let body = format!("{{\"service\":\"{}\"}}", "a".repeat(900_000));
    for (method, target, body) in [
        ("GET", format!("/function/{}", "a".repeat(40_000)), ""),
        ("POST", "/system/functions".into(), &body),
    ] {
        let (status, text) = running.send(method, &target, Some(&token), body).await;
        assert_eq!((status, text.len() < 4_000), (400, true), "{text:.200}");
    }
    let lines = log.text();
    let long = lines.lines().find(|line| line.contains("refused") && line.len() > 8_000);
    assert!(long.is_none(), "{long:.200?}");
}
