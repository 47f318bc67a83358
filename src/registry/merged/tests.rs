//! The one file: what it looks like to the byte, and how much goes in.

use proptest::prelude::*;

use super::*;

fn registry(text: &str) -> Registry {
    Registry::parse(text).unwrap()
}

fn login(username: &str, password: &str) -> Login {
    Login::new(username, password).unwrap()
}

fn file(logins: &[(Registry, Login)]) -> String {
    let merged = merge(logins.iter().map(|(registry, login)| (registry, login)));
    String::from_utf8(merged.file.to_vec()).unwrap()
}

#[test]
fn it_is_sorted_and_has_auth_user_and_password_of_each() {
    let all =
        [(registry("quay.io"), login("robot$team+pull", "p\"w")), (registry("docker.io"), login("me", "pw"))];
    let want = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6cHc=","password":"pw","username":"me"},"quay.io":{"auth":"cm9ib3QkdGVhbStwdWxsOnAidw==","password":"p\"w","username":"robot$team+pull"}}}"#;
    assert_eq!(file(&all), want);
    let [first, second] = all;
    assert_eq!(file(&[second, first]), want, "in whatever order they come");
    assert_eq!(file(&[]), r#"{"auths":{}}"#);
}

#[test]
fn of_two_for_one_registry_the_first_counts() {
    let all = [(registry("quay.io"), login("old", "a")), (registry("https://QUAY.io/"), login("new", "b"))];
    assert_eq!(file(&all), file(&all[..1]));
}

#[test]
fn two_logins_at_one_host_with_different_paths_are_both_there() {
    let all = [(registry("quay.io"), login("a", "a")), (registry("quay.io/team"), login("b", "b"))];
    assert_eq!(read(file(&all).as_bytes()).len(), 2);
}

#[test]
fn it_is_never_larger_than_a_secret_and_what_has_no_room_is_told() {
    let all: Vec<_> =
        (0..40).map(|n| (registry(&format!("r{n}.io")), login("me", &"p".repeat(60_000)))).collect();
    let merged = merge(all.iter().map(|(registry, login)| (registry, login)));
    let room = read(&merged.file).len();
    assert!(merged.file.len() <= MAX_SECRET_BYTES);
    assert_eq!(merged.left_out, all[room..].iter().map(|(registry, _)| registry.clone()).collect::<Vec<_>>());
    assert_eq!(room, 7, "60,000 bytes and four thirds of that, of a mebibyte");
    assert_eq!(
        read(&merged.file).into_iter().collect::<BTreeMap<_, _>>(),
        all[..room].iter().cloned().collect()
    );
}

#[test]
fn what_is_full_to_the_byte_is_not_too_large() {
    let large = login("me", &"p".repeat(60_000));
    let mut all: Vec<_> = (0..7).map(|n| (registry(&format!("r{n}.io")), large.clone())).collect();
    let spare = MAX_SECRET_BYTES - file(&all).len();
    // An entry of a password of three bytes more has seven more: four of them in base64.
    let last = |password: usize| (registry("last.io"), login("abc", &"p".repeat(password)));
    let one = file(&[all.clone(), vec![last(2)]].concat()).len() - (MAX_SECRET_BYTES - spare);
    let fits = 2 + (spare - one) / 7 * 3;
    all.push(last(fits));
    let merged =
        |all: &[(Registry, Login)]| merge(all.iter().map(|(registry, login)| (registry, login))).left_out;
    assert!(merged(&all).is_empty() && MAX_SECRET_BYTES - file(&all).len() < 7);
    all.pop();
    all.push(last(fits + 3));
    assert_eq!(merged(&all), [registry("last.io")]);
}

#[test]
fn a_file_that_is_none_holds_nothing_and_an_entry_that_is_none_is_left() {
    assert!(read(b"").is_empty());
    assert!(read(b"[]").is_empty());
    let some = read(
        br#"{"auths": {"a.io": {"auth": "!"}, "b c": {"auth": "bWU6cHc="}, "c.io": {"auth": "bWU6cHc="}}}"#,
    );
    assert_eq!(some.into_iter().collect::<Vec<_>>(), [(registry("c.io"), login("me", "pw"))]);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        logins in prop::collection::btree_map("[a-z]{1,8}\\.io(/[a-z]{1,4})?", ("[^:\\p{C}]{1,9}", "[^\\x00]{1,24}"), 0..9)
    ) {
        let logins: BTreeMap<_, _> = logins.iter().map(|(key, (u, p))| (registry(key), login(u, p))).collect();
        prop_assert_eq!(read(&merge(&logins).file), logins);
    }
}
