//! Bytes to a socket and back, by nobody's HTTP client: what is sent is what is written here.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Failure, Result};

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(60);

/// An answer, its chunks put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Whether the client says that no more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It waits; what it sent makes the server end the connection.
    Waits,
    /// It closes its side: what it sent is not whole.
    Closes,
}

/// Sends bytes and gives all that comes until the other side ends.
pub async fn all(address: &str, bytes: &[u8], end: End) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    // One that is refused early may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    if end == End::Closes {
        let _ = stream.shutdown().await;
    }
    let mut answer = Vec::new();
    let read = tokio::time::timeout(WITHIN, stream.read_to_end(&mut answer)).await;
    read.map_err(|_| Failure::new(format!("no end after {}", String::from_utf8_lossy(bytes))))?.ok();
    Ok(answer)
}

/// The one answer to the one request in these bytes.
pub async fn one(address: &str, bytes: &[u8]) -> Result<Answer> {
    let mut found = answers(&all(address, bytes, End::Waits).await?);
    match found.len() {
        1 => Ok(found.remove(0)),
        count => Err(Failure::new(format!("{count} answers to {}", String::from_utf8_lossy(bytes)))),
    }
}

/// The answers in these bytes, those of 1xx aside; the last one may end with them.
pub fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut found = Vec::new();
    while let Some((answer, rest, _)) = next(bytes) {
        bytes = rest;
        found.push(answer);
    }
    found
}

/// The first answer so far, and whether it is whole.
fn first(bytes: &[u8]) -> Option<(Answer, bool)> {
    next(bytes).map(|(answer, _, whole)| (answer, whole))
}

/// The next answer, what follows it, and whether it is whole.
fn next(mut bytes: &[u8]) -> Option<(Answer, &[u8], bool)> {
    loop {
        let end = position(bytes, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default();
        bytes = &bytes[end + 4..];
        if (100..200).contains(&status) && status != 101 {
            continue;
        }
        let mut answer = Answer { status, head, body: Vec::new() };
        let (rest, whole) = match answer.header("content-length").and_then(|text| text.parse::<usize>().ok())
        {
            Some(length) => {
                let fits = length.min(bytes.len());
                answer.body.extend(&bytes[..fits]);
                (&bytes[fits..], fits == length)
            }
            None if answer.header("transfer-encoding").is_some() => chunks(bytes, &mut answer.body),
            None => (bytes, false),
        };
        return Some((answer, rest, whole));
    }
}

/// What follows the last chunk, and whether that was there.
fn chunks<'b>(mut bytes: &'b [u8], body: &mut Vec<u8>) -> (&'b [u8], bool) {
    while let Some(end) = position(bytes, b"\r\n") {
        let size =
            std::str::from_utf8(&bytes[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let start = end + 2;
        match size {
            Some(0) => return (bytes.get(start + 2..).unwrap_or_default(), bytes.len() >= start + 2),
            Some(size) if start + size + 2 <= bytes.len() => {
                body.extend(&bytes[start..start + size]);
                bytes = &bytes[start + size + 2..];
            }
            _ => break,
        }
    }
    (&[], false)
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// Sends a request as it is, and reads its answer to the end, or for as long as it takes to have enough of it.
pub async fn ask(address: &str, bytes: &[u8], enough: impl Fn(&Answer) -> bool) -> Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut got = Vec::new();
    let mut piece = vec![0; 16 << 10];
    let reading = async {
        loop {
            let count = stream.read(&mut piece).await?;
            got.extend(&piece[..count]);
            if let Some((answer, whole)) = first(&got)
                && (whole || count == 0 || enough(&answer))
            {
                return Ok(answer);
            }
            if count == 0 {
                return Err(Failure::new(format!("ended after {}", String::from_utf8_lossy(&got))));
            }
        }
    };
    let read = tokio::time::timeout(WITHIN, reading).await;
    read.map_err(|_| Failure::new(format!("no end after {}", String::from_utf8_lossy(bytes))))?
}
