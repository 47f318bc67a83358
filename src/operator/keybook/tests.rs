//! When issuers are asked, and how long what they said serves.

use serde_json::json;

use super::*;
use crate::bundle::Origin;
use crate::compile::{Judged, ObjectRef};
use crate::model::{EmailVerified, RefKind};
use crate::token::Source;

const NOW: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// No jitter: the middle of the spread.
const EVEN: f64 = 0.5;

fn issuer(iss: &str, keys: KeySource) -> Issuer {
    Issuer {
        iss: iss.into(),
        aud: vec!["gw".into()],
        token_expiry: 1800,
        cap_expiry: false,
        sharing: None,
        email_verified: EmailVerified::IfPresent,
        algorithms: Vec::new(),
        keys,
        ca_bundle: None,
    }
}

fn catalogue(issuers: &[(&str, Issuer)]) -> Catalogue {
    let judged = |issuer: &Issuer| Judged {
        origin: Origin::default(),
        verdict: Ok(Meaning::Issuer(issuer.clone(), None)),
        warnings: Vec::new(),
        iss: [issuer.iss.clone()].into(),
        covers: Vec::new(),
    };
    let object = |name: &str| ObjectRef { kind: crate::api::Kind::JwtIssuer, name: name.into() };
    Catalogue { objects: issuers.iter().map(|(name, issuer)| (object(name), judged(issuer))).collect() }
}

fn keys(kid: &str) -> KeySet {
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    let set = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y }] });
    KeySet::parse(&set, Source::Remote).unwrap().set
}

fn found(kid: &str) -> Result<Found, Missed> {
    Ok(Found { set: keys(kid), notes: Vec::new() })
}

fn missed() -> Result<Found, Missed> {
    Err(Missed { reason: Reason::IssuerUnreachable, message: "it does not answer".into() })
}

/// A book that follows one issuer, `a`, which is due.
fn book() -> (KeyBook, Want) {
    let mut book = KeyBook::default();
    book.follow(&catalogue(&[("a", issuer("https://a", KeySource::Discovery))]), NOW);
    let want = only(book.take_due(NOW));
    (book, want)
}

fn only(due: Vec<(Box<str>, Want)>) -> Want {
    let [(_, want)] = due.as_slice() else { panic!("one was to be due: {due:?}") };
    want.clone()
}

fn state(book: &KeyBook) -> Keys {
    book.keys()["a"].clone()
}

#[test]
fn a_new_issuer_is_due_at_once_and_handed_out_once() {
    let mut book = KeyBook::default();
    book.follow(&catalogue(&[("a", issuer("https://a", KeySource::Discovery))]), NOW);
    assert_eq!(book.next_due(), Some(NOW));
    assert_eq!(book.take_due(NOW).len(), 1);
    assert!(book.take_due(NOW + DAY).is_empty(), "somebody asks already");
    assert_eq!(state(&book), Keys::Pending);
    assert!(book.is_asking("a"));
}

#[test]
fn our_own_key_and_inline_keys_are_asked_of_nobody() {
    let mut book = KeyBook::default();
    let system = ("system", issuer("https://gw", KeySource::System));
    book.follow(&catalogue(&[system, ("inline", issuer("https://i", KeySource::Inline))]), NOW);
    assert_eq!(book.next_due(), None);
    assert!(book.keys().is_empty() && !book.is_asking("inline"));
}

#[test]
fn good_keys_are_read_again_after_fifteen_minutes_give_or_take_a_tenth() {
    for (jitter, minutes_times_ten) in [(0.0, 135), (EVEN, 150), (1.0, 165)] {
        let (mut book, want) = book();
        book.finish("a", &want, found("1"), NOW, jitter);
        assert_eq!(book.next_due(), Some(NOW + minutes_times_ten * MINUTE / 10));
        assert!(!book.is_asking("a"));
    }
}

#[test]
fn a_clock_that_was_set_back_makes_nobody_wait_for_new_keys() {
    let (mut book, want) = book();
    book.finish("a", &want, found("1"), NOW, 0.5);
    assert!(book.take_due(NOW + REFRESH - 1).is_empty(), "not before");
    only(book.take_due(NOW - 40 * REFRESH));
}

#[test]
fn reading_the_same_keys_again_changes_nothing() {
    let (mut book, want) = book();
    book.finish("a", &want, found("1"), NOW, EVEN);
    assert!(book.take_changed());
    book.finish("a", &want, found("1"), NOW + 15 * MINUTE, EVEN);
    assert!(!book.take_changed());
    book.finish("a", &want, found("2"), NOW + 30 * MINUTE, EVEN);
    assert!(book.take_changed());
    assert_eq!(state(&book), Keys::Fetched { set: keys("2"), notes: Vec::new() });
}

#[test]
fn failures_are_tried_again_after_pauses_that_grow_up_to_the_usual_one() {
    let (mut book, want) = book();
    let mut pauses = Vec::new();
    for _ in 0..7 {
        book.finish("a", &want, missed(), NOW, EVEN);
        pauses.push((book.next_due().unwrap() - NOW) / 1000);
        book.take_due(i64::MAX);
    }
    assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900]);
}

#[test]
fn keys_that_cannot_be_read_anew_serve_on_since_the_first_failure() {
    let (mut book, want) = book();
    book.finish("a", &want, found("1"), NOW, EVEN);
    book.finish("a", &want, missed(), NOW + MINUTE, EVEN);
    book.take_changed();
    book.finish("a", &want, missed(), NOW + 2 * MINUTE, EVEN);
    assert!(!book.take_changed(), "a second failure says nothing new");
    let Keys::Failed { last, .. } = state(&book) else { panic!() };
    assert_eq!(last, Some((keys("1"), NOW + MINUTE)));
    book.finish("a", &want, found("1"), NOW + 3 * MINUTE, EVEN);
    assert_eq!(state(&book), Keys::Fetched { set: keys("1"), notes: Vec::new() });
}

#[test]
fn keys_that_are_stale_for_too_long_are_dropped() {
    let (mut book, want) = book();
    book.finish("a", &want, found("1"), NOW, EVEN);
    book.finish("a", &want, missed(), NOW, EVEN);
    assert_eq!(book.expire(NOW + DAY - 1, DAY), Some(NOW + DAY));
    book.take_changed();
    assert_eq!(book.expire(NOW + DAY, DAY), None);
    assert!(book.take_changed());
    assert!(matches!(state(&book), Keys::Failed { last: None, .. }));
    book.finish("a", &want, missed(), NOW + DAY, EVEN);
    assert!(matches!(state(&book), Keys::Failed { last: None, .. }), "and do not come back");
}

#[test]
fn keys_that_were_taken_away_do_not_serve_on() {
    let (mut book, want) = book();
    book.finish("a", &want, found("1"), NOW, EVEN);
    book.forget("a");
    book.finish("a", &want, missed(), NOW + MINUTE, EVEN);
    assert!(matches!(state(&book), Keys::Failed { last: None, .. }));
}

#[test]
fn an_issuer_that_never_answered_has_no_keys() {
    let (mut book, want) = book();
    book.finish("a", &want, missed(), NOW, EVEN);
    assert!(matches!(state(&book), Keys::Failed { last: None, .. }));
    assert!(!book.is_asking("a"), "it was asked");
}

#[test]
fn an_answer_to_another_question_is_dropped() {
    let (mut book, want) = book();
    let moved = catalogue(&[("a", issuer("https://a", KeySource::Internal("http://b".into())))]);
    book.follow(&moved, NOW);
    book.finish("a", &want, found("1"), NOW, EVEN);
    assert_eq!(state(&book), Keys::Pending);
    book.finish("gone", &want, found("1"), NOW, EVEN);
    assert_eq!(book.keys().len(), 1);
}

#[test]
fn an_edit_that_leaves_the_source_alone_leaves_the_keys() {
    let (mut book, want) = book();
    book.finish("a", &want, found("1"), NOW, EVEN);
    let edited = Issuer { aud: vec!["other".into()], ..issuer("https://a", KeySource::Discovery) };
    book.follow(&catalogue(&[("a", edited)]), NOW);
    assert!(matches!(state(&book), Keys::Fetched { .. }));
    assert_ne!(book.next_due(), Some(NOW));
}

#[test]
fn another_source_another_iss_or_other_roots_make_the_keys_worthless() {
    let reference = KeyRef { kind: RefKind::Secret, name: "ca".into(), key: "ca.crt".into() };
    let discovery = || issuer("https://a", KeySource::Discovery);
    for other in [
        issuer("https://b", KeySource::Discovery),
        issuer("https://a", KeySource::Internal("http://b".into())),
        Issuer { ca_bundle: Some(reference), ..discovery() },
    ] {
        let (mut book, want) = book();
        book.finish("a", &want, found("1"), NOW, EVEN);
        book.follow(&catalogue(&[("a", other)]), NOW);
        assert_eq!((state(&book), book.next_due()), (Keys::Pending, Some(NOW)));
    }
}

#[test]
fn an_issuer_that_is_gone_is_forgotten_with_its_keys() {
    let (mut book, want) = book();
    book.finish("a", &want, found("1"), NOW, EVEN);
    book.follow(&catalogue(&[]), NOW);
    assert!(book.keys().is_empty());
    book.follow(&catalogue(&[("a", issuer("https://a", KeySource::Discovery))]), NOW);
    assert_eq!(state(&book), Keys::Pending);
}

#[test]
fn what_the_keys_depend_on_makes_them_due_at_once_also_while_somebody_asks() {
    let (mut book, want) = book();
    book.hurry(NOW, |_| true);
    book.finish("a", &want, found("1"), NOW + 5, EVEN);
    assert_eq!(book.next_due(), Some(NOW + 5), "the answer may be of before");
    book.take_due(NOW + 5);
    book.finish("a", &want, found("1"), NOW + 6, EVEN);
    assert_eq!(book.next_due(), Some(NOW + 6 + 15 * MINUTE));
    book.hurry(NOW + 7, |_| false);
    assert_eq!(book.next_due(), Some(NOW + 6 + 15 * MINUTE));
    book.hurry(NOW + 7, |_| true);
    assert_eq!(book.next_due(), Some(NOW + 7));
}

#[test]
fn what_has_to_wait_for_something_is_due_when_it_comes() {
    let (mut book, _) = book();
    book.put_back("a");
    assert!(book.take_due(NOW + DAY).is_empty());
    book.hurry(NOW + 1, |_| true);
    assert_eq!(book.take_due(NOW + 1).len(), 1);
    book.hurry(NOW + 2, |_| true);
    book.put_back("a");
    assert_eq!(book.take_due(NOW + 2).len(), 1, "it came meanwhile");
}

#[test]
fn what_a_bundle_left_serves_until_somebody_has_asked_and_only_for_the_same_question() {
    let record = |iss: &str, stale_since| Record::Issuer {
        origin: Origin::default(),
        issuer: issuer(iss, KeySource::Discovery),
        keys: keys("1"),
        stale_since,
    };
    for (left, serves) in [("https://a", true), ("https://other", false)] {
        for stale in [None, Some(NOW - DAY / 2)] {
            let (mut bundle, mut book) = (Bundle::new(), KeyBook::default());
            bundle.insert("a", record(left, stale));
            book.remember(&bundle);
            book.follow(&catalogue(&[("a", issuer("https://a", KeySource::Discovery))]), NOW);
            assert_eq!(book.next_due(), Some(NOW), "it is asked all the same");
            assert!(book.is_asking("a"));
            match state(&book) {
                Keys::Fetched { set, .. } => assert!(serves && stale.is_none() && set == keys("1")),
                Keys::Failed { last, .. } => assert!(serves && last == stale.map(|since| (keys("1"), since))),
                Keys::Pending => assert!(!serves),
            }
        }
    }
}

#[test]
fn an_issuer_that_is_asked_no_more_is_told_once_and_one_that_is_asked_otherwise_is_not() {
    let (mut book, want) = book();
    assert!(book.wants("a", &want));
    book.follow(&catalogue(&[("a", issuer("https://b", KeySource::Discovery))]), NOW);
    assert!(book.take_gone().is_empty() && !book.wants("a", &want));
    book.follow(&catalogue(&[("a", issuer("https://b", KeySource::Inline))]), NOW);
    assert_eq!(book.take_gone(), ["a".into()]);
    assert!(book.take_gone().is_empty());
}
