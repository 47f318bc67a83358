//! Which functions everybody may invoke.

use super::*;

/// Which functions, whether they are private, and what the last valid form covered.
type Row<'a> = (&'a [&'a str], bool, Option<&'a [&'a str]>);

fn world(records: &[Row<'_>]) -> Engine {
    let mut world = World::new();
    let read =
        |list: &[&str]| list.iter().map(|p| crate::model::ResourcePattern::parse(p).unwrap()).collect();
    for (at, (functions, private, last_valid)) in records.iter().enumerate() {
        let record = Record::Privacy {
            origin: Origin::default(),
            functions: read(functions),
            private: *private,
            last_valid: last_valid.map(read),
        };
        world.0.insert(format!("p{at}"), record);
    }
    Engine::new(&world.0)
}

fn public(engine: &Engine, function: &str, private: bool) -> bool {
    engine.permit_public(&Request::parse("Function:Invoke", function).unwrap(), private).is_some()
}

#[test]
fn where_nothing_matches_the_default_of_the_installation_holds() {
    let engine = world(&[(&["dev:env"], true, None)]);
    assert!(public(&engine, "dev:other", false));
    assert!(!public(&engine, "dev:other", true));
}

#[test]
fn private_wins_wherever_it_stands() {
    for records in [
        [(&["dev:env"][..], true, None), (&["dev:*"][..], false, None)],
        [(&["dev:env"][..], false, None), (&["*:e*"][..], true, None)],
        [(&["dev:env"][..], true, None), (&["dev:env"][..], false, None)],
    ] {
        let engine = world(&records);
        assert!(!public(&engine, "dev:env", false));
        let turned = world(&[records[1], records[0]]);
        assert!(!public(&turned, "dev:env", false), "in any order");
    }
    let engine = world(&[(&["dev:*"], false, None)]);
    assert!(public(&engine, "dev:env", true), "public on purpose, where the default is private");
}

#[test]
fn what_broke_keeps_private_what_it_covered_and_publishes_nothing() {
    let engine = world(&[(&["dev:*"], false, Some(&["dev:env"]))]);
    assert!(!public(&engine, "dev:env", false));
    assert!(!public(&engine, "dev:other", true), "what it says now does not count");
}

#[test]
fn a_record_that_cannot_be_read_may_cover_everything() {
    let mut world = World::new();
    world.0.insert("p", Record::Unreadable(crate::bundle::Sort::Privacy));
    assert!(!public(&Engine::new(&world.0), "dev:env", false));
}

#[test]
fn s2_a_private_function_is_private_under_every_name_by_which_a_name_server_finds_it() {
    let engine = world(&[(&["dev:env"], true, None), (&["dev:job-*"], true, None)]);
    for name in ["dev:ENV", "dev:eNv", "dev:10-0-0-7.env", "dev:_http._tcp.Env", "dev:JOB-1"] {
        assert!(!public(&engine, name, false), "{name}");
    }
    for name in ["dev:ENVY", "dev:env.other", "dev:envy", "prod:ENV"] {
        assert!(public(&engine, name, false), "{name}");
    }
    let engine = world(&[(&["dev:env"], false, None)]);
    assert!(public(&engine, "dev:env", true));
    assert!(!public(&engine, "dev:ENV", true), "public is what is written, and nothing else");
}

#[test]
fn nobody_invokes_in_kube_system_and_a_permit_for_everybody_is_for_invoking_alone() {
    let engine = world(&[]);
    assert!(!public(&engine, "kube-system:env", false));
    assert!(!public(&engine, "dev:*", false), "a namespace is no function");
    let get = Request::parse("Function:Get", "dev:env").unwrap();
    assert!(engine.permit_public(&get, false).is_none());
}

#[test]
fn a_permit_to_ask_for_a_list_is_for_lists_alone() {
    let world = World::new()
        .policy("one", &["Function:*"], &["dev:env"])
        .role("r", json!({"policies": ["one"], "subjects": ["alice"]}));
    let engine = Engine::new(&world.0);
    let alice = engine.identify(&map(alice()), NOW, Completeness::Question).unwrap();
    let permit = |action: &str, resource: &str| {
        engine.permit_list(&alice, &Request::parse(action, resource).unwrap()).map(|p| p.because())
    };
    assert_eq!(permit("Function:List", "dev:*"), Some(Because::ItemByItem));
    assert_eq!(permit("Function:List", "prod:*"), None);
    assert_eq!(permit("Function:Delete", "dev:*"), None);
    assert_eq!(permit("Namespace:List", "*"), None);
}

#[test]
fn a_functions_own_word_can_only_tighten() {
    let mut world = World::new();
    let read = |text: &str| vec![crate::model::ResourcePattern::parse(text).unwrap()];
    let public = Record::Privacy {
        origin: Origin::default(),
        functions: read("dev:*"),
        private: false,
        last_valid: None,
    };
    world.0.insert("p", public);
    let function = |private| Record::Function { labels: Default::default(), watchdog: None, private };
    for (name, record) in [
        ("dev/env", function(true)),
        ("dev/other", function(false)),
        ("dev/new", Record::Unreadable(crate::bundle::Sort::Function)),
    ] {
        world.0.insert(name, record);
    }
    let engine = Engine::new(&world.0);
    for default in [true, false] {
        assert!(!self::public(&engine, "dev:env", default));
        assert!(self::public(&engine, "dev:other", default));
        assert!(!self::public(&engine, "dev:new", default), "what cannot be read may be such a word");
        assert_eq!(self::public(&engine, "prod:env", default), !default);
    }
}
