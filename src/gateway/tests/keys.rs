//! Keys that nobody knows yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::support::*;
use crate::bundle::{Bundle, Origin, Record};
use crate::token::KeySet;
use crate::token::testing::P256;

/// An identity provider on loopback that has the key `idp` and counts who asks for it.
async fn provider() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let iss = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let (document, counter) = (json!({"issuer": iss, "jwks_uri": format!("{iss}/keys")}), asked.clone());
    let router = axum::Router::new()
        .route("/.well-known/openid-configuration", axum::routing::get(|| async { json_answer(document) }))
        .route(
            "/keys",
            axum::routing::get(move || async move {
                counter.fetch_add(1, Ordering::SeqCst);
                json_answer(json!({"keys": [P256.jwk(json!({"kid": "idp"}))]}))
            }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    (iss, asked)
}

fn declared(iss: &str) -> Bundle {
    let mut bundle = world();
    let issuer = json!({"iss": iss, "aud": ["gw"], "token_expiry": 1800, "keys": "discovery"});
    let issuer = serde_json::from_value(issuer).unwrap();
    bundle.insert(
        "new",
        Record::Issuer { origin: Origin::default(), issuer, keys: KeySet::default(), stale_since: None },
    );
    bundle.insert("new", role("dev", iss, "alice"));
    bundle
}

#[tokio::test]
async fn s21_an_unknown_key_is_asked_for_once_for_all_who_wait_and_then_not_again() {
    let (iss, asked) = provider().await;
    let running = Running::with(Default::default(), Some(declared(&iss))).await;
    let token = |kid: &str| {
        signed(kid, json!({"iss": iss, "aud": "gw", "sub": "alice", "exp": running.gateway.now() + 60}))
    };
    let good = token("idp");
    let all = futures::future::join_all((0..8).map(|_| running.exchange(&good, &[]))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    for kid in ["other", "another"] {
        assert!(running.exchange(&token(kid), &[]).await.is_err());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "within the cool-down nobody is asked");
}

#[tokio::test]
async fn newer_keys_outlive_a_bundle_that_still_has_the_old_ones() {
    let (iss, asked) = provider().await;
    let mut running = Running::with(Default::default(), Some(declared(&iss))).await;
    let token =
        signed("idp", json!({"iss": iss, "aud": "gw", "sub": "alice", "exp": running.gateway.now() + 60}));
    assert!(running.exchange(&token, &[]).await.is_ok());
    running.change(|bundle| bundle.insert("more", role("see", IDP, "carol")));
    assert!(running.exchange(&token, &[]).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s14_an_issuer_whose_keys_come_from_elsewhere_by_now_keeps_none_of_the_old_ones() {
    let (iss, _) = provider().await;
    let mut running = Running::with(Default::default(), Some(declared(&iss))).await;
    let token =
        signed("idp", json!({"iss": iss, "aud": "gw", "sub": "alice", "exp": running.gateway.now() + 60}));
    assert!(running.exchange(&token, &[]).await.is_ok());
    let moved =
        json!({"iss": iss, "aud": ["gw"], "token_expiry": 1800, "keys": {"internal": "https://idp.invalid"}});
    running.change(|bundle| {
        let (issuer, keys) = (serde_json::from_value(moved).unwrap(), KeySet::default());
        let origin = Origin::default();
        bundle.insert("new", Record::Issuer { origin, issuer, keys, stale_since: None });
    });
    assert!(running.exchange(&token, &[]).await.is_err());
}

#[tokio::test]
async fn s20_nobody_is_asked_because_of_what_a_token_says() {
    let (iss, asked) = provider().await;
    let running = Running::new().await;
    let token =
        signed("idp", json!({"iss": iss, "aud": "gw", "sub": "alice", "exp": running.gateway.now() + 60}));
    assert!(running.exchange(&token, &[]).await.is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
