//! Bodies of gigabytes, up and down, through a public function: the gateway keeps none of them.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Result;
use crate::world::{Gateway, World};

/// Bytes of a body.
const GIGABYTES: u64 = 2 << 30;
/// What the gateway's memory may grow by, KiB. One that kept a body, or a few parts of one, would take far more.
const MAY_GROW: u64 = 32 << 10;

/// Sends a body of zeros; gives what the function says.
async fn up(gateway: &Gateway) -> Result<String> {
    let mut stream = TcpStream::connect(&gateway.address).await?;
    let head = format!(
        "POST /function/env.dev HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nContent-Length: {GIGABYTES}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let piece = vec![0; 256 << 10];
    for _ in 0..GIGABYTES / piece.len() as u64 {
        stream.write_all(&piece).await?;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Asks for a body; gives how many bytes came, its head included, and whether that began as a success.
async fn down(gateway: &Gateway) -> Result<(u64, bool)> {
    let mut stream = TcpStream::connect(&gateway.address).await?;
    let head =
        format!("GET /function/env.dev?size={GIGABYTES} HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut piece = vec![0; 256 << 10];
    let (mut bytes, mut began) = (0, None);
    loop {
        let count = stream.read(&mut piece).await?;
        began = began.or(Some(piece.starts_with(b"HTTP/1.1 200 OK")));
        bytes += count as u64;
        if count == 0 {
            return Ok((bytes, began == Some(true)));
        }
    }
}

#[tokio::test]
async fn bodies_of_gigabytes_go_up_and_down_in_constant_memory() -> Result<()> {
    let world = World::start().await?;
    let before = world.public.process.peak_memory()?;
    let said = up(&world.public).await?;
    assert!(said.contains(&format!("\"bytes\":{GIGABYTES}")), "{said}");
    let (bytes, began) = down(&world.public).await?;
    assert!(began && bytes > GIGABYTES && bytes < GIGABYTES + 1024, "{bytes}");
    let after = world.public.process.peak_memory()?;
    assert!(after < before + MAY_GROW, "from {before} KiB to {after} KiB");
    Ok(())
}
