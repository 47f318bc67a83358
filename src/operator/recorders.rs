//! Which recorder writes an Event. kube's counts what it is told of one object for one reason as one Event and keeps the note
//! of the first, whatever the later ones say: so each note has a recorder of its own for as long as that one counts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;
use kube::runtime::events::{Recorder, Reporter};

/// How long kube's recorder counts on the same Event.
const COUNTS: Duration = Duration::from_secs(6 * 60);
/// Notes that are remembered; where there are more, all are forgotten, and what is told again is a new Event.
const MOST: usize = 256;

/// The recorders of one reporter.
pub struct Recorders {
    client: Client,
    reporter: Reporter,
    by_note: Mutex<BTreeMap<String, (Instant, Recorder)>>,
}

impl Recorders {
    /// None yet.
    pub fn new(client: Client, reporter: Reporter) -> Self {
        Self { client, reporter, by_note: Mutex::default() }
    }

    /// The one that tells this note.
    pub fn of(&self, note: &str) -> Recorder {
        let mut by_note = self.by_note.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        by_note.retain(|_, (used, _)| now.duration_since(*used) < COUNTS);
        if by_note.len() >= MOST && !by_note.contains_key(note) {
            by_note.clear();
        }
        let new = || (now, Recorder::new(self.client.clone(), self.reporter.clone()));
        let (used, recorder) = by_note.entry(note.to_owned()).or_insert_with(new);
        *used = now;
        recorder.clone()
    }
}
