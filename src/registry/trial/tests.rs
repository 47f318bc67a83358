//! What is asked, and what becomes of which answers.

use super::*;

fn registry(text: &str) -> Registry {
    Registry::parse(text).unwrap()
}

fn pull(images: &str) -> Check {
    Check::Pull(images.into())
}

/// Tries a check at a registry of no importance.
fn at_a<T>(check: &Check, tried: impl FnOnce(Trial<'_>) -> T) -> T {
    tried(Trial::of(&registry("a.io"), check).unwrap())
}

fn answer(status: u16) -> Answered {
    Answered { status, ..Answered::default() }
}

fn challenged(header: &str) -> Answered {
    Answered { status: 401, challenge: Challenge::read([header]), after: None }
}

fn told(outcome: Outcome) -> String {
    match outcome {
        Outcome::Verified => "verified".into(),
        Outcome::Refused(why) => format!("refused: {why}"),
        Outcome::Forbidden(why) => format!("forbidden: {why}"),
        Outcome::Unknown { why, after: None } => format!("unknown: {why}"),
        Outcome::Unknown { why, after: Some(after) } => format!("unknown: {why}; in {} s", after.as_secs()),
    }
}

#[test]
fn a_login_is_tried_on_the_registry_and_a_pull_on_the_images() {
    for (check, at, want) in [
        (Check::Login, "ghcr.io/team", "https://ghcr.io/v2/"),
        (Check::Login, "docker.io", "https://registry-1.docker.io/v2/"),
        (pull("team/app"), "reg:5000", "https://reg:5000/v2/team/app/tags/list?n=1"),
        (pull("nginx"), "quay.io", "https://quay.io/v2/nginx/tags/list?n=1"),
        (pull("nginx"), "docker.io", "https://registry-1.docker.io/v2/library/nginx/tags/list?n=1"),
    ] {
        let url = Trial::of(&registry(at), &check).unwrap().address();
        assert_eq!(url.map(|url| url.to_string()), Ok(want.to_owned()));
    }
    let scope = |check: &Check, at| Trial::of(&registry(at), check).unwrap().scope();
    assert_eq!(scope(&Check::Login, "quay.io"), None);
    assert_eq!(scope(&pull("app"), "docker.io").as_deref(), Some("repository:library/app:pull"));
}

#[test]
fn where_there_is_nothing_to_ask_or_nobody_nobody_is_asked() {
    assert!(Trial::of(&registry("a.io"), &Check::Off).is_none());
    let why = |check: &Check, at| told(Trial::of(&registry(at), check).unwrap().address().unwrap_err());
    assert!(why(&Check::Login, "*.example.com").contains("is a pattern"));
    for images in ["../catalog", "a/./b", "a?b", "a#b", "a b", "a\\..\\b"] {
        assert!(why(&pull(images), "a.io").contains("no address"), "{images}");
    }
}

#[test]
fn what_a_registry_says_to_nobody_in_particular() {
    let say = |check: &Check, answer| match at_a(check, |trial| trial.challenge(answer)) {
        Ok(challenge) => format!("{challenge:?}"),
        Err(outcome) => told(outcome),
    };
    assert_eq!(say(&Check::Login, challenged("Basic realm=x")), "Basic");
    for (check, answer, want) in [
        (Check::Login, answer(200), "unknown: it asks nobody for a login, so that there is none to check"),
        (pull("app"), answer(200), "unknown: anybody may pull `app`, with a login and without"),
        (Check::Login, answer(401), "unknown: it asks neither for a password nor for a token"),
        (Check::Login, answer(403), "unknown: it answers with status 403"),
        (Check::Login, answer(404), "unknown: it answers with status 404"),
        (Check::Login, answer(301), "unknown: it redirects, which is not followed (status 301)"),
    ] {
        assert_eq!(say(&check, answer), want);
    }
}

#[test]
fn what_a_registry_says_to_the_login() {
    let distrust = || challenged(r#"Bearer realm="https://a.io/",error="invalid_token""#);
    let scope = || challenged(r#"Bearer realm="https://a.io/",error="insufficient_scope""#);
    for (check, answer, want) in [
        (Check::Login, answer(200), "verified"),
        (Check::Login, answer(401), "refused: it refuses the login (status 401)"),
        (Check::Login, answer(403), "refused: it refuses the login (status 403)"),
        (pull("app"), scope(), "refused: it does not let the login pull `app` (status 401)"),
        (pull("app"), distrust(), "unknown: it does not take the tokens of its own token service"),
        (pull("app"), answer(404), "unknown: it has no repository `app`, or does not show it to this login"),
        (Check::Login, answer(302), "unknown: it redirects, which is not followed (status 302)"),
        (Check::Login, answer(500), "unknown: it answers with status 500"),
    ] {
        assert_eq!(told(at_a(&check, |trial| trial.outcome(&answer))), want);
    }
}

#[test]
fn what_a_token_service_says_that_gives_no_token() {
    let say = |answer: Answered| told(at_a(&Check::Login, |trial| trial.without_token("auth.a.io", &answer)));
    for (answer, want) in [
        (answer(401), "refused: `auth.a.io`, which gives tokens for it, refuses the login (status 401)"),
        (answer(403), "refused: `auth.a.io`, which gives tokens for it, refuses the login (status 403)"),
        (answer(200), "unknown: `auth.a.io` gives no token that can be used"),
        (answer(404), "unknown: `auth.a.io`, which gives tokens for it, answers with status 404"),
        (
            answer(307),
            "unknown: `auth.a.io`, which gives tokens for it, redirects, which is not followed (status 307)",
        ),
    ] {
        assert_eq!(say(answer), want);
    }
}

#[test]
fn who_is_asked_too_often_says_when_to_come_again_within_a_day() {
    let later = |status, seconds| Answered { after: Some(Duration::from_secs(seconds)), ..answer(status) };
    let say = |answer: &Answered| told(at_a(&Check::Login, |trial| trial.outcome(answer)));
    assert_eq!(say(&later(429, 60)), "unknown: it has been asked too often (status 429); in 60 s");
    assert_eq!(say(&later(503, u64::MAX)), "unknown: it answers with status 503; in 86400 s");
    assert!(
        told(at_a(&Check::Login, |trial| trial.without_token("a.io", &later(429, 7))))
            .ends_with("(status 429); in 7 s")
    );
}
