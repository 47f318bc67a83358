//! The closed loop: so many connections, each sends its next request as soon as it has its answer.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::guard::Process;
use super::http::end;

/// Connections of the closed loop.
pub const CONNECTIONS: usize = 32;

/// What is sent: one request again and again, or each once.
pub enum Requests<'a> {
    Same(&'a [u8], usize),
    Each(&'a [Vec<u8>]),
}

impl Requests<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Same(_, count) => *count,
            Self::Each(all) => all.len(),
        }
    }

    fn get(&self, at: usize) -> &[u8] {
        match self {
            Self::Same(bytes, _) => bytes,
            Self::Each(all) => &all[at],
        }
    }
}

/// What came of it.
#[derive(Clone, Copy)]
pub struct Run {
    /// CPU time of the process under measure, µs a request.
    pub micros: f64,
    /// Requests a second.
    pub rate: f64,
}

/// Sends them all to a port; every answer has to be a 200.
pub fn run(process: &Process, port: u16, requests: &Requests<'_>) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (took, used) = runtime.block_on(async {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.set_nodelay(true).unwrap();
            connections.push(stream);
        }
        // The first request of a connection opens another one behind the proxy, which is not what is asked.
        let next = Rc::new(Cell::new(0));
        let (before, began) = (process.cpu(), Instant::now());
        futures::future::join_all(connections.into_iter().map(|stream| one(stream, requests, next.clone())))
            .await;
        (began.elapsed(), process.cpu().checked_sub(before).unwrap())
    });
    Run { micros: per(used, requests.len()), rate: requests.len() as f64 / took.as_secs_f64() }
}

fn per(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}

async fn one(mut stream: TcpStream, requests: &Requests<'_>, next: Rc<Cell<usize>>) {
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let at = next.replace(next.get() + 1);
        if at >= requests.len() {
            return;
        }
        stream.write_all(requests.get(at)).await.unwrap();
        buffer.clear();
        while end(&buffer).is_none() {
            assert!(stream.read_buf(&mut buffer).await.unwrap() > 0, "the connection was closed");
        }
        let status = end(&buffer).unwrap().1;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&buffer));
    }
}
