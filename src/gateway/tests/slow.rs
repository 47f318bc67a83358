//! Clients that take their time, where they have little of it: who is left, who is not, and what is held
//! meanwhile. That the time of some has passed, others show who were given as much.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::support::*;
use super::wire::read_until;
use crate::gateway::forward::Upstream;
use crate::gateway::line::Times;
use crate::gateway::listen::Listening;

const GET: &[u8] = b"GET /function/env HTTP/1.1\r\nHost: a\r\n\r\n";
const LITTLE: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(3600);

/// Time without end for everything.
fn times() -> Times {
    let [handshake, head, idle, read, fetch, leave] = [LONG; 6];
    Times { handshake, head, idle, read, fetch, leave, look: Duration::from_millis(20) }
}

/// A gateway with these times, and its upstream.
async fn running(times: Times) -> (Running, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (Running::bounded(upstream, Listening { times, ..Listening::default() }).await, listener)
}

async fn connect(running: &Running, bytes: &[u8]) -> TcpStream {
    let mut client = TcpStream::connect(running.address).await.unwrap();
    client.write_all(bytes).await.unwrap();
    client
}

/// Takes the upstream's next connection and answers one request with this.
async fn answer(listener: &TcpListener, bytes: &[u8]) -> TcpStream {
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_until(&mut upstream, "\r\n\r\n").await;
    upstream.write_all(bytes).await.unwrap();
    upstream
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Waits for the end of a connection on which nothing comes.
async fn end_of(client: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn s27_who_does_not_finish_the_head_of_a_request_is_left() {
    let (running, _listener) = running(Times { head: LITTLE, leave: LITTLE, ..times() }).await;
    for beginning in ["", "G", "PRI * HTTP/2.0\r\n", "GET /function/env HTTP/1.1\r\nHost: a\r\n"] {
        end_of(&mut connect(&running, beginning.as_bytes()).await).await;
    }
    while running.gateway.metrics.connections.get() > 0 {
        tokio::task::yield_now().await;
    }
}

/// Answers whatever comes.
fn serve(listener: TcpListener) {
    tokio::spawn(async move {
        while let Ok((mut upstream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0; 4096];
                while upstream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
                    let _ = upstream.write_all(OK).await;
                }
            });
        }
    });
}

#[tokio::test]
async fn s27_who_does_not_finish_the_next_head_is_left_and_who_is_idle_is_kept_longer() {
    let (running, listener) = running(Times { head: LITTLE, leave: LITTLE, ..times() }).await;
    serve(listener);
    let (mut idle, mut slow) = (connect(&running, GET).await, connect(&running, GET).await);
    read_until(&mut idle, "ok").await;
    read_until(&mut slow, "ok").await;
    slow.write_all(b"G").await.unwrap();
    end_of(&mut slow).await;
    idle.write_all(GET).await.unwrap();
    read_until(&mut idle, "ok").await;
}

#[tokio::test]
async fn an_idle_connection_is_ended() {
    let (running, listener) = running(Times { idle: LITTLE, ..times() }).await;
    let mut client = connect(&running, GET).await;
    let _upstream = answer(&listener, OK).await;
    read_until(&mut client, "ok").await;
    end_of(&mut client).await;
}

/// A client that speaks HTTP/2.
async fn http2(running: &Running) -> http2::SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (send, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    send
}

fn get(running: &Running) -> Request<Empty<Bytes>> {
    let request = Request::get(running.url("/function/env")).version(Version::HTTP_2);
    request.body(Empty::new()).unwrap()
}

#[tokio::test]
async fn an_http2_connection_is_told_to_go_once_it_is_idle_and_not_before() {
    let (running, listener) = running(Times { idle: LITTLE, head: LITTLE, leave: LITTLE, ..times() }).await;
    let mut send = http2(&running).await;
    let waiting = tokio::spawn(send.send_request(get(&running)));
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_until(&mut upstream, "\r\n\r\n").await;
    // Whoever comes later and does nothing is left meanwhile.
    end_of(&mut connect(&running, b"G").await).await;
    upstream.write_all(OK).await.unwrap();
    let body = waiting.await.unwrap().unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "ok");
    while send.ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_function_may_be_silent_for_as_long_as_it_likes() {
    let (running, listener) =
        running(Times { head: LITTLE, idle: LITTLE, read: LITTLE, fetch: LITTLE, leave: LITTLE, ..times() })
            .await;
    let mut client = connect(&running, GET).await;
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_until(&mut upstream, "\r\n\r\n").await;
    end_of(&mut connect(&running, b"").await).await;
    upstream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
    read_until(&mut client, "\r\n\r\n").await;
    for event in ["one", "two"] {
        end_of(&mut connect(&running, b"").await).await;
        upstream.write_all(format!("3\r\n{event}\r\n").as_bytes()).await.unwrap();
        read_until(&mut client, event).await;
    }
}

#[tokio::test]
async fn a_stream_of_http2_may_be_silent_for_as_long_as_it_likes() {
    let (running, listener) =
        running(Times { head: LITTLE, read: LITTLE, idle: LITTLE, leave: LITTLE, ..times() }).await;
    let mut send = http2(&running).await;
    let waiting = tokio::spawn(send.send_request(get(&running)));
    let mut upstream = answer(&listener, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none").await;
    let mut body = waiting.await.unwrap().unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    end_of(&mut connect(&running, b"").await).await;
    upstream.write_all(b"two").await.unwrap();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "two");
}

#[tokio::test]
async fn a_connection_that_went_over_may_be_silent_and_still_has_its_place() {
    let (running, listener) = running(Times { head: LITTLE, idle: LITTLE, read: LITTLE, ..times() }).await;
    let upgrade =
        b"GET /function/env HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut client = connect(&running, upgrade).await;
    let agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut upstream = answer(&listener, agreed).await;
    read_until(&mut client, "\r\n\r\n").await;
    end_of(&mut connect(&running, b"").await).await;
    assert_eq!(running.gateway.metrics.connections.get(), 1);
    upstream.write_all(b"pong").await.unwrap();
    assert_eq!(read_until(&mut client, "pong").await, "pong");
    drop((client, upstream));
    while running.gateway.metrics.connections.get() > 0 {
        tokio::task::yield_now().await;
    }
}

/// Sends a body that has no end; how many bytes of it went through until it was over.
async fn without_end(listener: &TcpListener) -> usize {
    let mut upstream = answer(listener, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").await;
    let (mut sent, piece) = (0, vec![b'x'; 64 * 1024]);
    while let Ok(count) = upstream.write(&piece).await {
        sent += count;
    }
    sent
}

/// What the kernel keeps of two connections, and we of one answer.
const HELD: usize = 32 << 20;

#[tokio::test]
async fn s27_a_client_that_reads_nothing_holds_little_and_is_cut_off() {
    let (running, listener) = running(Times { read: LITTLE, ..times() }).await;
    let _client = connect(&running, GET).await;
    let sent = without_end(&listener).await;
    assert!(sent < HELD, "{sent}");
}

#[tokio::test]
async fn s27_who_went_over_and_reads_nothing_is_cut_off() {
    let (running, listener) = running(Times { read: LITTLE, ..times() }).await;
    let upgrade =
        b"GET /function/env HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let _client = connect(&running, upgrade).await;
    let agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut upstream = answer(&listener, agreed).await;
    let mut sent = 0;
    while let Ok(count) = upstream.write(&[b'x'; 64 * 1024]).await {
        sent += count;
    }
    assert!(sent < HELD, "{sent}");
}

#[tokio::test]
async fn s27_an_http2_client_that_opens_no_window_holds_little_and_its_stream_alone_is_cut_off() {
    let (running, listener) = running(Times { read: LITTLE, ..times() }).await;
    let mut send = http2(&running).await;
    let waiting = tokio::spawn(send.send_request(get(&running)));
    let sent = without_end(&listener).await;
    assert!(sent < HELD, "{sent}");
    let answer = waiting.await.unwrap().unwrap();
    assert!(answer.into_body().collect().await.is_err(), "what is cut off is no whole answer");
    send.ready().await.unwrap();
}

#[tokio::test]
async fn s27_who_takes_requests_back_as_fast_as_they_are_sent_is_left() {
    let (running, listener) = running(times()).await;
    let mut send = http2(&running).await;
    while send.ready().await.is_ok() {
        let mut waiting = tokio::spawn(send.send_request(get(&running)));
        // Once it has gone through. The upstream's end is what tells that it was taken back.
        let (mut upstream, _) = tokio::select! {
            accepted = listener.accept() => accepted.unwrap(),
            _ = &mut waiting => continue,
        };
        read_until(&mut upstream, "\r\n\r\n").await;
        waiting.abort();
        end_of(&mut upstream).await;
    }
    let left = crate::gateway::measured::Why { reason: "abuse" };
    assert_eq!(running.gateway.metrics.measured.left.get_or_create(&left).get(), 1);
}
