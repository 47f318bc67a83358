//! Pods of functions that lack the name of the pull secret: which are deleted, which are told, and which are left alone.

use serde_json::{Value, json};

use super::cluster::{Cluster, PULL, key, waiting};
use super::{handed_out, spec, with};
use crate::api::Reason;

/// Three Pods of a function cannot pull, since they were made before the login was handed out.
fn too_early(more: Value) -> Cluster {
    let mut cluster = Cluster::of(&["dev"]);
    cluster.function("dev", "resize", "default");
    (1..=3).for_each(|number| cluster.pod("dev", &format!("resize-{number}"), "resize"));
    cluster.source("login", "robot", "one");
    cluster.credential("ghcr", with(spec("ghcr.io"), more));
    cluster
}

fn recreate() -> Value {
    json!({"stuckPods": "Recreate"})
}

#[test]
fn pods_that_were_made_too_early_are_told_once_each_with_the_cure_and_none_is_deleted_by_default() {
    let mut cluster = too_early(json!({}));
    cluster.settle();
    let remedies = cluster.world.next_remedies(cluster.now);
    let (about, news) = (remedies[0].about(), remedies[0].news());
    assert_eq!((about.kind.unwrap(), about.name.unwrap()), ("Pod".to_owned(), "resize-1".to_owned()));
    assert_eq!(
        news.message,
        "made before the ServiceAccount `default` named the pull secret `faas-iam-pull`, and never has it: run \
         `kubectl rollout restart`, or set `stuckPods: Recreate` on the RegistryCredential"
    );
    assert_eq!(remedies.len(), 3);
    remedies.iter().for_each(|remedy| assert!(cluster.world.remedied(remedy, None, cluster.now)));
    for reason in ["ContainerCreating", "ImagePullBackOff"] {
        cluster.change_pod("dev", "resize-1", json!({"status": {"containerStatuses": [waiting(reason)]}}));
        assert_eq!(cluster.remedy(), [""; 0], "{reason}");
    }
    assert_eq!(cluster.pods.len(), 3);
}

#[test]
fn where_a_credential_says_so_each_is_deleted_once_the_secret_is_there_and_not_before() {
    let mut cluster = too_early(recreate());
    cluster.refusing.insert("dev".into(), (Reason::QuotaExceeded, "exceeded quota"));
    cluster.settle();
    cluster.account(
        "dev",
        "default",
        json!({
            "metadata": {"annotations": {"iam.openfaas.com/pull-secrets": "openfaas/faas-iam-pull"}},
            "imagePullSecrets": [{"name": PULL}],
        }),
    );
    assert_eq!(cluster.remedy(), [""; 0], "a new one could not pull either");
    cluster.refusing.clear();
    cluster.now += 10_000;
    cluster.settle();
    let deleted = [1, 2, 3].map(|number| format!("dev StuckPodDeleted resize-{number}"));
    assert_eq!(cluster.remedy(), deleted);
    cluster.pod("dev", "resize-4", "resize");
    assert_eq!(cluster.remedy(), [""; 0], "the new one has the name");
}

#[test]
fn a_pod_that_has_the_name_or_can_pull_or_is_nobodys_function_is_left_alone() {
    type Change = fn(&mut Cluster);
    let left: [(&str, Change); 5] = [
        ("has the name", |cluster| {
            cluster.change_pod("dev", "resize-1", json!({"spec": {"imagePullSecrets": [{"name": PULL}]}}))
        }),
        ("runs", |cluster| {
            cluster.change_pod("dev", "resize-1", json!({"status": {"containerStatuses": null}}))
        }),
        ("has crashed", |cluster| {
            let crashed = json!({"status": {"containerStatuses": [waiting("CrashLoopBackOff")]}});
            cluster.change_pod("dev", "resize-1", crashed);
        }),
        ("is being deleted", |cluster| {
            let ends = json!({"metadata": {"deletionTimestamp": "2027-01-01T00:00:00Z"}});
            cluster.change_pod("dev", "resize-1", ends);
        }),
        ("is no function's", |cluster| {
            cluster.change_pod(
                "dev",
                "resize-1",
                json!({"metadata": {"labels": {"faas_function": "other"}}}),
            );
        }),
    ];
    for (why, change) in left {
        let mut cluster = too_early(recreate());
        change(&mut cluster);
        cluster.settle();
        let deleted = [2, 3].map(|number| format!("dev StuckPodDeleted resize-{number}"));
        assert_eq!(cluster.remedy(), deleted, "{why}");
    }
}

#[test]
fn an_init_container_that_cannot_pull_holds_its_pod_up_as_well() {
    let mut cluster = too_early(recreate());
    let init = json!({"status": {"containerStatuses": null, "initContainerStatuses": [waiting("ImagePullBackOff")]}});
    cluster.change_pod("dev", "resize-1", init);
    cluster.settle();
    assert_eq!(cluster.remedy()[0], "dev StuckPodDeleted resize-1");
}

#[test]
fn a_pod_that_nobody_would_make_anew_or_whose_account_the_credential_is_not_for_is_told_and_stays() {
    let mut cluster = too_early(recreate());
    for number in 1..=3 {
        cluster.change_pod(
            "dev",
            &format!("resize-{number}"),
            json!({"metadata": {"ownerReferences": null}}),
        );
    }
    cluster.settle();
    assert_eq!(cluster.remedy()[0], "dev PullSecretMissing resize-1");
    let mut cluster = too_early(json!({}));
    let elsewhere = json!({"stuckPods": "Recreate", "targets": {"serviceAccounts": {"mode": "None"}}});
    cluster.credential("other", with(spec("quay.io"), elsewhere));
    cluster.settle();
    assert_eq!(cluster.remedy()[0], "dev PullSecretMissing resize-1");
    assert_eq!(cluster.pods.len(), 3);
}

#[test]
fn a_function_that_lists_pull_secrets_of_its_own_is_told_once_and_its_pods_are_never_deleted() {
    let mut cluster = handed_out(recreate());
    let own =
        json!({"containers": [], "serviceAccountName": "default", "imagePullSecrets": [{"name": "own"}]});
    cluster.deployment("dev", "resize", own);
    cluster.pod("dev", "resize-1", "resize");
    cluster.pod("dev", "resize-2", "resize");
    let remedies = cluster.world.next_remedies(cluster.now);
    assert_eq!(remedies[0].about().kind.as_deref(), Some("Deployment"));
    assert_eq!(
        remedies[0].news().message,
        "its own imagePullSecrets switch those of the ServiceAccount `default` off, and lack `faas-iam-pull`: remove \
         pull secrets from the function's `secrets`, or add `faas-iam-pull`"
    );
    assert_eq!(remedies.len(), 1);
    cluster.world.remedied(&remedies[0], None, cluster.now);
    cluster.function("dev", "resize", "default");
    assert_eq!(cluster.remedy(), [""; 0], "an old ReplicaSet's Pods are still those of its own list");
    assert_eq!(cluster.pods.len(), 2);
}

#[test]
fn what_its_replica_set_makes_anew_without_the_name_is_told_and_left_alone_for_an_hour() {
    let mut cluster = too_early(recreate());
    cluster.settle();
    assert_eq!(cluster.remedy().len(), 3);
    cluster.pod("dev", "resize-4", "resize");
    cluster.change_pod("dev", "resize-4", json!({"spec": {"imagePullSecrets": null}}));
    assert_eq!(cluster.remedy(), ["dev PullSecretMissing resize-4"]);
    cluster.now = cluster.world.due().unwrap();
    assert_eq!(cluster.now - super::cluster::START, 3_600_000);
    assert_eq!(cluster.remedy(), ["dev StuckPodDeleted resize-4"]);
}

#[test]
fn of_many_in_one_namespace_thirty_are_deleted_at_once_and_then_one_every_ten_seconds() {
    let mut cluster = too_early(recreate());
    (4..=40).for_each(|number| cluster.pod("dev", &format!("resize-{number}"), "resize"));
    cluster.settle();
    assert_eq!(cluster.remedy().len(), 30);
    let begin = cluster.now;
    while let Some(due) = cluster.world.due().filter(|_| !cluster.pods.is_empty()) {
        cluster.now = due;
        assert_eq!(cluster.remedy().len(), 1);
    }
    assert_eq!((cluster.pods.len(), cluster.now - begin), (0, 100_000));
}

#[test]
fn a_pod_that_cannot_be_deleted_is_tried_again_after_a_minute() {
    let mut cluster = too_early(recreate());
    cluster.settle();
    cluster.refusing.insert("dev".into(), (Reason::Forbidden, "no"));
    assert_eq!(cluster.remedy(), [""; 0]);
    cluster.refusing.clear();
    assert_eq!(cluster.remedy(), [""; 0], "not at once");
    cluster.now += 60_000;
    assert_eq!(cluster.remedy().len(), 3);
}

#[test]
fn a_pod_that_has_changed_meanwhile_is_tried_again_as_it_is_then() {
    let mut cluster = too_early(recreate());
    cluster.settle();
    let remedies = cluster.world.next_remedies(cluster.now);
    let pod = cluster.pods[&key("dev", "resize-1")].clone();
    cluster.change_pod("dev", "resize-1", pod);
    for remedy in &remedies {
        cluster.world.remedied(remedy, Some(&crate::operator::pulls::plan::Miss::Beaten), cluster.now);
    }
    assert_eq!(cluster.remedy().len(), 3);
}

#[test]
fn who_wants_pods_made_anew_is_told_where_the_operator_watches_none() {
    let mut cluster = too_early(recreate());
    cluster.install.stuck_pods = false;
    cluster.restart();
    cluster.settle();
    let warnings = cluster.condition("ghcr", "Warnings");
    assert!(
        warnings.contains("`stuckPods: Recreate` does nothing: the operator watches no Pods; set"),
        "{warnings}"
    );
    let mut cluster = too_early(recreate());
    cluster.settle();
    assert_eq!(cluster.condition("ghcr", "Warnings"), "");
}
