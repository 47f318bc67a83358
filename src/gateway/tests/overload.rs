//! More than there is room for: who waits, who is refused, and that others are served.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::support::*;
use super::wire::read_until;
use crate::gateway::buffers::{Budget, Buffers};
use crate::gateway::forward::Upstream;
use crate::gateway::listen::Listening;
use crate::gateway::peers::Limits;

const GET: &[u8] = b"GET /function/env HTTP/1.1\r\nHost: a\r\n\r\n";

async fn limited(limits: Limits) -> (Running, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (Running::bounded(upstream, Listening { limits, ..Listening::default() }).await, listener)
}

/// Another address of this machine.
async fn connect(running: &Running, from: &str) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(running.address).await.unwrap()
}

#[tokio::test]
async fn s27_one_address_cannot_take_all_connections() {
    let (running, listener) = limited(Limits { connections_of_one: 2, ..Limits::default() }).await;
    let _held = [connect(&running, "127.0.0.1").await, connect(&running, "127.0.0.1").await];
    while running.gateway.metrics.connections.get() < 2 {
        tokio::task::yield_now().await;
    }
    let mut third = connect(&running, "127.0.0.1").await;
    assert!(!matches!(third.read(&mut [0; 1]).await, Ok(1..)), "it is closed");
    let mut other = connect(&running, "127.0.0.2").await;
    other.write_all(GET).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    read_until(&mut other, "ok").await;
}

#[tokio::test]
async fn s27_requests_beyond_the_bound_are_told_to_come_again() {
    let (running, listener) = limited(Limits { requests_of_one: 1, ..Limits::default() }).await;
    let mut first = connect(&running, "127.0.0.1").await;
    first.write_all(GET).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    let mut second = connect(&running, "127.0.0.1").await;
    second.write_all(GET).await.unwrap();
    let answer = read_until(&mut second, "again soon").await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503") && answer.contains("retry-after: 1"), "{answer}");
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    read_until(&mut first, "ok").await;
    // Its place is free once its answer has gone out, which the client may see first.
    loop {
        second.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        if read_until(&mut second, "o").await.contains("HTTP/1.1 200") {
            break;
        }
    }
    drop(upstream);
}

async fn budgeted(budget: Budget) -> Running {
    let provider = Provider::default();
    let upstream = Upstream::new(&format!("http://{}", provider.start().await)).unwrap();
    let mut running = Running::holding(upstream, Buffers::new(budget)).await;
    running.provider = provider;
    running
}

#[tokio::test]
async fn s27_bodies_that_are_read_whole_have_a_budget_and_it_comes_back() {
    let running = budgeted(Budget { client: 2000, ..Budget::default() }).await;
    // One that holds most of it, and does not end.
    let mut slow = TcpStream::connect(running.address).await.unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2000";
    let head = format!("POST /oauth/token HTTP/1.1\r\nHost: a\r\n{form}\r\n\r\n");
    slow.write_all((head + &"a".repeat(1900)).as_bytes()).await.unwrap();
    let large = "b".repeat(500);
    let refused = loop {
        let (status, text) = running.send("POST", "/oauth/token", None, &large).await;
        if status == 503 {
            break text;
        }
    };
    assert!(refused.contains("temporarily_unavailable"), "{refused}");
    drop(slow);
    while running.send("POST", "/oauth/token", None, &large).await.0 == 503 {}
}

#[tokio::test]
async fn s27_lists_have_a_budget_for_all_callers_together() {
    let running = budgeted(Budget { provider: 20, ..Budget::default() }).await;
    let token = running.api_token("alice").await;
    let (status, text) = running.send("GET", "/system/functions?namespace=dev", Some(&token), "").await;
    assert_eq!(status, 503, "{text}");
    assert_eq!(running.send("GET", "/function/env", None, "").await.0, 200, "others are served");
}

#[tokio::test]
async fn s27_lists_for_one_person_have_a_part_of_that_budget() {
    let running = budgeted(Budget { person: 20, ..Budget::default() }).await;
    let token = running.api_token("alice").await;
    let (status, text) = running.send("GET", "/system/functions?namespace=dev", Some(&token), "").await;
    assert_eq!(status, 503, "{text}");
    let deploys = r#"{"service":"env","namespace":"dev","image":"i"}"#;
    assert_eq!(running.send("PUT", "/system/functions", Some(&token), deploys).await.0, 200);
}

#[tokio::test]
async fn what_was_made_of_a_list_holds_its_part_until_it_is_sent() {
    let running = budgeted(Budget { provider: 200, ..Budget::default() }).await;
    let token = running.api_token("alice").await;
    for _ in 0..20 {
        let (status, text) = running.send("GET", "/system/functions?namespace=dev", Some(&token), "").await;
        assert_eq!(status, 200, "{text}");
    }
}

#[tokio::test]
async fn s27_a_client_whose_form_does_not_end_is_left() {
    let running = budgeted(Budget { client_within: Duration::from_millis(200), ..Budget::default() }).await;
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client
        .write_all(b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("in time"), "{answer}");
}
