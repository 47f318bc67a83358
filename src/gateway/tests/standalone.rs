//! Without a cluster: what the provider lists, and a folder that changes.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::log::Log;
use super::privacies::{ROOT, VALID, write};
use super::support::*;
use crate::gateway::config::BasicAuth;
use crate::gateway::forward::Upstream;
use crate::gateway::source::folder::Watch;
use crate::gateway::source::standalone::Standalone;

const ISSUER: &str = "apiVersion: iam.openfaas.com/v1\nkind: JwtIssuer\nmetadata: {name: system}\nspec: {iss: \"https://gw.example.com\", aud: [\"https://gw.example.com\"]}\n---\n";

/// A provider whose functions can be changed, or that fails.
#[derive(Clone, Default)]
struct Functions {
    dev: Arc<Mutex<Value>>,
    failing: Arc<Mutex<Option<u16>>>,
    /// What fails alone, by how its target begins.
    broken: Arc<Mutex<Option<(&'static str, u16)>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

async fn answer(State(functions): State<Functions>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.to_string();
    if parts.uri.path().starts_with("/function/") {
        let got = parts.headers.get("authorization").map_or("-", |value| value.to_str().unwrap());
        return got.to_owned().into_response();
    }
    let credential = parts.headers.get("authorization").map_or("-", |value| value.to_str().unwrap());
    functions.seen.lock().unwrap().push(format!("{} {target} {credential}", parts.method));
    let broken = functions.broken.lock().unwrap().filter(|(begins, _)| target.starts_with(begins));
    if let Some(status) = functions.failing.lock().unwrap().or(broken.map(|(_, status)| status)) {
        return axum::http::StatusCode::from_u16(status).unwrap().into_response();
    }
    match (parts.method.as_str(), target.as_str()) {
        ("GET", "/system/namespaces") => json_answer(json!(["dev", "prod", "No Namespace"])),
        ("GET", "/system/functions?namespace=dev") => json_answer(functions.dev.lock().unwrap().clone()),
        ("GET", "/system/functions?namespace=prod") => {
            json_answer(json!([hidden("hidden"), {"name": "plain"}]))
        }
        ("GET", "/system/functions?namespace=openfaas-fn") => json_answer(Value::Null),
        ("PUT", _) => {
            let body = to_bytes(body, usize::MAX).await.unwrap();
            let mut function: Value = serde_json::from_slice(&body).unwrap();
            function["name"] = function["service"].clone();
            *functions.dev.lock().unwrap() = json!([function]);
            "done".into_response()
        }
        _ => axum::http::StatusCode::NOT_FOUND.into_response(),
    }
}

/// A function that says itself that it is private.
fn hidden(name: &str) -> Value {
    json!({"name": name, "annotations": {"iam.openfaas.com/privacy": "private"}})
}

struct Alone {
    running: Running,
    functions: Functions,
    folder: tempfile::TempDir,
    /// Who follows, where nobody does yet.
    source: Option<(Standalone, Watch)>,
}

/// A gateway before such a provider that has read a folder, and follows both if it is to.
async fn alone(dev: Value, follows: bool) -> Alone {
    let functions = Functions { dev: Arc::new(Mutex::new(dev)), ..Functions::default() };
    let router = Router::new().fallback(answer).with_state(functions.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let running = Running::before(Provider::default(), upstream, BasicAuth::Migrate, None).await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.yaml", &format!("{ISSUER}{ROOT}"));
    let signing = running.signing();
    let (source, watch) =
        Standalone::start(folder.path().to_owned(), "openfaas", signing, &running.gateway).unwrap();
    if !follows {
        return Alone { running, functions, folder, source: Some((source, watch)) };
    }
    tokio::spawn(source.follow(watch, running.gateway.clone()));
    listed(&running).await;
    Alone { running, functions, folder, source: None }
}

/// Waits for a list that was begun from now on.
async fn listed(running: &Running) {
    while running.gateway.provider.is_deaf() {
        tokio::task::yield_now().await;
    }
    running.gateway.provider.list_anew().await;
}

async fn status(running: &Running, target: &str) -> u16 {
    running.send("GET", target, None, "").await.0
}

#[tokio::test]
async fn s29_no_function_is_public_before_the_provider_has_said_which_are_private() {
    let waiting = alone(json!([]), false).await;
    let (status, text) = waiting.running.send("GET", "/function/env.dev", None, "").await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("not known yet"), "{text}");
}

#[tokio::test]
async fn who_comes_before_the_first_list_waits_for_it_and_not_for_one_that_fails() {
    let secret = json!([{"name": "secret", "annotations": {"iam.openfaas.com/privacy": "private"}}]);
    for (failing, want) in [(None, [401, 200]), (Some(500), [503, 503])] {
        let mut alone = alone(secret.clone(), false).await;
        *alone.functions.failing.lock().unwrap() = failing;
        let (source, watch) = alone.source.take().unwrap();
        let following = tokio::spawn(source.follow(watch, alone.running.gateway.clone()));
        while alone.running.gateway.provider.is_deaf() {
            tokio::task::yield_now().await;
        }
        let found = tokio::join!(
            status(&alone.running, "/function/secret.dev"),
            status(&alone.running, "/function/open.dev")
        );
        assert_eq!([found.0, found.1], want);
        following.abort();
    }
}

#[tokio::test]
async fn a_functions_own_word_that_it_is_private_is_heard() {
    let functions = json!([
        {"name": "secret", "namespace": "dev", "annotations": {"iam.openfaas.com/privacy": "private"}},
        {"name": "open", "annotations": {"iam.openfaas.com/privacy": "public"}, "labels": null, "envVars": null},
        {"name": "plain", "replicas": 1},
        {"name": "elsewhere", "namespace": "prod", "annotations": {"iam.openfaas.com/privacy": "private"}},
    ]);
    let alone = alone(functions, true).await;
    for (function, want) in
        [("secret", 401), ("open", 200), ("plain", 200), ("elsewhere", 200), ("unknown", 200)]
    {
        assert_eq!(status(&alone.running, &format!("/function/{function}.dev")).await, want, "{function}");
    }
    let seen = alone.functions.seen.lock().unwrap().clone();
    for target in
        ["/system/namespaces", "/system/functions?namespace=dev", "/system/functions?namespace=openfaas-fn"]
    {
        assert!(seen.contains(&format!("GET {target} Basic YWRtaW46aHVudGVyMg==")), "{target}: {seen:?}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_leaves_the_last_one() {
    let secret = json!([
        {"name": "secret", "annotations": {"iam.openfaas.com/privacy": "private"}}, {"name": "plain"},
    ]);
    let alone = alone(secret, true).await;
    for broken in [json!({"not": "a list"}), json!([{"name": 7}]), json!([{"labels": {}}])] {
        *alone.functions.dev.lock().unwrap() = broken;
        listed(&alone.running).await;
        assert_eq!(status(&alone.running, "/function/secret.dev").await, 401);
        assert_eq!(status(&alone.running, "/function/plain.dev").await, 200);
    }
    for code in [401, 404, 500] {
        *alone.functions.failing.lock().unwrap() = Some(code);
        listed(&alone.running).await;
        assert_eq!(status(&alone.running, "/function/secret.dev").await, 401, "{code}");
    }
    let metrics = alone.running.gateway.measured().unwrap();
    assert!(metrics.contains("function_lists_total{result=\"failed\"}"), "{metrics}");
    *alone.functions.failing.lock().unwrap() = None;
    *alone.functions.dev.lock().unwrap() = json!([]);
    listed(&alone.running).await;
    assert_eq!(status(&alone.running, "/function/secret.dev").await, 200, "gone, and so is its word");
}

#[tokio::test]
async fn s29_while_no_list_can_be_read_a_function_that_is_in_none_is_not_public() {
    let alone = alone(json!([{"name": "plain"}]), true).await;
    let statuses = async || {
        [
            status(&alone.running, "/function/plain.dev").await,
            status(&alone.running, "/function/new.dev").await,
        ]
    };
    assert_eq!(statuses().await, [200, 200]);
    *alone.functions.failing.lock().unwrap() = Some(500);
    listed(&alone.running).await;
    assert_eq!(statuses().await, [200, 503]);
    *alone.functions.failing.lock().unwrap() = None;
    listed(&alone.running).await;
    assert_eq!(statuses().await, [200, 200]);
}

/// What everybody gets of these functions.
async fn statuses<const N: usize>(alone: &Alone, functions: [&str; N]) -> [u16; N] {
    let mut found = [0; N];
    for (function, status_is) in functions.iter().zip(&mut found) {
        *status_is = status(&alone.running, &format!("/function/{function}")).await;
    }
    found
}

#[tokio::test]
async fn s29_a_namespace_whose_functions_cannot_be_listed_concerns_itself_alone() {
    let alone = alone(json!([{"name": "plain"}]), true).await;
    let all = ["plain.dev", "new.dev", "hidden.prod", "plain.prod", "new.prod"];
    assert_eq!(statuses(&alone, all).await, [200, 200, 401, 200, 200]);
    *alone.functions.dev.lock().unwrap() = json!([{"name": "plain"}, hidden("new")]);
    *alone.functions.broken.lock().unwrap() = Some(("/system/functions?namespace=prod", 500));
    listed(&alone.running).await;
    assert_eq!(statuses(&alone, all).await, [200, 401, 401, 200, 503]);
    *alone.functions.broken.lock().unwrap() = None;
    listed(&alone.running).await;
    assert_eq!(statuses(&alone, all).await, [200, 401, 401, 200, 200]);
}

#[tokio::test]
async fn s29_where_namespaces_cannot_be_listed_those_that_are_known_go_on_and_no_other_is_public() {
    let alone = alone(json!([{"name": "plain"}]), true).await;
    let all = ["plain.dev", "new.dev", "hidden.prod", "new.prod", "new", "new.other"];
    for code in [404, 501, 500] {
        *alone.functions.dev.lock().unwrap() = json!([{"name": "plain"}]);
        listed(&alone.running).await;
        assert_eq!(statuses(&alone, all).await, [200, 200, 401, 200, 200, 503], "{code}");
        *alone.functions.broken.lock().unwrap() = Some(("/system/namespaces", code));
        *alone.functions.dev.lock().unwrap() = json!([{"name": "plain"}, hidden("new")]);
        listed(&alone.running).await;
        assert_eq!(statuses(&alone, all).await, [200, 401, 401, 200, 200, 503], "{code}");
        *alone.functions.broken.lock().unwrap() = None;
    }
}

#[tokio::test]
async fn s29_a_provider_without_a_list_of_namespaces_has_the_default_one() {
    let mut alone = alone(json!([]), false).await;
    *alone.functions.broken.lock().unwrap() = Some(("/system/namespaces", 404));
    let (source, watch) = alone.source.take().unwrap();
    tokio::spawn(source.follow(watch, alone.running.gateway.clone()));
    listed(&alone.running).await;
    assert_eq!(statuses(&alone, ["new", "hidden.prod", "new.dev"]).await, [200, 503, 503]);
}

#[tokio::test]
async fn a_deployment_that_passed_through_is_known_when_it_is_answered() {
    let alone = alone(json!([]), true).await;
    assert_eq!(status(&alone.running, "/function/env.dev").await, 200);
    let body = r#"{"service":"env","namespace":"dev","annotations":{"iam.openfaas.com/privacy":"Private"}}"#;
    let sent =
        client().put(alone.running.url("/system/functions")).basic_auth("admin", Some("hunter2")).body(body);
    assert_eq!(sent.send().await.unwrap().status(), 200);
    assert_eq!(status(&alone.running, "/function/env.dev").await, 401);
}

#[tokio::test]
async fn whether_a_watchdog_checks_tokens_is_read_from_the_functions_environment() {
    let functions = json!([
        {"name": "checks", "envVars": {"jwt_auth": "true"}},
        {"name": "does-not", "envVars": {"jwt_auth": "false"}},
        {"name": "says-nothing"},
    ]);
    let alone = alone(functions, true).await;
    write(
        alone.folder.path(),
        "b.yaml",
        "apiVersion: iam.openfaas.com/v1alpha1\nkind: FunctionPrivacy\nmetadata: {name: p}\nspec: {functions: {namespaces: [dev]}, privacy: Private}\n",
    );
    while status(&alone.running, "/function/checks.dev").await == 200 {
        tokio::task::yield_now().await;
    }
    let snapshot = alone.running.gateway.snapshot().unwrap();
    let checks =
        |name: &str| snapshot.checks_tokens(&crate::model::Resource::parse(&format!("dev:{name}")).unwrap());
    assert_eq!(
        (checks("checks"), checks("does-not"), checks("says-nothing")),
        (Some(true), Some(false), None)
    );
}

#[tokio::test]
async fn s17_a_folder_that_is_exchanged_whole_is_read_anew() {
    let alone = alone(json!([]), false).await;
    let at = |name: &str| alone.folder.path().join(name);
    for (name, text) in [("1", String::new()), ("2", VALID.to_owned())] {
        std::fs::create_dir(at(name)).unwrap();
        write(&at(name), "a.yaml", &format!("{ISSUER}{ROOT}---\n{text}"));
    }
    std::os::unix::fs::symlink("1", at("current")).unwrap();
    let (signing, gateway) = (alone.running.signing(), alone.running.gateway.clone());
    let (source, watch) = Standalone::start(at("current"), "openfaas", signing, &gateway).unwrap();
    tokio::spawn(source.follow(watch, gateway));
    listed(&alone.running).await;
    assert_eq!(status(&alone.running, "/function/env.dev").await, 200);
    std::os::unix::fs::symlink("2", at("next")).unwrap();
    std::fs::rename(at("next"), at("current")).unwrap();
    let felt = async { while status(&alone.running, "/function/env.dev").await != 401 {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), felt).await.expect("felt");
    // And what follows is told as before.
    write(&at("2"), "a.yaml", &format!("{ISSUER}{ROOT}"));
    let felt = async { while status(&alone.running, "/function/env.dev").await != 200 {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), felt).await.expect("told");
}

#[tokio::test]
async fn that_no_token_of_its_own_is_taken_is_said_with_the_cure_once_and_when_it_is_over() {
    let declared = |iss: &str, aud: &str| {
        ISSUER
            .replacen("https://gw.example.com", iss, 1)
            .replace("aud: [\"https://gw.example.com\"]", &format!("aud: [\"{aud}\"]"))
    };
    let (ours, other) = ("https://gw.example.com", "https://other.example.com");
    for (issuer, want) in [
        (String::new(), "no JwtIssuer `system` serves; declare one with `https://gw.example.com`"),
        (declared(other, other), "has the iss `https://other.example.com`, and `--public-url` is"),
        (declared(ours, other), "does not have `https://gw.example.com` among its `aud`; add it"),
    ] {
        let alone = alone(json!([]), false).await;
        let log = Log::of_everything();
        let said = |text: &str| log.text().matches(text).count();
        let start = |issuer: &str| {
            write(alone.folder.path(), "a.yaml", &format!("{issuer}{ROOT}"));
            let (folder, signing) = (alone.folder.path().to_owned(), alone.running.signing());
            Standalone::start(folder, "openfaas", signing, &alone.running.gateway).unwrap()
        };
        start(&issuer);
        start(&issuer);
        assert_eq!(said("no token that this gateway gives is taken"), 1, "{}", log.text());
        assert!(log.text().contains(want), "{want}: {}", log.text());
        start(ISSUER);
        assert_eq!(said("the tokens that this gateway gives are taken"), 1, "{}", log.text());
    }
}
