//! The statuses that have to be written now. Decides whether one is news, a repair of what a rival has
//! undone, or one that has to wait.

use std::ops::Bound::{Excluded, Unbounded};

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::World;
use crate::api::Kind;
use crate::compile::{ObjectRef, Report, Warning};
use crate::operator::allowance::Rate;
use crate::operator::objects::Author;
use crate::operator::pace;
use crate::operator::statuses::{self, News, StatusWrite};

/// Statuses that are handed out at once. More would be outdated before they are written, where somebody goes on editing.
const A_TURN: usize = 100;
/// Statuses of one object. What somebody changes without end would otherwise be written as often, and with it each object
/// that refers to it.
const OF_ONE: Rate = Rate { at_once: 30, then_every: 10_000 };

/// The statuses to write, and when to look again.
#[derive(Debug, Default)]
pub struct Due {
    /// What to write.
    pub writes: Vec<StatusWrite>,
    /// When the next one is due, ms since 1970.
    pub wake: Option<i64>,
}

impl World {
    /// The statuses that do not say what they should; each object is looked at once until its report or its
    /// status changes.
    pub fn due(&mut self, time: Timestamp) -> Due {
        let now = time.as_millisecond();
        self.unreported.extend(self.objects.take_touched());
        self.unreported.extend(self.disputes.settle(now));
        let unreported = &mut self.unreported;
        self.put_off.retain(|key, later| {
            let waits = pace::waits(*later, now);
            unreported.extend((!waits).then(|| key.clone()));
            waits
        });
        self.allowance.settle(now);
        let mut due = Due::default();
        while let Some(key) = self.next_unreported() {
            if due.writes.len() == A_TURN {
                due.wake = Some(now);
                break;
            }
            self.look_at(key, time, &mut due.writes);
        }
        due.wake =
            due.wake.into_iter().chain(self.put_off.values().copied()).chain(self.disputes.next()).min();
        due
    }

    /// The next object whose status has to be looked at. In a round, so that nobody's waits for those that are always the
    /// first. While an issuer is being asked for the first time since we began, its status stays as it was.
    fn next_unreported(&self) -> Option<ObjectRef> {
        let asking = |key: &&ObjectRef| key.kind == Kind::JwtIssuer && self.keybook.is_asking(&key.name);
        let after = self.looked_at.as_ref().map_or(Unbounded, Excluded);
        let rest = self.unreported.range((after, Unbounded));
        rest.chain(&self.unreported).find(|key| !asking(key)).cloned()
    }

    fn look_at(&mut self, key: ObjectRef, time: Timestamp, writes: &mut Vec<StatusWrite>) {
        self.unreported.remove(&key);
        if let Some(report) = self.reports.get(&key).cloned() {
            match self.status(&key, &report, time) {
                None => {}
                Some(Ok(write)) => writes.push(write),
                Some(Err(later)) => {
                    self.put_off.insert(key.clone(), later);
                }
            }
        }
        self.looked_at = Some(key);
    }

    /// The status that an object lacks, or the time before which it is not written; `None` where it says
    /// what it should.
    fn status(
        &mut self,
        key: &ObjectRef,
        report: &Report,
        time: Timestamp,
    ) -> Option<Result<StatusWrite, i64>> {
        let meta = self.objects.meta(key)?;
        let generation = self.objects.catalogue().objects.get(key)?.origin.generation;
        if !self.objects.schema(key.kind).takes_status() {
            return None;
        }
        let keys = self.keys.get(&key.name).filter(|_| key.kind == Kind::JwtIssuer);
        let wanted = statuses::wanted(key, generation, report, keys);
        let write = |told: &Report| {
            let write = statuses::due(key, meta, generation, told, keys, time)?;
            Some(StatusWrite { wanted, ..write })
        };
        let plain = write(&self.disputes.told(key, &meta.uid, report))?;
        let undone_by = match &meta.author {
            Author::Rival(rival) if self.disputes.has_said(key, &meta.uid, wanted) => rival,
            _ => {
                let allowed = self.allowance.take(OF_ONE, key.clone(), time.as_millisecond());
                return Some(allowed.map(|()| plain));
            }
        };
        match self.disputes.undone(key, undone_by.as_deref(), time.as_millisecond()) {
            Err(later) => Some(Err(later)),
            Ok(new) => {
                let told = self.disputes.told(key, &meta.uid, report);
                let news = told.warnings.first().filter(|_| new).map(undone);
                Some(Ok(StatusWrite { news, repair: true, ..write(&told)? }))
            }
        }
    }

    /// A status was written, and looks like this now.
    pub fn reported(&mut self, write: StatusWrite, resource_version: String, status: Value, now: i64) {
        let StatusWrite { key, uid, wanted, repair, .. } = write;
        self.objects.reported(&key, resource_version, status);
        self.disputes.wrote(key, &uid, wanted, repair, now);
    }

    /// Somebody was first when a status was to be written: look again.
    pub fn beaten(&mut self, write: StatusWrite, now: i64) {
        if write.repair {
            self.disputes.beaten(&write.key, now);
        }
        self.report_again(write.key);
    }

    /// A status could not be written: try again with the next turn.
    pub fn report_again(&mut self, key: ObjectRef) {
        self.unreported.insert(key);
    }
}

/// What is news about a status that is put back: nothing but that somebody goes on undoing it.
fn undone(warning: &Warning) -> News {
    News { ready: false, reason: "StatusUndone".to_owned(), message: warning.to_string() }
}
