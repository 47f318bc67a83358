//! A status that somebody else keeps changing: when it is put back, and what is said of whom.

use super::*;
use crate::operator::statuses::StatusWrite;

/// One Policy whose status an operator writes and a rival changes.
struct Fight {
    world: World,
    status: Value,
    version: u32,
    now: i64,
}

impl Fight {
    /// The operator has written the status.
    fn new() -> Self {
        let mut fight = Self { world: world(vec![policy(1)]), status: Value::Null, version: 1, now: NOW };
        fight.world.pass(NOW);
        let first = fight.writes();
        assert_eq!(first.len(), 1);
        fight.written(first);
        fight
    }

    fn due(&mut self) -> super::super::Due {
        self.world.due(Timestamp::from_millisecond(self.now).unwrap())
    }

    fn writes(&mut self) -> Vec<StatusWrite> {
        self.due().writes
    }

    /// What was due is written, and the watch shows it.
    fn written(&mut self, writes: Vec<StatusWrite>) {
        for write in writes {
            self.version += 1;
            let mut status = write.status.clone();
            status.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            self.status = status;
            self.world.reported(write, self.version.to_string(), self.status.clone(), self.now);
            self.show(None);
        }
    }

    fn show(&mut self, rival: Option<&str>) {
        let object = Shown {
            resource_version: self.version.to_string(),
            status: self.status.clone(),
            rival: rival.map(Into::into),
            ..policy(1)
        };
        self.world.objects.apply(object);
    }

    /// The rival empties the status.
    fn undo(&mut self, rival: Option<&str>) {
        self.version += 1;
        self.status = json!({ "observedGeneration": 1, "conditions": [] });
        self.show(rival);
    }

    /// Waits until the status may be put back, and does that. Returns how long it took, ms.
    fn put_back(&mut self) -> i64 {
        let began = self.now;
        let mut due = self.due();
        if due.writes.is_empty() {
            assert_eq!(self.due().wake, due.wake, "another turn meanwhile does not forget it");
            self.now = due.wake.unwrap();
            due = self.due();
        }
        assert!(due.writes.iter().all(|write| write.repair) && due.writes.len() == 1, "{due:?}");
        self.written(due.writes);
        self.now - began
    }

    fn warning(&self) -> Option<&str> {
        let conditions = self.status["conditions"].as_array()?;
        conditions.iter().find(|c| c["type"] == "Warnings")?["message"].as_str()
    }
}

#[test]
fn a_status_that_somebody_keeps_changing_is_put_back_at_once_and_then_with_a_growing_pause() {
    let mut fight = Fight::new();
    let mut pauses = Vec::new();
    for _ in 0..5 {
        fight.undo(Some("argo"));
        pauses.push(fight.put_back());
    }
    assert_eq!(pauses, [0, 500, 1000, 2000, 4000]);
}

#[test]
fn from_the_second_time_on_a_warning_and_one_event_name_the_field_manager() {
    let mut fight = Fight::new();
    fight.undo(Some("argo"));
    fight.put_back();
    assert_eq!(fight.warning(), None, "once may be a mistake");
    let mut events = Vec::new();
    for _ in 0..3 {
        fight.undo(Some("argo"));
        fight.now += 60_000;
        let writes = fight.writes();
        events.extend(writes.iter().filter_map(|write| write.news.clone()));
        fight.written(writes);
        let said = fight.warning().unwrap();
        assert!(said.starts_with("status: the field manager `argo` keeps changing it"), "{said}");
    }
    assert_eq!(events.iter().map(|news| news.reason.as_str()).collect::<Vec<_>>(), ["StatusUndone"]);
    fight.undo(None);
    fight.put_back();
    assert!(fight.warning().unwrap().contains("does not record"), "{:?}", fight.warning());
}

#[test]
fn who_is_always_first_is_met_with_a_growing_pause_too_and_named_once_we_have_won() {
    let mut fight = Fight::new();
    let (mut pauses, mut events) = (Vec::new(), Vec::new());
    for lost in [true, true, true, false] {
        fight.undo(Some("argo"));
        let began = fight.now;
        let mut writes = fight.writes();
        if writes.is_empty() {
            fight.now = fight.due().wake.unwrap();
            writes = fight.writes();
        }
        pauses.push(fight.now - began);
        match lost {
            true => writes.into_iter().for_each(|write| fight.world.beaten(write, fight.now)),
            false => {
                events.extend(writes.iter().filter_map(|write| write.news.clone()));
                fight.written(writes);
            }
        }
    }
    assert_eq!(pauses, [0, 500, 1000, 2000]);
    assert_eq!(events.iter().map(|news| news.reason.as_str()).collect::<Vec<_>>(), ["StatusUndone"]);
    assert!(fight.warning().unwrap().contains("`argo`"), "{:?}", fight.warning());
}

#[test]
fn once_the_rival_has_given_up_the_warning_goes_and_nothing_more_is_due() {
    let mut fight = Fight::new();
    for _ in 0..2 {
        fight.undo(Some("argo"));
        fight.put_back();
    }
    assert!(fight.warning().is_some());
    let wake = fight.due().wake.unwrap();
    assert!(wake > fight.now, "nothing is written before");
    fight.now = wake;
    let writes = fight.writes();
    assert!(!writes[0].repair);
    fight.written(writes);
    assert_eq!(fight.warning(), None);
    let due = fight.due();
    assert!(due.writes.is_empty() && due.wake.is_none(), "{due:?}");
}

#[test]
fn a_change_of_what_is_to_be_said_waits_for_no_repair() {
    let mut fight = Fight::new();
    for _ in 0..4 {
        fight.undo(Some("argo"));
        fight.put_back();
    }
    fight.undo(Some("argo"));
    assert!(fight.writes().is_empty(), "the repair waits");
    let broken = shown(Kind::Policy, "all", 2, json!({ "statement": [] }));
    fight.world.objects.apply(Shown {
        resource_version: "100".into(),
        status: fight.status.clone(),
        ..broken
    });
    fight.world.pass(fight.now);
    let writes = fight.writes();
    assert_eq!(writes[0].status["observedGeneration"], 2);
    assert!(!writes[0].repair);
}

#[test]
fn what_was_on_its_way_while_we_wrote_undoes_nothing() {
    let mut fight = Fight::new();
    let late = Shown { resource_version: "1".into(), rival: Some("argo".into()), ..policy(1) };
    fight.world.objects.apply(late);
    assert!(fight.writes().is_empty());
    assert_eq!(fight.world.objects.meta(&key(Kind::Policy, "all")).unwrap().resource_version, "2");
}

#[test]
fn an_object_that_was_made_anew_is_nobodys_repair() {
    let mut fight = Fight::new();
    let object = json!({
        "apiVersion": Kind::Policy.api_version(), "kind": "Policy",
        "metadata": { "name": "all", "uid": "another", "generation": 1, "resourceVersion": "50" },
        "spec": policy(1).whole["spec"],
    });
    fight.world.objects.apply(Shown::new(Kind::Policy, serde_json::from_value(object).unwrap()));
    fight.world.pass(fight.now);
    let writes = fight.writes();
    assert!(!writes[0].repair, "{writes:?}");
}

#[test]
fn additions_that_leave_what_we_say_alone_are_no_dispute() {
    let mut fight = Fight::new();
    for _ in 0..3 {
        fight.version += 1;
        fight.status["theirs"] = json!(fight.version);
        fight.show(Some("argo"));
        let due = fight.due();
        assert!(due.writes.is_empty() && due.wake.is_none(), "{due:?}");
    }
}
