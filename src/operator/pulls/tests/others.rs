//! Others who have, or write, what we do.

use k8s_openapi::ByteString;
use serde_json::json;

use super::cluster::{Cluster, PULL, key};
use super::{handed_out, spec, with};

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
fn an_account_of_which_nobody_records_who_changes_it_is_recorded_from_our_first_write_on() {
    let mut cluster = Cluster::of(&["dev"]);
    cluster.account("dev", "default", json!({}));
    cluster.account("dev", "known", json!({"metadata": {"managedFields": [{"manager": "kubectl"}]}}));
    cluster.source("login", "robot", "one");
    cluster
        .credential("ghcr", with(spec("ghcr.io"), json!({"targets": {"serviceAccounts": {"mode": "All"}}})));
    cluster.settle();
    let managers = |name: &str| {
        let entries = &cluster.accounts[&key("dev", name)]["metadata"]["managedFields"];
        entries.as_array().map(|all| all.iter().map(|entry| entry["manager"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(managers("default"), Some(vec![json!("faas-iam")]));
    assert_eq!(managers("known"), Some(vec![json!("kubectl")]), "what there is stays");
}
