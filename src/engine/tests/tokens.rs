//! Single tokens: listed ones, and revoked ones.

use super::*;

/// An access token of ours.
fn access(more: Value) -> Value {
    let mut claims = json!({"iss": "https://gw", "aud": "https://gw", "sub": "access:p/ci", "jti": "id-1",
        "iat": NOW - 10, "exp": NOW + 600, "openfaas:kind": "function", "function": {"permissions": ["prod:other"]}});
    claims.as_object_mut().unwrap().extend(map(more));
    claims
}

fn world() -> World {
    let read =
        |list: &[&str]| list.iter().map(|p| crate::model::ResourcePattern::parse(p).unwrap()).collect();
    let mut world = dev().role(
        "all",
        json!({"policies": ["rw"], "condition": [
        {"op": "StringLike", "claim": "sub", "values": ["*"]},
        {"op": "StringEqual", "claim": "iss", "values": ["https://gw", "https://idp.example.com"]}]}),
    );
    for (name, functions, private, last_valid) in [
        ("p", &["dev:env", "qa:*"][..], true, None),
        ("public", &["dev:env"], false, None),
        ("broken", &["dev:env", "dev:wider"], true, Some(&["dev:env", "dev:x"][..])),
        ("broken-anew", &[], true, Some(&["*:*"])),
    ] {
        let (functions, last_valid) = (read(functions), last_valid.map(read));
        world.0.insert(name, Record::Privacy { origin: Origin::default(), functions, private, last_valid });
    }
    for (jti, privacy, expires_at) in [
        ("id-1", "p", NOW + 100),
        ("over", "p", NOW),
        ("public", "public", NOW + 100),
        ("broken", "broken", NOW + 100),
        ("broken-anew", "broken-anew", NOW + 100),
        ("gone", "gone", NOW + 100),
    ] {
        world.0.insert(jti, Record::AccessToken { privacy: privacy.into(), expires_at });
    }
    world
}

fn opens(world: &World, claims: Value, action: &str, resource: &str) -> bool {
    let engine = Engine::new(&world.0);
    let principal = engine.identify(&map(claims), NOW, Completeness::Token).unwrap();
    let request = Request::parse(action, resource).unwrap();
    assert!(!engine.decide(&principal, &request), "no Role has a say");
    assert!(!engine.explain(&principal, &request, 8).allowed);
    engine.permit_access(&principal, &request).is_some()
}

#[test]
fn s15_a_listed_access_token_opens_what_its_function_privacy_covers_and_nothing_else() {
    let world = world();
    for (jti, resource, want) in [
        ("id-1", "dev:env", true),
        ("id-1", "qa:any", true),
        ("id-1", "dev:other", false),
        ("id-1", "prod:other", false),
        ("id-1", "qa:*", false),
        ("public", "dev:env", false),
        ("broken", "dev:env", true),
        ("broken", "dev:x", false),
        ("broken", "dev:wider", false),
        ("broken-anew", "dev:env", false),
        ("gone", "dev:env", false),
    ] {
        assert_eq!(
            opens(&world, access(json!({"jti": jti})), "Function:Invoke", resource),
            want,
            "{jti} {resource}"
        );
    }
    assert!(!opens(&world, access(json!({})), "Function:Get", "dev:env"));
    let engine = Engine::new(&world.0);
    let alice = engine.identify(&map(alice()), NOW, Completeness::Question).unwrap();
    assert!(engine.permit_access(&alice, &Request::parse("Function:Invoke", "dev:env").unwrap()).is_none());
}

#[test]
fn s15_what_is_no_listed_access_token_identifies_nobody() {
    let world = world();
    let refused = |claims: Value| world.identify(claims, Completeness::Token).map(|p| p.kind());
    assert_eq!(refused(access(json!({}))), Ok(PrincipalKind::Access));
    for jti in
        [json!("unknown"), json!("over"), json!(""), json!(1), json!(null), json!(["id-1"]), json!("ID-1")]
    {
        assert_eq!(refused(access(json!({"jti": jti}))), Err(Unidentified::NotListed), "{jti}");
    }
    for (name, value) in [
        ("openfaas:kind", json!("api")),
        ("openfaas:kind", json!("identity")),
        ("openfaas:kind", json!("access")),
        ("sub", json!("Access:p/ci")),
        ("sub", json!("alice")),
    ] {
        assert!(
            matches!(refused(access(json!({name: value}))), Err(Unidentified::NotOurKind(_))),
            "{name} {value}"
        );
    }
    let mut without = access(json!({}));
    without.as_object_mut().unwrap().remove("openfaas:kind");
    assert!(matches!(refused(without), Err(Unidentified::NotOurKind(_))));
    for (name, value) in [("exp", json!(NOW - 1)), ("exp", json!(null)), ("aud", json!("https://other"))] {
        assert!(refused(access(json!({name: value}))).is_err(), "{name} {value}");
    }
    // Whom somebody else calls so is somebody else's.
    let theirs = json!({"iss": "https://idp.example.com", "aud": "gw", "sub": "access:p/ci", "jti": "id-1",
        "exp": NOW + 600, "openfaas:kind": "function"});
    assert_eq!(refused(theirs), Ok(PrincipalKind::Subject));
}

#[test]
fn an_access_token_ends_when_the_list_says_so() {
    let engine = Engine::new(&world().0);
    let principal = engine.identify(&map(access(json!({}))), NOW, Completeness::Token).unwrap();
    assert_eq!((principal.ends(), principal.privacy()), (Some(NOW + 100), Some("p")));
}

#[test]
fn s17_what_was_issued_before_it_was_revoked_is_refused() {
    let mut world = world();
    for (name, before) in [("id-1", NOW - 5), ("mallory", NOW - 5), ("fed:carol", NOW - 5)] {
        world.0.insert(name, Record::Revocation { before });
    }
    let unreadable = "f-1";
    world.0.insert(unreadable, Record::Unreadable(crate::bundle::Sort::Revocation));
    let api = |sub: &str, iat: Value| {
        json!({"iss": "https://gw", "aud": "https://gw", "sub": format!("fed:{sub}"), "fed:iss": "https://idp.example.com",
            "fed:aud": "gw", "exp": NOW + 600, "iat": iat, "policy": ["rw"], "openfaas:kind": "api"})
    };
    let subject = |sub: &str, iat: Value| json!({"iss": "https://idp.example.com", "aud": "gw", "sub": sub, "exp": NOW + 60, "iat": iat});
    let with = |claims: Value, name: &str, value: Value| {
        let mut claims = claims;
        claims[name] = value;
        claims
    };
    let without = |claims: Value| {
        let mut claims = claims;
        claims.as_object_mut().unwrap().remove("iat");
        claims
    };
    let old = json!(NOW - 6);
    let new = json!(NOW - 5);
    let rows = [
        (access(json!({"iat": old})), true),
        (access(json!({"iat": new})), false),
        (api("mallory", old.clone()), true),
        (api("mallory", new.clone()), false),
        (without(api("mallory", new.clone())), true),
        (api("carol", old.clone()), true),
        (api("alice", old.clone()), false),
        (without(api("alice", old.clone())), false),
        (subject("mallory", old.clone()), true),
        (subject("mallory", new.clone()), false),
        (without(subject("mallory", new.clone())), true),
        (subject("carol", old.clone()), false),
        (with(api("alice", new.clone()), "jti", json!("id-1")), false),
        (with(api("alice", old.clone()), "jti", json!("id-1")), true),
        (with(api("alice", new), "jti", json!(unreadable)), true),
    ];
    for (claims, refused) in rows {
        let found = world.identify(claims.clone(), Completeness::Token).map(|_| ());
        assert_eq!(found, if refused { Err(Unidentified::Revoked) } else { Ok(()) }, "{claims}");
    }
    let asked = json!({"iss": "https://idp.example.com", "sub": "mallory"});
    assert!(world.identify(asked.clone(), Completeness::Question).is_ok(), "when it was issued is not known");
    assert!(world.identify(with(asked, "iat", old), Completeness::Question).is_err());
}

#[test]
fn a_permit_for_the_installation_is_for_who_may_do_everything() {
    let basic = Principal::basic_auth("admin");
    let of = |actions: &[&str], resource: &str| {
        let named = json!([{"op": "StringEqual", "claim": "iss", "values": ["urn:faas-iam:basic-auth"]}]);
        let world = World::new()
            .policy("p", actions, &[resource])
            .role("r", json!({"policies": ["p"], "subjects": ["admin"], "condition": named}));
        Engine::new(&world.0).permit_everything(&basic, &Request::everywhere(Action::FunctionList)).is_some()
    };
    assert!(of(&["*"], "*"));
    assert!(!of(&["*"], "*:*"));
    assert!(
        !of(&["Function:*", "Secret:*", "Namespace:*", "System:*"], "*"),
        "what is covered by `*` alone is missing"
    );
    assert!(
        Engine::new(&World::new().0)
            .permit_everything(&basic, &Request::everywhere(Action::FunctionList))
            .is_none()
    );
}

#[test]
fn the_gateways_own_questions_are_lists() {
    let engine = Engine::new(&World::new().0);
    let own = |action: &str, resource: &str| {
        engine.permit_own(&Request::parse(action, resource).unwrap()).map(|p| p.because())
    };
    assert_eq!(own("Function:List", "dev:*"), Some(Because::Own));
    assert_eq!(own("Namespace:List", "*"), Some(Because::Own));
    for (action, resource) in
        [("Function:Get", "*"), ("Function:Delete", "*"), ("Secret:List", "dev:*"), ("System:Info", "*")]
    {
        assert_eq!(own(action, resource), None, "{action}");
    }
}

#[test]
fn the_times_of_a_token_of_ours_are_not_those_of_what_it_was_exchanged_for() {
    let api = json!({"iss": "https://gw", "aud": "https://gw", "sub": "fed:alice", "fed:iss": "https://idp.example.com",
        "fed:aud": "gw", "exp": NOW + 600, "iat": NOW, "policy": ["rw"], "openfaas:kind": "api"});
    for (claim, op, value) in [
        ("iat", "Null", "false"),
        ("iat", "Null", "true"),
        ("iat", "StringLike", "*"),
        ("exp", "StringLike", "*"),
        ("exp", "StringNotEqual", "0"),
    ] {
        let condition = json!([{"op": op, "claim": claim, "values": [value]}]);
        let world =
            dev().role("r", json!({"policies": ["rw"], "subjects": ["alice"], "condition": condition}));
        let engine = Engine::new(&world.0);
        let principal = engine.identify(&map(api.clone()), NOW, Completeness::Token).unwrap();
        let request = Request::parse("Function:Get", "dev:env").unwrap();
        assert!(!engine.decide(&principal, &request), "{claim} {op} {value}");
    }
}

#[test]
fn s15_who_asks_with_an_access_token_is_told_what_it_opens() {
    let world = world();
    let engine = Engine::new(&world.0);
    let principal = engine.identify(&map(access(json!({}))), NOW, Completeness::Token).unwrap();
    let refused = engine.explain(&principal, &Request::parse("Function:Get", "dev:env").unwrap(), 8).refused;
    assert!(
        refused.unwrap().starts_with("an access token opens the functions that its FunctionPrivacy covers")
    );
}
