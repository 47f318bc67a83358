//! Conditions as kstatus reads them.

use super::*;
use crate::model::FieldPath;

fn report(readiness: Readiness, reason: Reason, warnings: usize) -> Report {
    let warning =
        |i| Warning { field: FieldPath::root().child("spec").child(i), message: format!("odd {i}") };
    Report {
        readiness,
        reason,
        message: "so it is".to_owned(),
        problems: Vec::new(),
        warnings: (0..warnings).map(warning).collect(),
        issuers: Vec::new(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Type, status, and the second of the last transition.
fn brief(conditions: &[Condition]) -> Vec<(&str, &str, i64)> {
    conditions.iter().map(|c| (&*c.type_, &*c.status, c.last_transition_time.0.as_second())).collect()
}

#[test]
fn ready_stands_alone_and_else_exactly_one_says_what_can_cure_it() {
    let rows = [
        (Readiness::Ready, Reason::Accepted, vec![("Ready", "True", 1)]),
        (Readiness::Stalled, Reason::Invalid, vec![("Ready", "False", 1), ("Stalled", "True", 1)]),
        (
            Readiness::Reconciling,
            Reason::PolicyNotFound,
            vec![("Ready", "False", 1), ("Reconciling", "True", 1)],
        ),
    ];
    for (readiness, reason, want) in rows {
        let conditions = conditions(&report(readiness, reason, 0), 3, &[], at(1));
        assert_eq!(brief(&conditions), want);
        for condition in conditions {
            assert_eq!(
                (condition.observed_generation, condition.reason.as_str()),
                (Some(3), reason.as_str())
            );
            assert_eq!(condition.message, "so it is");
        }
    }
}

#[test]
fn the_time_stays_unless_the_status_flips() {
    let stalled = report(Readiness::Stalled, Reason::Invalid, 0);
    let first = conditions(&stalled, 1, &[], at(1));
    let second = conditions(&report(Readiness::Reconciling, Reason::PolicyNotFound, 0), 2, &first, at(2));
    assert_eq!(brief(&second), [("Ready", "False", 1), ("Reconciling", "True", 2)]);
    let third = conditions(&report(Readiness::Ready, Reason::Accepted, 1), 3, &second, at(3));
    assert_eq!(brief(&third), [("Ready", "True", 3), ("Warnings", "True", 3)]);
    let fourth = conditions(&report(Readiness::Ready, Reason::Accepted, 2), 3, &third, at(4));
    assert_eq!(brief(&fourth), [("Ready", "True", 3), ("Warnings", "True", 3)]);
}

#[test]
fn while_keys_are_fetched_the_conditions_of_before_stay() {
    let before = conditions(&report(Readiness::Ready, Reason::Accepted, 1), 1, &[], at(1));
    let pending = report(Readiness::Pending, Reason::Accepted, 0);
    assert_eq!(conditions(&pending, 2, &before, at(2)), before);
    assert_eq!(conditions(&pending, 1, &[], at(2)), []);
}

#[test]
fn ten_warnings_are_listed_and_the_rest_is_counted() {
    let message =
        |n| conditions(&report(Readiness::Ready, Reason::Accepted, n), 1, &[], at(1))[1].message.clone();
    assert!(message(10).ends_with("spec[9]: odd 9"), "{}", message(10));
    assert!(message(13).ends_with("spec[9]: odd 9; and 3 more"), "{}", message(13));
    assert_eq!(conditions(&report(Readiness::Ready, Reason::Accepted, 0), 1, &[], at(1)).len(), 1);
}

#[test]
fn a_message_of_many_long_problems_can_still_be_written() {
    let problem = |i| Problem {
        reason: Reason::Invalid,
        field: FieldPath::root().child("x".repeat(5_000)).child(i),
        message: "é".repeat(1_024),
    };
    let problems: Vec<_> = (0..500).map(problem).collect();
    let message = sum_up(problems.iter());
    assert!(message.chars().count() <= limits::MESSAGE && message.ends_with("; and 480 more"));
    let mut long = report(Readiness::Stalled, Reason::Invalid, 0);
    long.message = "é".repeat(limits::MESSAGE + 1);
    assert_eq!(conditions(&long, 1, &[], at(1))[0].message.chars().count(), limits::MESSAGE);
}

#[test]
fn times_alone_make_no_difference() {
    let ready = report(Readiness::Ready, Reason::Accepted, 1);
    let (a, mut b) = (conditions(&ready, 1, &[], at(1)), conditions(&ready, 1, &[], at(2)));
    b.reverse();
    assert!(same(&a, &b));
    assert!(!same(&a, &conditions(&ready, 2, &a, at(1))), "the generation counts");
    assert!(!same(&a, &a[..1]));
}
