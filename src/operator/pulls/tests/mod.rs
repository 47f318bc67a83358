//! What becomes of credentials in a cluster in memory, told as people would.

mod access;
mod cluster;
mod good;
mod histories;
mod leftovers;
mod others;
mod removal;
mod stuck;
mod told;

use serde_json::{Value, json};

use crate::api::Reason;
use cluster::{Cluster, PULL, key};

fn spec(registry: &str) -> Value {
    json!({"registry": registry, "secretRef": {"name": "login"}})
}

fn with(mut spec: Value, more: Value) -> Value {
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    spec
}

/// Two function namespaces, a login, and a credential for `ghcr.io`, handed out.
fn handed_out(more: Value) -> Cluster {
    let mut cluster = Cluster::of(&["dev", "qa"]);
    cluster.source("login", "robot", "one");
    cluster.credential("ghcr", with(spec("ghcr.io"), more));
    cluster.settle();
    cluster
}

#[test]
fn every_function_namespace_gets_the_reference_first_and_the_secret_second() {
    let mut cluster = Cluster::of(&["dev"]);
    cluster.namespace("openfaas-fn", json!({}));
    cluster.namespace("kube-system", json!({}));
    cluster.source("login", "robot", "one");
    cluster.credential("ghcr", spec("ghcr.io"));
    let writes = cluster.settle();
    assert_eq!(
        writes,
        [
            "openfaas-fn refer default",
            "openfaas-fn create faas-iam-pull",
            "dev refer default",
            "dev create faas-iam-pull"
        ],
        "the newest namespace first"
    );
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"]);
    assert_eq!(cluster.references("dev", "default"), [PULL]);
}

#[test]
fn what_is_unchanged_costs_no_write_however_often_it_is_listed_or_the_operator_starts() {
    let mut cluster = handed_out(json!({}));
    cluster.list();
    assert_eq!(cluster.settle(), [""; 0]);
    cluster.restart();
    assert_eq!(cluster.settle(), [""; 0]);
}

#[test]
fn a_rotation_changes_each_secret_in_place_once_and_nothing_else() {
    let mut cluster = handed_out(json!({}));
    let uid = cluster.secrets[&key("dev", PULL)]["metadata"]["uid"].clone();
    cluster.source("login", "robot", "two");
    assert_eq!(cluster.settle(), ["qa change faas-iam-pull", "dev change faas-iam-pull"]);
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:two"]);
    assert_eq!(cluster.secrets[&key("dev", PULL)]["metadata"]["uid"], uid, "the kubelet goes on knowing it");
}

#[test]
fn a_namespace_or_account_that_comes_later_gets_it_and_no_other_is_written() {
    let mut cluster = handed_out(json!({}));
    cluster.namespace("new", json!({"openfaas": ""}));
    assert_eq!(cluster.settle(), ["new refer default", "new create faas-iam-pull"]);
    cluster.account("new", "worker", json!({}));
    assert_eq!(cluster.settle(), [""; 0], "nothing runs as it");
    cluster.function("new", "resize", "worker");
    assert_eq!(cluster.settle(), ["new refer worker"]);
}

#[test]
fn of_two_credentials_with_one_registry_the_older_has_the_word_and_the_other_says_so() {
    let mut cluster = handed_out(json!({}));
    cluster.sourced("login-2", cluster.sources["login"].clone());
    cluster.source("login-2", "other", "x");
    let younger = with(spec("https://GHCR.io/v2/"), json!({"secretRef": {"name": "login-2"}}));
    cluster.credential("younger", younger);
    assert_eq!(cluster.settle(), [""; 0]);
    assert_eq!(
        cluster.condition("younger", "Conflicted"),
        "True AnotherCredentialWins: the older RegistryCredential `ghcr` has the same registry and wins in 2 of 2 \
         namespaces; delete one of them, or narrow its targets"
    );
    assert!(cluster.condition("ghcr", "Conflicted").starts_with("False NoConflict"));
    cluster.delete("ghcr");
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=other:x"], "the other steps in");
}

#[test]
fn one_namespace_that_fails_keeps_no_other_back_and_is_tried_again_after_pauses_that_grow() {
    let mut cluster = Cluster::of(&["dev", "qa"]);
    cluster.refusing.insert("qa".into(), (Reason::QuotaExceeded, "exceeded quota: small"));
    cluster.source("login", "robot", "one");
    cluster.credential("ghcr", spec("ghcr.io"));
    let (begin, mut tried) = (cluster.now, 0);
    while cluster.now < begin + 3_600_000 {
        tried += cluster.settle().iter().filter(|write| **write == "qa create faas-iam-pull").count();
        cluster.now += 500;
    }
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"]);
    assert!((15..25).contains(&tried), "{tried} times in an hour");
    let synced = cluster.condition("ghcr", "Synced");
    assert!(synced.contains("in `qa`: exceeded quota: small"), "{synced}");
    cluster.refusing.clear();
    cluster.source("login", "robot", "two");
    cluster.settle();
    assert_eq!(cluster.logins("qa", PULL), ["ghcr.io=robot:two"], "something new is tried at once");
}

#[test]
fn a_namespace_that_is_being_deleted_is_left_alone_and_counts_for_nothing() {
    let mut cluster = handed_out(json!({}));
    cluster.ends("qa");
    cluster.source("login", "robot", "two");
    assert_eq!(cluster.settle(), ["dev change faas-iam-pull"]);
    cluster.report();
    assert_eq!(cluster.credentials["ghcr"]["status"]["namespaces"]["summary"], "1/1");
}

#[test]
fn a_login_of_its_own_goes_where_the_operator_may_write_it_and_is_told_elsewhere() {
    let own = json!({"output": {"mode": "Dedicated", "name": "own"}});
    let mut cluster = handed_out(own);
    assert_eq!(cluster.logins("dev", "own"), ["ghcr.io=robot:one"]);
    assert_eq!(cluster.references("dev", "default"), ["own"]);
    assert_eq!(cluster.references("qa", "default"), [""; 0]);
    let synced = cluster.condition("ghcr", "Synced");
    assert!(synced.contains("in `qa`: the operator may not write the Secret `own`; add it to"), "{synced}");
    cluster.delete("ghcr");
    assert_eq!(cluster.settle(), ["dev refer default", "dev delete own"]);
}
