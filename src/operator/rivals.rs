//! Who else writes what we write. Decides whose change undoes ours, when it is put back, and when it is
//! worth a warning that names them.
//!
//! Pure: fed by plain calls, time is an argument (ms since 1970).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use k8s_openapi::jiff::Timestamp;

use super::names::MANAGER;
use super::pace::Patience;
use crate::bundle::Digest;
use crate::compile::{ObjectRef, Report, Warning};
use crate::model::FieldPath;

/// The field manager that has changed an object last, where that is not us. `part` is the subresource,
/// such as `status`. Who only took fields away is recorded nowhere.
pub fn rival(meta: &ObjectMeta, part: Option<&str>) -> Option<Box<str>> {
    let entries = meta.managed_fields.iter().flatten().filter(|entry| entry.subresource.as_deref() == part);
    let (ours, theirs): (Vec<_>, Vec<_>) =
        entries.partition(|entry| entry.manager.as_deref() == Some(MANAGER));
    let own = ours.into_iter().filter_map(time).max();
    let other = theirs.into_iter().max_by_key(|entry| time(entry)).filter(|entry| time(entry) >= own)?;
    other.manager.as_deref().map(Into::into)
}

fn time(entry: &ManagedFieldsEntry) -> Option<Timestamp> {
    entry.time.as_ref().map(|time| time.0)
}

/// A rival in words, as the subject of a sentence.
pub fn named(rival: Option<&str>) -> String {
    match rival {
        Some(manager) => format!("the field manager `{manager}`"),
        None => "somebody whose name the API server does not record".to_owned(),
    }
}

/// One status that we have written.
#[derive(Debug, Default)]
struct Dispute {
    uid: String,
    /// What it was to say.
    wanted: Option<Digest>,
    patience: Patience,
    /// The warning about whoever keeps undoing it, while somebody does.
    warning: Option<Warning>,
    /// Whether a status with that warning was written.
    told: bool,
}

/// The statuses that we have written, and what became of them.
#[derive(Debug, Default)]
pub struct Disputes(BTreeMap<ObjectRef, Dispute>);

impl Disputes {
    /// The report with a warning about whoever keeps undoing it, while somebody does.
    pub fn told(&self, key: &ObjectRef, uid: &str, report: &Report) -> Report {
        let mut report = report.clone();
        // First, since a condition lists only so many.
        let warning = self.of(key, uid).and_then(|dispute| dispute.warning.clone());
        report.warnings.splice(0..0, warning);
        report
    }

    /// Whether we have written a status that was to say this.
    pub fn has_said(&self, key: &ObjectRef, uid: &str, wanted: Digest) -> bool {
        self.of(key, uid).is_some_and(|dispute| dispute.wanted == Some(wanted))
    }

    /// Somebody has undone what we have said. Returns when it may be put back, where that is later. From
    /// the second time on there is a warning; says whether it was never told.
    ///
    /// # Errors
    /// The time before which nothing is put back, ms since 1970.
    pub fn undone(&mut self, key: &ObjectRef, rival: Option<&str>, now: i64) -> Result<bool, i64> {
        let dispute = self.0.entry(key.clone()).or_default();
        if let Some(later) = dispute.patience.wait(now) {
            return Err(later);
        }
        let warning = (dispute.patience.count() > 0).then(|| warning(rival));
        let new = warning.is_some() && !dispute.told;
        dispute.warning = warning;
        Ok(new)
    }

    /// A status was written that says this; `repair` where it puts back what somebody has undone.
    pub fn wrote(&mut self, key: ObjectRef, uid: &str, wanted: Digest, repair: bool, now: i64) {
        let dispute = self.0.entry(key).or_default();
        if dispute.uid != uid {
            *dispute = Dispute { uid: uid.to_owned(), ..Dispute::default() };
        }
        dispute.wanted = Some(wanted);
        if repair {
            dispute.patience.repaired(now);
            dispute.told = dispute.warning.is_some();
        }
    }

    /// Somebody was first when a status was to be put back: that counts, too. Who changes it faster than we can would
    /// otherwise be answered without a pause, and never named.
    pub fn beaten(&mut self, key: &ObjectRef, now: i64) {
        if let Some(dispute) = self.0.get_mut(key) {
            dispute.patience.repaired(now);
        }
    }

    /// Those whose rivals have given up: their warning goes.
    pub fn settle(&mut self, now: i64) -> Vec<ObjectRef> {
        let over = |dispute: &Dispute| dispute.warning.is_some() && dispute.patience.ends() < now;
        let settled = self.0.iter_mut().filter(|(_, dispute)| over(dispute));
        settled
            .map(|(key, dispute)| {
                (dispute.warning, dispute.told) = (None, false);
                key.clone()
            })
            .collect()
    }

    /// When the next rival counts as having given up, ms since 1970.
    pub fn next(&self) -> Option<i64> {
        let open = self.0.values().filter(|dispute| dispute.warning.is_some());
        open.map(|dispute| dispute.patience.ends().saturating_add(1)).min()
    }

    /// Forgets objects that are gone.
    pub fn retain(&mut self, is_there: impl Fn(&ObjectRef) -> bool) {
        self.0.retain(|key, _| is_there(key));
    }

    fn of(&self, key: &ObjectRef, uid: &str) -> Option<&Dispute> {
        self.0.get(key).filter(|dispute| dispute.uid == uid)
    }
}

fn warning(rival: Option<&str>) -> Warning {
    let message = format!(
        "{} keeps changing it; it is put back each time, after a pause that grows: let them leave it alone",
        named(rival)
    );
    Warning { field: FieldPath::root().child("status"), message }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn entry(manager: &str, part: Option<&str>, second: i64) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.to_owned()),
            subresource: part.map(str::to_owned),
            time: Some(Time(Timestamp::from_second(second).unwrap())),
            ..ManagedFieldsEntry::default()
        }
    }

    #[test]
    fn a_rival_is_who_has_changed_the_very_part_last_and_not_before_us() {
        let status = Some("status");
        let rows = [
            (vec![], None),
            (vec![entry("faas-iam", status, 5)], None),
            (vec![entry("faas-iam", status, 5), entry("argo", status, 4)], None),
            (vec![entry("faas-iam", status, 5), entry("argo", status, 5)], Some("argo")),
            (
                vec![entry("argo", status, 7), entry("flux", status, 8), entry("faas-iam", status, 5)],
                Some("flux"),
            ),
            (vec![entry("kubectl", None, 9), entry("argo", status, 1)], Some("argo")),
            (vec![entry("kubectl", Some("scale"), 9)], None),
        ];
        for (entries, expected) in rows {
            let meta = ObjectMeta { managed_fields: Some(entries), ..ObjectMeta::default() };
            assert_eq!(rival(&meta, status).as_deref(), expected, "{:?}", meta.managed_fields);
        }
    }

    #[test]
    fn of_the_object_itself_parts_do_not_count() {
        let entries = vec![entry("argo", Some("status"), 9), entry("kubectl", None, 1)];
        let meta = ObjectMeta { managed_fields: Some(entries), ..ObjectMeta::default() };
        assert_eq!(rival(&meta, None).as_deref(), Some("kubectl"));
    }
}
