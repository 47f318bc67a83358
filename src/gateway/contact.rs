//! How long the API server has been out of contact (`security-rules.md` 29): nothing while every watch was
//! answered last it asked, else since one was answered. Knows no clock but the one given.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What became of the watches.
#[derive(Debug)]
pub struct Contacts {
    began: Instant,
    watches: Mutex<HashMap<&'static str, Watch>>,
}

/// One watch.
#[derive(Debug)]
struct Watch {
    answered: Instant,
    failing: bool,
}

impl Contacts {
    /// None was made yet. Without a cluster there will be none, and nothing is out of contact.
    pub fn new(now: Instant) -> Self {
        Self { began: now, watches: Mutex::default() }
    }

    /// A watch was answered, or not.
    pub fn heard(&self, watch: &'static str, answered: bool, now: Instant) {
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        let watch = watches.entry(watch).or_insert(Watch { answered: self.began, failing: false });
        watch.failing = !answered;
        if answered {
            watch.answered = now;
        }
    }

    /// For how long; the longest of all watches.
    pub fn lost_for(&self, now: Instant) -> Duration {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        let failing = watches.values().filter(|watch| watch.failing);
        failing.map(|watch| now.saturating_duration_since(watch.answered)).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s29_contact_is_lost_since_the_last_answer_and_until_the_same_watch_is_answered_again() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let contacts = Contacts::new(began);
        let lost = |seconds| contacts.lost_for(at(seconds)).as_secs();
        assert_eq!(lost(100), 0, "without a cluster");
        contacts.heard("index", false, at(1));
        assert_eq!(lost(10), 10, "never yet");
        contacts.heard("index", true, at(20));
        contacts.heard("key", true, at(20));
        assert_eq!(lost(80), 0, "a quiet cluster says nothing");
        contacts.heard("index", false, at(80));
        contacts.heard("key", true, at(90));
        contacts.heard("index", false, at(95));
        assert_eq!(lost(100), 80, "another watch does not hide it, and trying again does not begin anew");
        contacts.heard("index", true, at(101));
        assert_eq!(lost(102), 0);
    }
}
