//! What a status comes to say, and when it is left alone.

use super::*;
use crate::api::Reason;
use crate::operator::objects::{Objects, Schema};
use crate::operator::shown::Shown;

fn key(kind: Kind) -> ObjectRef {
    ObjectRef { kind, name: "x".into() }
}

/// What is known of an object with this status.
fn meta(kind: Kind, status: Value) -> Meta {
    let object = json!({
        "apiVersion": kind.api_version(), "kind": kind.kind(),
        "metadata": { "name": "x", "uid": "u", "generation": 3, "resourceVersion": "7" },
        "spec": {}, "status": status,
    });
    let mut objects = Objects::default();
    objects.define(kind, Schema::Whole("v".into()));
    objects.apply(Shown::new(kind, serde_json::from_value(object).unwrap()));
    objects.meta(&key(kind)).unwrap().clone()
}

fn report(readiness: Readiness, reason: Reason) -> Report {
    Report {
        readiness,
        reason,
        message: "so it is".into(),
        problems: Vec::new(),
        warnings: Vec::new(),
        issuers: Vec::new(),
    }
}

fn ready() -> Report {
    report(Readiness::Ready, Reason::Accepted)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The status as the API server has it after this write.
fn written(write: &StatusWrite) -> Value {
    let mut status = write.status.clone();
    status.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    status
}

#[test]
fn a_status_that_says_what_it_should_is_left_alone_however_late_it_is() {
    for kind in Kind::ACCESS {
        let first = due(&key(kind), &meta(kind, Value::Null), 3, &ready(), None, at(1)).unwrap();
        let said = meta(kind, written(&first));
        assert!(due(&key(kind), &said, 3, &ready(), None, at(1_000_000)).is_none(), "{kind}");
    }
}

#[test]
fn a_status_is_written_against_the_version_that_was_seen() {
    let write = due(&key(Kind::Policy), &meta(Kind::Policy, Value::Null), 3, &ready(), None, at(1)).unwrap();
    assert_eq!((write.uid.as_str(), write.resource_version.as_str()), ("u", "7"));
    assert_eq!(write.status["observedGeneration"], 3);
}

#[test]
fn a_new_generation_alone_is_written_keeps_the_time_and_is_no_news() {
    let kind = Kind::Policy;
    let first = due(&key(kind), &meta(kind, Value::Null), 3, &ready(), None, at(1)).unwrap();
    let next = due(&key(kind), &meta(kind, written(&first)), 4, &ready(), None, at(9)).unwrap();
    assert_eq!(next.status["observedGeneration"], 4);
    assert_eq!(
        next.status["conditions"][0]["lastTransitionTime"],
        first.status["conditions"][0]["lastTransitionTime"]
    );
    assert_eq!(next.news, None);
}

#[test]
fn what_turns_has_a_new_time_and_is_news() {
    let kind = Kind::Policy;
    let first = due(&key(kind), &meta(kind, Value::Null), 3, &ready(), None, at(1)).unwrap();
    assert!(first.news.as_ref().is_some_and(|news| news.ready));
    let broken = report(Readiness::Stalled, Reason::Invalid);
    let next = due(&key(kind), &meta(kind, written(&first)), 3, &broken, None, at(9)).unwrap();
    let news = next.news.unwrap();
    assert_eq!((news.ready, news.reason.as_str()), (false, "Invalid"));
    assert_ne!(
        next.status["conditions"][0]["lastTransitionTime"],
        first.status["conditions"][0]["lastTransitionTime"]
    );
}

#[test]
fn nothing_is_said_of_what_is_not_known_yet() {
    let pending = report(Readiness::Pending, Reason::Accepted);
    assert!(
        due(&key(Kind::JwtIssuer), &meta(Kind::JwtIssuer, Value::Null), 3, &pending, None, at(1)).is_none()
    );
}

#[test]
fn a_status_that_somebody_emptied_or_spoilt_is_written_again() {
    let kind = Kind::Role;
    let first = due(&key(kind), &meta(kind, Value::Null), 3, &ready(), None, at(1)).unwrap();
    for spoilt in [
        json!({ "observedGeneration": 3, "conditions": [] }),
        json!({ "observedGeneration": -1 }),
        json!({ "observedGeneration": 3, "conditions": "rubbish" }),
        json!({ "observedGeneration": 3, "conditions": first.status["conditions"], "issuers": ["theirs"] }),
    ] {
        assert!(due(&key(kind), &meta(kind, spoilt.clone()), 3, &ready(), None, at(1)).is_some(), "{spoilt}");
    }
}

#[test]
fn the_issuers_of_a_role_and_the_keys_of_an_issuer_come_and_go() {
    let enforced = Report { issuers: (0..100).map(|n| format!("i{n:03}").into()).collect(), ..ready() };
    let role = due(&key(Kind::Role), &meta(Kind::Role, Value::Null), 3, &enforced, None, at(1)).unwrap();
    assert_eq!(role.status["issuers"].as_array().unwrap().len(), limits::LISTED);
    let nobody = due(&key(Kind::Role), &meta(Kind::Role, written(&role)), 3, &ready(), None, at(1)).unwrap();
    assert_eq!(nobody.status["issuers"], Value::Null, "a merge patch takes it away");

    let keys = KeysStatus { source: "jwks".into(), count: 1, kids: vec!["k".into()] };
    let kind = Kind::JwtIssuer;
    let issuer = due(&key(kind), &meta(kind, Value::Null), 3, &ready(), Some(&keys), at(1)).unwrap();
    assert_eq!(issuer.status["keys"], json!({ "source": "jwks", "count": 1, "kids": ["k"] }));
    assert!(due(&key(kind), &meta(kind, written(&issuer)), 3, &ready(), Some(&keys), at(1)).is_none());
    assert!(due(&key(kind), &meta(kind, written(&issuer)), 3, &ready(), None, at(1)).is_some());
}
