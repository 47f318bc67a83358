//! What becomes of credentials in a cluster in memory, told as people would.

mod cluster;
mod histories;
mod leftovers;
mod stuck;

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::checks::Answer;
use super::source::Source;
use super::world::World;
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
fn s24_somebody_elses_secret_of_the_name_is_left_alone_and_nobody_is_pointed_to_it() {
    let mut cluster = Cluster::of(&["dev", "qa"]);
    let theirs = json!({"type": "Opaque", "metadata": {}, "data": {"a": ByteString(b"b".to_vec())}});
    cluster.secret("dev", PULL, Some(theirs));
    let before = cluster.secrets[&key("dev", PULL)].clone();
    cluster.source("login", "robot", "one");
    cluster.credential("ghcr", spec("ghcr.io"));
    assert_eq!(cluster.settle(), ["qa refer default", "qa create faas-iam-pull"]);
    assert_eq!(cluster.secrets[&key("dev", PULL)], before);
    assert_eq!(
        cluster.condition("ghcr", "Synced"),
        "False NamespacesFailing: 1 of 2 namespaces fail; in `dev`: somebody else's Secret has the name \
         `faas-iam-pull`; delete or rename it, or set `adoptionPolicy: IfEqual` where it says the same"
    );
    cluster.secret("dev", PULL, None);
    assert_eq!(cluster.settle(), ["dev refer default", "dev create faas-iam-pull"], "once it is gone");
}

#[test]
fn s24_a_secret_that_says_the_same_becomes_ours_only_where_the_user_says_so() {
    let same = |auth: &str| {
        json!({"type": "kubernetes.io/dockerconfigjson", "metadata": {}, "data": {
            ".dockerconfigjson": ByteString(format!(r#"{{"auths":{{"https://ghcr.io":{{"auth":"{auth}"}}}}}}"#).into_bytes()),
        }})
    };
    for (policy, auth, adopted) in [
        ("IfEqual", "cm9ib3Q6b25l", true),
        ("IfEqual", "cm9ib3Q6dHdv", false),
        ("Never", "cm9ib3Q6b25l", false),
    ] {
        let mut cluster = Cluster::of(&["dev"]);
        cluster.secret("dev", PULL, Some(same(auth)));
        cluster.source("login", "robot", "one");
        cluster.credential("ghcr", with(spec("ghcr.io"), json!({"adoptionPolicy": policy})));
        // Whose it is, and then the form of what is in it.
        let change = "dev change faas-iam-pull";
        let expected: &[&str] = if adopted { &["dev refer default", change, change] } else { &[] };
        assert_eq!(cluster.settle(), expected, "{policy} {auth}");
    }
}

#[test]
fn an_immutable_secret_or_one_of_another_type_is_told_with_its_cure_and_made_anew_once_it_is_gone() {
    for (field, value, reason) in
        [("immutable", json!(true), "ImmutableSecret"), ("type", json!("Opaque"), "WrongType")]
    {
        let mut cluster = handed_out(json!({}));
        let mut changed = cluster.secrets[&key("dev", PULL)].clone();
        changed[field] = value;
        cluster.secret("dev", PULL, Some(changed));
        cluster.source("login", "robot", "two");
        assert_eq!(cluster.settle(), ["qa change faas-iam-pull"]);
        cluster.report();
        assert_eq!(cluster.credentials["ghcr"]["status"]["failures"][0]["reason"], reason);
        cluster.secret("dev", PULL, None);
        assert_eq!(cluster.settle(), ["dev create faas-iam-pull"]);
        assert!(cluster.condition("ghcr", "Ready").starts_with("True Accepted"));
    }
}

#[test]
fn what_somebody_changes_or_deletes_is_put_back_at_once() {
    let mut cluster = handed_out(json!({}));
    let good = cluster.secrets[&key("dev", PULL)].clone();
    let mut changed = good.clone();
    changed["data"] = json!({".dockerconfigjson": ByteString(b"{}".to_vec()), "more": ""});
    cluster.secret("dev", PULL, Some(changed));
    assert_eq!(cluster.settle(), ["dev change faas-iam-pull"]);
    assert_eq!(cluster.secrets[&key("dev", PULL)]["data"], good["data"]);
    let mut cluster = handed_out(json!({}));
    cluster.secret("dev", PULL, None);
    assert_eq!(cluster.settle(), ["dev create faas-iam-pull"]);
    let mut cluster = handed_out(json!({}));
    cluster.account("dev", "default", json!({"imagePullSecrets": [{"name": "platform"}]}));
    assert_eq!(cluster.settle(), ["dev refer default"]);
    assert_eq!(cluster.references("dev", "default"), ["platform", PULL]);
}

#[test]
fn what_somebody_undoes_before_the_answer_to_our_write_is_read_is_put_back_too() {
    let mut cluster = handed_out(json!({}));
    cluster.source("login", "robot", "two");
    // The write is answered, the Secret is deleted, and the watch tells of that first.
    cluster.late = Some(("dev".into(), PULL.into()));
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:two"]);
}

#[test]
fn who_keeps_undoing_it_is_met_with_growing_pauses_and_named() {
    let mut cluster = handed_out(json!({}));
    let (mut writes, begin) = (0, cluster.now);
    let reset = json!({"metadata": {"managedFields": [
        {"manager": "platform", "operation": "Update", "time": "2099-01-01T00:00:00Z", "apiVersion": "v1"}
    ]}});
    while cluster.now < begin + 60_000 {
        cluster.account("dev", "default", reset.clone());
        writes += cluster.settle().len();
        cluster.now += 1000;
    }
    assert!((4..=10).contains(&writes), "{writes} writes in a minute");
    let warnings = cluster.condition("ghcr", "Warnings");
    assert!(
        warnings.contains("`platform` keeps changing the ServiceAccount `default` of namespace `dev`"),
        "{warnings}"
    );
    cluster.source("login", "robot", "two");
    assert_eq!(
        cluster.settle(),
        ["qa change faas-iam-pull", "dev change faas-iam-pull"],
        "the Secret does not wait"
    );
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
fn s29_a_source_that_is_missing_or_broken_keeps_the_last_good_login_over_a_restart_too() {
    for source in [Source::Absent, Source::Secret("kubernetes.io/tls".to_owned(), [].into())] {
        let mut cluster = handed_out(json!({}));
        cluster.sourced("login", source);
        assert_eq!(cluster.settle(), [""; 0]);
        cluster.namespace("new", json!({"openfaas": "1"}));
        cluster.settle();
        assert_eq!(cluster.logins("new", PULL), ["ghcr.io=robot:one"]);
        for after in ["before a restart", "after it"] {
            let said = cluster.condition("ghcr", "SourceValid");
            assert!(said.starts_with("False Source"), "{after}: {said}");
            assert!(said.ends_with("the last good login stays in use"), "{after}: {said}");
            cluster.restart();
            assert_eq!(cluster.settle(), [""; 0]);
        }
        assert_eq!(cluster.credentials["ghcr"]["status"]["namespaces"]["summary"], "3/3");
    }
}

#[test]
fn s25_a_login_that_a_tenant_makes_up_in_our_name_reaches_no_other_namespace() {
    let mut cluster = handed_out(json!({}));
    let mut forged = cluster.secrets[&key("dev", PULL)].clone();
    let file = br#"{"auths":{"ghcr.io":{"auth":"bWFsbG9yeTp4"}}}"#;
    forged["data"] = json!({".dockerconfigjson": ByteString(file.to_vec())});
    cluster.world = World::new(cluster.install.clone());
    cluster.secret("dev", PULL, Some(forged));
    cluster.sourced("login", Source::Absent);
    cluster.restart();
    cluster.namespace("new", json!({"openfaas": "1"}));
    cluster.settle();
    assert_eq!(cluster.logins("qa", PULL), ["ghcr.io=robot:one"]);
    assert_eq!(cluster.logins("new", PULL), [""; 0]);
    cluster.source("login", "robot", "one");
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"]);
}

#[test]
fn s29_breaking_a_credential_takes_nothing_away_over_a_restart_too() {
    let mut cluster = handed_out(json!({}));
    cluster.credential("ghcr", with(spec("ghcr.io"), json!({"expiryWarning": "soon"})));
    assert_eq!(cluster.settle(), [""; 0]);
    assert!(cluster.condition("ghcr", "Ready").starts_with("False Invalid"));
    cluster.restart();
    assert_eq!(cluster.settle(), [""; 0]);
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"]);
    cluster.credential("ghcr", spec("ghcr.io"));
    assert_eq!(cluster.settle(), [""; 0]);
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

fn answered(cluster: &mut Cluster, answer: &Answer) -> usize {
    let questions = cluster.world.take_questions(cluster.now);
    questions.iter().for_each(|question| cluster.world.answered(question, answer.clone(), 0.5, cluster.now));
    questions.len()
}

#[test]
fn with_a_gate_a_login_that_the_registry_refuses_does_not_replace_a_good_one() {
    let gate = json!({"verification": {"mode": "Login", "gateRollout": true}});
    let mut cluster = handed_out(gate);
    assert_eq!(cluster.logins("dev", PULL), [""; 0], "nobody was asked yet");
    answered(&mut cluster, &Answer::Accepted);
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"]);
    cluster.source("login", "robot", "wrong");
    answered(&mut cluster, &Answer::Refused("the registry refuses the login (401)".to_owned()));
    assert_eq!(cluster.settle(), [""; 0]);
    assert_eq!(
        cluster.condition("ghcr", "Verified"),
        "False Refused: the registry refuses the login (401); put a login into the Secret that works; the last good \
         login stays in use"
    );
    cluster.restart();
    answered(&mut cluster, &Answer::Refused("no".to_owned()));
    assert_eq!(cluster.settle(), [""; 0], "nor after a restart");
    cluster.source("login", "robot", "two");
    answered(&mut cluster, &Answer::Unknown { why: "no route".to_owned(), retry_after: None });
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:two"], "who does not answer holds nothing back");
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
            "True Expired: the login has ended on 2027-03-01T00:00:00Z; put a new one into the Secret",
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
