//! What goes on while what it went on by is taken away.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::support::*;
use super::wire::read_until;
use crate::bundle::{Bundle, Key, Record, Sort};
use crate::gateway::authenticate::identified;
use crate::gateway::forward::Upstream;
use crate::gateway::listen::Listening;

/// A gateway before which the functions of `dev` are private, and its upstream.
async fn running() -> (Running, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let mut running = Running::bounded(upstream, Listening::default()).await;
    running.change(|bundle| bundle.insert("p", private(&["dev:*"])));
    (running, listener)
}

/// Asks, and has the upstream answer with this head.
async fn begun(running: &Running, listener: &TcpListener, ask: &str, head: &str) -> (TcpStream, TcpStream) {
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(format!("{ask}\r\nHost: a\r\n\r\n").as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_until(&mut upstream, "\r\n\r\n").await;
    upstream.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut client, "\r\n\r\n").await;
    (client, upstream)
}

/// What is said anew.
type Change = fn(&mut Bundle);

fn remove(bundle: &mut Bundle, sort: Sort, name: &str) {
    assert!(bundle.remove(&Key::new(sort, name)).is_some(), "{name}");
}

/// What takes nothing away from alice.
fn harmless(bundle: &mut Bundle) {
    bundle.insert("more", role("see", IDP, "alice"));
}

/// What takes all away.
const TAKEN: [Change; 4] = [
    |bundle| {
        remove(bundle, Sort::Role, "dev");
        remove(bundle, Sort::Role, "more");
    },
    |bundle| remove(bundle, Sort::Issuer, "idp"),
    |bundle| bundle.insert("alice", Record::Revocation { before: i64::MAX }),
    |bundle| remove(bundle, Sort::Issuer, "system"),
];

/// What comes until the end, which has to come.
async fn rest_of(mut client: TcpStream) -> String {
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(20), client.read_to_end(&mut rest)).await.expect("it ends");
    String::from_utf8_lossy(&rest).into_owned()
}

#[tokio::test]
async fn s17_a_connection_that_went_over_ends_as_soon_as_its_right_does_and_no_sooner() {
    let wish = "Connection: Upgrade\r\nUpgrade: websocket";
    let agreed = format!("HTTP/1.1 101 Switching Protocols\r\n{wish}\r\n\r\n");
    for (n, taken) in TAKEN.iter().enumerate() {
        let (mut running, listener) = running().await;
        let token = running.function_token("alice", &[]).await;
        let ask = format!("GET /function/env.dev HTTP/1.1\r\n{wish}\r\nAuthorization: Bearer {token}");
        let (mut client, mut upstream) = begun(&running, &listener, &ask, &agreed).await;
        running.change(harmless);
        upstream.write_all(b"ping").await.unwrap();
        read_until(&mut client, "ping").await;
        running.change(taken);
        assert_eq!((rest_of(client).await, rest_of(upstream).await), (String::new(), String::new()), "{n}");
    }
}

const STREAM: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

async fn send(upstream: &mut TcpStream, event: &str) {
    upstream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_there_goes_out_whole_whatever_is_decided_meanwhile() {
    let (mut running, listener) = running().await;
    let token = running.function_token("alice", &[]).await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    let ask = format!("GET /function/env.dev HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    client.write_all(ask.as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_until(&mut upstream, "\r\n\r\n").await;
    running.change(TAKEN[1]);
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert!(read_until(&mut client, "\r\n\r\nok").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn s17_of_a_stream_nothing_more_comes_once_its_right_is_gone() {
    for (n, taken) in TAKEN.iter().enumerate() {
        for target in ["/function/env.dev", "/system/logs?name=env&namespace=dev&follow=true"] {
            let (mut running, listener) = running().await;
            let token = match target.starts_with("/function") {
                true => running.function_token("alice", &[]).await,
                false => running.api_token("alice").await,
            };
            let ask = format!("GET {target} HTTP/1.1\r\nAuthorization: Bearer {token}");
            let (mut client, mut upstream) = begun(&running, &listener, &ask, STREAM).await;
            running.change(harmless);
            send(&mut upstream, "one").await;
            read_until(&mut client, "one").await;
            running.change(taken);
            send(&mut upstream, "two").await;
            let rest = rest_of(client).await;
            assert!(!rest.contains("two") && !rest.contains("0\r\n\r\n"), "{n} {target}: {rest:?}");
        }
    }
}

#[tokio::test]
async fn s17_a_public_stream_ends_where_its_function_becomes_private() {
    let (mut running, listener) = running().await;
    let (mut client, mut upstream) =
        begun(&running, &listener, "GET /function/env.prod HTTP/1.1", STREAM).await;
    running.change(|bundle| bundle.insert("q", private(&["prod:other"])));
    send(&mut upstream, "one").await;
    read_until(&mut client, "one").await;
    running.change(|bundle| bundle.insert("q", private(&["prod:env"])));
    send(&mut upstream, "two").await;
    assert!(!rest_of(client).await.contains("two"));
}

#[tokio::test]
async fn what_goes_on_does_not_end_because_its_token_has_expired_since() {
    let running = Running::new().await;
    let now = running.gateway.now();
    let claims = json!({"iss": US, "aud": [US], "sub": "fed:alice", "iat": now - 600, "exp": now - 60,
        "openfaas:kind": "api", "fed:iss": IDP, "fed:aud": ["gw"], "policy": ["dev"]});
    let (token, snapshot) = (running.own(claims), running.gateway.snapshot().unwrap());
    assert!(identified(&snapshot, &token, now - 300).is_ok());
    assert!(identified(&snapshot, &token, now).is_err());
}
