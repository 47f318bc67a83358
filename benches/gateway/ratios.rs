//! CPU time a request, in rounds that measure every row once, so that what disturbs the machine disturbs all.

use super::Size;
use super::load::{Requests, Run, run};
use super::minting;
use super::proxies::{Proxies, Server, bearing, exchange};
use super::report::{Figure, row, verdict};
use super::tokens::form;

/// A function's path, and the list that is cut down.
pub const FUNCTION: &str = "/function/env.dev";
const LIST: &str = "/system/functions?namespace=dev";

/// What is measured of a row, round by round.
#[derive(Default)]
pub struct Row {
    micros: Vec<f64>,
    rates: Vec<f64>,
}

impl Row {
    fn add(&mut self, run: Run) {
        self.micros.push(run.micros);
        self.rates.push(run.rate);
    }

    fn median(&self) -> f64 {
        Figure::of(&self.micros).median
    }

    fn show(&self, name: &str) {
        let rate = Figure::of(&self.rates).median;
        row(name, &format!("{}, {rate:.0}/s", Figure::of(&self.micros).show("µs")));
    }
}

#[derive(Default)]
struct Rows {
    bare: Row,
    cached: Row,
    nginx: Row,
    verifying: Row,
    uncached: Row,
    bare_list: Row,
    list: Row,
    server: Row,
    exchange: Row,
    verify: Vec<f64>,
    sign: Vec<f64>,
}

/// Measures and prints.
pub fn measure(size: &Size) {
    let proxies = Proxies::start();
    let (function, api) = (proxies.token(true), proxies.token(false));
    let (call, list) = (bearing(FUNCTION, &function), bearing(LIST, &api));
    let swap = exchange(&form(&proxies.world.subject_token(), false));
    let cryptography = minting::Raw::new(&proxies.world, &function);
    let mut rows = Rows::default();
    for round in 0..=size.rounds {
        // The first round warms everything up and counts for nothing.
        if round == 1 {
            rows = Rows::default();
        }
        let few = size.requests / 4;
        let of = |server: &Server, bytes: &[u8], count| {
            run(&server.process, server.port, &Requests::Same(bytes, count))
        };
        rows.bare.add(of(&proxies.bare, &call, size.requests));
        rows.cached.add(of(&proxies.gateway, &call, size.requests));
        if let Some(nginx) = &proxies.nginx {
            rows.nginx.add(of(nginx, &call, size.requests));
        }
        let new = requests(&proxies, &function, round * few, few);
        rows.verifying.add(run(&proxies.verifying.process, proxies.verifying.port, &Requests::Each(&new)));
        rows.uncached.add(uncached(&proxies, &new));
        rows.bare_list.add(of(&proxies.bare, &list, few));
        rows.list.add(of(&proxies.gateway, &list, few));
        rows.server.add(of(&proxies.upstream, &swap, few));
        rows.exchange.add(of(&proxies.gateway, &swap, few));
        rows.verify.push(cryptography.verify(few));
        rows.sign.push(cryptography.sign(few));
    }
    show(&rows);
}

/// Other builds of the gateway beside the bare proxy, in the same rounds: the cached row and the one where every
/// token is new.
pub fn compare(programs: &[&str]) {
    let proxies = Proxies::start();
    let function = proxies.token(true);
    let call = bearing(FUNCTION, &function);
    let gateways: Vec<_> = programs.iter().map(|program| proxies.other(program)).collect();
    let mut rows: Vec<Row> = (0..2 + 2 * gateways.len()).map(|_| Row::default()).collect();
    for round in 0..=10 {
        let requests = requests(&proxies, &function, round * 5_000, 5_000);
        let cached = |server: &Server| run(&server.process, server.port, &Requests::Same(&call, 20_000));
        let new = |server: &Server| run(&server.process, server.port, &Requests::Each(&requests));
        let ran = [cached(&proxies.bare), new(&proxies.verifying)]
            .into_iter()
            .chain(gateways.iter().flat_map(|server| [cached(server), new(server)]));
        for (row, run) in rows.iter_mut().zip(ran) {
            if round > 0 {
                row.add(run);
            }
        }
    }
    let names = programs.iter().flat_map(|name| [format!("{name}, cached"), format!("{name}, new")]);
    for (row, name) in
        rows.iter().zip(["bare".to_owned(), "bare, verifying".to_owned()].into_iter().chain(names))
    {
        row.show(&name);
    }
}

/// One row of the gateway's alone and no figures, for a profiler.
pub fn alone(row: &str, count: usize) {
    let proxies = Proxies::start();
    let (function, api) = (proxies.token(true), proxies.token(false));
    let of = |server: &Server, bytes: &[u8]| run(&server.process, server.port, &Requests::Same(bytes, count));
    let run = match row {
        "bare" => of(&proxies.bare, &bearing(FUNCTION, &function)),
        "cached" => of(&proxies.gateway, &bearing(FUNCTION, &function)),
        "list" => of(&proxies.gateway, &bearing(LIST, &api)),
        "exchange" => of(&proxies.gateway, &exchange(&form(&proxies.world.subject_token(), false))),
        _ => uncached(&proxies, &requests(&proxies, &function, 0, count)),
    };
    println!("{:.1} µs", run.micros);
}

/// Calls with a token of its own each.
fn requests(proxies: &Proxies, token: &str, from: usize, count: usize) -> Vec<Vec<u8>> {
    proxies.world.others(token, from, count).map(|token| bearing(FUNCTION, &token)).collect()
}

/// Each request with a token that the gateway has not seen; that it did not is counted.
fn uncached(proxies: &Proxies, requests: &[Vec<u8>]) -> Run {
    let before = proxies.counted("faas_iam_gateway_token_cache_misses_total");
    let run = run(&proxies.gateway.process, proxies.gateway.port, &Requests::Each(requests));
    let missed = proxies.counted("faas_iam_gateway_token_cache_misses_total") - before;
    assert_eq!(missed, requests.len() as u64, "every token is a new one");
    run
}

fn show(rows: &Rows) {
    println!(
        "\nCPU time a request: median (middle half of the rounds), and requests a second in the closed loop"
    );
    rows.bare.show("bare hyper proxy, a function");
    rows.cached.show("gateway, private function, cached token");
    if rows.nginx.micros.is_empty() {
        row("nginx proxy_pass", "missing");
    } else {
        rows.nginx.show("nginx proxy_pass");
    }
    rows.verifying.show("bare hyper proxy that verifies, every token new");
    rows.uncached.show("gateway, private function, every token new");
    rows.bare_list.show("bare hyper proxy, /system/functions");
    rows.list.show("gateway, /system/functions, cut down");
    rows.server.show("bare hyper server, a POST of an exchange's bytes");
    rows.exchange.show("gateway, an exchange");
    let (verify, sign) = (Figure::of(&rows.verify), Figure::of(&rows.sign));
    row("raw ES256 verification", &verify.show("µs"));
    row("raw ES256 signature", &sign.show("µs"));
    let (bare, cached, uncached) = (rows.bare.median(), rows.cached.median(), rows.uncached.median());
    let sides = |a: f64, b: f64| format!("{a:.1} µs ÷ {b:.1} µs");
    verdict("cached ÷ bare", cached / bare, 1.15, &sides(cached, bare));
    if !rows.nginx.micros.is_empty() {
        let nginx = rows.nginx.median();
        verdict("cached ÷ nginx (an aim)", cached / nginx, 1.6, &sides(cached, nginx));
    }
    let over = uncached - bare;
    let verifying = rows.verifying.median() - bare;
    verdict("(uncached − bare) ÷ (verifying − bare)", over / verifying, 1.15, &sides(over, verifying));
    verdict(
        "(uncached − bare) ÷ raw verification, alone",
        over / verify.median,
        1.15,
        &sides(over, verify.median),
    );
    let (list, bare) = (rows.list.median(), rows.bare_list.median());
    row("list ÷ bare", &format!("{:.2}; {}", list / bare, sides(list, bare)));
    let (whole, parts) = (rows.exchange.median(), rows.server.median() + verify.median + sign.median);
    row(
        "exchange ÷ (bare server + verification + signature)",
        &format!("{:.2}; {}", whole / parts, sides(whole, parts)),
    );
}
