//! Bytes that are read differently by different programs: framing, targets, headers, pipelines. Each is refused, or
//! forwarded exactly as it was judged; the provider never records a request that nobody judged.
//!
//! Known limits, all of hyper's reading: of `Content-Length` and `Transfer-Encoding` together the chunks count and the
//! length is dropped, `chunked` named twice counts once, a line may end with LF alone, a space may follow a chunk's size,
//! a fragment is dropped. What is forwarded is written anew, so that it says nothing ambiguous to who comes next.

use crate::judged::{arrived, text};
use crate::support::{Result, provider::Record};
use crate::wire::{self, End};
use crate::world::{Gateway, World};

/// Bytes, whether the client then closes, what it is answered, and what the provider gets, as `METHOD TARGET BODY`.
struct Case {
    bytes: Vec<u8>,
    end: End,
    answers: &'static [u16],
    forwarded: &'static [&'static str],
}

/// A request to the public function, with these headers and this body.
fn post(headers: &str, body: &str) -> String {
    format!("POST /function/env.dev HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n{headers}\r\n\r\n{body}")
}

/// One with this request line and nothing else.
fn line(line: &str) -> String {
    format!("{line}\r\nHost: gw\r\nConnection: close\r\n\r\n")
}

/// A request that must never arrive, as something that is hidden in another.
const HIDDEN: &str = "GET /system/info HTTP/1.1\r\nHost: gw\r\n\r\n";

fn case(bytes: impl AsRef<[u8]>, answers: &'static [u16], forwarded: &'static [&'static str]) -> Case {
    Case { bytes: bytes.as_ref().to_vec(), end: End::Waits, answers, forwarded }
}

/// The same from a client that closes behind it, since it promised more.
fn cut(bytes: impl AsRef<[u8]>, answers: &'static [u16], forwarded: &'static [&'static str]) -> Case {
    Case { end: End::Closes, ..case(bytes, answers, forwarded) }
}

const REFUSED: &[u16] = &[400];
const NOTHING: &[&str] = &[];
const GET: &[&str] = &["GET /function/env.dev "];
/// A body that breaks off: its beginning may be on its way already, or nothing of it.
const BEGINNING: &[&str] = &["POST /function/env.dev …"];
const FUNCTION: &str = "POST /function/env.dev ";

/// A request as the provider got it; anything on its connections that is not just that is said, too.
fn told(record: &Record) -> String {
    let line = format!("{} {} ", record.method, record.target);
    if record.cut {
        return line + "…";
    }
    let raw = text(&record.raw).to_ascii_lowercase();
    // Neither trailers nor wishes of one connection go further.
    let clean =
        ["x-trailer", "\r\nupgrade:", "\r\nconnection:", "\r\nte:"].iter().all(|word| !raw.contains(word));
    let whole = clean && !record.leftover && text(&record.head).starts_with(&format!("{line}HTTP/1.1\r\n"));
    if whole { line + &text(&record.body) } else { format!("UNJUDGED {}", text(&record.raw)) }
}

async fn check(world: &World, gateway: &Gateway, cases: Vec<Case>) -> Result<()> {
    let mut wrong = Vec::new();
    for case in cases {
        world.provider.forget().await?;
        let got = wire::all(&gateway.address, &case.bytes, case.end).await?;
        let answers: Vec<u16> = wire::answers(&got).iter().map(|answer| answer.status).collect();
        let records = arrived(world).await?;
        let forwarded: Vec<String> = records.iter().map(told).collect();
        let nothing_yet = forwarded.is_empty() && case.forwarded == BEGINNING;
        if answers != case.answers || (forwarded != case.forwarded && !nothing_yet) {
            let bytes: String = text(&case.bytes).escape_debug().take(300).collect();
            wrong.push(format!(
                "{bytes}\n  want {:?} {:?}\n  got  {answers:?} {forwarded:?}",
                case.answers, case.forwarded
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn lengths() -> Vec<Case> {
    vec![
        case(post("Content-Length: 2\r\nContent-Length: 3", "hi!"), REFUSED, NOTHING),
        case(post("Content-Length: 2\r\nContent-Length: 2", "hi"), &[200], &["POST /function/env.dev hi"]),
        case(post("Content-Length: 2, 2", "hi"), REFUSED, NOTHING),
        case(post("Content-Length: +2", "hi"), REFUSED, NOTHING),
        case(post("Content-Length: -1", "hi"), REFUSED, NOTHING),
        case(post("Content-Length: 0x2", "hi"), REFUSED, NOTHING),
        case(post("Content-Length: 2 2", "hi"), REFUSED, NOTHING),
        case(post("Content-Length:", "hi"), REFUSED, NOTHING),
        case(post("Content-Length: 18446744073709551616", "hi"), REFUSED, NOTHING),
        case(post("Content-Length : 2", "hi"), REFUSED, NOTHING),
        case(post("Content-Length\t: 2", "hi"), REFUSED, NOTHING),
        case(post("Content-Length: 2", &format!("hi{HIDDEN}")), &[200], &["POST /function/env.dev hi"]),
        case(post("", HIDDEN), &[200], &[FUNCTION]),
        cut(post("Content-Length: 5", "hi"), REFUSED, BEGINNING),
    ]
}

fn chunks() -> Vec<Case> {
    let chunked = |body: &str| post("Transfer-Encoding: chunked", body);
    let hello = &["POST /function/env.dev hello"];
    vec![
        case(chunked("5\r\nhello\r\n0\r\n\r\n"), &[200], hello),
        case(chunked(&format!("5\r\nhello\r\n0\r\n\r\n{HIDDEN}")), &[200], hello),
        case(chunked("5;name=\"a b\";x\r\nhello\r\n0\r\n\r\n"), &[200], hello),
        case(
            chunked(
                "5\r\nhello\r\n0\r\nX-Trailer: t\r\nAuthorization: Bearer t\r\nContent-Length: 9\r\n\r\n",
            ),
            &[200],
            hello,
        ),
        case(chunked("00000005\r\nhello\r\n0\r\n\r\n"), &[200], hello),
        case(
            post("Transfer-Encoding: chunked\r\nContent-Length: 3", "5\r\nhello\r\n0\r\n\r\n"),
            &[200],
            hello,
        ),
        case(
            post("Content-Length: 3\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
            &[200],
            hello,
        ),
        case(post("Transfer-Encoding: Chunked", "5\r\nhello\r\n0\r\n\r\n"), &[200], hello),
        case(
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
            &[200],
            hello,
        ),
        case(post("Transfer-Encoding: chunked, identity", "5\r\nhello\r\n0\r\n\r\n"), REFUSED, NOTHING),
        case(post("Transfer-Encoding: identity", "hello"), REFUSED, NOTHING),
        case(post("Transfer-Encoding: gzip, chunked", "5\r\nhello\r\n0\r\n\r\n"), &[200], hello),
        case(post("Transfer-Encoding: xchunked", "5\r\nhello\r\n0\r\n\r\n"), REFUSED, NOTHING),
        case(post("Transfer-Encoding:\x0bchunked", "5\r\nhello\r\n0\r\n\r\n"), REFUSED, NOTHING),
        case(post("Transfer-Encoding: \"chunked\"", "5\r\nhello\r\n0\r\n\r\n"), REFUSED, NOTHING),
        case(post("Transfer-Encoding : chunked", "5\r\nhello\r\n0\r\n\r\n"), REFUSED, NOTHING),
        case(post("Transfer-Encoding:", "5\r\nhello\r\n0\r\n\r\n"), REFUSED, NOTHING),
        case(chunked("5\nhello\r\n0\r\n\r\n"), REFUSED, BEGINNING),
        case(chunked("5\r\nhello0\r\n\r\n"), REFUSED, BEGINNING),
        case(chunked("5 \r\nhello\r\n0\r\n\r\n"), &[200], hello),
        case(chunked("0x5\r\nhello\r\n0\r\n\r\n"), REFUSED, BEGINNING),
        case(chunked("+5\r\nhello\r\n0\r\n\r\n"), REFUSED, BEGINNING),
        case(chunked("-1\r\nhello\r\n0\r\n\r\n"), REFUSED, BEGINNING),
        case(chunked("ffffffffffffffff1\r\nhello\r\n0\r\n\r\n"), REFUSED, BEGINNING),
        case(chunked("\r\nhello\r\n0\r\n\r\n"), REFUSED, BEGINNING),
        case(chunked(&format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(64 << 10))), REFUSED, BEGINNING),
        case(chunked(&format!("5\r\nhello\r\n0\r\nX: {}\r\n\r\n", "x".repeat(64 << 10))), REFUSED, BEGINNING),
        cut(chunked("fffffffffffffff0\r\nhello"), REFUSED, BEGINNING),
        cut(chunked("5\r\nhel"), REFUSED, BEGINNING),
        case(
            "POST /function/env.dev HTTP/1.0\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            REFUSED,
            NOTHING,
        ),
    ]
}

fn lines() -> Vec<Case> {
    let mut cases = vec![
        case(line("GET /function/env.dev HTTP/1.1"), &[200], &["GET /function/env.dev "]),
        case(line("GET http://gw/function/env.dev?a HTTP/1.1"), &[200], &["GET /function/env.dev?a "]),
        case(line("GET http://gw/system/info HTTP/1.1"), &[401], NOTHING),
        case(line("GET http://other/function/env.dev HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET https://admin:x@gw/function/env.dev HTTP/1.1"), REFUSED, NOTHING),
        case(line("OPTIONS * HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET * HTTP/1.1"), REFUSED, NOTHING),
        case(line("CONNECT gw:443 HTTP/1.1"), REFUSED, NOTHING),
        case(line("CONNECT /function/env.dev HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET /function/env.dev HTTP/2.0"), REFUSED, NOTHING),
        case(line("GET /function/env.dev HTTP/1.2"), REFUSED, NOTHING),
        case(line("GET /function/env.dev HTTP/0.9"), REFUSED, NOTHING),
        case(line("GET /function/env.dev"), REFUSED, NOTHING),
        case(line("GET /function/env.dev HTTP/1.1 HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET\t/function/env.dev\tHTTP/1.1"), REFUSED, NOTHING),
        case(line("G(T /function/env.dev HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET /system/info#/function/env.dev HTTP/1.1"), &[401], NOTHING),
        case(line("GET /function/env.dev#x HTTP/1.1"), &[200], GET),
        case(line("GET /function/env.dev\0 HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET /function/env.dev?\x01 HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET function/env.dev HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET //gw/function/env.dev HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET \\system\\info HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET /system/info\\..\\ HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET /system/%69nfo HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET /function/..%2f..%2fsystem/info HTTP/1.1"), REFUSED, NOTHING),
        case(line("GET /function/env.dev/../../../system/info HTTP/1.1"), REFUSED, NOTHING),
        case(
            line("GET /function/env.dev/a/../b%2e%2f HTTP/1.1"),
            &[200],
            &["GET /function/env.dev/a/../b%2e%2f "],
        ),
        case("\r\n\r\nGET /function/env.dev HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n", &[200], GET),
        case("GET /function/env.dev HTTP/1.1\nHost: gw\nConnection: close\n\n", &[200], GET),
        case("GET /function/env.dev HTTP/1.1\rHost: gw\rConnection: close\r\r\n\r\n", REFUSED, NOTHING),
        case("GET /function/env.dev HTTP/1.0\r\n\r\n", &[200], GET),
    ];
    let long = format!("GET /function/env.dev/{} HTTP/1.1", "x".repeat(1 << 20));
    cases.push(case(line(&long), &[431], NOTHING));
    cases
}

fn headers() -> Vec<Case> {
    let get =
        |headers: &str| format!("GET /function/env.dev HTTP/1.1\r\nConnection: close\r\n{headers}\r\n\r\n");
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    vec![
        case(get("Host: gw"), &[200], GET),
        case(get("X: y"), REFUSED, NOTHING),
        case(get("Host: gw\r\nHost: gw"), REFUSED, NOTHING),
        case(get("Host: gw\r\nHost: other"), REFUSED, NOTHING),
        case(get("Host: gw other"), REFUSED, NOTHING),
        case(get("Host: gw/path"), REFUSED, NOTHING),
        case(get("Host: a@b"), REFUSED, NOTHING),
        case(get("Host:"), REFUSED, NOTHING),
        case(get(" Host: gw"), REFUSED, NOTHING),
        case(get("Host: gw\r\nX: a\r\n b"), REFUSED, NOTHING),
        case(get("Host: gw\r\nX: a\r\n\tContent-Length: 5"), REFUSED, NOTHING),
        case(get("Host: gw\r\nX : y"), REFUSED, NOTHING),
        case(get("Host: gw\r\nX"), REFUSED, NOTHING),
        case(get("Host: gw\r\n: y"), REFUSED, NOTHING),
        case(get("Host: gw\r\nX: a\0b"), REFUSED, NOTHING),
        case(get("Host: gw\r\nX: a\rb"), REFUSED, NOTHING),
        case(get("Host: gw\r\nX\u{e9}: y"), REFUSED, NOTHING),
        case(get(&format!("Host: gw\r\n{many}X: y")), &[431], NOTHING),
        case(get(&format!("Host: gw\r\nX: {}", "y".repeat(1 << 20))), &[431], NOTHING),
    ]
}

/// Several requests on one connection, of which each is judged by itself.
fn pipelines() -> Vec<Case> {
    let (open, denied) = ("GET /function/env.dev HTTP/1.1\r\nHost: gw\r\n\r\n", HIDDEN);
    let last = "GET /function/env.dev?last HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n";
    let both = &["GET /function/env.dev ", "GET /function/env.dev?last "];
    let old = "GET /function/env.dev HTTP/1.0\r\nHost: gw\r\nConnection: keep-alive\r\n\r\n";
    let body = "POST /system/functions HTTP/1.1\r\nHost: gw\r\nContent-Length: 2\r\n\r\n{}";
    let upgrade = "GET /healthz HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n";
    let tunnel = upgrade.replace("/healthz", "/function/env.dev");
    vec![
        case(format!("{open}{denied}{last}"), &[200, 401, 200], both),
        case(format!("{tunnel}{last}"), &[200, 200], both),
        case(format!("{tunnel}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), &[200], GET),
        case(format!("{open}{body}{last}"), &[200, 401, 200], both),
        case(format!("{old}{last}"), &[200, 200], both),
        case(format!("{open}\r\n{last}"), &[200, 200], both),
        case(format!("{open}garbage {last}"), &[200, 400], GET),
        case(format!("{upgrade}{last}"), &[200, 200], &["GET /function/env.dev?last "]),
        case(
            format!("{denied}{}", post("Content-Length: 1", HIDDEN)),
            &[401, 200],
            &["POST /function/env.dev G"],
        ),
    ]
}

#[tokio::test]
async fn s10_whatever_is_ambiguous_is_refused_or_forwarded_as_it_was_judged() -> Result<()> {
    let world = World::start().await?;
    let cases = [lengths(), chunks(), lines(), headers(), pipelines()].into_iter().flatten().collect();
    check(&world, &world.public, cases).await
}
