//! Connections to the upstream: which are used again, and which never; and how clients' own are told apart.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::support::*;
use super::wire::read_until;
use crate::gateway::forward::Upstream;
use crate::gateway::listen::Listening;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn running() -> (Running, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (Running::bounded(upstream, Listening::default()).await, listener)
}

/// Sends a request by hand.
async fn ask(running: &Running, request: &str) -> TcpStream {
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(format!("{request}\r\nHost: a\r\n\r\n").as_bytes()).await.unwrap();
    client
}

const GET: &str = "GET /function/env HTTP/1.1";

/// Answers the next request that comes by this connection; its target.
async fn answer(upstream: &mut TcpStream, with: &str) -> String {
    let head = read_until(upstream, "\r\n\r\n").await;
    upstream.write_all(with.as_bytes()).await.unwrap();
    head.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_answer_is_over() {
    let (running, listener) = running().await;
    let mut first = ask(&running, GET).await;
    let (mut upstream, _) = listener.accept().await.unwrap();
    answer(&mut upstream, OK).await;
    read_until(&mut first, "ok").await;
    for (method, answered, seen) in [
        ("GET", OK, "ok"),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", "204"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", "304"),
        ("GET", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "200"),
        ("DELETE", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200"),
    ] {
        let mut client = ask(&running, &format!("{method} /function/env HTTP/1.1")).await;
        // By the same connection, or this waits for ever.
        answer(&mut upstream, answered).await;
        read_until(&mut client, seen).await;
    }
}

#[tokio::test]
async fn s10_a_connection_on_which_an_answer_is_owed_is_never_used_again() {
    let (running, listener) = running().await;
    // The client leaves, in the middle of the answer or before it.
    for half in ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\n"] {
        let mut client = ask(&running, GET).await;
        let (mut upstream, _) = listener.accept().await.unwrap();
        answer(&mut upstream, half).await;
        if half.ends_with("half") {
            read_until(&mut client, "half").await;
        }
        drop(client);
        // At once, and not when idle connections are looked at.
        let mut rest = Vec::new();
        let _ = timeout(Duration::from_secs(20), upstream.read_to_end(&mut rest)).await.expect("it ends");
        assert!(rest.is_empty(), "{half}");
        // The next one comes by another.
        let mut next = ask(&running, GET).await;
        let (mut other, _) = listener.accept().await.unwrap();
        answer(&mut other, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
        read_until(&mut next, "ok").await;
    }
}

#[tokio::test]
async fn s10_an_answer_before_the_end_of_the_request_leaves_a_connection_that_nobody_uses_again() {
    let (running, listener) = running().await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    let begun = b"POST /function/env HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
    client.write_all(begun).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_until(&mut upstream, "half").await;
    upstream.write_all(OK.as_bytes()).await.unwrap();
    read_until(&mut client, "ok").await;
    let mut next = ask(&running, GET).await;
    let (mut other, _) = listener.accept().await.unwrap();
    answer(&mut other, OK).await;
    read_until(&mut next, "ok").await;
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_is_not_asked_and_nothing_is_asked_twice() {
    let (running, listener) = running().await;
    let mut first = ask(&running, GET).await;
    let (mut upstream, _) = listener.accept().await.unwrap();
    answer(&mut upstream, OK).await;
    read_until(&mut first, "ok").await;
    drop(upstream);
    // The system has told of it once it tells of something that came later.
    read_until(&mut ask(&running, "GET /healthz HTTP/1.1").await, "ok").await;
    let mut next = ask(&running, "GET /function/env/next HTTP/1.1").await;
    let (mut other, _) = listener.accept().await.unwrap();
    assert_eq!(answer(&mut other, OK).await, "/function/env.openfaas-fn/next");
    read_until(&mut next, "ok").await;
}

#[tokio::test]
async fn what_a_client_speaks_is_told_by_its_first_bytes_however_they_come() {
    let (running, listener) = running().await;
    tokio::spawn(async move {
        let (mut upstream, _) = listener.accept().await.unwrap();
        loop {
            answer(&mut upstream, OK).await;
        }
    });
    // The beginning of HTTP/2 by the client, and its settings; the server answers with its own (RFC 9113 section 3.4).
    let http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let http1 = |method| format!("{method} /function/env HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    for (bytes, first) in [
        (http1("GET").as_str(), &b"HTTP/1.1 200"[..]),
        (&http1("POST"), b"HTTP/1.1 200"),
        (&http1("PUT"), b"HTTP/1.1 200"),
        (&http1("PRINT"), b"HTTP/1.1 200"),
        (&format!("\r\n{}", http1("GET")), b"HTTP/1.1 200"),
        (http2, &[0, 0]),
    ] {
        for at_once in [1, 2, 3, 4, bytes.len()] {
            let mut client = TcpStream::connect(running.address).await.unwrap();
            client.set_nodelay(true).unwrap();
            for piece in bytes.as_bytes().chunks(at_once) {
                client.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            let mut answered = vec![0; first.len()];
            client.read_exact(&mut answered).await.unwrap();
            assert_eq!(answered, first, "{bytes} by {at_once}");
        }
    }
}
