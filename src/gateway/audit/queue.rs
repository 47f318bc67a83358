//! A bounded queue in front of a writer that may be slow. Whoever fills it never waits; what does not fit is
//! counted, said in the log now and then, and told to the writer, so that its readers see the gap. Strangers fill
//! no more than half of it: whoever does something behind a flood of refusals is told of all the same.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;

use super::event::Event;

/// Events that wait for one writer. With every text at its largest they are some 35 MB.
pub const WAITING: usize = 10_000;
/// How often the log says that events are dropped.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// What a writer gets.
pub enum Message {
    /// An event.
    Event(Arc<Event>),
    /// There are no more.
    End,
}

impl Message {
    /// The event, where it is one.
    pub fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::End => None,
        }
    }
}

/// The writer's end.
pub type Waiting = mpsc::Receiver<Message>;

/// The serving end.
pub struct Queue {
    name: &'static str,
    wants: fn(&Event) -> bool,
    sender: mpsc::Sender<Message>,
    lost: Arc<Lost>,
}

/// What was lost on the way.
pub struct Lost {
    name: &'static str,
    untold: AtomicU64,
    all: Counter,
    said: Mutex<Option<Instant>>,
}

impl Queue {
    /// A queue for events that a writer wants, and its other end. `dropped` counts those that are lost.
    pub fn new(
        name: &'static str,
        wants: fn(&Event) -> bool,
        most: usize,
        dropped: Counter,
    ) -> (Self, Waiting) {
        let (sender, waiting) = mpsc::channel(most);
        let lost = Lost { name, untold: AtomicU64::new(0), all: dropped, said: Mutex::default() };
        (Self { name, wants, sender, lost: Arc::new(lost) }, waiting)
    }

    /// Which writer it leads to.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.sender.max_capacity().saturating_sub(self.sender.capacity())
    }

    /// What is lost on the way.
    pub fn lost(&self) -> &Arc<Lost> {
        &self.lost
    }

    /// Hands an event over, or loses it.
    pub fn tell(&self, event: &Arc<Event>) {
        if !(self.wants)(event) {
            return;
        }
        // What nobody proved anything for costs its sender nothing.
        let half = self.sender.max_capacity() / 2;
        let full = event.actor.is_none() && self.sender.capacity() <= half;
        if full || self.sender.try_send(Message::Event(event.clone())).is_err() {
            self.lost.add(1, &"too many events wait for it");
        }
    }

    /// Says that there are no more. Waits for a place.
    pub async fn end(&self) {
        // A writer that is gone needs no end.
        let _ = self.sender.send(Message::End).await;
    }
}

impl Lost {
    /// So many events are lost.
    pub fn add(&self, count: u64, why: &dyn std::fmt::Display) {
        self.all.inc_by(count);
        self.untold.fetch_add(count, Ordering::Relaxed);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|at| at.elapsed() >= SAID_EVERY) {
            *said = Some(Instant::now());
            tracing::error!(sink = self.name, dropped = self.all.get(), why = %why, "audit events are dropped");
        }
    }

    /// So many that were lost before are still to be told.
    pub fn still(&self, count: u64) {
        self.untold.fetch_add(count, Ordering::Relaxed);
    }

    /// How many were lost since somebody asked last.
    pub fn take(&self) -> u64 {
        self.untold.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    #[test]
    fn s30_strangers_push_nobody_out_who_is_known() {
        let dropped = Counter::default();
        let (queue, _waiting) = Queue::new("file", |_| true, 10, dropped.clone());
        let stranger = Arc::new(Event { actor: None, ..event() });
        (0..20).for_each(|_| queue.tell(&stranger));
        assert_eq!((queue.len(), dropped.get()), (5, 15));
        let known = Arc::new(event());
        (0..6).for_each(|_| queue.tell(&known));
        assert_eq!((queue.len(), dropped.get()), (10, 16));
    }
}
