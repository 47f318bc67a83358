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

mod privacy;
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
fn r20_two_issuers_with_one_iss_serve_neither_and_name_each_other() {
    let world = World::default().issuer("a", IDP).issuer("b", IDP).issuer("c", &format!("{IDP}/"));
    for (name, other) in [("a", "`b`"), ("b", "`a`")] {
        assert_eq!(world.state(JwtIssuer, name), (Readiness::Reconciling, Reason::DuplicateIssuer));
        assert!(world.report(JwtIssuer, name).message.contains(other));
        assert!(!serves(&world, Sort::Issuer, name));
    }
    assert_eq!(world.state(JwtIssuer, "c"), READY, "a slash at the end counts");
}

#[test]
fn r20_an_invalid_issuer_is_in_the_way_of_a_valid_one() {
    let world = World::default().issuer("good", IDP).object(JwtIssuer, "bad", json!({ "iss": IDP }));
    assert_eq!(world.state(JwtIssuer, "good"), (Readiness::Reconciling, Reason::DuplicateIssuer));
    let bad = world.report(JwtIssuer, "bad");
    assert_eq!((bad.readiness, bad.reason), (Readiness::Stalled, Reason::Invalid));
    assert!(bad.problems.iter().any(|p| p.reason == Reason::DuplicateIssuer), "{bad:?}");
    assert_eq!(world.link().bundle.issuers().count(), 0);
}

#[test]
fn a_duplicate_that_goes_leaves_the_other_serving() {
    let mut world = World::default().issuer("a", IDP).issuer("b", IDP);
    world.catalogue.objects.remove(&ObjectRef { kind: JwtIssuer, name: "b".into() });
    assert_eq!(world.state(JwtIssuer, "a"), READY);
}

#[test]
fn r9_policies_that_lead_nowhere_leave_the_others_granted() {
    let world = World::default().issuer("idp", IDP).policy("p").object(Policy, "broken", json!({})).role(
        "r",
        &["p", "gone", "broken"],
        &[IDP],
        "alice",
    );
    let report = world.report(Role, "r");
    assert_eq!((report.readiness, report.reason), (Readiness::Reconciling, Reason::PolicyNotFound));
    let fields: Vec<_> = report.problems.iter().map(|p| (p.reason, p.field.to_string())).collect();
    assert_eq!(
        fields,
        [(Reason::PolicyNotFound, "spec.policy[1]".into()), (Reason::PolicyInvalid, "spec.policy[2]".into())]
    );
    assert!(serves(&world, Sort::Role, "r"));
    let world = world.policy("gone").policy("broken");
    assert_eq!(world.state(Role, "r"), READY);
}

#[test]
fn r29_where_only_part_is_given_what_is_missing_is_a_warning() {
    let mut world = World::default().role("r", &["elsewhere"], &["https://elsewhere"], "alice");
    world.around.partial = true;
    assert_eq!(world.state(Role, "r"), READY);
    assert_eq!(world.report(Role, "r").warnings.len(), 2);
    let world = world.object(Policy, "elsewhere", json!({}));
    assert_eq!(
        world.state(Role, "r"),
        (Readiness::Reconciling, Reason::PolicyInvalid),
        "it is given, and wrong"
    );
}

#[test]
fn r11_a_role_whose_issuers_nobody_declared_waits_for_one() {
    let world = World::default().policy("p").role("r", &["p"], &[IDP, "https://b"], "alice");
    assert_eq!(world.state(Role, "r"), (Readiness::Reconciling, Reason::IssuerNotFound));
    assert!(world.report(Role, "r").message.contains(IDP));
    let world = world.issuer("idp", IDP);
    assert_eq!(world.state(Role, "r"), READY);
    assert!(world.report(Role, "r").warnings[0].message.contains("https://b"));
}

#[test]
fn r11_issuers_that_do_not_serve_count_as_undeclared() {
    let world = World::default().policy("p").role("r", &["p"], &[IDP], "alice");
    let broken = world.clone().object(JwtIssuer, "broken", json!({ "iss": IDP }));
    let doubled = world.issuer("a", IDP).issuer("b", IDP);
    for (world, why) in [(broken, "is not valid"), (doubled, "share the `iss`")] {
        assert_eq!(world.state(Role, "r"), (Readiness::Reconciling, Reason::IssuerNotFound));
        assert!(world.report(Role, "r").message.contains(why), "{why}");
    }
}

#[test]
fn r11_a_role_that_names_no_issuer_is_warned() {
    let spec = json!({ "policy": ["p"], "principal": { "jwt:sub": ["alice"] } });
    let world = World::default().issuer("idp", IDP).issuer("gh", GH).policy("p").object(Role, "r", spec);
    let report = world.report(Role, "r");
    assert_eq!(report.readiness, Readiness::Ready);
    assert_eq!(*report.issuers, ["idp".into()], "nobody's at the shared issuer");
    let said: Vec<_> = report.warnings.iter().map(|w| w.message.as_str()).collect();
    assert!(said.iter().any(|w| w.contains("names no issuer")), "{said:?}");
    assert!(said.iter().any(|w| w.contains("`gh`, which many tenants share")), "{said:?}");
}

#[test]
fn r11_conditions_on_iss_that_exclude_each_other_are_warned() {
    let condition = json!({ "StringEqual": { "jwt:iss": [IDP] }, "StringEquals": { "jwt:iss": [GH] } });
    let world =
        World::default().policy("p").object(Role, "r", json!({ "policy": ["p"], "condition": condition }));
    assert!(world.report(Role, "r").warnings.iter().any(|w| w.message.contains("binds nobody")));
    assert_eq!(*world.report(Role, "r").issuers, []);
}

#[test]
fn r24_basic_auth_users_need_no_issuer() {
    let world = World::default().policy("p").role("r", &["p"], &["urn:faas-iam:basic-auth"], "admin");
    assert_eq!(world.state(Role, "r"), READY);
    assert_eq!(world.report(Role, "r").warnings, []);
}

#[test]
fn r22_a_role_that_binds_no_tenant_at_any_issuer_it_names_is_refused() {
    let world = World::default().issuer("gh", GH).issuer("idp", IDP).policy("p");
    let barred = world.clone().role("r", &["p"], &[GH], "*:environment:prod");
    assert_eq!(barred.state(Role, "r"), (Readiness::Stalled, Reason::TenantUnbound));
    assert!(barred.report(Role, "r").message.contains("jwt:repository_owner_id"));
    assert!(serves(&barred, Sort::Refused, "Role/r") && !serves(&barred, Sort::Role, "r"));

    let partly = world.clone().role("r", &["p"], &[GH, IDP], "*:environment:prod");
    assert_eq!(partly.state(Role, "r"), READY);
    assert_eq!(*partly.report(Role, "r").issuers, ["idp".into()]);
    assert!(
        partly.report(Role, "r").warnings[0]
            .message
            .contains("not enforced for tokens of the JwtIssuer `gh`")
    );

    let undeclared = world.role("r", &["p"], &[GH, "https://undeclared"], "*");
    assert_eq!(undeclared.state(Role, "r"), (Readiness::Stalled, Reason::TenantUnbound));
}

#[test]
fn r22_a_subject_of_names_alone_is_enforced_with_a_warning() {
    let world = World::default().issuer("gh", GH).policy("p");
    let by_name = world.clone().role("r", &["p"], &[GH], "repo:acme/api:*").report(Role, "r");
    assert_eq!((by_name.readiness, by_name.warnings.len()), (Readiness::Ready, 1));
    let by_id = world.role("r", &["p"], &[GH], "repo:acme@65/api@74:*").report(Role, "r");
    assert_eq!((by_id.readiness, by_id.warnings.len()), (Readiness::Ready, 0));
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
fn keys_that_are_being_fetched_leave_the_conditions_of_before() {
    let mut world = World::default().issuer("idp", IDP);
    for keys in [None, Some(Keys::Pending)] {
        world.around.keys = keys.into_iter().map(|k| ("idp".into(), k)).collect();
        assert_eq!(world.state(JwtIssuer, "idp").0, Readiness::Pending);
        assert!(serves(&world, Sort::Issuer, "idp"), "it is declared, and no token of it passes");
    }
}

#[test]
fn keys_that_cannot_be_fetched_are_a_reason_or_a_warning_where_there_are_last_good_ones() {
    let world = World::default().issuer("idp", IDP);
    let without = world.clone().keys("idp", failed(None));
    assert_eq!(without.state(JwtIssuer, "idp"), (Readiness::Reconciling, Reason::IssuerUnreachable));
    assert!(without.report(JwtIssuer, "idp").message.contains("answered 503"));
    assert!(serves(&without, Sort::Issuer, "idp"), "it is declared, and no token of it passes");

    let stale = world.keys("idp", failed(Some((KeySet::default(), 7))));
    assert_eq!(stale.state(JwtIssuer, "idp"), READY);
    assert!(stale.report(JwtIssuer, "idp").warnings[0].message.contains("answered 503"));
    let linked = stale.link();
    let Some(Record::Issuer { stale_since, .. }) = linked.bundle.get(Sort::Issuer, "idp") else { panic!() };
    assert_eq!(*stale_since, Some(7));
}

#[test]
fn notes_on_how_keys_were_found_are_warnings() {
    let world = World::default().issuer("idp", IDP).keys("idp", fetched(&["read elsewhere"]));
    assert_eq!(world.report(JwtIssuer, "idp").warnings[0].message, "read elsewhere");
}

#[test]
fn r20_the_gateway_itself_needs_no_keys() {
    let world =
        World::default().object(JwtIssuer, "system", json!({ "iss": "http://gw", "aud": ["http://gw"] }));
    assert_eq!(world.state(JwtIssuer, "system"), READY);
    let failed =
        Keys::Failed { reason: Reason::PublicUrlMismatch, message: "it is `https://gw`".into(), last: None };
    let world = world.keys("system", failed);
    assert_eq!(world.state(JwtIssuer, "system"), (Readiness::Reconciling, Reason::PublicUrlMismatch));
}

#[test]
fn r26_what_does_not_fit_is_refused_newest_first_and_the_rest_serves() {
    let mut world = World::default().issuer("idp", IDP).policy("p").role("r", &["p"], &[IDP], "alice");
    let whole: usize = {
        let bundle = world.link().bundle;
        bundle.iter().map(|(key, _)| bundle.size_of(key)).sum()
    };
    for i in 0..20 {
        world = world.role(&format!("new-{i:02}"), &["p"], &[IDP], &"x".repeat(500));
    }
    world.around.limit = whole + 3_000;
    let linked = world.link();
    let size: usize = linked.bundle.iter().map(|(key, _)| linked.bundle.size_of(key)).sum();
    assert!(size <= world.around.limit, "{size}");
    assert_eq!(world.state(Role, "r"), READY);
    assert_eq!(world.state(Role, "new-00"), READY);
    let last = world.report(Role, "new-19");
    assert_eq!((last.readiness, last.reason), (Readiness::Reconciling, Reason::BundleFull));
    let refused: Vec<_> = linked
        .reports
        .iter()
        .filter(|(_, r)| r.reason == Reason::BundleFull)
        .map(|(o, _)| o.name.clone())
        .collect();
    let newest: Vec<Box<str>> = (20 - refused.len()..20).map(|i| format!("new-{i:02}").into()).collect();
    assert_eq!(refused, newest);
    assert_eq!(linked.bundle.roles().count() + refused.len(), 21);
}

/// A world whose last objects have no room, by so many bytes.
fn too_small(mut world: World, by: usize) -> World {
    let bundle = world.link().bundle;
    let whole: usize = bundle.iter().map(|(key, _)| bundle.size_of(key)).sum();
    world.around.limit = whole - by;
    world
}

#[test]
fn r26_a_role_is_told_of_a_policy_that_has_no_room() {
    let world = World::default().issuer("idp", IDP).policy("p").role("r", &["p", "late"], &[IDP], "alice");
    let world = too_small(world.role("s", &["p"], &[IDP], "bob").policy("late"), 1);
    assert_eq!(world.state(Policy, "late").1, Reason::BundleFull);
    let told = world.report(Role, "r");
    assert_eq!((told.readiness, told.reason), (Readiness::Reconciling, Reason::BundleFull));
    assert_eq!(
        told.message,
        "spec.policy[1]: the bundle has no room for the Policy `late`, which grants nothing"
    );
    assert_eq!(told.issuers, ["idp".into()], "the other Policy is granted");
    assert_eq!(world.state(Role, "s"), READY);
}

#[test]
fn r26_a_role_is_told_of_an_issuer_that_has_no_room() {
    let world =
        World::default().issuer("idp", IDP).policy("p").role("both", &["p"], &[IDP, "https://late"], "alice");
    let world =
        too_small(world.role("one", &["p"], &["https://late"], "bob").issuer("late", "https://late"), 1);
    let told = world.report(Role, "both");
    assert_eq!((told.readiness, told.message.as_str()), (Readiness::Ready, "enforced for tokens of `idp`"));
    assert!(told.warnings[0].message.contains("no room for the JwtIssuer `late`"), "{told:?}");
    let told = world.report(Role, "one");
    assert_eq!((told.readiness, told.reason), (Readiness::Reconciling, Reason::BundleFull));
    assert_eq!(told.issuers, []);
}

/// A Policy that is short as it is written, by operators with many keys each, and long when written out.
fn terse_policy() -> Value {
    let keys: serde_json::Map<_, _> =
        ('a'..='z').chain('A'..='F').map(|claim| (format!("jwt:{claim}"), json!(["x"]))).collect();
    let mut operators: Vec<_> = crate::api::condition::operators().collect();
    operators.sort_by_key(|name| std::cmp::Reverse(name.len()));
    operators.truncate(16);
    let condition: serde_json::Map<_, _> = operators.into_iter().map(|name| (name, json!(keys))).collect();
    let statement = json!({
        "sid": "s", "action": ["*"], "effect": "Allow", "resource": ["*"], "condition": condition
    });
    json!({ "statement": vec![statement; 33] })
}

#[test]
fn r26_an_object_that_no_shard_can_hold_is_refused_and_keeps_nobody_elses_changes_back() {
    let world = World::default().policy("p").object(Policy, "terse", terse_policy());
    assert_eq!(world.state(Policy, "terse"), (Readiness::Stalled, Reason::TooLarge));
    assert_eq!(world.state(Policy, "p"), READY);
    let longest = world.link().bundle.shards().iter().map(|shard| shard.text.len()).max();
    assert!(longest.is_some_and(|bytes| bytes <= crate::bundle::MAX_RECORD), "{longest:?}");
}

#[test]
fn r26_where_nothing_fits_nothing_serves_and_each_object_says_so() {
    let mut world = World::default().issuer("idp", IDP).policy("p").object(Policy, "broken", json!({}));
    world.around.limit = 1;
    assert!(world.link().bundle.is_empty());
    assert_eq!(world.state(Policy, "p").1, Reason::BundleFull);
    assert_eq!(world.state(Policy, "broken").1, Reason::Invalid);
}

#[test]
fn linking_twice_gives_the_same() {
    let world = World::default().issuer("gh", GH).policy("p").role("r", &["p", "gone"], &[GH], "repo:acme/*");
    let (a, b) = (world.link(), world.link());
    assert_eq!((a.bundle, a.reports), (b.bundle, b.reports));
}
