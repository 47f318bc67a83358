//! What the shapes of a source mean, as a table; and that nothing of them is told.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;

const BASIC: &str = "kubernetes.io/basic-auth";
const DOCKER: &str = "kubernetes.io/dockerconfigjson";

fn found(kind: &str, values: &[(&str, &[u8])], username: Option<&str>) -> Result<Found, SourceError> {
    let value = |key: &str| values.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    find(kind, value, &Registry::parse("ghcr.io/team").unwrap(), username)
}

/// `user password`, or why not.
fn told(kind: &str, values: &[(&str, &[u8])], username: Option<&str>) -> String {
    match found(kind, values, username) {
        Ok(Found { login, line_feed_cut }) => {
            let cut = if line_feed_cut { " (cut)" } else { "" };
            format!("{} {}{cut}", login.username(), login.password())
        }
        Err(error) => error.to_string(),
    }
}

fn in_docker(file: &serde_json::Value) -> String {
    told(DOCKER, &[(DOCKER_CONFIG_JSON, file.to_string().as_bytes())], None)
}

fn entry(entry: serde_json::Value) -> String {
    in_docker(&json!({"auths": {"ghcr.io/team": entry}}))
}

#[test]
fn user_and_password_are_read_from_their_keys() {
    let (user, pass) = (("username", &b"robot$team+pull"[..]), ("password", &b"p:w"[..]));
    for kind in [BASIC, "Opaque", ""] {
        assert_eq!(told(kind, &[user, pass], None), "robot$team+pull p:w");
    }
    for (values, username, want) in [
        (&[pass][..], Some("me"), "me p:w"),
        (&[user, pass], Some("robot$team+pull"), "robot$team+pull p:w"),
        (&[user, pass], Some("me"), "its `username` is another than `spec.username`"),
        (&[pass], None, "there is no `username`"),
        (&[user], None, "it has no key `password`"),
        (&[user, ("password", b"")], None, "there is no `password`, or it is empty"),
        (&[user, ("password", b"\n")], None, "there is no `password`, or it is empty"),
        (&[user, ("password", b"p\n")], None, "robot$team+pull p (cut)"),
        (&[user, ("password", b"p\r\n")], None, "robot$team+pull p (cut)"),
        (&[user, ("password", b"p\n\n")], None, "robot$team+pull p\n (cut)"),
        (&[("username", b"me\n"), pass], None, "me p:w (cut)"),
        (&[("username", b"me\nyou"), pass], None, "the `username` has a `:` or a control character"),
        (&[("username", b"a:b"), pass], None, "the `username` has a `:` or a control character"),
        (&[user, ("password", b"\xff")], None, "its `password` is no text"),
        (&[user, ("password", b"a\0b")], None, "the `password` has more than"),
    ] {
        let told = told(BASIC, values, username);
        assert!(told.starts_with(want), "{want}: {told}");
    }
}

#[test]
fn a_password_that_is_a_file_stays_as_it_is_byte_for_byte() {
    let file = "{\n\"key\": \"a\\\\b:$c\"\n}";
    let pair = json!({"auth": STANDARD.encode(format!("_json_key:{file}"))});
    assert_eq!(
        told(BASIC, &[("username", b"_json_key"), ("password", file.as_bytes())], None),
        format!("_json_key {file}")
    );
    assert_eq!(entry(pair), format!("_json_key {file}"));
}

#[test]
fn an_entry_of_docker_is_read_in_each_of_its_shapes() {
    let pair = "me:p?>~w";
    for (shape, want) in [
        (json!({"username": "me", "password": "p?>~w"}), "me p?>~w"),
        (json!({"auth": STANDARD.encode(pair)}), "me p?>~w"),
        (json!({"auth": STANDARD_NO_PAD.encode(pair)}), "me p?>~w"),
        (json!({"auth": URL_SAFE_NO_PAD.encode(pair)}), "me p?>~w"),
        (json!({"auth": format!("{}\n", STANDARD.encode(pair))}), "me p?>~w"),
        (json!({"auth": STANDARD.encode(pair), "username": "me", "password": "p?>~w"}), "me p?>~w"),
        (json!({"auth": STANDARD.encode(pair), "email": "me@example.com"}), "me p?>~w"),
        (json!({"auth": "", "username": "me", "password": "p"}), "me p"),
        (json!({"auth": STANDARD.encode(pair), "password": "other"}), "its `auth` contradicts"),
        (json!({"auth": STANDARD.encode(pair), "username": "you"}), "its `auth` contradicts"),
        (json!({"auth": STANDARD.encode("me")}), "its `auth` is not the base64"),
        (json!({"auth": "!"}), "its `auth` is not the base64"),
        (json!({"auth": STANDARD.encode(b"me:\xff")}), "its `auth` is not the base64"),
        (json!({"auth": STANDARD.encode("me:")}), "there is no `password`"),
        (json!({"username": "me"}), "there is no `password`"),
        (json!({"password": "p"}), "there is no `username`"),
        (json!({}), "there is no `username`"),
        (json!({"auth": STANDARD.encode(pair), "identitytoken": "t"}), "it has an `identitytoken` or"),
        (json!({"registrytoken": "t"}), "it has an `identitytoken` or `registrytoken`"),
        (
            json!({"auth": 1}),
            "its `.dockerconfigjson` is not what Docker writes: something is of another type",
        ),
    ] {
        let told = entry(shape.clone());
        assert!(told.starts_with(want), "{shape}: {told}");
    }
}

#[test]
fn the_entry_is_found_under_every_spelling_of_its_registry() {
    let login = json!({"username": "me", "password": "p"});
    for key in ["ghcr.io/team", "https://ghcr.io/team/", "GHCR.io/team", "https://ghcr.io/v2/team"] {
        assert_eq!(in_docker(&json!({"auths": {key: login, "other": {}}})), "me p", "{key}");
    }
    let both = |other| in_docker(&json!({"auths": {"ghcr.io/team": login, "https://ghcr.io/team": other}}));
    assert_eq!(both(login.clone()), "me p");
    assert!(both(json!({"username": "you", "password": "p"})).contains("two entries for `ghcr.io/team`"));
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let many: serde_json::Map<_, _> = (10..22).map(|n| (format!("r{n}.io"), json!({}))).collect();
    for (file, want) in [
        (
            json!({"auths": {"ghcr.io": {}, "docker.io": {}}}),
            "no entry for `ghcr.io/team`; it has `ghcr.io`, `https://index.docker.io/v1/`",
        ),
        (json!({"auths": {}}), "it has none"),
        (json!({}), "it has none"),
        (json!({"auths": many}), "`r19.io` and 2 more"),
        (json!({"auths": {"ghcr.io/team": {}}, "credsStore": "desktop"}), "the password is in a helper"),
        (json!({"credHelpers": {"ghcr.io": "x"}}), "the password is in a helper"),
        (json!([]), "something is of another type"),
        (json!({"auths": []}), "something is of another type"),
        (json!({"auths": {"ghcr.io/team": ["bWU6cHc="]}}), "something is of another type"),
    ] {
        let told = in_docker(&file);
        assert!(told.contains(want), "{file}: {told}");
    }
    let raw = |text: &str| told(DOCKER, &[(DOCKER_CONFIG_JSON, text.as_bytes())], None);
    assert!(raw("{").contains("it is no JSON, at line 1"));
    assert!(raw(r#"{"auths": {"a": {}, "a": {}}}"#).contains("there twice"));
    assert!(raw(r#"{"auths": {"a": {"auth": "x", "auth": "y"}}}"#).contains("there twice"));
    assert!(told(DOCKER, &[], None).contains("it has no key `.dockerconfigjson`"));
    assert!(told("kubernetes.io/tls", &[], None).contains("its type is `kubernetes.io/tls`"));
}

#[test]
fn s26_no_text_about_a_source_holds_what_is_in_it() {
    let canary = "hunter2";
    let sources: [&[u8]; 7] = [
        br#"{"auths": {"ghcr.io/team": {"auth": "hunter2"}}}"#,
        br#"{"auths": {"ghcr.io/team": {"username": "hunter2:", "password": "hunter2"}}}"#,
        br#"{"auths": {"ghcr.io/team": {"password": "hunter2"}}}"#,
        br#"{"auths": {"ghcr.io/team": "hunter2"}}"#,
        br#"{"auths": {"ghcr.io/team": {"identitytoken": "hunter2"}}}"#,
        br#"{"auths": {"hunter2": 1}}"#,
        b"hunter2",
    ];
    for source in sources {
        let error = found(DOCKER, &[(DOCKER_CONFIG_JSON, source)], None).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(canary), "{error:?}");
    }
    let login = found(BASIC, &[("username", b"me"), ("password", b"hunter2")], None).unwrap();
    assert!(!format!("{login:?}").contains(canary));
}
