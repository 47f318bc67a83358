//! What serves and what is said, for small sets of objects.

use serde_json::{Value, json};

use super::link;
use crate::api::{Kind, Reason};
use crate::bundle::{Record, Sort};
use crate::compile::validate::validate;
use crate::compile::{Catalogue, Keys, Linked, ObjectRef, Readiness, Report, Surroundings};
use crate::model::Unplaced;
use crate::token::KeySet;
use Kind::{JwtIssuer, Policy, Role};

mod credentials;
mod issuers;
mod privacy;
mod references;
mod room;
mod words;

const IDP: &str = "https://idp.example.com";
const GH: &str = "https://token.actions.githubusercontent.com";

/// A catalogue that is filled by and by; each object is a second younger than the one before.
#[derive(Default, Clone)]
struct World {
    catalogue: Catalogue,
    around: Surroundings,
    clock: u32,
}

impl World {
    fn object(mut self, kind: Kind, name: &str, spec: Value) -> Self {
        let created = format!("2026-01-01T00:00:{:02}Z", self.clock);
        let object = json!({ "metadata": { "name": name, "creationTimestamp": created }, "spec": spec });
        let judged = validate(kind, &object, &Unplaced);
        self.catalogue.objects.insert(ObjectRef { kind, name: name.into() }, judged);
        self.clock += 1;
        self
    }

    fn issuer(self, name: &str, iss: &str) -> Self {
        self.object(JwtIssuer, name, json!({ "iss": iss, "aud": ["gateway"] })).keys(name, fetched(&[]))
    }

    fn policy(self, name: &str) -> Self {
        let statement = json!({ "sid": "s", "action": ["*"], "effect": "Allow", "resource": ["*"] });
        self.object(Policy, name, json!({ "statement": [statement] }))
    }

    /// A Role of these policies for whoever has these issuers and this subject.
    fn role(self, name: &str, policies: &[&str], iss: &[&str], sub: &str) -> Self {
        let condition = json!({ "StringEqual": { "jwt:iss": iss }, "StringLike": { "jwt:sub": [sub] } });
        self.object(Role, name, json!({ "policy": policies, "condition": condition }))
    }

    fn keys(mut self, issuer: &str, keys: Keys) -> Self {
        self.around.keys.insert(issuer.into(), keys);
        self
    }

    fn link(&self) -> Linked {
        link(&self.catalogue, &self.around)
    }

    fn report(&self, kind: Kind, name: &str) -> Report {
        self.link().reports[&ObjectRef { kind, name: name.into() }].clone()
    }

    /// Readiness and reason.
    fn state(&self, kind: Kind, name: &str) -> (Readiness, Reason) {
        let report = self.report(kind, name);
        (report.readiness, report.reason)
    }
}

fn fetched(notes: &[&str]) -> Keys {
    Keys::Fetched { set: KeySet::default(), notes: notes.iter().map(|n| (*n).to_owned()).collect() }
}

fn failed(last: Option<(KeySet, i64)>) -> Keys {
    Keys::Failed { reason: Reason::IssuerUnreachable, message: "answered 503".to_owned(), last }
}

fn serves(world: &World, sort: Sort, name: &str) -> bool {
    world.link().bundle.get(sort, name).is_some()
}

const READY: (Readiness, Reason) = (Readiness::Ready, Reason::Accepted);

#[test]
fn what_is_whole_is_ready_and_in_the_bundle() {
    let world = World::default().issuer("idp", IDP).policy("p").role("r", &["p"], &[IDP], "alice");
    for (kind, name) in [(JwtIssuer, "idp"), (Policy, "p"), (Role, "r")] {
        assert_eq!(world.state(kind, name), READY, "{name}");
        assert_eq!(world.report(kind, name).warnings, [], "{name}");
    }
    assert_eq!(world.link().bundle.len(), 3);
    assert_eq!(*world.report(Role, "r").issuers, ["idp".into()]);
}

#[test]
fn an_invalid_object_serves_nothing_and_leaves_the_rest_served() {
    let world = World::default().issuer("idp", IDP).policy("p").role("r", &["p"], &[IDP], "alice").object(
        Policy,
        "broken",
        json!({ "statement": [] }),
    );
    assert_eq!(world.state(Policy, "broken"), (Readiness::Stalled, Reason::Invalid));
    let linked = world.link();
    let Some(Record::Refused { reason, message, .. }) = linked.bundle.get(Sort::Refused, "Policy/broken")
    else {
        panic!("{:?}", linked.bundle)
    };
    assert_eq!(&**reason, "Invalid");
    assert!(message.starts_with("spec.statement: "), "{message}");
    assert_eq!(world.state(Role, "r"), READY);
}

#[test]
fn the_record_of_a_refused_object_is_short() {
    let long = "x".repeat(3_000);
    let world = World::default().object(Role, "r", json!({ "policy": [long.clone()], long: 1 }));
    let linked = world.link();
    let Some(Record::Refused { message, .. }) = linked.bundle.get(Sort::Refused, "Role/r") else { panic!() };
    assert!(message.chars().count() <= 512);
}

#[test]
fn stalled_comes_before_what_may_come_by_itself() {
    let world = World::default().issuer("gh", GH).role("r", &["gone"], &[GH], "*");
    let report = world.report(Role, "r");
    assert_eq!(
        (report.readiness, report.reason, report.problems.len()),
        (Readiness::Stalled, Reason::TenantUnbound, 2)
    );
}

#[test]
fn a_wrong_type_stands_for_all_that_is_wrong_since_it_hides_the_rest() {
    let world = World::default().object(Role, "r", json!({ "condition": {}, "policy": 7 }));
    assert!(world.report(Role, "r").problems.iter().any(|problem| problem.reason == Reason::Invalid));
    assert_eq!(world.state(Role, "r"), (Readiness::Stalled, Reason::TypeMismatch));
}

#[test]
fn linking_twice_gives_the_same() {
    let world = World::default().issuer("gh", GH).policy("p").role("r", &["p", "gone"], &[GH], "repo:acme/*");
    let (a, b) = (world.link(), world.link());
    assert_eq!((a.bundle, a.reports), (b.bundle, b.reports));
}
