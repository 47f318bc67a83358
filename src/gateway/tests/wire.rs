//! Bytes: framing that is ambiguous, streams, upgrades.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::support::*;
use crate::gateway::config::BasicAuth;
use crate::gateway::forward::Upstream;

/// Sends bytes and reads until the gateway closes, or answers and waits.
async fn raw(running: &Running, bytes: &str) -> String {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(10), read).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn s10_ambiguous_framing_smuggles_nothing() {
    let running = Running::new().await;
    let hidden = "GET /function/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let with = |headers: &str, body: &str| {
        format!("POST /function/env HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}")
    };
    for request in [
        with("Content-Length: 4\r\nContent-Length: 5", hidden),
        with("Content-Length: 4, 5", hidden),
        with("Content-Length: +4", hidden),
        with("Content-Length : 4", hidden),
        with("Transfer-Encoding: xchunked\r\nContent-Length: 0", hidden),
        with("Transfer-Encoding: chunked, identity", hidden),
        with("Transfer-Encoding : chunked", hidden),
        with("X: a\r\n Content-Length: 4", hidden),
    ] {
        raw(&running, &request).await;
        let got = running.provider.take();
        assert!(got.iter().all(|got| !got.target.contains("smuggled")), "{request}\n{got:?}");
    }
}

#[tokio::test]
async fn s10_of_length_and_chunks_the_chunks_count_and_the_length_is_not_handed_on() {
    let running = Running::new().await;
    let request = "POST /function/env HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    raw(&running, request).await;
    let got = running.provider.take();
    assert!(got.iter().all(|got| got.body == "hello" && got.header("content-length").is_none()), "{got:?}");
}

#[tokio::test]
async fn a_request_line_that_is_none_never_gets_further() {
    let running = Running::new().await;
    for line in [
        "GET /system/\u{0}functions HTTP/1.1",
        "GET  /function/env HTTP/1.1",
        "GET /function/e nv HTTP/1.1",
        "GET /../system/info HTTP/1.1",
        "GET //system/info HTTP/1.1",
        "GET /function/%2e%2e HTTP/1.1",
    ] {
        let answer = raw(&running, &format!("{line}\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{line}: {answer}");
    }
    assert!(running.provider.take().is_empty());
}

/// An upstream that answers one connection by hand.
pub async fn by_hand() -> (Running, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (Running::before(Provider::default(), upstream, BasicAuth::Deny, Some(world())).await, listener)
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let count = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

pub async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.contains(end) {
        let some = read_some(stream).await;
        assert!(!some.is_empty(), "ended after {text:?}");
        text.push_str(&some);
    }
    text
}

#[tokio::test]
async fn events_arrive_as_they_are_sent() {
    let (running, listener) = by_hand().await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(b"GET /function/env HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_until(&mut upstream, "\r\n\r\n").await;
    upstream
        .write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .await
        .unwrap();
    for event in ["data: one", "data: two"] {
        upstream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await.unwrap();
        assert!(
            read_until(&mut client, event).await.ends_with(&format!("{event}\r\n")),
            "before the next is sent"
        );
    }
}

#[tokio::test]
async fn bodies_go_up_as_they_come() {
    let (running, listener) = by_hand().await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client
        .write_all(
            b"POST /function/env HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
        )
        .await
        .unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    assert!(read_until(&mut upstream, "one").await.contains("POST /function/env.openfaas-fn "));
    client.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut upstream, "two").await;
}

#[tokio::test]
async fn who_waits_to_be_told_to_go_on_is_told() {
    let (running, listener) = by_hand().await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client
        .write_all(
            b"POST /function/env HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
        )
        .await
        .unwrap();
    let serving = tokio::spawn(async move {
        let (mut upstream, _) = listener.accept().await.unwrap();
        let head = read_until(&mut upstream, "\r\n\r\n").await;
        if head.to_ascii_lowercase().contains("expect: 100-continue") {
            upstream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        }
        if !head.ends_with("body") {
            read_until(&mut upstream, "body").await;
        }
        upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    });
    assert!(read_until(&mut client, "\r\n\r\n").await.starts_with("HTTP/1.1 100 Continue"));
    client.write_all(b"body").await.unwrap();
    assert!(read_until(&mut client, "ok").await.contains("200 OK"));
    serving.await.unwrap();
}

#[tokio::test]
async fn a_connection_goes_over_to_another_protocol() {
    let (running, listener) = by_hand().await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client
        .write_all(
            b"GET /function/env HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        )
        .await
        .unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    let head = read_until(&mut upstream, "\r\n\r\n").await.to_ascii_lowercase();
    assert!(head.contains("connection: upgrade") && head.contains("upgrade: websocket"), "{head}");
    upstream
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        .await
        .unwrap();
    let answer = read_until(&mut client, "\r\n\r\n").await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101") && answer.contains("upgrade: websocket"), "{answer}");
    client.write_all(b"ping").await.unwrap();
    assert_eq!(read_until(&mut upstream, "ping").await, "ping");
    upstream.write_all(b"pong").await.unwrap();
    assert_eq!(read_until(&mut client, "pong").await, "pong");
}

#[tokio::test]
async fn an_upstream_that_is_gone_or_dies_is_told_as_what_it_is() {
    let (running, listener) = by_hand().await;
    let dying = tokio::spawn(async move {
        let (mut upstream, _) = listener.accept().await.unwrap();
        read_until(&mut upstream, "\r\n\r\n").await;
        upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
    });
    let answer = client().get(running.url("/function/env")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err(), "half an answer is no answer");
    dying.await.unwrap();
    let (status, text) = running.send("GET", "/function/env", None, "").await;
    assert_eq!(status, 502, "{text}");
    assert!(text.contains("does not answer"), "{text}");
}
