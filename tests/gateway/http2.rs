//! HTTP/2 by prior knowledge, its frames written by hand: heads that no client would send and that mean something else
//! once they are HTTP/1.1 (RFC 9113 section 8.2 and 8.3).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::judged::{arrived, text};
use crate::support::{Failure, Result};
use crate::world::World;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GONE: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// What comes of a request.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// An answer of this status.
    Answer(u16),
    /// The stream is reset, or the connection is given up: malformed.
    Reset,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A head in HPACK, each field as a literal that is never indexed, without Huffman's code (RFC 7541 section 6.2.3).
fn head(fields: &[(&str, &str)]) -> Vec<u8> {
    let short =
        |text: &str| u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("a short text");
    let field = |(name, value): &(&str, &str)| {
        [&[0x10, short(name)], name.as_bytes(), &[short(value)], value.as_bytes()].concat()
    };
    fields.iter().flat_map(field).collect()
}

/// Sends one request and reads frames until something came of it.
async fn ask(address: &str, fields: &[(&str, &str)], body: Option<&str>) -> Result<Came> {
    let mut stream = TcpStream::connect(address).await?;
    let last = if body.is_none() { END_STREAM } else { 0 };
    let mut bytes =
        [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(HEADERS, END_HEADERS | last, 1, &head(fields))]
            .concat();
    if let Some(body) = body {
        bytes.extend(frame(DATA, END_STREAM, 1, body.as_bytes()));
    }
    stream.write_all(&bytes).await?;
    loop {
        let mut header = [0; 9];
        if stream.read_exact(&mut header).await.is_err() {
            return Ok(Came::Reset);
        }
        let length = usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await?;
        match header[3] {
            HEADERS => return Ok(Came::Answer(status(&payload)?)),
            RESET | GONE => return Ok(Came::Reset),
            _ => {}
        }
    }
}

/// The status, which is the first field: one of the static table, or a literal by its name there.
fn status(head: &[u8]) -> Result<u16> {
    let indexed = [200, 204, 206, 304, 400, 404, 500];
    match head {
        [index @ 0x88..=0x8e, ..] => Ok(indexed[usize::from(index - 0x88)]),
        // Three digits by Huffman's code take two bytes: 5 bits for 0, 1 and 2, and 6 for the others.
        [0x48 | 0x08, 0x82, first, second, ..] => Ok(digits(u16::from_be_bytes([*first, *second]))),
        [0x48 | 0x08, 3, digits @ ..] => Ok(text(&digits[..3]).parse()?),
        _ => Err(Failure::new(format!("a head that begins otherwise: {head:?}"))),
    }
}

fn digits(mut bits: u16) -> u16 {
    let mut number = 0;
    for _ in 0..3 {
        let (digit, taken) = match bits >> 11 {
            few @ 0..=2 => (few, 5),
            _ => ((bits >> 10) - 0x19 + 3, 6),
        };
        number = number * 10 + digit;
        bits <<= taken;
    }
    number
}

/// The fields of a proper request, with some replaced by others.
fn fields<'f>(but: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let proper =
        [(":method", "GET"), (":scheme", "http"), (":authority", "gw"), (":path", "/function/env.dev")];
    let replaced = |name: &str| but.iter().find(|(other, _)| *other == name).copied();
    let mut all: Vec<_> = proper.into_iter().map(|field| replaced(field.0).unwrap_or(field)).collect();
    all.extend(but.iter().filter(|(name, _)| !proper.iter().any(|(known, _)| known == name)));
    all
}

#[tokio::test]
async fn s10_a_head_of_http2_is_refused_or_forwarded_as_it_was_judged() -> Result<()> {
    let world = World::start().await?;
    let (ok, bad) = (Came::Answer(200), Came::Answer(400));
    let without =
        |name: &str| fields(&[]).into_iter().filter(|(known, _)| *known != name).collect::<Vec<_>>();
    let twice = |name: &'static str, value: &'static str| [fields(&[]), vec![(name, value)]].concat();
    let here = "GET /function/env.dev";
    let cases = [
        (fields(&[]), &ok, Some(here)),
        (fields(&[(":path", "/function/env.dev/a?b=c")]), &ok, Some("GET /function/env.dev/a?b=c")),
        (fields(&[("host", "gw")]), &ok, Some(here)),
        (fields(&[("te", "trailers")]), &ok, Some(here)),
        (fields(&[(":path", "/system/info")]), &Came::Answer(401), None),
        (fields(&[("host", "other")]), &bad, None),
        (twice("host", "gw"), &ok, Some(here)),
        ([fields(&[("host", "gw")]), vec![("host", "gw")]].concat(), &bad, None),
        (without(":authority"), &bad, None),
        (fields(&[(":authority", "user@gw")]), &bad, None),
        (fields(&[(":authority", "gw/system")]), &Came::Reset, None),
        (fields(&[(":path", "//system/info")]), &bad, None),
        (fields(&[(":path", "/system/info ")]), &Came::Reset, None),
        (fields(&[(":path", "/function/env.dev HTTP/1.1\r\nX: y")]), &Came::Reset, None),
        (fields(&[(":path", "/function/env.dev\0")]), &Came::Reset, None),
        (fields(&[(":path", "function/env.dev")]), &Came::Reset, None),
        (fields(&[(":path", "http://gw/function/env.dev")]), &Came::Reset, None),
        (fields(&[(":path", "*")]), &bad, None),
        (fields(&[(":path", "")]), &Came::Reset, None),
        (without(":path"), &Came::Reset, None),
        (without(":method"), &Came::Reset, None),
        (without(":scheme"), &Came::Reset, None),
        (fields(&[(":method", "CONNECT")]), &Came::Reset, None),
        (vec![(":method", "CONNECT"), (":authority", "gw:80")], &bad, None),
        (fields(&[(":method", "GET /x HTTP/1.1\r\n")]), &Came::Reset, None),
        (twice(":path", "/system/info"), &Came::Reset, None),
        (twice(":method", "POST"), &Came::Reset, None),
        (fields(&[("x", "y"), (":status", "200")]), &Came::Reset, None),
        (fields(&[("connection", "close")]), &Came::Reset, None),
        (fields(&[("transfer-encoding", "chunked")]), &Came::Reset, None),
        (fields(&[("upgrade", "h2c")]), &Came::Reset, None),
        (fields(&[("keep-alive", "5")]), &Came::Reset, None),
        (fields(&[("te", "gzip")]), &Came::Reset, None),
        (fields(&[("X-Upper", "y")]), &Came::Reset, None),
        (fields(&[("x y", "z")]), &Came::Reset, None),
        (fields(&[("x", "y\r\nz: a")]), &Came::Reset, None),
        (fields(&[("x", "y\0")]), &Came::Reset, None),
        (fields(&[("content-length", "5")]), &Came::Reset, None),
        (fields(&[("content-length", "x")]), &Came::Reset, None),
    ];
    let mut wrong = Vec::new();
    for (fields, want, forwarded) in cases {
        world.provider.forget().await?;
        let came = ask(&world.public.address, &fields, None).await?;
        let records = arrived(&world).await?;
        let got: Vec<_> =
            records.iter().map(|record| format!("{} {}", record.method, record.target)).collect();
        let framed = records.iter().all(|record| {
            let hosts = [record.header("host"), record.header("x-forwarded-host")].concat();
            record.raw == record.head && hosts == [world.provider.host(), "gw"]
        });
        if came != *want || !got.iter().map(String::as_str).eq(forwarded) || !framed {
            wrong.push(format!("{fields:?}: {came:?} instead of {want:?}, {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn s10_a_body_of_http2_is_as_long_as_it_says() -> Result<()> {
    let world = World::start().await?;
    let post = |length: &'static str| fields(&[(":method", "POST"), ("content-length", length)]);
    assert_eq!(ask(&world.public.address, &post("5"), Some("hello")).await?, Came::Answer(200));
    let records = arrived(&world).await?;
    assert_eq!((records.len(), text(&records[0].body)), (1, "hello".to_owned()));
    for length in ["4", "6", "0"] {
        world.provider.forget().await?;
        assert_ne!(
            ask(&world.public.address, &post(length), Some("hello")).await?,
            Came::Answer(200),
            "{length}"
        );
        // Whatever came of it has arrived when a later one has.
        assert_eq!(ask(&world.public.address, &post("5"), Some("later")).await?, Came::Answer(200));
        let records = arrived(&world).await?;
        let whole: Vec<_> = records.iter().filter(|record| !record.cut).map(|r| text(&r.body)).collect();
        assert_eq!(whole, ["later"], "{length}");
    }
    Ok(())
}
