//! What `cleanup` takes back, and what it leaves.

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::cluster::{Cluster, PULL, key};
use super::{handed_out, spec, with};

/// Everything that a person would see; versions, and who has written, are the API server's own.
fn picture(cluster: &Cluster) -> Vec<String> {
    let plain = |object: &Value| {
        let mut object = object.clone();
        let meta = object["metadata"].as_object_mut().unwrap();
        meta.retain(|name, _| name != "resourceVersion" && name != "managedFields");
        // What is empty is as good as absent.
        meta.retain(|_, value| *value != json!({}));
        object["imagePullSecrets"] =
            json!(object["imagePullSecrets"].as_array().cloned().unwrap_or_default());
        object.to_string()
    };
    cluster.accounts.values().chain(cluster.secrets.values()).map(plain).collect()
}

/// A namespace in which another installation, and one in which a person, has made what could be taken for ours.
fn strangers() -> Cluster {
    let mut cluster = Cluster::of(&["dev", "theirs", "another"]);
    let named = json!({"imagePullSecrets": [{"name": "theirs"}, {"name": PULL}]});
    cluster.account("theirs", "default", named);
    cluster.secret("theirs", "mine", Some(json!({"type": "Opaque", "metadata": {}})));
    let mut marked = json!({"imagePullSecrets": [{"name": PULL}]});
    marked["metadata"]["annotations"] = json!({"iam.openfaas.com/pull-secrets": "iam-2/faas-iam-pull"});
    cluster.account("another", "default", marked);
    let labels = json!({
        "app.kubernetes.io/managed-by": "faas-iam", "app.kubernetes.io/component": "pull-secret",
        "iam.openfaas.com/owner": "iam-2",
    });
    let file = json!({".dockerconfigjson": ByteString(b"{}".to_vec())});
    let secret =
        json!({"type": "kubernetes.io/dockerconfigjson", "metadata": {"labels": labels}, "data": file});
    cluster.secret("another", PULL, Some(secret));
    cluster.source("login", "robot", "one");
    cluster
}

#[test]
fn s24_a_cleanup_takes_back_all_of_one_installation_and_nothing_of_anybody_elses() {
    let mut cluster = strangers();
    cluster.account("dev", "worker", json!({"imagePullSecrets": [{"name": "theirs"}]}));
    cluster.function("dev", "resize", "worker");
    let before = picture(&cluster);
    cluster.credential("ghcr", spec("ghcr.io"));
    cluster.credential("own", with(spec("quay.io"), json!({"output": {"mode": "Dedicated", "name": "own"}})));
    cluster.settle();
    assert_eq!(cluster.references("dev", "worker"), ["theirs", PULL, "own"]);
    assert_eq!(
        cluster.clean_up(),
        [
            "dev refer default",
            "dev refer worker",
            "dev delete faas-iam-pull",
            "dev delete own",
            "theirs delete faas-iam-pull"
        ],
        "references first"
    );
    assert_eq!(picture(&cluster), before);
    assert_eq!(cluster.clean_up(), [""; 0]);
}

#[test]
fn s24_a_cleanup_leaves_copies_of_a_pull_secret_that_only_its_labels_came_along_with() {
    let mut cluster = handed_out(json!({}));
    let made = cluster.secrets[&key("dev", PULL)].clone();
    let mut unmarked = made.clone();
    unmarked["metadata"]["annotations"] = json!({"replicator.example.com/from": "dev/faas-iam-pull"});
    let mut opaque = made;
    opaque["type"] = json!("Opaque");
    cluster.secret("dev", "unmarked", Some(unmarked));
    cluster.secret("dev", "opaque", Some(opaque));
    cluster.clean_up();
    let left: Vec<_> = cluster.secrets.keys().map(|(_, name)| &**name).collect();
    assert_eq!(left, ["opaque", "unmarked"]);
}

#[test]
fn a_cleanup_leaves_what_was_to_stay_with_its_references_as_nobodys_and_of_the_secret_nothing_else() {
    let mut cluster = handed_out(json!({"deletionPolicy": "Retain"}));
    cluster.credential("quay", spec("quay.io"));
    cluster.settle();
    cluster.clean_up();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"]);
    assert_eq!(cluster.references("dev", "default"), [PULL]);
    assert_eq!(cluster.secrets[&key("dev", PULL)]["metadata"]["labels"], json!({}));
    assert_eq!(cluster.accounts[&key("dev", "default")]["metadata"]["annotations"], json!({}));
    assert_eq!(cluster.clean_up(), [""; 0]);
}

#[test]
fn what_a_cleanup_has_taken_back_no_operator_misses_once_its_credentials_are_gone() {
    let mut cluster = handed_out(json!({}));
    cluster.clean_up();
    cluster.credentials.clear();
    cluster.restart();
    assert_eq!(cluster.settle(), [""; 0]);
}
