//! What a principal can reach at all.

use super::*;
use crate::model::{Action, Namespace, ResourcePattern};

fn roles(world: World) -> (Engine, Principal) {
    let engine = Engine::new(&world.0);
    let principal = engine.identify(&map(alice()), NOW, Completeness::Question).unwrap();
    (engine, principal)
}

fn bound(policies: &[&str], scope: Option<Value>) -> Value {
    let mut role = json!({"policies": policies, "subjects": ["alice"]});
    role.as_object_mut().unwrap().extend(scope.map(|scope| ("scope".to_owned(), scope)));
    role
}

fn invocable(world: World) -> Vec<String> {
    let (engine, alice) = roles(world);
    engine.invocable_by(&alice).iter().map(ToString::to_string).collect()
}

#[test]
fn the_policies_of_a_principal_are_those_of_the_roles_that_hold_and_no_others() {
    let world = dev()
        .policy("ro", &["Function:Get"], &["*"])
        .policy("theirs", &["*"], &["*"])
        .role("mine", bound(&["rw", "missing"], None))
        .role("too", bound(&["ro", "rw"], Some(json!(["dev:env"]))))
        .role("bobs", json!({"policies": ["theirs"], "subjects": ["bob"]}));
    let (engine, alice) = roles(world);
    assert_eq!(engine.policies_of(&alice), ["ro", "rw"]);
    assert!(engine.policies_of(&Principal::anonymous()).is_empty());
}

#[test]
fn an_api_token_has_at_most_the_policies_it_was_minted_with() {
    let world = dev().policy("ro", &["Function:Invoke"], &["prod:*"]).role("r", bound(&["rw", "ro"], None));
    let engine = Engine::new(&world.0);
    let token = json!({"iss": "https://gw", "aud": "https://gw", "sub": "fed:alice", "policy": ["ro"],
        "fed:iss": "https://idp.example.com", "fed:aud": "gw"});
    let token = engine.identify(&map(token), NOW, Completeness::Question).unwrap();
    assert_eq!(engine.policies_of(&token), ["ro"]);
    assert_eq!(engine.invocable_by(&token), [ResourcePattern::parse("prod:*").unwrap()]);
}

#[test]
fn what_may_be_invoked_is_the_union_of_the_roles_within_their_scopes() {
    let all = || World::new().policy("all", &["Function:Invoke"], &["*", "dev:e*"]);
    assert_eq!(invocable(all().role("r", bound(&["all"], None))), ["*", "dev:e*"]);
    let scoped = all().role("r", bound(&["all"], Some(json!(["prod:*", "dev:env"]))));
    assert_eq!(invocable(scoped), ["dev:env", "prod:*"]);
    let narrow = World::new()
        .policy("env", &["Function:Invoke"], &["dev:env"])
        .role("r", bound(&["env"], Some(json!(["prod:*"]))));
    assert!(invocable(narrow).is_empty());
    let other = World::new().policy("get", &["Function:Get"], &["*"]).role("r", bound(&["get"], None));
    assert!(invocable(other).is_empty(), "only Function:Invoke invokes");
}

#[test]
fn a_statement_counts_only_where_its_own_condition_holds() {
    let conditional = |group: &str| {
        let condition = json!([{"op": "ForAnyValue:StringEqual", "claim": "groups", "values": [group]}]);
        let policy = json!({"statements": [{"sid": "s", "actions": ["Function:Invoke"],
            "resources": ["dev:*"], "condition": condition}]});
        let mut world = World::new().role("r", bound(&["p"], None));
        let policy = serde_json::from_value(policy).unwrap();
        world.0.insert("p", Record::Policy { origin: Origin::default(), policy });
        world
    };
    assert_eq!(invocable(conditional("dev")), ["dev:*"]);
    assert!(invocable(conditional("qa")).is_empty());
}

#[test]
fn a_list_is_worth_asking_for_where_something_in_the_namespace_could_be_allowed() {
    let world = World::new()
        .policy("one", &["Function:List"], &["dev:env", "team-*:x", "kube-system:*"])
        .policy("secrets", &["Secret:List"], &["*"])
        .role("r", bound(&["one"], None))
        .role("s", bound(&["secrets"], Some(json!(["dev:*"]))));
    let (engine, alice) = roles(world);
    let reaches = |action, ns: &str| engine.reaches(&alice, action, &Namespace::new(ns).unwrap());
    assert!(reaches(Action::FunctionList, "dev"));
    assert!(reaches(Action::FunctionList, "team-a"));
    assert!(!reaches(Action::FunctionList, "prod"));
    assert!(!reaches(Action::FunctionList, "kube-system"));
    assert!(reaches(Action::SecretList, "dev"));
    assert!(!reaches(Action::SecretList, "prod"));
    assert!(engine.reaches_any(&alice, Action::SecretList));
    assert!(!engine.reaches_any(&alice, Action::NamespaceList));
}

#[test]
fn a_claim_is_looked_at_where_a_condition_names_it() {
    let world = dev().role(
        "r",
        json!({"policies": ["rw"], "condition": [{"op": "StringEqual", "claim": "team", "values": ["x"]}]}),
    );
    let engine = Engine::new(&world.0);
    assert!(engine.looks_at("team"));
    assert!(!engine.looks_at("groups"));
}

#[test]
fn who_was_identified_by_an_issuer_that_is_gone_reaches_nothing() {
    let world = dev().role("r", bound(&["rw"], None));
    let alice = roles(world).1;
    let mut without = dev().role("r", bound(&["rw"], None));
    without.0.remove(&crate::bundle::Key::new(crate::bundle::Sort::Issuer, "idp"));
    let engine = Engine::new(&without.0);
    assert!(engine.policies_of(&alice).is_empty());
    assert_eq!(engine.lifetime(&alice), None);
}
