//! What becomes of a ServiceAccount, patch by patch; and the laws of it.

use proptest::prelude::*;

use super::*;

const OWNER: &str = "openfaas";

fn taken(_: &str) -> bool {
    false
}

fn account(references: Option<&[&str]>) -> Account {
    let references = references.map(|names| names.iter().map(ToString::to_string).collect());
    Account { resource_version: "7".to_owned(), annotations: None, references }
}

fn object(account: &Account) -> Value {
    let mut object = json!({"metadata": {"resourceVersion": account.resource_version}});
    if let Some(annotations) = &account.annotations {
        object["metadata"]["annotations"] = json!(annotations);
    }
    if let Some(names) = &account.references {
        object["imagePullSecrets"] = names.iter().map(|name| json!({ "name": name })).collect();
    }
    object
}

fn read(object: &Value) -> Account {
    let names = |list: &Vec<Value>| list.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    Account {
        resource_version: object["metadata"]["resourceVersion"].as_str().unwrap().to_owned(),
        annotations: object["metadata"]
            .get("annotations")
            .map(|all| serde_json::from_value(all.clone()).unwrap()),
        references: object.get("imagePullSecrets").map(|list| names(list.as_array().unwrap())),
    }
}

/// The account after the patch that it takes.
fn after(account: &Account, wanted: &[&str]) -> Account {
    let mut object = object(account);
    if let Some(patch) = patch(account, OWNER, &wanted.iter().copied().collect(), taken) {
        json_patch::patch(&mut object, &patch).unwrap();
    }
    read(&object)
}

fn names(account: &Account) -> Vec<&str> {
    account.references.iter().flatten().map(String::as_str).collect()
}

#[test]
fn ours_comes_behind_the_others_and_the_list_is_made_where_there_is_none() {
    assert_eq!(names(&after(&account(None), &["ours"])), ["ours"]);
    assert_eq!(names(&after(&account(Some(&[])), &["ours"])), ["ours"]);
    assert_eq!(names(&after(&account(Some(&["theirs"])), &["ours"])), ["theirs", "ours"]);
}

#[test]
fn s24_what_was_there_before_us_stays() {
    let before = account(Some(&["ours", "theirs"]));
    assert_eq!(patch(&before, OWNER, &["ours"].into(), taken), None);
    assert_eq!(patch(&before, OWNER, &BTreeSet::new(), taken), None);
}

#[test]
fn what_a_platform_puts_behind_us_stays_in_its_place() {
    let mut with = after(&account(Some(&["a"])), &["ours"]);
    with.references.as_mut().unwrap().push("platform".to_owned());
    assert_eq!(patch(&with, OWNER, &["ours"].into(), taken), None, "no back and forth");
    assert_eq!(names(&after(&with, &[])), ["a", "platform"]);
}

#[test]
fn who_takes_ours_away_finds_it_again() {
    let mut with = after(&account(None), &["ours"]);
    with.references = Some(vec!["theirs".to_owned()]);
    assert_eq!(names(&after(&with, &["ours"])), ["theirs", "ours"]);
    assert_eq!(names(&after(&with, &[])), ["theirs"], "nor is anything else taken");
}

#[test]
fn what_is_released_stays_named_and_is_marked_no_longer() {
    let with = after(&account(Some(&["theirs"])), &["ours"]);
    let patch = patch(&with, OWNER, &BTreeSet::new(), |_| true).unwrap();
    let mut object = object(&with);
    json_patch::patch(&mut object, &patch).unwrap();
    let released = read(&object);
    assert_eq!(names(&released), ["theirs", "ours"]);
    assert!(added(&released, OWNER).is_empty());
}

#[test]
fn s24_what_another_installation_has_added_is_not_ours_to_take() {
    let mut object = object(&after(&account(None), &["ours"]));
    let theirs = patch(&read(&object), "another", &["theirs"].into(), taken).unwrap();
    json_patch::patch(&mut object, &theirs).unwrap();
    assert_eq!(patch(&read(&object), OWNER, &["ours"].into(), taken), None);
    let none = patch(&read(&object), OWNER, &BTreeSet::new(), taken).unwrap();
    json_patch::patch(&mut object, &none).unwrap();
    assert_eq!(names(&read(&object)), ["theirs"]);
    assert_eq!(added(&read(&object), "another"), ["theirs"].into());
}

#[test]
fn a_name_that_is_there_twice_is_left_with_one() {
    let mut with = after(&account(None), &["ours"]);
    with.references.as_mut().unwrap().insert(0, "ours".to_owned());
    assert_eq!(patch(&with, OWNER, &["ours"].into(), taken), None);
    assert_eq!(names(&after(&with, &[])), ["ours"]);
}

#[test]
fn s24_nothing_is_written_over_what_somebody_wrote_meanwhile() {
    let patch = patch(&account(None), OWNER, &["ours"].into(), taken).unwrap();
    let mut newer = object(&Account { resource_version: "8".to_owned(), ..account(None) });
    let before = newer.clone();
    assert!(json_patch::patch(&mut newer, &patch).is_err());
    assert_eq!(newer, before);
}

proptest! {
    #[test]
    fn afterwards_it_is_as_wanted_and_in_the_end_as_it_was(
        theirs in prop::option::of(prop::collection::vec("[a-d]", 0..4)),
        annotated in any::<bool>(),
        steps in prop::collection::vec(prop::collection::btree_set("[a-h]", 0..4), 1..5),
    ) {
        let annotations = annotated.then(|| BTreeMap::from([("x/y~z".to_owned(), "1".to_owned())]));
        let before = Account { resource_version: "7".to_owned(), annotations, references: theirs };
        let mut now = before.clone();
        for wanted in steps.iter().chain([&BTreeSet::new()]) {
            let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
            now = after(&now, &wanted);
            let others: Vec<_> = names(&before);
            prop_assert!(names(&now).starts_with(&others), "theirs stay, and stay first");
            prop_assert!(wanted.iter().all(|name| names(&now).contains(name)));
            prop_assert!(names(&now)[others.len()..].iter().all(|name| wanted.contains(name)), "and no others");
            prop_assert_eq!(patch(&now, OWNER, &wanted.iter().copied().collect(), taken), None, "once is enough");
        }
        prop_assert_eq!(names(&now), names(&before));
        let left = now.annotations.unwrap_or_default();
        prop_assert_eq!(left, before.annotations.unwrap_or_default());
    }
}
