//! One connection of a client: what it is at, and how long it may be at that. A client that sends the head
//! of its request too slowly, asks for nothing, or takes its requests back as fast as it sends them is left.
//! Does no IO; whoever serves the connection asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::Version;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::peers::Place;

/// Requests of one connection that may be taken back before they are answered, unless more are not
/// (CVE-2023-44487: each one costs us more than the client).
const TAKEN_BACK: u32 = 100;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For the head of a request; of the first one from when the connection was accepted.
    pub head: Duration,
    /// Until it asks again: longer than the 60 s of most front ends, so that it is they who end a connection
    /// and not we, while they send the next request.
    pub idle: Duration,
    /// Until it reads something of what is written to it.
    pub read: Duration,
    /// To fetch an answer that we hold whole.
    pub fetch: Duration,
    /// To end a connection, once it was told to.
    pub leave: Duration,
    /// Between two looks at a connection; the others are as much longer at most.
    pub look: Duration,
}

impl Default for Times {
    fn default() -> Self {
        let [handshake, head, idle, read, fetch, leave, look] =
            [10, 30, 75, 60, 300, 5, 15].map(Duration::from_secs);
        Self { handshake, head, idle, read, fetch, leave, look }
    }
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is to be looked at again then.
    Again(Instant),
    /// Its time is over.
    Over,
}

/// A connection, for as long as anything of it is there.
pub struct Line {
    place: Place,
    times: Times,
    gauge: Gauge,
    since: Instant,
    running: AtomicU32,
    /// When the last request ended; milliseconds after `since`, as all times here.
    quiet: AtomicU64,
    /// When the first byte after that came; 0 where none did.
    heard: AtomicU64,
    begun: AtomicBool,
    streams: AtomicBool,
    answered: AtomicU32,
    taken_back: AtomicU32,
    abused: Notify,
}

/// A request that was begun, until its answer has been sent or given up.
pub struct Begun {
    line: Arc<Line>,
    answered: bool,
}

impl Line {
    /// A connection that was just accepted; `gauge` counts it.
    pub fn new(place: Place, times: Times, gauge: Gauge) -> Arc<Self> {
        gauge.inc();
        Arc::new(Self {
            place,
            times,
            gauge,
            since: Instant::now(),
            running: AtomicU32::new(0),
            quiet: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            begun: AtomicBool::new(false),
            streams: AtomicBool::new(false),
            answered: AtomicU32::new(0),
            taken_back: AtomicU32::new(0),
            abused: Notify::new(),
        })
    }

    /// The head of a request has come; `None` where there are too many at once.
    pub fn begin(self: &Arc<Self>, version: Version) -> Option<Begun> {
        self.heard.store(0, Relaxed);
        self.begun.store(true, Relaxed);
        if version == Version::HTTP_2 {
            self.streams.store(true, Relaxed);
        }
        if !self.place.begin() {
            // Busy or not, it asked for something.
            self.quiet.store(self.now(), Relaxed);
            return None;
        }
        self.running.fetch_add(1, Relaxed);
        Some(Begun { line: self.clone(), answered: false })
    }

    /// Something was read from the client.
    pub fn read(&self) {
        if self.running.load(Relaxed) == 0 && self.heard.load(Relaxed) == 0 {
            self.heard.store(self.now().max(1), Relaxed);
        }
    }

    /// Whether the client's time is over now.
    pub fn look(&self) -> Look {
        if self.running.load(Relaxed) > 0 {
            return self.again(self.times.look);
        }
        let now = self.now();
        let left = |from: u64, limit: Duration| (from + millis(limit)).saturating_sub(now);
        let heard = self.heard.load(Relaxed);
        let idle = left(self.quiet.load(Relaxed), self.times.idle);
        let left = match (self.begun.load(Relaxed), self.streams.load(Relaxed)) {
            (false, _) => left(0, self.times.head),
            // Pings and window updates are bytes, too, and no request.
            (true, true) => idle,
            (true, false) if heard > 0 => left(heard, self.times.head),
            (true, false) => idle,
        };
        if left == 0 { Look::Over } else { self.again(self.times.look.min(Duration::from_millis(left))) }
    }

    /// How long its client may take.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// Waits until the client has taken too many requests back.
    pub async fn abused(&self) {
        self.abused.notified().await;
    }

    fn again(&self, after: Duration) -> Look {
        Look::Again(Instant::now() + after)
    }

    fn now(&self) -> u64 {
        millis(self.since.elapsed())
    }

    fn gave_up(&self) {
        let taken_back = self.taken_back.fetch_add(1, Relaxed) + 1;
        if taken_back >= TAKEN_BACK && taken_back > self.answered.load(Relaxed) {
            self.abused.notify_one();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl Begun {
    /// The head of its answer is there.
    pub fn answered(&mut self) {
        self.answered = true;
        self.line.answered.fetch_add(1, Relaxed);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.line.quiet.store(self.line.now(), Relaxed);
        self.line.running.fetch_sub(1, Relaxed);
        self.line.place.end();
        if !self.answered {
            self.line.gave_up();
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
