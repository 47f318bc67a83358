//! Whose keys are known, and whose are due. Decides when to ask again and how long old keys serve.
//!
//! Pure: time (ms since 1970) and jitter are arguments; asking is somebody else's.

use std::collections::BTreeMap;

use crate::api::Reason;
use crate::bundle::{Bundle, Record};
use crate::compile::{Catalogue, Keys, Meaning};
use crate::fetch::{Found, Missed};
use crate::model::{Issuer, KeyRef, KeySource};
use crate::token::KeySet;

/// How often good keys are read again, ms (design section 5); spread by a tenth either way.
const REFRESH: i64 = 15 * 60 * 1000;
/// Nobody is due later than this, ms from now: whoever seems to be was told when the clock was ahead.
const LATEST: i64 = REFRESH + REFRESH / 10;
/// The pause after a first failure, ms (`security-rules.md` 21); doubles up to [`REFRESH`].
const COOL_DOWN: i64 = 30 * 1000;

/// What a fetch depends on; another one makes what was fetched worthless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The issuer's name in its tokens.
    pub iss: Box<str>,
    /// Where the keys come from.
    pub source: KeySource,
    /// Trust roots besides the installation's.
    pub ca_bundle: Option<KeyRef>,
}

impl Want {
    /// Whether the keys depend on what this leads to.
    pub fn depends_on(&self, reference: &KeyRef) -> bool {
        self.ca_bundle.as_ref() == Some(reference)
            || matches!(&self.source, KeySource::Ref(source) if source == reference)
    }

    /// What the keys of an issuer depend on; `None` where they stand in the object or are our own.
    fn of(issuer: &Issuer) -> Option<Self> {
        let elsewhere = !matches!(issuer.keys, KeySource::System | KeySource::Inline);
        elsewhere.then(|| Self {
            iss: issuer.iss.clone(),
            source: issuer.keys.clone(),
            ca_bundle: issuer.ca_bundle.clone(),
        })
    }
}

#[derive(Debug)]
struct Entry {
    want: Want,
    state: Keys,
    /// Ms since 1970; `None` while somebody asks.
    due: Option<i64>,
    failures: u32,
    /// Whether any answer has come.
    asked: bool,
    /// Something that the answer depends on has changed while somebody asked.
    again: bool,
}

impl Entry {
    /// Whether it is to be asked now. A clock that was set back makes nobody wait.
    fn is_due(&self, now: i64) -> bool {
        let waits = |due: i64| now < due && due <= now.saturating_add(LATEST);
        self.due.is_some_and(|due| due != i64::MAX && !waits(due))
    }
}

/// Keys that an earlier operator left in the bundle: of which issuer, from where, stale since when.
#[derive(Debug)]
struct Left {
    iss: Box<str>,
    source: KeySource,
    set: KeySet,
    stale_since: Option<i64>,
}

/// The keys of every issuer that has them elsewhere.
#[derive(Debug, Default)]
pub struct KeyBook {
    entries: BTreeMap<Box<str>, Entry>,
    /// Keys that an earlier operator left in the bundle.
    left: BTreeMap<Box<str>, Left>,
    /// Issuers that were asked and are asked no more.
    gone: Vec<Box<str>>,
    changed: bool,
}

impl KeyBook {
    /// Takes the keys that an earlier operator left in the bundle; they serve until somebody has asked.
    pub fn remember(&mut self, bundle: &Bundle) {
        for (key, record) in bundle.iter() {
            if let Record::Issuer { issuer, keys, stale_since, .. } = record {
                let left = Left {
                    iss: issuer.iss.clone(),
                    source: issuer.keys.clone(),
                    set: keys.clone(),
                    stale_since: *stale_since,
                };
                self.left.insert(key.name.clone(), left);
            }
        }
    }

    /// Follows the issuers there are: new ones are due at once, those that are gone are forgotten.
    pub fn follow(&mut self, catalogue: &Catalogue, now: i64) {
        let mut wanted: BTreeMap<Box<str>, Want> = BTreeMap::new();
        for (key, judged) in &catalogue.objects {
            if let Ok(Meaning::Issuer(issuer, _)) = &judged.verdict {
                wanted.extend(Want::of(issuer).map(|want| (key.name.clone(), want)));
            }
        }
        self.gone.extend(self.entries.keys().filter(|name| !wanted.contains_key(*name)).cloned());
        self.entries.retain(|name, entry| wanted.get(name) == Some(&entry.want));
        for (name, want) in wanted {
            if !self.entries.contains_key(&name) {
                let state = self.left_for(&name, &want);
                self.entries.insert(
                    name,
                    Entry { want, state, due: Some(now), failures: 0, asked: false, again: false },
                );
                self.changed = true;
            }
        }
    }

    fn left_for(&mut self, name: &str, want: &Want) -> Keys {
        let left = self.left.remove(name);
        let fits = |left: &Left| left.iss == want.iss && left.source == want.source && !left.set.is_empty();
        match left.filter(fits) {
            None => Keys::Pending,
            Some(Left { set, stale_since: None, .. }) => Keys::Fetched { set, notes: Vec::new() },
            Some(Left { set, stale_since: Some(since), .. }) => Keys::Failed {
                reason: Reason::IssuerUnreachable,
                message: String::new(),
                last: Some((set, since)),
            },
        }
    }

    /// The issuers to ask now; each is handed out once until [`Self::finish`].
    pub fn take_due(&mut self, now: i64) -> Vec<(Box<str>, Want)> {
        let due = self.entries.iter_mut().filter(|(_, entry)| entry.is_due(now));
        due.map(|(name, entry)| {
            entry.due = None;
            (name.clone(), entry.want.clone())
        })
        .collect()
    }

    /// An issuer that was handed out cannot be asked before something that it depends on is seen.
    pub fn put_back(&mut self, name: &str) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.due = Some(if std::mem::take(&mut entry.again) { 0 } else { i64::MAX });
        }
    }

    /// When the next issuer is due.
    pub fn next_due(&self) -> Option<i64> {
        self.entries.values().filter_map(|entry| entry.due).min()
    }

    /// Whether nobody has finished asking an issuer yet, so that there is nothing to tell about its keys.
    pub fn is_asking(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|entry| !entry.asked)
    }

    /// What was read before serves no more: whoever keeps the keys has taken them away, or broken them.
    pub fn forget(&mut self, name: &str) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.state = Keys::Pending;
            self.changed = true;
        }
    }

    /// Something that the keys of some issuers depend on has changed: they are due at once.
    pub fn hurry(&mut self, now: i64, depends: impl Fn(&Want) -> bool) {
        for entry in self.entries.values_mut().filter(|entry| depends(&entry.want)) {
            match entry.due {
                Some(_) => entry.due = Some(now),
                None => entry.again = true,
            }
        }
    }

    /// Whether this is what is asked of the issuer at present.
    pub fn wants(&self, name: &str, want: &Want) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.want == *want)
    }

    /// An issuer was asked. `jitter` is between 0 and 1. An answer to another question is dropped.
    pub fn finish(&mut self, name: &str, want: &Want, answer: Result<Found, Missed>, now: i64, jitter: f64) {
        let Some(entry) = self.entries.get_mut(name).filter(|entry| entry.want == *want) else { return };
        entry.asked = true;
        entry.failures = if answer.is_ok() { 0 } else { entry.failures.saturating_add(1) };
        let pause = pause(entry.failures, jitter);
        entry.due = Some(if std::mem::take(&mut entry.again) { now } else { now.saturating_add(pause) });
        let state = match answer {
            Ok(Found { set, notes }) => Keys::Fetched { set, notes },
            Err(Missed { reason, message }) => {
                Keys::Failed { reason, message, last: last_good(&entry.state, now) }
            }
        };
        if entry.state != state {
            entry.state = state;
            self.changed = true;
        }
    }

    /// The issuers that are asked no more, each once.
    pub fn take_gone(&mut self) -> Vec<Box<str>> {
        std::mem::take(&mut self.gone)
    }

    /// Drops keys that could not be read anew for `stale_for` ms; says when the next are to go.
    pub fn expire(&mut self, now: i64, stale_for: i64) -> Option<i64> {
        let mut next: Option<i64> = None;
        for entry in self.entries.values_mut() {
            let Keys::Failed { last, .. } = &mut entry.state else { continue };
            let Some(end) = last.as_ref().map(|(_, since)| since.saturating_add(stale_for)) else { continue };
            if end <= now {
                *last = None;
                self.changed = true;
            } else {
                next = Some(next.map_or(end, |n| n.min(end)));
            }
        }
        next
    }

    /// What is known, by the issuer's name.
    pub fn keys(&self) -> BTreeMap<Box<str>, Keys> {
        self.entries.iter().map(|(name, entry)| (name.clone(), entry.state.clone())).collect()
    }

    /// Whether anything has changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

/// The keys that still serve after a failure, and since when they are stale.
fn last_good(state: &Keys, now: i64) -> Option<(KeySet, i64)> {
    match state {
        Keys::Pending => None,
        Keys::Fetched { set, .. } => Some((set.clone(), now)),
        Keys::Failed { last, .. } => last.clone(),
    }
}

/// The pause before the next question, ms.
fn pause(failures: u32, jitter: f64) -> i64 {
    let base = match failures.checked_sub(1) {
        None => REFRESH,
        Some(before) => COOL_DOWN.saturating_mul(1 << before.min(10)).min(REFRESH),
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most a tenth of fifteen minutes")]
    let spread = (base as f64 * 0.2 * (jitter.clamp(0.0, 1.0) - 0.5)) as i64;
    base.saturating_add(spread)
}

#[cfg(test)]
mod tests;
