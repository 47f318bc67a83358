//! Latency at half load: an open loop with a fixed schedule, each request measured from when it was due,
//! so that who is late pays for it (no coordinated omission).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::Size;
use super::http::end;
use super::load::{Requests, run};
use super::proxies::{Proxies, Server, bearing};
use super::ratios::FUNCTION;
use super::report::{Figure, row};

/// Connections of the open loop, each with a thread of its own.
const CONNECTIONS: usize = 16;
/// Rounds; each measures every row once.
const ROUNDS: usize = 5;

/// Measures and prints.
pub fn measure(size: &Size) {
    let proxies = Proxies::start();
    let call = bearing(FUNCTION, &proxies.token(true));
    let mut rows: Vec<(&str, &Server)> = vec![
        ("no proxy", &proxies.upstream),
        ("bare hyper proxy", &proxies.bare),
        ("gateway, cached token", &proxies.gateway),
    ];
    rows.extend(proxies.nginx.as_ref().map(|nginx| ("nginx proxy_pass", nginx)));
    let most = |server: &Server| {
        let tried =
            [(); 3].map(|()| run(&server.process, server.port, &Requests::Same(&call, size.requests)).rate);
        Figure::of(&tried).median
    };
    let slowest = rows.iter().map(|(_, server)| most(server)).fold(f64::INFINITY, f64::min);
    let rate = slowest / 2.0;
    println!(
        "\nLatency at {rate:.0} requests a second, half of what the slowest can do: medians of {ROUNDS} rounds"
    );
    let mut found = vec![(Vec::new(), Vec::new()); rows.len()];
    for _ in 0..ROUNDS {
        for ((_, server), (p50, p99)) in rows.iter().zip(&mut found) {
            let took = open_loop(server.port, &call, rate, size.requests);
            p50.push(percentile(&took, 0.5));
            p99.push(percentile(&took, 0.99));
        }
    }
    for ((name, _), (p50, p99)) in rows.iter().zip(found) {
        let (p50, p99) = (Figure::of(&p50), Figure::of(&p99));
        row(name, &format!("p50 {}, p99 {}", p50.show("µs"), p99.show("µs")));
    }
}

/// µs, sorted.
fn open_loop(port: u16, request: &[u8], rate: f64, count: usize) -> Vec<f64> {
    let gap = Duration::from_secs_f64(1.0 / rate);
    let begin = Instant::now() + Duration::from_millis(100);
    let one = |first: usize| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        let due = |at: usize| begin + gap * u32::try_from(at).unwrap();
        (first..count)
            .step_by(CONNECTIONS)
            .map(|at| answered(&mut stream, request, due(at)))
            .collect::<Vec<_>>()
    };
    let mut all: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS).map(|first| scope.spawn(move || one(first))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort_by(f64::total_cmp);
    all
}

fn answered(stream: &mut TcpStream, request: &[u8], due: Instant) -> f64 {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
    stream.write_all(request).unwrap();
    let (mut bytes, mut filled) = ([0; 8192], 0);
    while end(&bytes[..filled]).is_none() {
        let read = stream.read(&mut bytes[filled..]).unwrap();
        assert!(read > 0, "the connection was closed");
        filled += read;
    }
    due.elapsed().as_secs_f64() * 1e6
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
