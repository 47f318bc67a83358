//! Upstreams that are slow, broken, lying or behind TLS: what the client is told, and what is never taken for
//! an answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::support::*;
use super::wire::read_until;
use crate::gateway::config::BasicAuth;
use crate::gateway::forward::{Patience, Upstream};
use crate::trust::TrustBundle;
use crate::trust::testing::{Authority, acceptor};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LITTLE: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(3600);

fn patience() -> Patience {
    Patience { connect: LONG, provider: LONG, function: None, body: LONG }
}

async fn with(patience: Patience) -> (Running, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = Upstream::with(&url, None, patience).unwrap();
    (Running::before(Provider::default(), upstream, BasicAuth::Deny, Some(world())).await, listener)
}

/// Takes a connection and answers the first request with these bytes; then it stays open.
fn once(listener: &Arc<TcpListener>, bytes: impl Into<Vec<u8>>) -> tokio::task::JoinHandle<TcpStream> {
    let (listener, bytes) = (listener.clone(), bytes.into());
    tokio::spawn(async move {
        let (mut upstream, _) = listener.accept().await.unwrap();
        read_until(&mut upstream, "\r\n\r\n").await;
        let _ = upstream.write_all(&bytes).await;
        upstream
    })
}

/// Sends a request by hand, the last one of its connection, and reads the head of its answer.
async fn asked(running: &Running, target: &str) -> (TcpStream, String) {
    let mut client = TcpStream::connect(running.address).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let head = read_until(&mut client, "\r\n\r\n").await;
    (client, head)
}

#[tokio::test]
async fn s10_what_is_no_answer_beyond_doubt_is_none_and_its_connection_is_never_used_again() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(200));
    let huge = format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(1 << 20));
    for answer in [
        "rubbish\r\n\r\n",
        "HTTP/0.9\r\n\r\n",
        "HTTP/1.1 099 No\r\n\r\n",
        many.as_str(),
        &huge,
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        let (running, listener) = with(patience()).await;
        let listener = Arc::new(listener);
        let first = once(&listener, answer);
        let (status, text) = running.send("GET", "/function/env", None, "").await;
        assert_eq!(status, 502, "{answer:.90} {text}");
        assert!(!text.contains("hello"), "{text}");
        let mut first = first.await.unwrap();
        // The next one comes by another connection, and the first has ended.
        once(&listener, OK);
        assert_eq!(running.send("GET", "/function/env", None, "").await, (200, "ok".into()), "{answer:.90}");
        let mut more = Vec::new();
        let _ = first.read_to_end(&mut more).await;
        assert!(more.is_empty(), "{answer:.90}");
    }
}

#[tokio::test]
async fn bytes_behind_an_answer_are_no_answer_to_anybody() {
    let (running, listener) = with(patience()).await;
    let listener = Arc::new(listener);
    let first = once(&listener, format!("{OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"));
    assert_eq!(running.send("GET", "/function/env", None, "").await, (200, "ok".into()));
    once(&listener, OK);
    assert_eq!(running.send("GET", "/function/env", None, "").await, (200, "ok".into()));
    let _ = first.await.unwrap().read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_looks_whole() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nrubbish\r\n",
    ] {
        let (running, listener) = with(patience()).await;
        let upstream = once(&Arc::new(listener), answer);
        let (mut client, head) = asked(&running, "/function/env").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        drop(upstream.await.unwrap());
        let mut rest = head.into_bytes();
        let _ = client.read_to_end(&mut rest).await;
        let text = String::from_utf8_lossy(&rest);
        assert!(text.contains("half") && !text.ends_with("0\r\n\r\n"), "{text}");
        let wants = text.to_ascii_lowercase();
        assert!(
            wants.contains("content-length: 10") || wants.contains("transfer-encoding: chunked"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn what_comes_before_an_answer_is_no_answer_however_much_it_is() {
    let (running, listener) = with(patience()).await;
    let before = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(5000);
    once(&Arc::new(listener), before + OK);
    let (_, head) = asked(&running, "/function/env").await;
    assert!(head.starts_with("HTTP/1.1 200") && !head.contains("Link"), "{head}");
}

#[tokio::test]
async fn a_redirect_and_the_upstreams_own_refusals_pass_as_they_are() {
    for (status, location) in [(302, "http://169.254.169.254/"), (307, "/system/info"), (500, ""), (503, "")]
    {
        let (running, listener) = with(patience()).await;
        let answer = format!("HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 2\r\n\r\nno");
        once(&Arc::new(listener), answer);
        let (_, head) = asked(&running, "/function/env").await;
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        assert!(head.contains(&format!("location: {location}")) && !head.contains("retry-after"), "{head}");
    }
}

#[tokio::test]
async fn s10_nobody_goes_over_to_a_protocol_in_which_anything_could_be_asked_for() {
    let (running, listener) = with(patience()).await;
    let listener = Arc::new(listener);
    for protocol in ["h2c", "websocket, h2c", "TLS/1.2"] {
        let agreed = format!("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\n");
        let (taken, upstream) = (listener.clone(), tokio::sync::oneshot::channel());
        tokio::spawn(async move {
            let (mut stream, _) = taken.accept().await.unwrap();
            let head = read_until(&mut stream, "\r\n\r\n").await;
            stream.write_all(agreed.as_bytes()).await.unwrap();
            upstream.0.send((head, stream)).unwrap();
        });
        let mut client = TcpStream::connect(running.address).await.unwrap();
        let headers = format!(
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"
        );
        let request = format!("GET /function/env HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let answer = read_until(&mut client, "\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{protocol}: {answer}");
        let (head, _stream) = upstream.1.await.unwrap();
        let head = head.to_ascii_lowercase();
        assert!(!head.contains("upgrade") && !head.contains("http2-settings"), "{head}");
    }
}

#[tokio::test]
async fn a_provider_that_says_nothing_is_not_waited_for_and_what_it_streams_may_take_its_time() {
    let (running, listener) = with(Patience { provider: LITTLE, ..patience() }).await;
    let listener = Arc::new(listener);
    let token = running.api_token("alice").await;
    let silent = once(&listener, "");
    let (status, text) = running.send("GET", "/system/function/env?namespace=dev", Some(&token), "").await;
    assert_eq!(status, 504, "{text}");
    assert!(text.contains("within"), "{text}");
    let streaming = once(&listener, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    let mut client = TcpStream::connect(running.address).await.unwrap();
    let target = "/system/logs?name=env&namespace=dev&follow=true";
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    read_until(&mut client, "one").await;
    let mut streaming = streaming.await.unwrap();
    // As long again as was too long for the head.
    let again = once(&listener, "");
    assert_eq!(running.send("GET", "/system/info", Some(&running.api_token("root").await), "").await.0, 504);
    streaming.write_all(b"3\r\ntwo\r\n").await.unwrap();
    read_until(&mut client, "two").await;
    drop((silent, again));
}

#[tokio::test]
async fn a_function_is_waited_for_as_long_as_was_set() {
    let (running, listener) = with(Patience { function: Some(LITTLE), ..patience() }).await;
    let silent = once(&Arc::new(listener), "");
    let (status, text) = running.send("GET", "/function/env", None, "").await;
    assert_eq!(status, 504, "{text}");
    drop(silent);
}

#[tokio::test]
async fn s27_a_client_that_stops_in_the_middle_of_its_body_is_left() {
    let (running, listener) = with(Patience { body: LITTLE, ..patience() }).await;
    let upstream = once(&Arc::new(listener), "");
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client
        .write_all(b"POST /function/env HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let mut got = Vec::new();
    let _ = upstream.await.unwrap().read_to_end(&mut got).await;
    assert!(matches!(&got[..], b"" | b"half"), "no end that could be taken for one: {got:?}");
}

#[tokio::test]
async fn who_talks_with_a_function_may_be_silent_once_it_has_answered() {
    let (running, listener) = with(Patience { body: LITTLE, ..patience() }).await;
    let listener = Arc::new(listener);
    let upstream = once(&listener, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    let start = b"POST /function/env HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut talking = TcpStream::connect(running.address).await.unwrap();
    talking.write_all(start).await.unwrap();
    read_until(&mut talking, "one").await;
    let mut upstream = upstream.await.unwrap();
    // As long again as is too long for who was not answered.
    let other = once(&listener, "");
    let mut slow = TcpStream::connect(running.address).await.unwrap();
    slow.write_all(start).await.unwrap();
    assert!(read_until(&mut slow, "\r\n\r\n").await.starts_with("HTTP/1.1 408"));
    talking.write_all(b"2\r\nhi\r\n").await.unwrap();
    read_until(&mut upstream, "hi").await;
    upstream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    read_until(&mut talking, "two").await;
    drop(other);
}

#[tokio::test]
async fn a_body_that_breaks_is_the_clients_fault() {
    let (running, listener) = with(patience()).await;
    let _upstream = once(&Arc::new(listener), "");
    let mut client = TcpStream::connect(running.address).await.unwrap();
    let broken = b"POST /function/env HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n";
    client.write_all(broken).await.unwrap();
    let answer = read_until(&mut client, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

/// An upstream behind TLS, with a certificate of its own authority for this name.
async fn encrypted(name: &str) -> (String, String) {
    let authority = Authority::new("root").unwrap();
    let acceptor = acceptor(&authority.server(&[name]).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut bytes = [0; 4096];
                while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (url, authority.pem())
}

#[tokio::test]
async fn an_upstream_by_https_is_trusted_by_the_roots_of_the_file_and_by_its_name() {
    let (here, roots) = encrypted("127.0.0.1").await;
    let (elsewhere, its_roots) = encrypted("gateway.example.com").await;
    for (url, roots, status) in [
        (&here, Some(&roots), 200),
        (&here, Some(&its_roots), 502),
        (&here, None, 502),
        (&elsewhere, Some(&its_roots), 502),
    ] {
        let roots = roots.map(|pem| TrustBundle::read(pem.as_bytes(), 1_800_000_000).unwrap());
        let upstream = Upstream::with(url, roots.as_ref(), patience()).unwrap();
        let running = Running::before(Provider::default(), upstream, BasicAuth::Deny, Some(world())).await;
        assert_eq!(running.send("GET", "/function/env", None, "").await.0, status, "{url}");
    }
}

#[tokio::test]
async fn an_upstream_that_accepts_and_speaks_no_tls_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let upstream = Upstream::with(&url, None, Patience { connect: LITTLE, ..patience() }).unwrap();
    let running = Running::before(Provider::default(), upstream, BasicAuth::Deny, Some(world())).await;
    assert_eq!(running.send("GET", "/function/env", None, "").await.0, 502);
}
