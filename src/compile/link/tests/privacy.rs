//! FunctionPrivacy: what stays private when one breaks, or when there is no room for it.

use serde_json::{Value, json};

use super::{Kind, Readiness, Record, Sort, World};
use crate::api::Reason;
use crate::compile::Linked;
use crate::engine::Engine;
use crate::model::{Request, ResourcePattern};

fn spec(names: Value, privacy: &str) -> Value {
    json!({ "functions": { "namespaces": ["dev"], "names": names }, "privacy": privacy })
}

fn is_public(linked: &Linked, function: &str) -> bool {
    let request = Request::parse("Function:Invoke", function).unwrap();
    Engine::new(&linked.bundle).permit_public(&request, false).is_some()
}

#[test]
fn s29_a_broken_one_keeps_private_what_its_last_valid_form_covered_whatever_that_said() {
    let mut world = World::default().object(Kind::FunctionPrivacy, "p", spec(json!(["other"]), "Pubic"));
    let state = world.state(Kind::FunctionPrivacy, "p");
    assert_eq!(state, (Readiness::Stalled, Reason::Invalid));
    assert!(
        is_public(&world.link(), "dev:env") && !is_public(&world.link(), "dev:other"),
        "what it could cover"
    );
    world.around.last_valid.insert("p".into(), vec![ResourcePattern::parse("dev:env").unwrap()]);
    assert!(
        !is_public(&world.link(), "dev:env") && is_public(&world.link(), "dev:other"),
        "what it did cover"
    );
}

#[test]
fn s29_where_the_bundle_is_full_others_go_first_and_then_everything_is_private() {
    let mut world =
        World::default().policy("older").object(Kind::FunctionPrivacy, "p", spec(json!(["env"]), "Public"));
    let size =
        |linked: &Linked| linked.bundle.iter().map(|(key, _)| linked.bundle.size_of(key)).sum::<usize>();
    let whole = world.link();
    world.around.limit = size(&whole) - 1;
    let tight = world.link();
    assert!(tight.bundle.get(Sort::Policy, "older").is_none(), "though it is older");
    assert_eq!(tight.bundle.get(Sort::Privacy, "p"), whole.bundle.get(Sort::Privacy, "p"));
    world.around.limit = 1;
    let full = world.link();
    assert!(matches!(full.bundle.get(Sort::Privacy, "p"), Some(Record::Privacy { private: true, .. })));
    assert!(!is_public(&full, "dev:env") && !is_public(&full, "prod:any"), "it may have covered anything");
    assert_eq!(world.state(Kind::FunctionPrivacy, "p").1, Reason::BundleFull);
}
