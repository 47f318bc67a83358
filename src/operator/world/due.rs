//! The statuses that have to be written now. Decides whether one is news, a repair of what a rival has
//! undone, or a repair that has to wait.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::World;
use crate::api::Kind;
use crate::compile::{ObjectRef, Report, Warning};
use crate::operator::objects::Author;
use crate::operator::pace;
use crate::operator::statuses::{self, News, StatusWrite};

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
        let mut due = Due::default();
        for (key, report) in self.take_unreported() {
            match self.status(&key, &report, time) {
                None => {}
                Some(Ok(write)) => due.writes.push(write),
                Some(Err(later)) => {
                    self.put_off.insert(key, later);
                }
            }
        }
        due.wake = self.put_off.values().copied().chain(self.disputes.next()).min();
        due
    }

    /// While an issuer is being asked for the first time since we began, its status stays as it was.
    fn take_unreported(&mut self) -> Vec<(ObjectRef, Report)> {
        let asking = |key: &ObjectRef| key.kind == Kind::JwtIssuer && self.keybook.is_asking(&key.name);
        let (later, due): (_, BTreeSet<_>) =
            std::mem::take(&mut self.unreported).into_iter().partition(asking);
        self.unreported = later;
        due.into_iter().filter_map(|key| Some((key.clone(), self.reports.get(&key)?.clone()))).collect()
    }

    /// The status that an object lacks, or the time before which it is not put back; `None` where it says
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
        let Author::Rival(rival) = &meta.author else { return Some(Ok(plain)) };
        if !self.disputes.has_said(key, &meta.uid, wanted) {
            return Some(Ok(plain));
        }
        match self.disputes.undone(key, rival.as_deref(), time.as_millisecond()) {
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

    /// A status could not be written: try again with the next turn.
    pub fn report_again(&mut self, key: ObjectRef) {
        self.unreported.insert(key);
    }
}

/// What is news about a status that is put back: nothing but that somebody goes on undoing it.
fn undone(warning: &Warning) -> News {
    News { ready: false, reason: "StatusUndone".to_owned(), message: warning.to_string() }
}
