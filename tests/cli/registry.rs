//! `registry add`, `namespace enable` and `cleanup` without a cluster: what they print, and that a password is nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::run::{Run, binary, finish, run, run_args};

/// A password that nothing but a Secret may show; its characters are such as shells, YAML and URLs read.
const PASSWORD: &str = r#"c4nary:"$(x)' %41\n {{ .p }}#é"#;

fn add(args: &[&str], password: &str) -> Run {
    run_args(&[&["registry", "add"], args].concat(), password)
}

/// The Secret and the RegistryCredential.
fn manifests(told: &Run) -> [Value; 2] {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&told.out).unwrap();
    documents.try_into().unwrap_or_else(|_| panic!("{told}"))
}

fn password_of(secret: &Value) -> String {
    String::from_utf8(STANDARD.decode(secret["data"]["password"].as_str().unwrap()).unwrap()).unwrap()
}

#[test]
fn a_login_becomes_a_secret_and_the_credential_that_names_it() {
    let told = add(
        &["ghcr.io/acme", "robot$team+pull", "--expires-at", "2027-01-31T12:00:00Z", "--verify", "pull=app"],
        &format!("{PASSWORD}\n"),
    );
    assert_eq!(told.code, 0, "{told}");
    let [secret, credential] = manifests(&told);
    assert_eq!(secret["type"], "kubernetes.io/basic-auth");
    assert_eq!(secret["metadata"], json!({ "name": "ghcr-io-acme-login", "namespace": "openfaas" }));
    assert_eq!(secret["data"]["username"], STANDARD.encode("robot$team+pull"));
    assert_eq!(password_of(&secret), PASSWORD);
    assert_eq!(credential["metadata"], json!({ "name": "ghcr-io-acme", "namespace": "openfaas" }));
    assert_eq!(
        credential["spec"],
        json!({
            "registry": "ghcr.io/acme", "secretRef": { "name": "ghcr-io-acme-login" },
            "expiresAt": "2027-01-31T12:00:00Z",
            "verification": { "mode": "Pull", "repository": "app" },
        })
    );
}

#[test]
fn what_is_printed_is_what_check_takes_and_standard_error_says_what_is_in_it() {
    let told = add(&["docker.io", "alice", "--name", "hub", "--secret-name", "hub", "-n", "iam"], PASSWORD);
    assert!(told.err.contains("the Secret holds the password"), "{told}");
    assert!(told.err.contains("once `rbac.referencedSecrets` of the chart's values lists `hub`"), "{told}");
    let checked = run_args(&["check", "-f", "-", "-n", "iam", "--strict"], &told.out);
    assert_eq!(checked.code, 0, "{checked}");
    assert!(
        checked.out.starts_with("1 object: 0 problems, 0 warnings; others skipped: 1 Secret"),
        "{checked}"
    );
}

#[test]
fn machines_get_both_as_one_list() {
    let list = add(&["ghcr.io", "alice", "-o", "json"], PASSWORD).json();
    assert_eq!((&list["kind"], &list["items"][1]["kind"]), (&json!("List"), &json!("RegistryCredential")));
    assert_eq!(password_of(&list["items"][0]), PASSWORD);
}

#[test]
fn a_password_of_many_lines_stays_as_it_is() {
    let key = "{\n  \"type\": \"service_account\"\n}\n";
    let [secret, _] = manifests(&add(&["europe-docker.pkg.dev", "_json_key", "--password-stdin"], key));
    assert_eq!(password_of(&secret), key.trim_end());
}

#[test]
fn s26_a_password_is_in_no_text_but_the_secret() {
    let rows: &[(&[&str], &str)] = &[
        (&["ghcr.io:port", "alice"], "ADDRESS: `port` is no port"),
        (&["ghcr.io", "al:ice"], "USERNAME and password are no login: the `username` has a `:`"),
        (&["ghcr.io", "alice", "--expires-at", "2027-01-31"], "spec.expiresAt: `2027-01-31` is no time"),
        (
            &["ghcr.io", "alice", "--verify", "pull=a:1"],
            "spec.verification.repository: `a:1` is no path of images",
        ),
        (&["ghcr.io", "alice", "--verify", "always"], "write `login`, or `pull=PATH`"),
        (&["ghcr.io", "alice", "--name", "A B"], "spec.secretRef.name: `A B-login` is no name"),
        (&["ghcr.io", "alice", "--secret-name", "A"], "spec.secretRef.name: `A` is no name"),
        (&["ghcr.io", "alice", "--apply"], "no cluster to ask"),
        (
            &["ghcr.io", "alice", PASSWORD],
            "a password among the arguments is seen by everybody on this machine",
        ),
        (&["ghcr.io", "alice", "--from-docker-config", "nowhere.json"], "cannot read `nowhere.json`"),
        (&["ghcr.io"], "USERNAME"),
    ];
    for (args, wanted) in rows {
        let told = add(args, PASSWORD);
        assert_eq!(told.code, 2, "{args:?}: {told}");
        assert!(told.err.contains(wanted), "{args:?}: {told}");
        assert!(!format!("{told}").contains("c4nary"), "{args:?}: {told}");
    }
    let printed = add(&["ghcr.io", "alice"], PASSWORD);
    assert!(!printed.err.contains("c4nary") && !printed.out.contains("c4nary"), "it is encoded: {printed}");
}

#[test]
fn a_login_without_a_password_is_none() {
    for (password, wanted) in
        [("", "there is no `password`"), ("\n", "there is no `password`"), ("a\0", "NUL")]
    {
        let told = add(&["ghcr.io", "alice"], password);
        assert!(told.code == 2 && told.err.contains(wanted), "{told}");
    }
}

/// Runs with a file of Docker's in its usual place.
fn with_docker(config: &Value, args: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let all = [&["registry", "add", "--from-docker-config"], args].concat();
    finish(binary().env("DOCKER_CONFIG", folder.path()).args(all), "")
}

#[test]
fn a_login_is_taken_out_of_dockers_own_file() {
    let auth = STANDARD.encode(format!("alice:{PASSWORD}"));
    let config = json!({ "auths": { "https://index.docker.io/v1/": { "auth": auth } } });
    let told = with_docker(&config, &["--", "docker.io"]);
    assert_eq!(told.code, 0, "{told}");
    let [secret, credential] = manifests(&told);
    assert_eq!(
        (password_of(&secret).as_str(), &credential["spec"]["registry"]),
        (PASSWORD, &json!("docker.io"))
    );
    assert_eq!(secret["data"]["username"], STANDARD.encode("alice"));
}

#[test]
fn a_password_that_a_helper_keeps_is_refused_with_the_cure() {
    let config = json!({ "auths": { "ghcr.io": {} }, "credsStore": "osxkeychain" });
    let told = with_docker(&config, &["--", "ghcr.io"]);
    assert_eq!(told.code, 2, "{told}");
    assert!(told.err.contains("the password is in a helper"), "{told}");
    assert!(told.err.contains("without `--from-docker-config` the password is asked for"), "{told}");
}

#[test]
fn functions_get_neither_the_systems_namespace_nor_that_of_the_keys() {
    for (line, wanted) in [
        ("namespace enable kube-system", "functions are never allowed in `kube-system`"),
        ("namespace enable openfaas", "`openfaas` is the IAM namespace"),
        ("namespace enable iam -n iam --create", "`iam` is the IAM namespace"),
        ("namespace enable Team", "`Team` is no namespace"),
        ("namespace enable team-a", "no cluster to ask"),
    ] {
        let told = run(line);
        assert!(told.code == 2 && told.err.contains(wanted), "{line}: {told}");
    }
}

#[test]
fn a_cleanup_says_that_it_has_no_cluster_and_takes_no_files() {
    for (line, wanted) in [
        ("cleanup", "no cluster to ask"),
        ("cleanup --dry-run --force", "no cluster to ask"),
        ("cleanup -f ./iam", "unexpected argument '-f'"),
    ] {
        let told = run(line);
        assert!(told.code == 2 && told.err.contains(wanted), "{line}: {told}");
    }
}
