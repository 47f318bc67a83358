//! Keys that nobody knows yet.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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

/// One whose keys, all the same but for their ids, can be changed; without any it fails.
async fn changing(kids: &[&'static str]) -> (String, Arc<Mutex<Vec<&'static str>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let iss = format!("http://{}", listener.local_addr().unwrap());
    let kids = Arc::new(Mutex::new(kids.to_vec()));
    let (document, has) = (json!({"issuer": iss, "jwks_uri": format!("{iss}/keys")}), kids.clone());
    let keys = move || async move {
        let kids = has.lock().unwrap().clone();
        let keys: Vec<_> = kids.iter().map(|kid| P256.jwk(json!({"kid": kid}))).collect();
        json_answer(json!({"keys": keys}))
    };
    let router = axum::Router::new()
        .route("/.well-known/openid-configuration", axum::routing::get(|| async { json_answer(document) }))
        .route("/keys", axum::routing::get(keys));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (iss, kids)
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

/// This issuer with one key in the bundle.
fn with_key(iss: &str, kid: &str) -> Record {
    let keys = json!({"keys": [P256.jwk(json!({"kid": kid}))]});
    let keys = KeySet::parse(&keys, crate::token::Source::Remote).unwrap().set;
    let issuer = json!({"iss": iss, "aud": ["gw"], "token_expiry": 1800, "keys": "discovery"});
    let (origin, issuer) = (Origin::default(), serde_json::from_value(issuer).unwrap());
    Record::Issuer { origin, issuer, keys, stale_since: None }
}

/// A gateway whose bundle has the key `old` of this issuer, and a token by a key of its.
async fn knowing(iss: &str) -> (Running, impl Fn(&str) -> String) {
    let mut bundle = declared(iss);
    bundle.insert("new", with_key(iss, "old"));
    let running = Running::with(Default::default(), Some(bundle)).await;
    let claims = json!({"iss": iss, "aud": "gw", "sub": "alice", "exp": running.gateway.now() + 60});
    (running, move |kid: &str| signed(kid, claims.clone()))
}

#[tokio::test]
async fn s19_keys_that_turn_out_to_be_the_same_make_nothing_be_verified_anew() {
    let (iss, _) = changing(&["old"]).await;
    let (running, token) = knowing(&iss).await;
    let epoch = || running.gateway.snapshot().unwrap().epoch;
    let before = epoch();
    assert!(running.exchange(&token("made up"), &[]).await.is_err());
    let asked = format!("faas_iam_gateway_key_refreshes_total{{iss=\"{iss}\",result=\"ok\"}}");
    assert_eq!(running.metric(&asked), Some(1.0));
    assert_eq!(epoch(), before);
    assert!(running.exchange(&token("old"), &[]).await.is_ok());
}

#[tokio::test]
async fn s21_a_key_that_came_and_went_between_two_bundles_ends_with_the_next_refresh() {
    let (iss, kids) = changing(&["old", "new"]).await;
    let (running, token) = knowing(&iss).await;
    assert!(running.exchange(&token("new"), &[]).await.is_ok());
    *kids.lock().unwrap() = vec!["old"];
    running.gateway.refresher.age(Duration::from_secs(31));
    running.gateway.refresh_newer().await;
    assert!(running.exchange(&token("new"), &[]).await.is_err());
    assert!(running.exchange(&token("old"), &[]).await.is_ok());
}

#[tokio::test]
async fn s21_keys_that_cannot_be_read_anew_are_used_for_a_day() {
    let (iss, kids) = changing(&["old", "new"]).await;
    let (running, token) = knowing(&iss).await;
    assert!(running.exchange(&token("new"), &[]).await.is_ok());
    kids.lock().unwrap().clear();
    running.gateway.refresher.age(Duration::from_secs(23 * 3600));
    running.gateway.refresh_all().await;
    assert!(running.exchange(&token("new"), &[]).await.is_ok());
    running.gateway.refresher.age(Duration::from_secs(3600));
    running.gateway.refresh_all().await;
    assert!(running.exchange(&token("new"), &[]).await.is_err());
}

#[tokio::test]
async fn s21_newer_keys_end_with_the_keys_of_the_bundle_that_they_succeeded() {
    let (iss, _) = changing(&["old", "new"]).await;
    let (mut running, token) = knowing(&iss).await;
    assert!(running.exchange(&token("new"), &[]).await.is_ok());
    running.change(|bundle| bundle.insert("new", with_key(&iss, "newest")));
    assert!(running.exchange(&token("new"), &[]).await.is_err());
    assert!(running.exchange(&token("newest"), &[]).await.is_ok());
}
