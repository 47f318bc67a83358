//! What the operator may not look at: told with the right that lacks, and what is handed out stays.

use serde_json::json;

use super::cluster::{Cluster, PULL, key};
use super::{handed_out, spec, with};
use crate::operator::pulls::access::{Verb, Watched};

const STAYS: &str =
    "what changes there is not seen, and what is handed out stays; give the rights back with the chart";

#[test]
fn a_right_to_look_that_is_taken_away_is_told_with_its_verb_until_it_is_back() {
    let mut cluster = handed_out(json!({}));
    cluster.refuse(&Watched::Accounts, Verb::Watch, 3);
    let expected = format!("False WatchForbidden: the operator may not `watch` serviceaccounts: {STAYS}");
    assert_eq!(cluster.condition("ghcr", "Synced"), expected);
    assert_eq!(cluster.condition("ghcr", "Ready"), expected);
    assert_eq!(cluster.credentials["ghcr"]["status"]["namespaces"]["summary"], "2/2");
    cluster.allow(&Watched::Accounts);
    assert!(cluster.condition("ghcr", "Ready").starts_with("True Accepted"));
}

#[test]
fn all_that_may_not_be_looked_at_is_one_condition() {
    let mut cluster = handed_out(json!({}));
    for watched in [Watched::Secrets, Watched::Credentials, Watched::Functions, Watched::Namespaces] {
        cluster.refuse(&watched, Verb::List, 3);
    }
    let expected = format!(
        "False WatchForbidden: the operator may not `list` registrycredentials in `openfaas`, `list` namespaces, \
         `list` deployments, `list` secrets of the name `faas-iam-pull`: {STAYS}"
    );
    assert_eq!(cluster.condition("ghcr", "Synced"), expected);
}

#[test]
fn an_api_server_that_has_only_begun_and_refuses_everybody_for_a_moment_is_no_news() {
    let mut cluster = handed_out(json!({}));
    cluster.report();
    for _ in 0..3 {
        cluster.refuse(&Watched::Accounts, Verb::List, 2);
        assert_eq!(cluster.report(), 0);
        cluster.allow(&Watched::Accounts);
    }
}

/// An operator that has handed something out, and another one that may not list ServiceAccounts.
fn blind_from_the_start() -> Cluster {
    let mut cluster = handed_out(json!({}));
    cluster.report();
    cluster.lists_accounts = false;
    cluster.restart();
    cluster.refuse(&Watched::Accounts, Verb::List, 3);
    cluster
}

#[test]
fn an_operator_that_may_not_look_from_the_start_says_so_and_lets_stand_what_was_said_of_the_rest() {
    let mut cluster = blind_from_the_start();
    let source = cluster.credentials["ghcr"]["status"]["conditions"].as_array().unwrap().clone();
    assert!(cluster.world.has_word() && !cluster.world.is_known());
    let expected = format!("False WatchForbidden: the operator may not `list` serviceaccounts: {STAYS}");
    assert_eq!(cluster.condition("ghcr", "Synced"), expected);
    let status = &cluster.credentials["ghcr"]["status"];
    assert_eq!(status["namespaces"]["summary"], "2/2");
    let conditions = status["conditions"].as_array().unwrap();
    for said in source.iter().filter(|said| !["Ready", "Synced"].contains(&said["type"].as_str().unwrap())) {
        assert!(conditions.contains(said), "{said}");
    }
    assert_eq!(cluster.report(), 0, "the same is not written again");
}

#[test]
fn an_operator_that_may_not_look_is_not_ready_and_says_why_until_it_may() {
    let mut cluster = blind_from_the_start();
    let readyz = cluster.world.readyz();
    let why = format!("pull secrets: the operator may not `list` serviceaccounts: {STAYS}");
    assert!(!readyz.ready && readyz.lines.contains(&why), "{:?}", readyz.lines);
    cluster.lists_accounts = true;
    cluster.list();
    cluster.allow(&Watched::Accounts);
    assert!(cluster.world.readyz().ready);
    assert_eq!(cluster.world.readyz().lines, [""; 0]);
    assert_eq!(cluster.settle(), [""; 0]);
    assert!(cluster.condition("ghcr", "Ready").starts_with("True Accepted"));
}

#[test]
fn a_source_that_may_no_longer_be_read_is_told_and_its_last_good_login_stays() {
    let mut cluster = handed_out(json!({}));
    let source = Watched::Source("login".into());
    cluster.refuse(&source, Verb::Watch, 3);
    assert_eq!(
        cluster.condition("ghcr", "SourceValid"),
        "False SourceForbidden: the operator may not read the Secret `login`; add it to `rbac.referencedSecrets` of the \
         chart's values; the last good login stays in use"
    );
    assert_eq!(cluster.settle(), [""; 0]);
    cluster.allow(&source);
    assert!(cluster.condition("ghcr", "Ready").starts_with("True Accepted"), "though nothing new was seen");
}

#[test]
fn a_secret_of_its_own_that_may_not_be_looked_at_is_told_where_it_is() {
    let mut cluster = Cluster::of(&["dev"]);
    cluster.source("login", "robot", "one");
    cluster
        .credential("ghcr", with(spec("ghcr.io"), json!({"output": {"mode": "Dedicated", "name": "own"}})));
    cluster.settle();
    let own = Watched::Dedicated(key("dev", "own"));
    cluster.refuse(&own, Verb::Watch, 3);
    let synced = cluster.condition("ghcr", "Synced");
    assert!(
        synced.contains("in `dev`: the operator may not `watch` the Secret `own` in `dev`; give"),
        "{synced}"
    );
    assert_eq!(cluster.settle(), [""; 0], "it is what it was");
    assert_eq!(cluster.logins("dev", PULL), [""; 0]);
    cluster.allow(&own);
    assert!(cluster.condition("ghcr", "Ready").starts_with("True Accepted"));
}

#[test]
fn pods_that_may_not_be_looked_at_are_a_warning() {
    let mut cluster = handed_out(json!({}));
    cluster.refuse(&Watched::Pods, Verb::List, 3);
    let warnings = cluster.condition("ghcr", "Warnings");
    assert!(warnings.contains("may not `list` pods: nothing is said or done about those"), "{warnings}");
    assert!(cluster.condition("ghcr", "Ready").starts_with("True Accepted"));
}
