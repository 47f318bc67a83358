//! A cluster's behaviour by plain calls: what is shown, and which form of it counts.

mod law;

use serde_json::{Value, json};

use super::*;
use crate::bundle::Origin;
use crate::compile::{Meaning, Surroundings, link::link};

/// The definition as it should be, and as another chart leaves it.
fn whole(version: u32) -> Schema {
    Schema::Whole(format!("crd/{version}"))
}

fn lacking(version: u32) -> Schema {
    Schema::Lacking { mark: format!("crd/{version}"), fields: vec!["spec.scope".into(), "status".into()] }
}

fn shown(kind: Kind, name: &str, uid: &str, generation: i64, spec: Value) -> Shown {
    let object = json!({
        "apiVersion": kind.api_version(),
        "kind": kind.kind(),
        "metadata": { "name": name, "namespace": "openfaas", "uid": uid, "generation": generation, "resourceVersion": "1" },
        "spec": spec,
    });
    Shown::new(kind, serde_json::from_value(object).unwrap())
}

/// A Role as it is written, and what a definition without `scope` shows of it.
fn narrow(generation: i64) -> Shown {
    role("u1", generation, Some("dev:*"))
}

fn pruned(generation: i64) -> Shown {
    role("u1", generation, None)
}

fn role(uid: &str, generation: i64, scope: Option<&str>) -> Shown {
    let mut spec = json!({ "policy": ["all"], "principal": { "jwt:sub": ["alice"] } });
    if let (Some(scope), Some(map)) = (scope, spec.as_object_mut()) {
        map.insert("scope".into(), json!([scope]));
    }
    shown(Kind::Role, "r", uid, generation, spec)
}

fn key(name: &str) -> ObjectRef {
    ObjectRef { kind: Kind::Role, name: name.into() }
}

fn list(objects: &mut Objects, before: Schema, items: Vec<Shown>, after: Schema) -> Listed {
    objects.define(Kind::Role, before);
    objects.begin(Kind::Role);
    items.into_iter().for_each(|item| objects.item(item));
    objects.end(Kind::Role, after)
}

/// Objects whose Roles were listed under a whole definition.
fn with(items: Vec<Shown>) -> Objects {
    let mut objects = Objects::default();
    assert_eq!(list(&mut objects, whole(1), items, whole(1)), Listed::Counted);
    objects.take_changed();
    objects.take_touched();
    objects.take_relist();
    objects
}

/// The scope with which the Role `r` would serve: `None` where it does not.
fn serves(objects: &Objects) -> Option<String> {
    let judged = objects.catalogue().objects.get(&key("r"))?;
    let Ok(Meaning::Role(role)) = &judged.verdict else { return None };
    let scopes = role.scope.iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
    Some(if role.scope.is_none() { "everywhere".to_owned() } else { scopes.join(",") })
}

fn form(objects: &Objects, name: &str) -> Form {
    objects.meta(&key(name)).unwrap().form
}

fn reasons(objects: &Objects, name: &str) -> Vec<Reason> {
    let verdict = &objects.catalogue().objects[&key(name)].verdict;
    verdict.as_ref().err().into_iter().flatten().map(|problem| problem.reason).collect()
}

/// The bundle that an operator has written from these objects.
fn bundle(objects: &Objects) -> Bundle {
    link(objects.catalogue(), &Surroundings::default()).bundle
}

#[test]
fn what_a_whole_definition_shows_counts() {
    let objects = with(vec![narrow(1)]);
    assert_eq!(serves(&objects).as_deref(), Some("dev:*"));
    assert_eq!(form(&objects, "r"), Form::Current);
}

#[test]
fn every_kind_has_to_be_listed_once_before_anything_is_known() {
    let mut objects = with(vec![]);
    assert!(!objects.listed());
    for kind in Kind::ACCESS {
        objects.define(kind, whole(1));
        objects.begin(kind);
        objects.end(kind, whole(1));
    }
    assert!(objects.listed());
}

#[test]
fn a_new_resource_version_alone_changes_nothing() {
    let mut objects = with(vec![narrow(1)]);
    objects.apply(Shown { resource_version: "2".into(), ..narrow(1) });
    assert!(!objects.take_changed());
    assert!(objects.take_touched().is_empty());
    assert_eq!(objects.meta(&key("r")).unwrap().resource_version, "2");
}

#[test]
fn a_status_that_somebody_changed_is_looked_at_and_compiles_nothing() {
    let mut objects = with(vec![narrow(1)]);
    objects.apply(Shown { status: json!({ "conditions": [] }), ..narrow(1) });
    assert!(!objects.take_changed());
    assert_eq!(objects.take_touched(), [key("r")].into());
}

#[test]
fn a_status_that_a_definition_does_not_show_is_no_change_and_nobodys_doing() {
    let status = json!({ "observedGeneration": 1 });
    let mut objects = with(vec![Shown { status: status.clone(), ..narrow(1) }]);
    objects.reported(&key("r"), "1".into(), status.clone());
    for (definition, item) in [(lacking(2), pruned(1)), (lacking(3), narrow(1)), (whole(4), pruned(1))] {
        list(&mut objects, definition.clone(), vec![item], definition.clone());
        let meta = objects.meta(&key("r")).unwrap();
        assert_eq!(
            (&meta.status, matches!(meta.author, Author::Rival(_))),
            (&status, false),
            "{definition:?}"
        );
    }
    list(&mut objects, whole(5), vec![narrow(1)], whole(5));
    assert_eq!(objects.meta(&key("r")).unwrap().status, Value::Null, "whole again, what is shown is so");
}

#[test]
fn the_echo_of_our_own_status_touches_nothing() {
    let mut objects = with(vec![narrow(1)]);
    let status = json!({ "observedGeneration": 1 });
    objects.reported(&key("r"), "2".into(), status.clone());
    objects.apply(Shown { status, resource_version: "2".into(), ..narrow(1) });
    assert!(!objects.take_changed());
    assert!(objects.take_touched().is_empty());
}

#[test]
fn whether_the_watch_or_the_answer_tells_first_of_our_own_status_the_end_is_the_same() {
    let (ours, theirs) = (json!({ "observedGeneration": 1 }), json!({ "observedGeneration": 9 }));
    let rows = [
        ("nobody was there", vec![("2", &ours)], ("2", &ours, Author::We)),
        ("an edit came after it", vec![("2", &ours), ("3", &ours)], ("3", &ours, Author::We)),
        ("it was undone", vec![("2", &ours), ("3", &theirs)], ("3", &theirs, Author::Rival(None))),
        ("the same, and only the last is told", vec![("3", &theirs)], ("3", &theirs, Author::Rival(None))),
    ];
    for (what, told, expected) in rows {
        for answered in 0..=told.len() {
            let mut objects = with(vec![narrow(1)]);
            for (at, (version, status)) in told.iter().enumerate() {
                if at == answered {
                    objects.reported(&key("r"), "2".into(), ours.clone());
                }
                let resource_version = (*version).into();
                objects.apply(Shown { status: (*status).clone(), resource_version, ..narrow(1) });
            }
            if answered == told.len() {
                objects.reported(&key("r"), "2".into(), ours.clone());
            }
            let Meta { resource_version, status, author, .. } = objects.meta(&key("r")).unwrap().clone();
            let (version, says, by) = &expected;
            assert_eq!(
                (&*resource_version, &status, &author),
                (*version, *says, by),
                "{what}, {answered} told"
            );
        }
    }
}

#[test]
fn an_edit_and_a_deletion_arrive() {
    let mut objects = with(vec![narrow(1)]);
    objects.apply(role("u1", 2, Some("prod:*")));
    assert_eq!(serves(&objects).as_deref(), Some("prod:*"));
    assert!(objects.take_changed());
    objects.delete(&key("r"));
    assert_eq!(serves(&objects), None);
    assert!(objects.take_changed());
    assert!(objects.meta(&key("r")).is_none());
}

#[test]
fn an_annotation_of_kubectl_alone_is_judged_again() {
    let mut objects = with(vec![pruned(1)]);
    let applied = narrow(1).whole.to_string();
    let mut whole = pruned(1).whole;
    whole["metadata"]["annotations"] = json!({ "kubectl.kubernetes.io/last-applied-configuration": applied });
    objects.apply(Shown::new(Kind::Role, serde_json::from_value(whole).unwrap()));
    let warnings = &objects.catalogue().objects[&key("r")].warnings;
    assert!(
        warnings.iter().any(|w| w.message.contains("scope") || w.field.to_string().contains("scope")),
        "{warnings:?}"
    );
    assert!(objects.take_changed());
}

#[test]
fn an_object_that_does_not_fit_is_a_problem_of_its_own_alone() {
    for spec in [Value::Null, json!("text"), json!([1]), json!({ "policy": 7 }), json!({ "future": {} })] {
        let odd = shown(Kind::Role, "odd", "u2", 1, spec.clone());
        let mut objects = with(vec![odd, narrow(1)]);
        assert_eq!(serves(&objects).as_deref(), Some("dev:*"), "{spec}");
        assert!(!reasons(&objects, "odd").is_empty(), "{spec}");
        objects.apply(role("u1", 2, Some("prod:*")));
        assert_eq!(serves(&objects).as_deref(), Some("prod:*"), "{spec}");
    }
}

#[test]
fn another_spec_under_the_same_uid_and_generation_is_pruned_and_asks_for_a_list() {
    let mut objects = with(vec![narrow(1)]);
    objects.apply(pruned(1));
    assert_eq!(serves(&objects).as_deref(), Some("dev:*"));
    assert_eq!(form(&objects, "r"), Form::Kept);
    assert_eq!(objects.take_relist(), [Kind::Role].into());
    assert!(!objects.take_changed());
}

#[test]
fn a_list_in_which_a_known_object_shows_another_spec_does_not_count() {
    let mut objects = with(vec![narrow(1), role_named("a", 1), role_named("b", 1)]);
    let items = vec![pruned(1), role_named("a", 2)];
    assert_eq!(list(&mut objects, whole(1), items, whole(1)), Listed::Again);
    assert_eq!(serves(&objects).as_deref(), Some("dev:*"));
    assert_eq!(objects.catalogue().objects[&key("a")].origin.generation, 1, "edits wait");
    assert!(!objects.catalogue().objects.contains_key(&key("b")), "deletions count");
    assert_eq!(list(&mut objects, whole(1), vec![narrow(1), role_named("a", 2)], whole(1)), Listed::Counted);
    assert_eq!(objects.catalogue().objects[&key("a")].origin.generation, 2);
    assert_eq!(form(&objects, "r"), Form::Current);
}

fn role_named(name: &str, generation: i64) -> Shown {
    let spec = json!({ "policy": ["all"], "principal": { "jwt:sub": ["bob"] } });
    shown(Kind::Role, name, &format!("uid-{name}"), generation, spec)
}

#[test]
fn a_list_counts_only_under_one_whole_definition_from_begin_to_end() {
    for (before, after, listed) in [
        (lacking(1), whole(2), Listed::Again),
        (whole(1), lacking(2), Listed::Pruned),
        (whole(1), whole(3), Listed::Again),
        (lacking(1), lacking(1), Listed::Pruned),
        (Schema::Unknown, whole(1), Listed::Again),
        (whole(1), Schema::Absent, Listed::Pruned),
    ] {
        let mut objects = Objects::default();
        assert_eq!(
            list(&mut objects, before.clone(), vec![pruned(1)], after.clone()),
            listed,
            "{before:?} {after:?}"
        );
        assert_eq!(serves(&objects), None, "{before:?} {after:?}");
        assert_eq!(reasons(&objects, "r"), [Reason::FieldsPruned]);
        assert_eq!(form(&objects, "r"), Form::Withheld);
    }
}

#[test]
fn while_fields_are_missing_edits_wait_and_deletions_count() {
    let mut objects = with(vec![narrow(1), role_named("a", 1)]);
    objects.define(Kind::Role, lacking(2));
    assert_eq!(objects.take_relist(), [Kind::Role].into());
    assert_eq!(
        list(&mut objects, lacking(2), vec![pruned(1), role_named("a", 1)], lacking(2)),
        Listed::Pruned
    );
    objects.apply(role("u1", 2, None));
    objects.apply(role_named("a", 2));
    assert_eq!(serves(&objects).as_deref(), Some("dev:*"));
    assert_eq!(objects.catalogue().objects[&key("a")].origin.generation, 1, "a narrowing waits, too");
    assert_eq!(objects.withheld(Kind::Role), 2);
    objects.delete(&key("r"));
    assert_eq!(serves(&objects), None);
}

#[test]
fn once_the_definition_is_whole_again_a_list_brings_what_waited() {
    let mut objects = with(vec![narrow(1)]);
    list(&mut objects, lacking(2), vec![pruned(1)], lacking(2));
    objects.apply(role("u1", 2, None));
    objects.define(Kind::Role, whole(3));
    assert_eq!(objects.take_relist(), [Kind::Role].into());
    objects.apply(role("u1", 3, None));
    assert_eq!(serves(&objects).as_deref(), Some("dev:*"), "no list has counted yet");
    assert_eq!(list(&mut objects, whole(3), vec![role("u1", 4, Some("prod:*"))], whole(3)), Listed::Counted);
    assert_eq!(serves(&objects).as_deref(), Some("prod:*"));
    assert_eq!(objects.withheld(Kind::Role), 0);
}

#[test]
fn an_object_made_while_fields_are_missing_is_not_served_until_they_are_back() {
    let mut objects = with(vec![]);
    list(&mut objects, lacking(2), vec![], lacking(2));
    objects.apply(pruned(1));
    assert_eq!((serves(&objects), form(&objects, "r")), (None, Form::Withheld));
    list(&mut objects, whole(3), vec![pruned(1)], whole(3));
    assert_eq!(serves(&objects).as_deref(), Some("everywhere"), "it was stored like this");
}

#[test]
fn an_object_made_anew_under_its_old_name_has_no_earlier_form() {
    let mut objects = with(vec![narrow(1)]);
    list(&mut objects, lacking(2), vec![role("u2", 1, None)], lacking(2));
    assert_eq!((serves(&objects), form(&objects, "r")), (None, Form::Withheld));
}

#[test]
fn an_operator_started_meanwhile_keeps_what_the_bundle_remembers() {
    let left = bundle(&with(vec![narrow(1), role_named("a", 1)]));
    for (now, serving) in [(pruned(1), "dev:*"), (pruned(2), "dev:*"), (narrow(1), "dev:*")] {
        let mut objects = Objects::default();
        objects.remember(&left);
        list(&mut objects, lacking(2), vec![now, shown(Kind::Role, "new", "u9", 1, json!({}))], lacking(2));
        assert_eq!(serves(&objects).as_deref(), Some(serving));
        assert_eq!(reasons(&objects, "new"), [Reason::FieldsPruned]);
        assert!(!objects.catalogue().objects.contains_key(&key("a")), "what is listed no more is gone");
    }
}

#[test]
fn an_operator_started_under_a_whole_definition_believes_a_list_only_if_the_bundle_does_not_contradict() {
    let left = bundle(&with(vec![narrow(1)]));
    let mut objects = Objects::default();
    objects.remember(&left);
    assert_eq!(list(&mut objects, whole(2), vec![pruned(1)], whole(2)), Listed::Again);
    assert_eq!(serves(&objects).as_deref(), Some("dev:*"));
    assert_eq!(list(&mut objects, whole(2), vec![narrow(1)], whole(2)), Listed::Counted);
    assert_eq!(serves(&objects).as_deref(), Some("dev:*"));
}

#[test]
fn what_the_bundle_refused_stays_refused_while_fields_are_missing() {
    let broken =
        shown(Kind::Role, "r", "u1", 1, json!({ "policy": ["all"], "principal": { "jwt:nope": ["x"] } }));
    let left = bundle(&with(vec![broken]));
    let mut objects = Objects::default();
    objects.remember(&left);
    list(&mut objects, lacking(2), vec![role("u1", 2, None)], lacking(2));
    assert_eq!(serves(&objects), None);
    assert_eq!(reasons(&objects, "r"), [Reason::Invalid]);
}

#[test]
fn the_bundle_of_a_restart_is_the_bundle_before() {
    let items =
        || vec![narrow(1), role_named("a", 1), shown(Kind::Role, "odd", "u3", 1, json!({ "policy": 7 }))];
    let before = bundle(&with(items()));
    let mut objects = Objects::default();
    objects.remember(&before);
    list(&mut objects, whole(1), items(), whole(1));
    assert_eq!(bundle(&objects).shards(), before.shards());
}

#[test]
fn a_list_that_begins_anew_forgets_the_half_that_was_read() {
    let mut objects = with(vec![]);
    objects.begin(Kind::Role);
    objects.item(narrow(1));
    objects.begin(Kind::Role);
    objects.item(role_named("a", 1));
    objects.end(Kind::Role, whole(1));
    assert_eq!(objects.catalogue().objects.keys().map(|k| &*k.name).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_list_of_one_kind_leaves_the_others_alone() {
    let mut objects = with(vec![narrow(1)]);
    objects.define(Kind::Policy, whole(1));
    objects.begin(Kind::Policy);
    assert_eq!(objects.end(Kind::Policy, whole(1)), Listed::Counted);
    assert_eq!(serves(&objects).as_deref(), Some("dev:*"));
}

#[test]
fn the_same_definition_seen_again_asks_for_no_list() {
    let mut objects = with(vec![narrow(1)]);
    objects.define(Kind::Role, whole(1));
    assert!(objects.take_relist().is_empty());
    objects.define(Kind::Role, whole(2));
    assert_eq!(objects.take_relist(), [Kind::Role].into());
}

#[test]
fn a_status_is_written_only_where_the_definition_has_one() {
    let partly = Schema::Lacking { mark: "m".into(), fields: vec!["spec.scope".into()] };
    let unserved = Schema::Lacking { mark: "m".into(), fields: vec!["version v1".into()] };
    for (schema, takes) in
        [(whole(1), true), (partly, true), (lacking(1), false), (unserved, false), (Schema::Absent, false)]
    {
        assert_eq!(schema.takes_status(), takes, "{schema:?}");
    }
}

#[test]
fn the_definitions_of_ours_are_whole_and_those_of_nobody_absent() {
    for crd in crate::api::crds() {
        assert!(Schema::of(Some(&crd)).whole().is_some());
    }
    assert_eq!(Schema::of(None), Schema::Absent);
}

#[test]
fn an_origin_tells_what_is_shown_and_not_how_it_is_written() {
    let Origin { uid, generation, digest, .. } = narrow(3).origin;
    assert_eq!((&*uid, generation), ("u1", 3));
    assert_eq!(digest, narrow(1).origin.digest);
    assert_ne!(digest, pruned(3).origin.digest);
}
