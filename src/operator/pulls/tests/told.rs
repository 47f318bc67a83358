//! What a status says, and when.

use serde_json::json;

use super::cluster::{Cluster, PULL};
use super::{handed_out, spec};

#[test]
fn the_end_of_a_login_is_told_at_each_milestone_once() {
    let mut cluster = handed_out(json!({"expiresAt": "2027-03-01T00:00:00Z"}));
    let end = 1_803_859_200_000;
    cluster.report();
    let mut told = Vec::new();
    while let Some(due) = cluster.world.due().filter(|due| *due <= end) {
        cluster.now = due.max(cluster.now + 1);
        if cluster.report() > 0 {
            told.push(cluster.condition("ghcr", "Expiring"));
        }
    }
    assert_eq!(
        told,
        [
            "False NotExpiring: the login ends on 2027-03-01T00:00:00Z, in 30 days at most",
            "True ExpiresSoon: the login ends on 2027-03-01T00:00:00Z, in 14 days at most",
            "True ExpiresSoon: the login ends on 2027-03-01T00:00:00Z, in 7 days at most",
            "True ExpiresSoon: the login ends on 2027-03-01T00:00:00Z, in a day at most",
            "True Expired: the login has ended on 2027-03-01T00:00:00Z; put a new one into the Secret, and its end into `spec.expiresAt`",
        ]
    );
    assert!(cluster.condition("ghcr", "Ready").starts_with("False Expired"));
}

#[test]
fn a_status_whose_time_has_come_wakes_once_and_not_over_and_over_while_writes_are_under_way() {
    let mut cluster = handed_out(json!({"expiresAt": "2027-03-01T00:00:00Z"}));
    cluster.report();
    cluster.now = cluster.world.due().unwrap();
    cluster.source("login", "robot", "two");
    assert!(cluster.world.next_job(cluster.now).is_some());
    assert!(cluster.world.is_to_report(cluster.now));
    assert_eq!(cluster.world.due().filter(|due| *due <= cluster.now), None);
    assert!(cluster.report() > 0);
}

#[test]
fn s26_no_status_holds_a_password_or_a_digest_of_one() {
    let mut cluster = handed_out(json!({}));
    cluster.source("login", "robot", "canary-password\n");
    cluster.settle();
    cluster.report();
    let digest = crate::bundle::Digest::of(b"canary-password").to_string();
    let status = cluster.credentials["ghcr"]["status"].to_string();
    assert!(status.contains("a line feed at the end"), "{status}");
    assert!(!status.contains("canary") && !status.contains(&digest), "{status}");
}

#[test]
fn a_status_tells_counts_the_registry_in_one_spelling_and_ten_failures_at_most() {
    let names: Vec<String> = (0..15).map(|number| format!("n{number:02}")).collect();
    let mut cluster = Cluster::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names[..12] {
        cluster.secret(name, PULL, Some(json!({"type": "Opaque", "metadata": {}})));
    }
    cluster.source("login", "robot", "one");
    cluster.credential("ghcr", spec("HTTPS://GHCR.IO/v2/"));
    cluster.settle();
    cluster.report();
    let status = &cluster.credentials["ghcr"]["status"];
    assert_eq!(status["namespaces"], json!({"desired": 15, "ready": 3, "failed": 12, "summary": "3/15"}));
    assert_eq!(status["failures"].as_array().unwrap().len(), 10);
    assert_eq!(status["failuresLeftOut"], 2);
    assert_eq!(status["registry"], "ghcr.io");
    assert_eq!(cluster.report(), 0, "the same is not written again");
}

#[test]
fn a_namespace_that_is_named_and_has_not_agreed_is_told_until_it_has() {
    let mut cluster = handed_out(json!({"targets": {"namespaces": {"names": ["dev", "plain", "ghost"]}}}));
    cluster.namespace("plain", json!({}));
    let warnings = cluster.condition("ghcr", "Warnings");
    assert!(warnings.contains("`ghost`, `plain`: no function namespace"), "{warnings}");
    cluster.namespace("plain", json!({"openfaas": "1"}));
    cluster.namespace("ghost", json!({"openfaas": "1"}));
    assert_eq!(cluster.condition("ghcr", "Warnings"), "");
}
