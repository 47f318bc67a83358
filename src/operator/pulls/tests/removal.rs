//! What is taken away, and what stays.

use serde_json::json;

use super::cluster::{Cluster, PULL, key};
use super::{handed_out, spec, with};
use crate::operator::pulls::world::World;

#[test]
fn a_credential_that_is_deleted_leaves_nothing_and_takes_nothing_of_anybodys() {
    let mut cluster = Cluster::of(&["dev"]);
    cluster.account("dev", "default", json!({"imagePullSecrets": [{"name": "theirs"}]}));
    cluster.source("login", "robot", "one");
    let (accounts, secrets) = (cluster.accounts.clone(), cluster.secrets.clone());
    cluster.credential("ghcr", spec("ghcr.io"));
    cluster.settle();
    assert_eq!(cluster.references("dev", "default"), ["theirs", PULL]);
    cluster.delete("ghcr");
    assert_eq!(cluster.settle(), ["dev refer default", "dev delete faas-iam-pull"], "the reference first");
    assert_eq!(cluster.secrets, secrets);
    assert_eq!(cluster.references("dev", "default"), ["theirs"]);
    let annotations = &cluster.accounts[&key("dev", "default")]["metadata"]["annotations"];
    assert!(annotations.as_object().is_none_or(serde_json::Map::is_empty), "{annotations}");
    assert_eq!(cluster.accounts.len(), accounts.len());
}

#[test]
fn s24_a_reference_that_was_there_before_us_stays() {
    let mut cluster = Cluster::of(&["dev"]);
    cluster.account("dev", "default", json!({"imagePullSecrets": [{"name": PULL}]}));
    cluster.source("login", "robot", "one");
    cluster.credential("ghcr", spec("ghcr.io"));
    assert_eq!(cluster.settle(), ["dev create faas-iam-pull"]);
    cluster.delete("ghcr");
    cluster.settle();
    assert_eq!(cluster.references("dev", "default"), [PULL]);
}

#[test]
fn whatever_takes_a_credential_away_while_no_operator_runs_is_made_good_by_the_next() {
    for away in ["deleted", "suspended", "retargeted"] {
        let mut cluster = handed_out(json!({}));
        cluster.world = World::new(cluster.install.clone());
        match away {
            "deleted" => cluster.delete("ghcr"),
            "suspended" => cluster.credential("ghcr", with(spec("ghcr.io"), json!({"suspend": true}))),
            _ => {
                let nowhere = json!({"targets": {"namespaces": {"names": ["nowhere"]}}});
                cluster.credential("ghcr", with(spec("ghcr.io"), nowhere));
            }
        }
        cluster.restart();
        cluster.settle();
        assert_eq!(cluster.secrets.len(), 0, "{away}");
        assert_eq!(cluster.references("dev", "default"), [""; 0], "{away}");
    }
}

#[test]
fn a_namespace_that_is_no_longer_one_of_functions_loses_it() {
    let mut cluster = handed_out(json!({}));
    cluster.namespace("dev", json!({}));
    assert_eq!(cluster.settle(), ["dev refer default", "dev delete faas-iam-pull"]);
}

#[test]
fn what_a_broken_credential_has_kept_goes_once_it_is_deleted_or_says_something_else() {
    for end in ["deleted", "for other namespaces"] {
        let mut cluster = handed_out(json!({}));
        cluster.credential("ghcr", with(spec("ghcr.io"), json!({"expiryWarning": "soon"})));
        // Nobody knows any more what it said.
        cluster.restart();
        assert_eq!(cluster.settle(), [""; 0], "{end}");
        if end == "deleted" {
            cluster.delete("ghcr");
        } else {
            let nowhere = json!({"targets": {"namespaces": {"names": ["nowhere"]}}});
            cluster.credential("ghcr", with(spec("ghcr.io"), nowhere));
        }
        cluster.settle();
        assert_eq!(cluster.secrets.len(), 0, "{end}");
        assert_eq!(cluster.references("dev", "default"), [""; 0], "{end}");
    }
}

#[test]
fn with_retain_a_secret_stays_as_nobodys_and_the_reference_too() {
    let mut cluster = handed_out(json!({"deletionPolicy": "Retain"}));
    cluster.delete("ghcr");
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"]);
    let labels = &cluster.secrets[&key("dev", PULL)]["metadata"]["labels"];
    assert_eq!(labels, &json!({}));
    assert_eq!(cluster.references("dev", "default"), [PULL]);
    assert_eq!(cluster.settle(), [""; 0]);
    cluster.restart();
    assert_eq!(cluster.settle(), [""; 0]);
}

#[test]
fn what_was_to_stay_keeps_its_reference_though_somebody_else_writes_the_account_at_that_moment() {
    let mut cluster = handed_out(json!({"deletionPolicy": "Retain"}));
    let version = cluster.next();
    let account = cluster.accounts.get_mut(&key("dev", "default")).unwrap();
    account["metadata"]["resourceVersion"] = json!(version);
    cluster.delete("ghcr");
    let writes = cluster.settle();
    assert!(writes.contains(&"dev refer default".to_owned()), "{writes:?}");
    assert!(!writes.contains(&"dev change faas-iam-pull".to_owned()), "{writes:?}");
    cluster.list();
    cluster.now += 60_000;
    cluster.settle();
    assert_eq!(cluster.references("dev", "default"), [PULL]);
    assert_eq!(cluster.secrets[&key("dev", PULL)]["metadata"]["labels"], json!({}));
}

#[test]
fn s29_a_new_credential_that_is_broken_keeps_nothing_that_another_one_takes_back() {
    let mut cluster = handed_out(json!({}));
    cluster.credential("new", with(spec("quay.io"), json!({"expiryWarning": "soon"})));
    cluster.settle();
    cluster.delete("ghcr");
    cluster.settle();
    assert_eq!(cluster.secrets.len(), 0);
    assert_eq!(cluster.references("dev", "default"), [""; 0]);
}

#[test]
fn of_logins_that_go_together_stay_those_that_were_to() {
    let mut cluster = handed_out(json!({"deletionPolicy": "Retain"}));
    cluster.credential("quay", spec("quay.io"));
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one", "quay.io=robot:one"]);
    cluster.world = World::new(cluster.install.clone());
    cluster.delete("ghcr");
    cluster.delete("quay");
    cluster.restart();
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"]);
}
