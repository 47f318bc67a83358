//! When registries are asked.

use super::*;

const NOW: i64 = 1_800_000_000_000;

fn login(password: &str) -> Arc<Login> {
    Arc::new(Login::new("robot", password).unwrap())
}

fn credential(check: Check) -> Credential {
    Credential {
        registry: Registry::parse("ghcr.io").unwrap(),
        secret: "login".into(),
        username: None,
        namespaces: Default::default(),
        accounts: Default::default(),
        output: Default::default(),
        expires: None,
        warning: 0,
        check,
        gate_rollout: true,
        adopt_equal: false,
        retain: false,
        recreate_stuck: false,
        suspended: false,
    }
}

fn asked(checks: &mut Checks, now: i64) -> Option<Question> {
    checks.take_due(now).pop()
}

#[test]
fn a_new_login_is_asked_about_at_once_and_by_one_question_at_a_time() {
    let mut checks = Checks::default();
    checks.wants("a", &credential(Check::Login), &login("one"), false, NOW);
    assert!(asked(&mut checks, NOW).is_some());
    assert!(asked(&mut checks, NOW + 10 * HOUR).is_none(), "it is out");
    checks.wants("a", &credential(Check::Login), &login("two"), false, NOW);
    assert!(asked(&mut checks, NOW).is_some());
}

#[test]
fn nobody_is_asked_where_nobody_wants_to_know() {
    let mut checks = Checks::default();
    checks.wants("a", &credential(Check::Off), &login("one"), false, NOW);
    assert_eq!(asked(&mut checks, NOW), None);
    assert!(checks.lets_out("a", &login("one")));
}

#[test]
fn an_answer_about_an_earlier_login_says_nothing_of_the_new_one() {
    let mut checks = Checks::default();
    checks.wants("a", &credential(Check::Login), &login("one"), false, NOW);
    let earlier = asked(&mut checks, NOW).unwrap();
    checks.wants("a", &credential(Check::Login), &login("two"), false, NOW);
    assert!(!checks.answered(&earlier, Answer::Accepted, 0.0, NOW));
    assert!(!checks.lets_out("a", &login("two")));
}

#[test]
fn each_answer_has_its_pause_and_silence_one_that_grows() {
    let silence = || Answer::Unknown { why: String::new(), retry_after: None };
    let patience = |ms| Answer::Unknown { why: String::new(), retry_after: Some(ms) };
    let mut checks = Checks::default();
    checks.wants("a", &credential(Check::Login), &login("one"), false, NOW);
    let mut now = NOW;
    for (answer, pause) in [
        (silence(), 30 * SECOND),
        (silence(), 60 * SECOND),
        (silence(), 120 * SECOND),
        (Answer::Accepted, 6 * HOUR),
        (silence(), 30 * SECOND),
        (patience(90 * SECOND), 90 * SECOND),
        (patience(i64::MAX), 24 * HOUR),
        (patience(-5), 240 * SECOND),
        (patience(SECOND), 480 * SECOND),
        (Answer::Refused(String::new()), HOUR),
    ] {
        let question = asked(&mut checks, now).unwrap();
        checks.answered(&question, answer.clone(), 0.0, now);
        assert_eq!(checks.next(), Some(now + pause), "{answer:?}");
        assert_eq!(asked(&mut checks, now + pause - 1), None);
        now += pause;
    }
}

#[test]
fn many_do_not_ask_at_once() {
    let next = |chance| {
        let mut checks = Checks::default();
        checks.wants("a", &credential(Check::Login), &login("one"), false, NOW);
        let question = asked(&mut checks, NOW).unwrap();
        checks.answered(&question, Answer::Accepted, chance, NOW);
        checks.next().unwrap()
    };
    assert_eq!(next(1.0) - next(0.0), 6 * HOUR / 10);
}

#[test]
fn a_login_takes_the_place_of_a_good_one_unless_it_is_refused_or_nobody_has_asked() {
    for (answer, lets) in [
        (Answer::Accepted, true),
        (Answer::Unknown { why: String::new(), retry_after: None }, true),
        (Answer::Refused(String::new()), false),
    ] {
        let mut checks = Checks::default();
        checks.wants("a", &credential(Check::Login), &login("one"), false, NOW);
        assert!(!checks.lets_out("a", &login("one")));
        let question = asked(&mut checks, NOW).unwrap();
        checks.answered(&question, answer.clone(), 0.0, NOW);
        assert_eq!(checks.lets_out("a", &login("one")), lets, "{answer:?}");
    }
}
