//! What goes on while it lasts: both ways at once, and over to WebSocket.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::judged::{Ask, text};
use crate::support::{Failure, Result};
use crate::world::shared;

/// Reads on until this was there.
async fn until(stream: &mut TcpStream, end: &str) -> Result<String> {
    let mut got = String::new();
    while !got.contains(end) {
        let mut piece = [0; 4096];
        let read = tokio::time::timeout(crate::world::WITHIN, stream.read(&mut piece)).await;
        let count = read.map_err(|_| Failure::new(format!("no {end:?} in {got:?}")))??;
        if count == 0 {
            return Err(Failure::new(format!("ended without {end:?}: {got:?}")));
        }
        got.push_str(&text(&piece[..count]));
    }
    Ok(got)
}

#[tokio::test]
async fn a_function_answers_while_it_is_still_being_sent_to() -> Result<()> {
    let world = shared().await?;
    let mut stream = TcpStream::connect(&world.public.address).await?;
    let head = "POST /function/env.dev?stream=1 HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    assert!(until(&mut stream, "\r\n\r\n").await?.starts_with("HTTP/1.1 200"));
    for word in ["one", "two", "three"] {
        stream.write_all(format!("{:x}\r\n{word}\r\n", word.len()).as_bytes()).await?;
        until(&mut stream, word).await?;
    }
    stream.write_all(b"0\r\n\r\n").await?;
    until(&mut stream, "0\r\n\r\n").await?;
    Ok(())
}

#[tokio::test]
async fn a_websocket_goes_through_to_who_may_and_to_nobody_else() -> Result<()> {
    let world = shared().await?;
    let token = world.function_token("alice", &[]).await?;
    let wish =
        Ask::new("GET", "/function/env.dev", "").with("Connection", "Upgrade").with("Upgrade", "websocket");
    let refused = Ask::new("GET", "/function/env.prod", "").with("Upgrade", "websocket");
    let refused =
        world.send(&world.deny, &refused.with("Connection", "Upgrade, close").bearer(&token)).await?;
    assert_eq!((refused.answer.status, refused.forwarded.is_none()), (403, true));
    let mut stream = TcpStream::connect(&world.deny.address).await?;
    stream.write_all(&wish.bearer(&token).bytes("gw")).await?;
    let head = until(&mut stream, "\r\n\r\n").await?.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101") && head.contains("upgrade: websocket"), "{head}");
    for word in ["ping", "GET /system/info HTTP/1.1\r\nHost: gw\r\n\r\n"] {
        stream.write_all(word.as_bytes()).await?;
        assert_eq!(until(&mut stream, word).await?, word, "bytes, which nobody takes for a request");
    }
    Ok(())
}
