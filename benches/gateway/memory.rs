//! Resident memory: after the start, with 10,000 tokens remembered, and with 10,000 idle connections.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use super::guard::limit;
use super::http::end;
use super::load::{Requests, run};
use super::proxies::{Proxies, bearing};
use super::ratios::FUNCTION;
use super::report::{row, verdict};

/// Tokens, and connections.
const MANY: usize = 10_000;
/// Addresses that the connections come from.
const ADDRESSES: usize = 10;

/// Measures and prints.
pub fn measure() {
    let proxies = Proxies::start();
    let gateway = &proxies.gateway;
    let resident = || gateway.process.resident() as f64;
    println!("\nResident memory of the gateway");
    let start = resident();
    row("after the start", &mib(start));
    let token = proxies.token(true);
    let call = bearing(FUNCTION, &token);
    run(&gateway.process, gateway.port, &Requests::Same(&call, MANY));
    let warm = resident();
    row("after 10,000 requests with one token", &mib(warm));
    let others: Vec<_> =
        proxies.world.others(&token, 0, MANY).map(|token| bearing(FUNCTION, &token)).collect();
    run(&gateway.process, gateway.port, &Requests::Each(&others));
    let tokens = resident();
    row(
        "with 10,000 tokens remembered",
        &format!("{}; {:.2} KiB a token", mib(tokens), (tokens - warm) / MANY as f64),
    );
    // The gateway takes as many as it has file descriptors for.
    let many = MANY.min(usize::try_from(limit()).unwrap_or(usize::MAX).saturating_sub(1_000) / 3 * 2);
    let mut held: Vec<_> = (0..many).map(|at| connection(gateway.port, at, &call)).collect();
    let connections = resident();
    let each = (connections - tokens) / many as f64;
    row(
        &format!("with {many} idle connections as well"),
        &format!("{}; {each:.2} KiB a connection", mib(connections)),
    );
    let alive = held.iter_mut().map(|stream| answered(stream, &call)).filter(|alive| *alive).count();
    row("of them alive when all had come", &format!("{alive}"));
    let bound = 30.0 * 1024.0 + 2.0 * MANY as f64 + 20.0 * many as f64;
    verdict(
        "all of it ÷ (30 MiB + 2 KiB a token + 20 KiB a connection)",
        connections / bound,
        1.0,
        &format!("{} of {}", mib(connections), mib(bound)),
    );
    verdict("KiB a token", (tokens - warm) / MANY as f64, 2.0, "the growth alone");
    verdict("KiB a connection", each, 20.0, "the growth alone");
    verdict("MiB after the start", start / 1024.0, 30.0, "nothing cached, nobody connected");
}

fn mib(kib: f64) -> String {
    format!("{:.1} MiB", kib / 1024.0)
}

/// A connection that has been used and is idle now. They come from several addresses, because the gateway lets
/// no one have this many.
fn connection(port: u16, at: usize, request: &[u8]) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let mut stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        let from = Ipv4Addr::new(127, 0, 1, u8::try_from(at * ADDRESSES / MANY).unwrap() + 1);
        socket.bind((from, 0).into()).unwrap();
        socket.connect((Ipv4Addr::LOCALHOST, port).into()).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    assert!(answered(&mut stream, request));
    stream
}

fn answered(stream: &mut TcpStream, request: &[u8]) -> bool {
    let (mut bytes, mut filled) = ([0; 8192], 0);
    if stream.write_all(request).is_err() {
        return false;
    }
    while end(&bytes[..filled]).is_none() {
        match stream.read(&mut bytes[filled..]) {
            Ok(read) if read > 0 => filled += read,
            _ => return false,
        }
    }
    true
}
