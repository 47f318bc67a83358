//! Every limit of `semantics.md` 26 at its edge and one over.

use serde_json::{Map, Value, json};

use super::{Kind, base, judge, told, with};
use crate::api::{Reason, limits};
use Kind::{JwtIssuer, Policy, Role};

/// `n` different texts.
fn texts(n: usize) -> Value {
    (0..n).map(|i| Value::from(format!("a{i}"))).collect()
}

/// `n` entries, each with the same value.
fn entries(n: usize, name: impl Fn(usize) -> String, value: &Value) -> Value {
    Value::Object((0..n).map(|i| (name(i), value.clone())).collect::<Map<_, _>>())
}

fn operators(n: usize) -> Value {
    let names: Vec<_> = crate::api::condition::operators().filter(|o| o.contains("String")).collect();
    entries(n, |i| names[i].clone(), &json!({ "jwt:a": ["b"] }))
}

#[test]
fn r26_every_count_at_its_edge_and_one_over() {
    type Make = fn(usize) -> Value;
    let statement = |n: usize| Value::from(vec![base(Policy)["statement"][0].clone(); n]);
    let rows: [(Kind, &str, usize, Make); 11] = [
        (Policy, "statement", 100, statement),
        (Policy, "statement/0/action", 64, |n| vec![Value::from("Function:Get"); n].into()),
        (Policy, "statement/0/resource", 256, |n| (0..n).map(|i| Value::from(format!("a{i}:*"))).collect()),
        (Role, "policy", 64, texts),
        (Role, "scope", 64, |n| (0..n).map(|i| Value::from(format!("a{i}:*"))).collect()),
        (Role, "condition", 16, operators),
        (Role, "condition/StringEqual", 32, |n| entries(n, |i| format!("jwt:a{i}"), &json!(["b"]))),
        (Role, "condition/StringEqual/jwt:a", 1_000, texts),
        (Role, "principal/jwt:sub", 1_000, texts),
        (JwtIssuer, "aud", 16, texts),
        (JwtIssuer, "algorithms", 16, |n| vec![Value::from("RS256"); n].into()),
    ];
    for (kind, path, max, make) in rows {
        let at = |n| told(&judge(kind, with(kind, path, Some(make(n))))).0;
        assert_eq!(at(max), Vec::<String>::new(), "{path}");
        let over = at(max + 1);
        assert!(
            over.len() == 1 && over[0].contains(&format!("{} entries, at most {max}", max + 1)),
            "{path}: {over:?}"
        );
    }
}

#[test]
fn r26_every_text_at_its_edge_and_one_over() {
    let rows = [
        (Policy, "statement/0/sid", 512),
        (Role, "policy/0", 512),
        (Role, "principal/jwt:sub/0", 512),
        (Role, "condition/StringEqual/jwt:iss/0", 2_048),
        (JwtIssuer, "aud/0", 2_048),
    ];
    for (kind, path, max) in rows {
        // Characters are counted, not bytes.
        let at = |n: usize| told(&judge(kind, with(kind, path, Some("é".repeat(n).into())))).0;
        assert_eq!(at(max), Vec::<String>::new(), "{path}");
        assert!(at(max + 1)[0].contains(&format!("at most {max} are allowed")), "{path}");
    }
    for (field, name) in [("iss", "a"), ("issInternal", "b")] {
        let url = |n: usize| json!(format!("https://{name}.example.com/{}", "x".repeat(n - 22)));
        let at = |n: usize| told(&judge(JwtIssuer, with(JwtIssuer, field, Some(url(n))))).0;
        assert_eq!(at(2_048), Vec::<String>::new(), "{field}");
        assert!(at(2_049)[0].contains("2049 characters"), "{field}");
    }
    for (claim, max) in [("jwt:aud", 2_048), ("jwt:x", 512)] {
        let path = format!("condition/StringEqual/{claim}");
        let at = |n: usize| told(&judge(Role, with(Role, &path, Some(json!(["x".repeat(n)]))))).0;
        assert_eq!((at(max).len(), at(max + 1).len()), (0, 1), "{claim}");
    }
}

#[test]
fn r26_names_of_references_and_keys_have_their_bounds() {
    for field in ["name", "key"] {
        let at = |n: usize| {
            let mut reference = json!({ "kind": "Secret", "name": "a", "key": "b" });
            reference[field] = "x".repeat(n).into();
            told(&judge(JwtIssuer, with(JwtIssuer, "jwksRef", Some(reference)))).0.len()
        };
        assert_eq!((at(253), at(254)), (0, 1), "{field}");
    }
    let key = |n: usize| {
        let path = format!("condition/StringEqual/jwt:{}", "x".repeat(n - 4));
        told(&judge(Role, with(Role, &path, Some(json!(["x"]))))).0.len()
    };
    assert_eq!((key(512), key(513)), (0, 1));
}

/// A spec of exactly this many bytes as JSON without spaces.
fn filled(kind: Kind, bytes: usize) -> Value {
    let mut spec = match kind {
        Policy => with(kind, "statement/0/resource", Some(json!([]))),
        _ => with(kind, "condition/StringNotEqual", Some(json!({}))),
    };
    let full: Vec<Value> = (0..1_000).map(|i| Value::from(format!("{i:0>250}"))).collect();
    let fill = |spec: &mut Value, values: Vec<Value>| match kind {
        Policy => spec["statement"][0]["resource"] = values.into(),
        _ => spec["condition"]["StringNotEqual"]["jwt:x"] = values.into(),
    };
    fill(&mut spec, full.clone());
    let missing = bytes - spec.to_string().len();
    let mut values = full;
    for (at, value) in values.iter_mut().enumerate() {
        let extra = missing / 1_000 + usize::from(at < missing % 1_000);
        *value = Value::from(format!("{at:0>width$}", width = 250 + extra));
    }
    fill(&mut spec, values);
    assert_eq!(spec.to_string().len(), bytes);
    spec
}

#[test]
fn r26_a_whole_spec_has_a_bound_of_its_own() {
    let edge = limits::SPEC_BYTES;
    assert_eq!(told(&judge(Role, filled(Role, edge))).0, Vec::<String>::new());
    let over = judge(Role, filled(Role, edge + 1)).verdict.unwrap_err();
    assert_eq!(
        over.iter().map(|p| (p.reason, p.field.to_string())).collect::<Vec<_>>(),
        [(Reason::TooLarge, "spec".to_owned())]
    );
}

/// A key set of so many keys, and of so many bytes as JSON without spaces.
fn key_set(keys: usize, bytes: Option<usize>) -> Value {
    let key = |i| {
        json!({
            "kty": "EC", "crv": "P-256", "kid": format!("k{i}"),
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        })
    };
    let mut set = json!({ "keys": (0..keys).map(key).collect::<Vec<_>>(), "note": "" });
    if let Some(bytes) = bytes {
        set["note"] = "x".repeat(bytes - set.to_string().len()).into();
    }
    set
}

#[test]
fn r26_a_key_set_has_at_most_64_keys_and_256_kib() {
    let problems = |set| told(&judge(JwtIssuer, with(JwtIssuer, "jwks", Some(set)))).0.len();
    assert_eq!((problems(key_set(64, None)), problems(key_set(65, None))), (0, 1));
    let edge = limits::JWKS_BYTES;
    assert_eq!((problems(key_set(1, Some(edge))), problems(key_set(1, Some(edge + 1)))), (0, 1));
}

#[test]
fn r26_a_jwt_issuer_may_be_larger() {
    let too_large = |bytes: usize| {
        let mut spec = base(JwtIssuer);
        spec["jwks"] = json!({ "keys": [], "note": "" });
        let missing = bytes - spec.to_string().len();
        spec["jwks"]["note"] = "x".repeat(missing).into();
        let problems = judge(JwtIssuer, spec).verdict.unwrap_err();
        problems.iter().any(|p| p.reason == Reason::TooLarge)
    };
    assert_eq!(
        (too_large(limits::ISSUER_SPEC_BYTES), too_large(limits::ISSUER_SPEC_BYTES + 1)),
        (false, true)
    );
}

#[test]
fn lists_nest_as_deep_as_maps_and_no_deeper() {
    let nested = |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!([inner]));
    for (levels, refused) in [(crate::api::limits::DEPTH - 2, false), (crate::api::limits::DEPTH - 1, true)] {
        let object = json!({ "metadata": { "name": "x" }, "spec": { "scope": nested(levels) } });
        let judged = super::super::validate(Role, &object, &crate::model::Unplaced);
        let problems = judged.verdict.unwrap_err();
        assert_eq!(problems.iter().any(|p| p.message.starts_with("nested more than")), refused, "{levels}");
    }
}
