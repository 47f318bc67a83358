//! The last good login, which stays while there is no better one.

use k8s_openapi::ByteString;
use serde_json::json;

use super::cluster::{Cluster, PULL, key};
use super::{handed_out, spec, with};
use crate::operator::pulls::checks::Answer;
use crate::operator::pulls::source::Source;
use crate::operator::pulls::world::World;

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
    let silence = Answer::Unknown { why: "no route".to_owned(), retry_after: None };
    cluster.now += 2 * 3_600_000;
    assert_eq!(answered(&mut cluster, &silence), 1);
    assert_eq!(cluster.settle(), [""; 0], "nor where nobody answers any more");
    cluster.source("login", "robot", "two");
    answered(&mut cluster, &silence);
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:two"], "who does not answer holds nothing back");
}

#[test]
fn what_a_registry_has_refused_is_not_let_out_after_a_restart_where_nobody_answers() {
    let mut cluster = handed_out(json!({"verification": {"mode": "Login", "gateRollout": true}}));
    answered(&mut cluster, &Answer::Accepted);
    cluster.settle();
    cluster.source("login", "robot", "wrong");
    answered(&mut cluster, &Answer::Refused("no".to_owned()));
    cluster.settle();
    cluster.report();
    cluster.restart();
    assert_eq!(answered(&mut cluster, &Answer::Unknown { why: "no route".to_owned(), retry_after: None }), 1);
    assert_eq!(cluster.settle(), [""; 0]);
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"]);
    answered(&mut cluster, &Answer::Accepted);
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:one"], "it is asked again in its time");
    cluster.now += 3_600_000;
    answered(&mut cluster, &Answer::Accepted);
    cluster.settle();
    assert_eq!(cluster.logins("dev", PULL), ["ghcr.io=robot:wrong"], "the registry has thought better of it");
}
