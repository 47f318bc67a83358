//! Access tokens and revocations, at the doors they are shown at; tokens already out feel each change.

use serde_json::{Value, json};

use super::support::*;
use crate::bundle::{Record, Sort};

async fn guarded() -> Running {
    let mut running = Running::new().await;
    let expires_at = running.gateway.now() + 300;
    running.change(|bundle| {
        bundle.insert("p", private(&["dev:*"]));
        bundle.insert("id-1", Record::AccessToken { privacy: "p".into(), expires_at });
    });
    running
}

fn access(running: &Running, more: Value) -> String {
    let now = running.gateway.now();
    let mut claims = json!({"iss": US, "aud": [US], "sub": "access:p/ci", "jti": "id-1", "iat": now, "exp": now + 600,
        "openfaas:kind": "function", "function": {"permissions": ["dev:*"]}});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    running.own(claims)
}

async fn status(running: &Running, target: &str, token: &str) -> u16 {
    running.send("GET", target, Some(token), "").await.0
}

#[tokio::test]
async fn s15_an_access_token_opens_functions_and_no_other_door() {
    let running = guarded().await;
    let token = access(&running, json!({}));
    assert_eq!(status(&running, "/function/env.dev", &token).await, 200);
    assert_eq!(status(&running, "/async-function/env.dev", &token).await, 403, "only POST is queued");
    assert_eq!(running.send("POST", "/async-function/env.dev", Some(&token), "").await.0, 200);
    let sent = client().get(running.url("/function/env.dev")).header("x-auth-token", &token);
    assert_eq!(sent.send().await.unwrap().status(), 200);
    running.provider.take();
    for target in ["/system/functions?namespace=dev", "/system/info", "/system/namespaces"] {
        assert_eq!(status(&running, target, &token).await, 401, "{target}");
    }
    for more in [&[][..], &[("scope", "function")]] {
        let refused = running.exchange(&token, more).await.unwrap_err();
        assert!(
            refused["error_description"].as_str().unwrap().starts_with("a function token is for invoking"),
            "{refused}"
        );
    }
    assert!(running.provider.take().is_empty());
}

#[tokio::test]
async fn s17_a_token_that_is_out_feels_that_it_is_listed_no_longer_and_what_its_object_covers_now() {
    let mut running = guarded().await;
    let token = access(&running, json!({}));
    let env = "/function/env.dev";
    assert_eq!(status(&running, env, &token).await, 200);
    running.change(|bundle| {
        bundle.insert("p", private(&["dev:other"]));
        bundle.insert("q", private(&["dev:env"]));
    });
    assert_eq!(status(&running, env, &token).await, 403, "another object's function");
    running.change(|bundle| bundle.insert("p", private(&["dev:*"])));
    assert_eq!(status(&running, env, &token).await, 200);
    running.remove(Sort::AccessToken, "id-1");
    assert_eq!(status(&running, env, &token).await, 401);
    assert_eq!(status(&running, env, &access(&running, json!({"jti": "id-2"}))).await, 401, "never listed");
}

#[tokio::test]
async fn an_access_token_ends_with_what_ends_first_its_listing_or_itself() {
    let mut running = guarded().await;
    let now = running.gateway.now();
    let short = access(&running, json!({"exp": now - 5}));
    assert_eq!(status(&running, "/function/env.dev", &short).await, 401);
    let token = access(&running, json!({}));
    assert_eq!(status(&running, "/function/env.dev", &token).await, 200);
    let (gateway, now_is) = (&running.gateway, running.gateway.snapshot().unwrap());
    let identity = gateway.identify(&now_is, &token, gateway.now()).await.unwrap();
    assert_eq!(identity.until, identity.principal.ends().unwrap(), "it is remembered no longer");
    running.change(|bundle| {
        bundle.insert("id-1", Record::AccessToken { privacy: "p".into(), expires_at: now - 1 })
    });
    assert_eq!(status(&running, "/function/env.dev", &token).await, 401);
}

#[tokio::test]
async fn s17_a_revoked_subject_is_refused_at_every_door_though_it_was_let_in_before() {
    for name in ["alice", "fed:alice"] {
        let mut running = guarded().await;
        let (api, function) = (running.api_token("alice").await, running.function_token("alice", &[]).await);
        let (list, call) = ("/system/functions?namespace=dev", "/function/env.dev");
        assert_eq!((status(&running, list, &api).await, status(&running, call, &function).await), (200, 200));
        let before = running.gateway.now() + 1;
        running.change(|bundle| bundle.insert(name, Record::Revocation { before }));
        assert_eq!(
            (status(&running, list, &api).await, status(&running, call, &function).await),
            (401, 401),
            "{name}"
        );
        let refused = running.exchange(&api, &[("scope", "function")]).await.unwrap_err();
        assert!(refused["error_description"].as_str().unwrap().contains("it was revoked"), "{refused}");
        let eve = running.api_token("eve").await;
        assert_eq!(status(&running, list, &eve).await, 200, "nobody else's");
    }
}

#[tokio::test]
async fn s17_what_was_exchanged_before_is_not_exchanged_again_and_a_new_login_is() {
    let mut running = guarded().await;
    let now = running.gateway.now();
    let login = |iat: i64| {
        signed("idp", json!({"iss": IDP, "aud": "gw", "sub": "alice", "exp": now + 600, "iat": iat}))
    };
    running.change(|bundle| bundle.insert("alice", Record::Revocation { before: now - 60 }));
    assert!(running.exchange(&login(now - 61), &[]).await.is_err());
    let api = running.exchange(&login(now - 60), &[]).await.unwrap();
    assert_eq!(status(&running, "/system/functions?namespace=dev", &api).await, 200);
}

#[tokio::test]
async fn s17_one_token_is_revoked_by_its_id() {
    let mut running = guarded().await;
    let token = access(&running, json!({}));
    assert_eq!(status(&running, "/function/env.dev", &token).await, 200);
    let before = running.gateway.now() + 1;
    running.change(|bundle| bundle.insert("id-1", Record::Revocation { before }));
    assert_eq!(status(&running, "/function/env.dev", &token).await, 401);
    let later = access(&running, json!({"iat": before}));
    assert_eq!(status(&running, "/function/env.dev", &later).await, 200);
}
