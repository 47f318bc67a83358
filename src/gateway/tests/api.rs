//! The REST API: who gets through, with what, and what the provider is sent.

use serde_json::{Value, json};

use super::support::*;
use crate::bundle::{Bundle, Origin, Record, Sort};
use crate::gateway::config::BasicAuth;
use crate::gateway::forward::Upstream;

const ROUTES: &[(&str, &str, &str, &str)] = &[
    // method, target with NS for the namespace, body, what decides
    ("GET", "/system/functions?namespace=NS", "", "namespace"),
    ("GET", "/system/function/env?namespace=NS", "", "namespace"),
    ("POST", "/system/functions", r#"{"service":"env","namespace":"NS"}"#, "namespace"),
    ("PUT", "/system/functions", r#"{"service":"env","namespace":"NS"}"#, "namespace"),
    ("DELETE", "/system/functions?namespace=NS", r#"{"functionName":"env"}"#, "namespace"),
    ("GET", "/system/logs?name=env&namespace=NS", "", "namespace"),
    ("POST", "/system/scale-function/env?namespace=NS", r#"{"replicas":1}"#, "namespace"),
    ("GET", "/system/secrets?namespace=NS", "", "namespace"),
    ("POST", "/system/secrets", r#"{"name":"s","namespace":"NS","value":"v"}"#, "namespace"),
    ("PUT", "/system/secrets", r#"{"name":"s","namespace":"NS","value":"v"}"#, "namespace"),
    ("DELETE", "/system/secrets", r#"{"name":"s","namespace":"NS"}"#, "namespace"),
    ("GET", "/system/namespace/NS", "", "namespace"),
    ("POST", "/system/namespace/NS", "{}", "namespace"),
    ("PUT", "/system/namespace/NS", "{}", "namespace"),
    ("DELETE", "/system/namespace/NS", "{}", "namespace"),
    ("GET", "/system/namespaces", "", "any"),
    ("GET", "/system/info", "", "cluster"),
    ("GET", "/system/telemetry", "", "cluster"),
    ("POST", "/system/alert", "{}", "cluster"),
    ("DELETE", "/async-function/3fa85f64-5717-4562-b3fc-2c963f66afa6", "", "cluster"),
];

#[tokio::test]
async fn every_route_by_every_kind_of_token_and_namespace() {
    let running = Running::new().await;
    let (alice, root) = (running.api_token("alice").await, running.api_token("root").await);
    let function = running.function_token("root", &[]).await;
    let subject = running.id_token("root");
    for (method, target, body, decided) in ROUTES {
        for namespace in ["dev", "prod"] {
            let (target, body) = (target.replace("NS", namespace), body.replace("NS", namespace));
            let row = [
                (
                    Some(alice.as_str()),
                    if *decided == "any" || (*decided == "namespace" && namespace == "dev") {
                        200
                    } else {
                        403
                    },
                ),
                (Some(root.as_str()), 200),
                (Some(function.as_str()), 401),
                (Some(subject.as_str()), 401),
                (Some("rubbish"), 401),
                (None, 401),
            ];
            for (token, want) in row {
                running.provider.take();
                let (status, text) = running.send(method, &target, token, &body).await;
                // Of prod the provider knows no function `env`: what it answers passes.
                let want = if want == 200 && method == &"GET" && target.contains("/function/other") {
                    404
                } else {
                    want
                };
                assert_eq!(status, want, "{method} {target} {namespace}: {text}");
                let got = running.provider.take();
                assert_eq!(!got.is_empty(), want == 200, "{method} {target}: {got:?}");
                if want == 403 {
                    assert!(text.starts_with("`alice` may not ") && text.contains("(decision "), "{text}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_provider_gets_our_credential_and_nothing_of_the_callers() {
    let running = Running::new().await;
    let token = running.api_token("alice").await;
    let request =
        client().post(running.url("/system/secrets?namespace=dev")).body(r#"{"value":"v","name":"s"}"#);
    let request =
        request.header("authorization", format!("Bearer {token}")).header("x-forwarded-user", "root");
    let answer = request.header("cookie", "a=b").header("accept", "x/y").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let got = running.provider.only();
    assert_eq!((got.method.as_str(), got.target.as_str()), ("POST", "/system/secrets?namespace=dev"));
    assert_eq!(got.body, r#"{"name":"s","namespace":"dev","value":"v"}"#);
    assert_eq!(got.header("authorization"), Some("Basic YWRtaW46aHVudGVyMg=="));
    assert_eq!(got.header("accept"), Some("x/y"));
    assert_eq!((got.header("cookie"), got.header("x-forwarded-user")), (None, None));
}

#[tokio::test]
async fn lists_hold_what_the_caller_may_see_and_nothing_else() {
    let running = Running::new().await;
    let list = async |sub: &str, target: &str| {
        let token = running.api_token(sub).await;
        let (status, text) = running.send("GET", target, Some(&token), "").await;
        (status, serde_json::from_str::<Value>(&text).unwrap_or(Value::Null))
    };
    let env = json!({"name": "env", "namespace": "dev", "replicas": 1});
    assert_eq!(list("eve", "/system/functions?namespace=dev").await, (200, json!([env])));
    let all = json!([env, {"name": "other", "namespace": "dev"}]);
    assert_eq!(list("alice", "/system/functions?namespace=dev").await, (200, all.clone()));
    assert_eq!(
        list("root", "/system/functions?namespace=dev").await,
        (200, all),
        "of the namespace asked for"
    );
    assert_eq!(list("eve", "/system/functions?namespace=prod").await.0, 403);
    assert_eq!(list("alice", "/system/namespaces").await, (200, json!(["dev"])));
    assert_eq!(list("root", "/system/namespaces").await, (200, json!(["dev", "prod"])));
    assert_eq!(list("eve", "/system/namespaces").await.0, 403);
    let secrets = json!([{"name": "s", "namespace": "dev"}]);
    assert_eq!(list("alice", "/system/secrets?namespace=dev").await, (200, secrets));
}

#[tokio::test]
async fn s17_what_is_taken_away_is_felt_by_tokens_already_out() {
    for (sort, name, status) in
        [(Sort::Role, "dev", 403), (Sort::Policy, "dev", 403), (Sort::Issuer, "idp", 401)]
    {
        let mut running = Running::new().await;
        let token = running.api_token("alice").await;
        let get = "/system/function/env?namespace=dev";
        assert_eq!(running.send("GET", get, Some(&token), "").await.0, 200);
        running.remove(sort, name);
        assert_eq!(running.send("GET", get, Some(&token), "").await.0, status, "{name}");
    }
}

#[tokio::test]
async fn a_role_that_was_given_later_does_not_widen_a_token_that_is_out() {
    let mut running = Running::new().await;
    let token = running.api_token("eve").await;
    running.change(|bundle| bundle.insert("more", role("dev", IDP, "eve")));
    assert_eq!(
        running
            .send("DELETE", "/system/functions?namespace=dev", Some(&token), r#"{"functionName":"env"}"#)
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn s11a_protected_labels_stay_as_deployed_unless_the_caller_may_tag() {
    let running = Running::new().await;
    let (alice, root) = (running.api_token("alice").await, running.api_token("root").await);
    let deploy = async |token: &str, labels: Value| {
        running.provider.take();
        let body = json!({"service": "env", "namespace": "dev", "labels": labels}).to_string();
        let (status, _) = running.send("PUT", "/system/functions", Some(token), &body).await;
        let got = running.provider.take().into_iter().rfind(|got| got.method == "PUT");
        (status, got.map(|got| serde_json::from_str::<Value>(&got.body).unwrap()["labels"].clone()))
    };
    let kept = json!({"iam.openfaas.com/g": "1", "team": "x"});
    assert_eq!(deploy(&alice, json!({"team": "x"})).await, (200, Some(kept)), "dropping it drops nothing");
    assert_eq!(deploy(&alice, json!({"iam.openfaas.com/g": "2"})).await, (403, None));
    assert_eq!(
        deploy(&root, json!({"iam.openfaas.com/g": "2"})).await,
        (200, Some(json!({"iam.openfaas.com/g": "2"})))
    );
    assert_eq!(deploy(&root, json!({})).await, (200, Some(json!({}))));
}

/// Somebody who may do one of these to functions and Secrets in `dev`, and tag.
fn only(bundle: &mut Bundle, name: &str, verb: &str) {
    let actions = [format!("Function:{verb}"), format!("Secret:{verb}"), "Function:Tag".to_owned()];
    let policy = json!({"statements": [{"sid": "s", "actions": actions, "resources": ["dev:*"]}]});
    let policy = serde_json::from_value(policy).unwrap();
    bundle.insert(name, Record::Policy { origin: Origin::default(), policy });
    bundle.insert(name, role(name, IDP, name));
}

#[tokio::test]
async fn who_may_only_create_replaces_nothing_and_who_may_only_update_creates_nothing() {
    let mut running = Running::new().await;
    running.change(|bundle| {
        only(bundle, "carl", "Create");
        only(bundle, "uma", "Update");
    });
    let function = ("/system/functions?namespace=dev", "service", "/system/function/NAME?namespace=dev");
    let secret = ("/system/secrets?namespace=dev", "name", "/system/secrets?namespace=dev");
    for (target, field, question) in [function, secret] {
        let there = if field == "service" { "env" } else { "s" };
        for (sub, method, name, want) in [
            ("carl", "POST", "new", Ok(true)),
            ("carl", "POST", there, Err("Update")),
            ("uma", "PUT", there, Ok(true)),
            ("uma", "PUT", "new", Err("Create")),
            ("root", "POST", there, Ok(false)),
            ("root", "PUT", "new", Ok(false)),
        ] {
            let (token, body) = (running.api_token(sub).await, format!(r#"{{"{field}":"{name}"}}"#));
            let (status, text) = running.send(method, target, Some(&token), &body).await;
            let got: Vec<_> =
                running.provider.take().iter().map(|g| format!("{} {}", g.method, g.target)).collect();
            let asked = format!("GET {}", question.replace("NAME", name));
            let changed = format!("{method} {target}");
            let expected = match want {
                Ok(true) => vec![asked, changed],
                Ok(false) => vec![changed],
                Err(_) => vec![asked],
            };
            assert_eq!(got, expected, "{sub} {method} {name}: {status} {text}");
            if let Err(verb) = want {
                assert_eq!(status, 403, "{text}");
                assert!(text.contains(&format!(":{verb} dev:")) && text.contains("there"), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn where_the_provider_does_not_say_what_is_there_nothing_is_changed() {
    let router = axum::Router::new().fallback(|| async { axum::http::StatusCode::NOT_IMPLEMENTED });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut bundle = world();
    only(&mut bundle, "carl", "Create");
    let running = Running::before(Provider::default(), upstream, BasicAuth::Deny, Some(bundle)).await;
    let token = running.api_token("carl").await;
    for (target, body) in [
        ("/system/functions?namespace=dev", r#"{"service":"new"}"#),
        ("/system/secrets?namespace=dev", r#"{"name":"new"}"#),
    ] {
        assert_eq!(running.send("POST", target, Some(&token), body).await.0, 502, "{target}");
    }
}

#[tokio::test]
async fn s11a_secrets_of_ours_are_neither_named_nor_changed() {
    let running = Running::new().await;
    let token = running.api_token("root").await;
    for (target, body) in [
        ("/system/functions", r#"{"service":"env","namespace":"openfaas","secrets":["issuer-key"]}"#),
        ("/system/functions", r#"{"service":"env","namespace":"dev","secrets":["other-identity"]}"#),
        ("/system/secrets", r#"{"name":"basic-auth","namespace":"openfaas","value":"x"}"#),
        ("/system/secrets", r#"{"name":"faas-iam-bundle","namespace":"dev","value":"x"}"#),
        ("/system/secrets", r#"{"name":"guarded","namespace":"openfaas","value":"x"}"#),
    ] {
        let (status, text) = running.send("POST", target, Some(&token), body).await;
        assert_eq!(status, 403, "{body}");
        assert!(text.contains("managed by faas-iam"), "{text}");
    }
    assert!(running.provider.take().is_empty());
    let own = r#"{"service":"env","namespace":"dev","secrets":["env-identity","mine"]}"#;
    assert_eq!(running.send("POST", "/system/functions", Some(&token), own).await.0, 200);
}

#[tokio::test]
async fn basic_auth_lets_in_whom_roles_bind_and_only_while_migrating() {
    let list = async |running: &Running, pair: &str| {
        let (user, password) = pair.split_once(':').unwrap();
        let request =
            client().get(running.url("/system/functions?namespace=dev")).basic_auth(user, Some(password));
        request.send().await.unwrap().status().as_u16()
    };
    let denying = Running::new().await;
    assert_eq!(list(&denying, "admin:hunter2").await, 401);
    let mut migrating = Running::with(BasicAuth::Migrate, Some(world())).await;
    assert_eq!(list(&migrating, "admin:hunter2").await, 200);
    assert_eq!(list(&migrating, "admin:wrong").await, 401);
    migrating.remove(Sort::Role, "root-basic");
    assert_eq!(list(&migrating, "admin:hunter2").await, 403);
}

#[tokio::test]
async fn s29_before_the_first_bundle_nothing_is_served_and_an_empty_one_denies() {
    let waiting = Running::with(BasicAuth::Deny, None).await;
    for target in ["/system/info", "/function/env", "/.well-known/keys"] {
        assert_eq!(waiting.send("GET", target, None, "").await.0, 503, "{target}");
    }
    assert_eq!(waiting.send("GET", "/healthz", None, "").await.0, 200);
    let empty = Running::with(BasicAuth::Deny, Some(Default::default())).await;
    assert_eq!(empty.send("GET", "/system/info", None, "").await.0, 401);
    assert_eq!(empty.send("GET", "/function/env", None, "").await.0, 200, "the installation's default");
}

#[tokio::test]
async fn an_upstream_that_refuses_our_credential_is_no_fault_of_the_callers() {
    let refusing = axum::Router::new().fallback(|| async { axum::http::StatusCode::UNAUTHORIZED });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, refusing).await });
    let upstream = Upstream::new(&url).unwrap();
    let running = Running::before(Provider::default(), upstream, BasicAuth::Deny, Some(world())).await;
    let token = running.api_token("root").await;
    assert_eq!(running.send("GET", "/system/info", Some(&token), "").await.0, 502);
}
