//! What registries say in practice, and who gets a password for it.

use proptest::prelude::*;

use super::*;

const DOCKER: &str = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:samalba/my-app:pull,push""#;

fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
    Some(Challenge::Bearer(Bearer { realm: realm.into(), service: service.map(Into::into), error: None }))
}

#[test]
fn a_challenge_is_read_however_it_is_written() {
    let docker = bearer("https://auth.docker.io/token", Some("registry.docker.io"));
    let google = bearer("https://gcr.io/v2/token", Some("gcr.io"));
    let rows: [(&[&str], Option<Challenge>); 12] = [
        (&[DOCKER], docker.clone()),
        (&[r#"Bearer realm="https://gcr.io/v2/token",service=gcr.io"#], google),
        (&[r#"bearer Realm="https://gcr.io/v2/token""#], bearer("https://gcr.io/v2/token", None)),
        (&[r#"Bearer realm="https://a.io/\"t\"""#], bearer("https://a.io/\"t\"", None)),
        (
            &[r#"Basic realm="https://1.dkr.ecr.eu.amazonaws.com/",service="ecr.amazonaws.com""#],
            Some(Challenge::Basic),
        ),
        (&[r#"BASIC realm="Sonatype Nexus Repository Manager""#], Some(Challenge::Basic)),
        (&[r#"Basic realm="x""#, DOCKER], docker.clone()),
        (&[&format!(r#"Basic realm="x", Negotiate, {DOCKER}"#)], docker.clone()),
        (&["Bearer", r#"Basic realm="x""#], Some(Challenge::Basic)),
        (&["Negotiate"], None),
        (&[r#"Bearer realm="unfinished"#, ""], None),
        (&[], None),
    ];
    for (headers, want) in rows {
        assert_eq!(Challenge::read(headers.iter().copied()), want, "{headers:?}");
    }
}

#[test]
fn a_token_that_is_distrusted_is_told_from_one_for_something_else() {
    let distrusts = |error: &str| {
        let header = format!(r#"Bearer realm="https://a.io/",error="{error}""#);
        Challenge::read([header.as_str()]).is_some_and(|challenge| challenge.distrusts_token())
    };
    assert!(distrusts("invalid_token"));
    assert!(!distrusts("insufficient_scope"));
    assert!(!Challenge::Basic.distrusts_token());
}

/// Where a registry that names this realm has a token asked for.
fn asked(registry: &str, realm: &str, allowed: &[&str]) -> Result<String, RealmError> {
    let Some(Challenge::Bearer(bearer)) = bearer(realm, Some("the service")) else { unreachable!() };
    let allowed = TokenHosts::parse(allowed.iter().copied()).unwrap();
    let registry = Url::parse(&format!("https://{registry}/v2/")).unwrap();
    bearer.address(&registry, &allowed, Some("repository:team/app:pull")).map(|url| url.to_string())
}

#[test]
fn a_token_is_asked_for_with_what_is_to_be_checked() {
    let query = "service=the+service&scope=repository%3Ateam%2Fapp%3Apull";
    assert_eq!(asked("a.io", "https://a.io/token", &[]), Ok(format!("https://a.io/token?{query}")));
    assert_eq!(asked("a.io", "https://a.io/t?x=1#y", &[]), Ok(format!("https://a.io/t?x=1&{query}")));
}

#[test]
fn s22_a_password_goes_to_the_registrys_own_host_a_known_one_of_its_owner_or_an_allowed_one() {
    for (registry, realm, allowed) in [
        ("ghcr.io", "https://ghcr.io/token", &[][..]),
        ("gitlab.example.com:5050", "https://GitLab.example.com/jwt/auth", &[]),
        ("registry-1.docker.io", "https://auth.docker.io/token", &[]),
        ("registry.gitlab.com", "https://gitlab.com/jwt/auth", &[]),
        ("registry.example.com", "https://auth.example.com:8443/token", &["a.io", "AUTH.example.com"]),
        ("10.0.0.1", "https://[::1]/token", &["[::1]"]),
    ] {
        assert!(asked(registry, realm, allowed).is_ok(), "{registry} {realm}");
    }
    for (registry, realm, allowed) in [
        ("registry.example.com", "https://auth.example.com/token", &[][..]),
        ("registry.example.com", "https://auth.docker.io/token", &[]),
        ("registry.gitlab.com", "https://auth.docker.io/token", &[]),
        ("registry.example.com", "https://registry.example.com.evil.io/", &[]),
        ("registry.example.com", "https://evil.io/registry.example.com", &[]),
        ("registry.example.com", "https://evil.io\\@registry.example.com/", &[]),
        ("example.com", "https://registry.example.com/", &[]),
        ("registry.example.com", "https://auth.example.com/", &["example.com"]),
    ] {
        let refused = asked(registry, realm, allowed);
        assert!(matches!(refused, Err(RealmError::Host(_))), "{registry} {realm}: {refused:?}");
    }
}

#[test]
fn s22_no_password_goes_anywhere_in_clear_or_to_an_address_that_has_one() {
    for realm in
        ["http://a.io/token", "ftp://a.io/", "https://u:p@a.io/", "https://u@a.io/", "/token", "a.io", ""]
    {
        assert_eq!(asked("a.io", realm, &["a.io"]), Err(RealmError::NoAddress), "{realm}");
    }
}

#[test]
fn a_host_of_token_services_is_the_name_of_one_host() {
    for text in ["*.example.com", "a.io:443", "https://a.io", "a.io/x", "", "[::1]:443"] {
        assert!(TokenHosts::parse([text]).is_err(), "{text}");
    }
}

#[test]
fn a_token_is_read_by_both_its_names_and_what_cannot_be_shown_again_is_none() {
    let read = |text: &str| token(text.as_bytes()).map(|token| token.to_string());
    assert_eq!(read(r#"{"token": "a.b-c_d=", "expires_in": 300}"#).as_deref(), Some("a.b-c_d="));
    assert_eq!(read(r#"{"access_token": "x"}"#).as_deref(), Some("x"));
    assert_eq!(read(r#"{"token": "x", "access_token": "y"}"#).as_deref(), Some("x"));
    for text in [
        r"{}",
        r#"{"token": ""}"#,
        r#"{"token": "a b"}"#,
        r#"{"token": "a\r\nb"}"#,
        r#"{"token": 7}"#,
        "[]",
        "",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    let long = |bytes| format!(r#"{{"token": "{}"}}"#, "x".repeat(bytes));
    assert!(read(&long(MAX_TOKEN)).is_some());
    assert_eq!(read(&long(MAX_TOKEN + 1)), None);
}

proptest! {
    #[test]
    fn s22_whatever_a_registry_says_a_password_goes_to_its_host_alone(
        realm in "(https?:)?[/\\\\]{0,3}([a-z.@:\\\\]|a\\.io|%2[fF]|\\[::1\\]){0,9}[/?#]?[a-z.@/]{0,9}"
    ) {
        if let Ok(url) = asked("a.io", &realm, &[]) {
            let url = Url::parse(&url).unwrap();
            prop_assert_eq!((url.scheme(), url.host_str(), url.username()), ("https", Some("a.io"), ""));
        }
    }

    #[test]
    fn nothing_that_a_registry_says_brings_us_down(header in "\\PC{0,64}") {
        let _ = Challenge::read([header.as_str()]);
    }
}
