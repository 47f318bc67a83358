//! How long calls took: put aside by each thread and counted when there are many, or when somebody reads. A histogram
//! that all threads write to with every call is handed from core to core by every call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::case::Kind;
use super::times::{Times, long, short};

/// So many are put aside by a thread.
const ASIDE: usize = 256;
/// Threads that have a place of their own; more share them.
const THREADS: usize = 16;

/// How long calls took.
pub struct Durations {
    /// From the request to the head of its answer.
    pub requests: Times,
    /// The same without the upstream's time.
    pub judgements: Times,
    /// The upstream's time.
    pub upstream: Times,
    aside: [Aside; THREADS],
}

/// Those that are not counted yet. As far from the next as cores fetch at once.
#[derive(Default)]
#[repr(align(128))]
struct Aside(Mutex<Vec<Took>>);

/// How long one call took.
struct Took {
    kind: Kind,
    whole: Duration,
    waited: Option<Duration>,
}

impl Durations {
    /// None yet.
    pub fn new() -> Self {
        let (requests, judgements, upstream) = (Times::new(long), Times::new(short), Times::new(long));
        Self { requests, judgements, upstream, aside: Default::default() }
    }

    /// A call took so long, of which the upstream was waited for, where it was asked.
    pub fn took(&self, kind: Kind, whole: Duration, waited: Option<Duration>) {
        let Some(aside) = self.aside.get(place()) else { return };
        let mut aside = aside.0.lock().unwrap_or_else(PoisonError::into_inner);
        aside.push(Took { kind, whole, waited });
        if aside.len() >= ASIDE {
            self.count(&mut aside);
        }
    }

    /// Counts all that were put aside.
    pub fn settle(&self) {
        for aside in &self.aside {
            self.count(&mut aside.0.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn count(&self, aside: &mut Vec<Took>) {
        for Took { kind, whole, waited } in aside.drain(..) {
            self.requests.of(kind).observe(whole.as_secs_f64());
            let ours = whole.saturating_sub(waited.unwrap_or_default());
            self.judgements.of(kind).observe(ours.as_secs_f64());
            if let Some(waited) = waited {
                self.upstream.of(kind).observe(waited.as_secs_f64());
            }
        }
    }
}

/// The place of this thread.
fn place() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PLACE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % THREADS;
    }
    PLACE.with(|place| *place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(durations: &Durations) -> usize {
        let mut text = String::new();
        let mut registry = prometheus_client::registry::Registry::default();
        registry.register("requests", "Requests", durations.requests.family.clone());
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let line = text.lines().find(|line| line.starts_with("requests_count{kind=\"function\"}")).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }

    #[test]
    fn whoever_reads_sees_every_call_of_every_thread() {
        let durations = Durations::new();
        std::thread::scope(|scope| {
            for _ in 0..THREADS + 1 {
                scope.spawn(|| {
                    for _ in 0..ASIDE + 1 {
                        durations.took(Kind::Function, Duration::from_millis(1), None);
                    }
                });
            }
        });
        durations.settle();
        assert_eq!(counted(&durations), (THREADS + 1) * (ASIDE + 1));
    }

    #[test]
    fn no_more_than_a_bounded_number_is_put_aside() {
        let durations = Durations::new();
        for _ in 0..10 * ASIDE {
            durations.took(Kind::Function, Duration::from_millis(1), None);
        }
        assert_eq!(counted(&durations), 10 * ASIDE);
    }
}
