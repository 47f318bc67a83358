//! Passes over a small installation, by plain calls: what follows from what was seen.

mod compiles;
mod crowds;
mod rivals;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::bundle::Sort;
use crate::compile::Readiness;
use crate::fetch::{Found, Missed};
use crate::model::RefKind;
use crate::operator::objects::Schema;
use crate::operator::shown::Shown;
use crate::token::Source;

const NOW: i64 = 1_800_000_000_000;
const GATEWAY: &str = "https://gw.example.com";

fn shown(kind: Kind, name: &str, generation: i64, spec: Value) -> Shown {
    let object = json!({
        "apiVersion": kind.api_version(),
        "kind": kind.kind(),
        "metadata": { "name": name, "uid": format!("uid-{name}"), "generation": generation, "resourceVersion": "1" },
        "spec": spec,
    });
    Shown::new(kind, serde_json::from_value(object).unwrap())
}

fn issuer(name: &str, spec: Value) -> Shown {
    let mut whole = json!({ "iss": format!("https://{name}.example.com"), "aud": ["gw"] });
    whole.as_object_mut().unwrap().extend(spec.as_object().cloned().unwrap());
    shown(Kind::JwtIssuer, name, 1, whole)
}

fn system() -> Shown {
    issuer("system", json!({ "iss": GATEWAY }))
}

fn policy(generation: i64) -> Shown {
    let statement = json!({ "sid": "1", "effect": "Allow", "action": ["*"], "resource": ["*"] });
    shown(Kind::Policy, "all", generation, json!({ "statement": [statement] }))
}

fn usable() -> SigningKey {
    SigningKey::Usable { kid: "k1".into(), since: 5 }
}

/// A world in which everything was seen.
fn world(objects: Vec<Shown>) -> World {
    let mut world = World { signing: usable(), ..World::new(Some(GATEWAY.into()), 0) };
    list(&mut world, objects);
    world
}

fn list(world: &mut World, shown: Vec<Shown>) {
    let objects = &mut world.objects;
    for kind in Kind::ACCESS {
        objects.define(kind, Schema::Whole("v1".into()));
        objects.begin(kind);
        shown.iter().filter(|o| o.key.kind == kind).for_each(|o| objects.item(o.clone()));
        objects.end(kind, Schema::Whole("v1".into()));
    }
}

fn key(kind: Kind, name: &str) -> ObjectRef {
    ObjectRef { kind, name: name.into() }
}

fn report(world: &World, kind: Kind, name: &str) -> (Readiness, Reason) {
    let report = &world.reports()[&key(kind, name)];
    (report.readiness, report.reason)
}

fn unreported(world: &mut World) -> Vec<String> {
    let time = Timestamp::from_millisecond(NOW).unwrap();
    world.due(time).writes.into_iter().map(|write| write.key.name.to_string()).collect()
}

fn found() -> Result<Found, Missed> {
    let key = json!({
        "kty": "EC", "crv": "P-256", "kid": "a1",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let set = KeySet::parse(&json!({ "keys": [key] }), Source::Remote).unwrap().set;
    Ok(Found { set, notes: vec!["it is worth a word".into()] })
}

impl World {
    /// Compiles where that is needed, as a turn does. Gives what the cluster should hold.
    fn pass(&mut self, now: i64) -> Arc<Goal> {
        if self.is_stale() {
            self.compile(now);
        }
        self.goal().unwrap()
    }
}

/// Answers everybody who asks.
fn answer(world: &mut World, answer: &Result<Found, Missed>) {
    for (name, want) in world.keybook.take_due(NOW + 10) {
        world.keybook.finish(&name, &want, answer.clone(), NOW + 10, 0.5);
    }
}

#[test]
fn nothing_is_known_before_every_list_the_bundle_and_our_own_key_were_seen() {
    let mut world = World::new(None, 0);
    list(&mut world, vec![]);
    world.holdings.begin();
    world.holdings.end();
    assert!(!world.is_known());
    world.holdings.see_index(crate::operator::holdings::HeldIndex::Absent);
    assert!(!world.is_known());
    world.signing = SigningKey::Absent;
    assert!(world.is_known());
}

#[test]
fn the_issuer_that_is_ourselves_needs_a_usable_key_and_the_public_url() {
    for (signing, url, expected) in [
        (usable(), Some(GATEWAY), (Readiness::Ready, Reason::Accepted)),
        (usable(), None, (Readiness::Ready, Reason::Accepted)),
        (usable(), Some("https://other"), (Readiness::Reconciling, Reason::PublicUrlMismatch)),
        (SigningKey::Absent, Some(GATEWAY), (Readiness::Reconciling, Reason::SigningKeyUnavailable)),
        (
            SigningKey::Broken(SigningError::Unusable(crate::token::SigningKeyError::NoPem)),
            Some(GATEWAY),
            (Readiness::Reconciling, Reason::SigningKeyUnavailable),
        ),
    ] {
        let mut world = World { signing, public_url: url.map(str::to_owned), ..world(vec![system()]) };
        world.pass(NOW);
        assert_eq!(report(&world, Kind::JwtIssuer, "system"), expected, "{url:?} {:?}", world.signing);
    }
}

#[test]
fn the_bundle_tells_the_state_of_our_key_and_no_key_of_ours() {
    let mut world = world(vec![system()]);
    let goal = world.pass(NOW);
    let text: String = goal.shards.iter().map(|shard| shard.text.as_str()).collect();
    assert!(text.contains(r#""k1""#) && text.contains("active"), "{text}");
    let mut without = World { signing: SigningKey::Absent, ..world };
    assert_ne!(without.pass(NOW).digest(), goal.digest());
}

#[test]
fn a_pass_over_the_same_world_wants_the_same_and_has_nothing_to_tell() {
    let mut world = world(vec![system(), policy(1)]);
    let first = world.pass(NOW);
    assert_eq!(unreported(&mut world), ["system", "all"]);
    assert_eq!(world.pass(NOW + 1).digest(), first.digest());
    assert_eq!(unreported(&mut world), Vec::<String>::new());
}

#[test]
fn an_edit_is_told_of_with_all_that_it_changes_elsewhere() {
    let role = shown(Kind::Role, "r", 1, json!({ "policy": ["all"], "principal": { "jwt:sub": ["a"] } }));
    let mut world = world(vec![role, issuer("a", json!({ "jwks": inline() }))]);
    world.pass(NOW);
    assert_eq!(report(&world, Kind::Role, "r"), (Readiness::Reconciling, Reason::PolicyNotFound));
    unreported(&mut world);
    world.objects.apply(policy(1));
    world.pass(NOW);
    assert_eq!(unreported(&mut world), ["all", "r"]);
    assert_eq!(report(&world, Kind::Role, "r"), (Readiness::Ready, Reason::Accepted));
}

fn inline() -> Value {
    let set = found().unwrap().set;
    json!({ "keys": set.iter().map(crate::token::PublicKey::to_jwk).collect::<Vec<_>>() })
}

#[test]
fn a_status_that_could_not_be_written_is_tried_again() {
    let mut world = world(vec![policy(1)]);
    world.pass(NOW);
    assert_eq!(unreported(&mut world), ["all"]);
    world.report_again(key(Kind::Policy, "all"));
    world.pass(NOW);
    assert_eq!(unreported(&mut world), ["all"]);
}

#[test]
fn while_an_issuer_is_asked_for_the_first_time_its_status_stays_as_it_was() {
    let mut world = world(vec![issuer("a", json!({}))]);
    world.pass(NOW);
    assert_eq!(unreported(&mut world), Vec::<String>::new());
    answer(&mut world, &found());
    world.pass(NOW);
    assert_eq!(unreported(&mut world), ["a"]);
    let told = world.keys_status(&key(Kind::JwtIssuer, "a")).unwrap();
    assert_eq!(
        (told.source.as_str(), told.count, told.kids.as_slice()),
        ("https://a.example.com", 1, &["a1".to_owned()][..])
    );
    assert!(world.keys_status(&key(Kind::Policy, "a")).is_none());
}

#[test]
fn a_restart_wants_the_very_same_bundle_before_anybody_has_answered_and_tells_nothing_then() {
    let objects = || vec![system(), policy(1), issuer("a", json!({}))];
    let mut before = world(objects());
    before.pass(NOW);
    answer(&mut before, &found());
    let goal = before.pass(NOW);

    let text: String = goal.shards.iter().map(|shard| shard.text.as_str()).collect();
    let index = crate::bundle::Index::new(1, goal.records, &goal.shards, |_| "all".into());
    let left = crate::bundle::assemble(&index, |_| Some(text.as_str())).unwrap();
    assert!(left.get(Sort::Issuer, "a").is_some());

    let mut after = World { signing: usable(), ..World::new(Some(GATEWAY.into()), 0) };
    after.remember(&left);
    list(&mut after, objects());
    assert_eq!(after.pass(NOW + 1).digest(), goal.digest());
    assert!(!unreported(&mut after).contains(&"a".to_owned()), "what it said may have had a warning");
    answer(&mut after, &found());
    assert_eq!(after.pass(NOW + 2).digest(), goal.digest());
    assert_eq!(unreported(&mut after), ["a"]);
    assert_eq!(after.reports()[&key(Kind::JwtIssuer, "a")], before.reports()[&key(Kind::JwtIssuer, "a")]);
}

#[test]
fn what_issuers_refer_to_is_gathered_from_all_of_them() {
    let to = |kind, name: &str, key: &str| KeyRef { kind, name: name.into(), key: key.into() };
    let world = world(vec![
        issuer("a", json!({ "jwksRef": { "kind": "Secret", "name": "keys", "key": "a" } })),
        issuer("b", json!({ "jwksRef": { "kind": "Secret", "name": "keys", "key": "b" } })),
        issuer("c", json!({ "caBundleRef": { "kind": "ConfigMap", "name": "ca", "key": "ca.crt" } })),
        issuer("d", json!({ "caBundleRef": { "kind": "ConfigMap", "name": "ca", "key": "ca.crt" } })),
        issuer("broken", json!({ "aud": [], "jwksRef": { "kind": "Secret", "name": "other", "key": "b" } })),
    ]);
    let expected = [
        to(RefKind::Secret, "keys", "a"),
        to(RefKind::Secret, "keys", "b"),
        to(RefKind::ConfigMap, "ca", "ca.crt"),
    ];
    assert_eq!(world.references(), expected.into());
}
