//! What depends on how an object was written down: unquoted scalars of YAML, and what kubectl says it
//! applied (`semantics.md` 25, 27).

use serde_json::{Value, json};

use super::super::validate;
use super::{Kind, base, told};
use crate::compile::Meaning;
use crate::manifest::parse;
use crate::model::{KeySource, Unplaced};

fn problems(kind: Kind, yaml: &str) -> Vec<String> {
    let documents = parse("x.yaml", yaml).unwrap();
    told(&validate(kind, &documents[0].value, &documents[0])).0
}

fn role_with(subjects: &str) -> Vec<String> {
    problems(Kind::Role, &format!("spec:\n  policy: [p]\n  principal:\n    jwt:sub: {subjects}\n"))
}

#[test]
fn r25_numbers_are_shown_as_they_were_written_and_quoted() {
    for scalar in ["12885807", "107691503500061507151", "0123", "1e3", "true", "1.50"] {
        let problems = role_with(&format!("[{scalar}]"));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("spec.principal[\"jwt:sub\"][0]: "), "{problems:?}");
        assert!(problems[0].contains(&format!("write \"{scalar}\"")), "{problems:?}");
    }
}

#[test]
fn r25_a_scalar_in_place_of_a_list_is_shown_as_the_list_that_was_meant() {
    for (scalar, cure) in [("alice", r#"["alice"]"#), ("1234567", r#"["1234567"]"#), ("0x1F", r#"["0x1F"]"#)]
    {
        let problems = role_with(scalar);
        assert!(problems.len() == 1 && problems[0].contains(&format!("write {cure}")), "{problems:?}");
    }
}

#[test]
fn r27_what_yaml_1_1_reads_otherwise_has_to_be_quoted() {
    for scalar in ["on", "no", "y", "1_000", "1:30", "2026-01-31", "0o17", ".inf"] {
        let problems = role_with(&format!("[{scalar}]"));
        assert!(
            problems.len() == 1 && problems[0].contains(&format!("write \"{scalar}\"")),
            "{scalar}: {problems:?}"
        );
        assert_eq!(role_with(&format!("[\"{scalar}\"]")), Vec::<String>::new(), "{scalar}");
    }
}

#[test]
fn r8_a_value_left_out_is_null_and_told_once() {
    let problems = role_with("");
    assert!(problems.len() == 1 && problems[0].contains("null"), "{problems:?}");
    let problems = problems_of_policy(
        "statement:\n  - sid: ~\n    action: [\"*\"]\n    effect: Allow\n    resource: [\"*\"]",
    );
    assert!(problems.len() == 1 && problems[0].starts_with("spec.statement[0].sid"), "{problems:?}");
}

fn problems_of_policy(spec: &str) -> Vec<String> {
    problems(Kind::Policy, &format!("spec:\n  {spec}\n"))
}

#[test]
fn r25_unknown_fields_at_the_root_are_problems_too() {
    let problems =
        problems(Kind::Role, "condition: {}\nspec:\n  policy: [p]\n  principal: {\"jwt:sub\": [a]}\n");
    assert!(problems.len() == 1 && problems[0].starts_with("condition: unknown field"), "{problems:?}");
}

fn applied(applied: &Value, kept: Value) -> Vec<String> {
    let annotation = json!({ "kubectl.kubernetes.io/last-applied-configuration": applied.to_string() });
    let object = json!({ "metadata": { "name": "x", "annotations": annotation }, "spec": kept });
    told(&validate(Kind::Role, &object, &Unplaced)).1
}

#[test]
fn r25_what_was_applied_and_is_not_there_is_a_warning() {
    let kept = base(Kind::Role);
    let mut wider = kept.clone();
    wider["scopes"] = json!(["dev:*"]);
    wider["condition"]["StringLike"] = json!({ "jwt:sub": ["a*"] });
    wider["scope"] = Value::Null;
    let warnings = applied(&json!({ "spec": wider }), kept);
    let fields: Vec<_> = warnings.iter().map(|w| w.split(": ").next().unwrap()).collect();
    assert_eq!(fields, ["spec.condition.StringLike", "spec.scope", "spec.scopes"]);
}

#[test]
fn r25_what_was_applied_and_changed_since_is_nobodys_business() {
    let mut other = base(Kind::Role);
    other["principal"]["jwt:sub"] = json!(["bob", "carol"]);
    assert_eq!(applied(&json!({ "spec": other }), base(Kind::Role)), Vec::<String>::new());
    assert_eq!(applied(&json!("no object"), base(Kind::Role)), Vec::<String>::new());
}

#[test]
fn r25_lists_of_other_lengths_are_not_compared_item_by_item() {
    let statement = |more: Value| {
        let mut one = base(Kind::Policy)["statement"][0].clone();
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        one
    };
    let (first, second) = (statement(json!({ "note": "x" })), statement(json!({})));
    let applied = json!({ "spec": { "statement": [first, second] } });
    let annotation = json!({ "kubectl.kubernetes.io/last-applied-configuration": applied.to_string() });
    let object =
        json!({ "metadata": { "name": "x", "annotations": annotation }, "spec": { "statement": [second] } });
    assert_eq!(told(&validate(Kind::Policy, &object, &Unplaced)).1, Vec::<String>::new());
}

#[test]
fn r19_only_the_api_server_itself_by_https_is_asked_as_the_cluster_is() {
    let source = |field: &str, address: &str| {
        let spec = super::with(Kind::JwtIssuer, field, Some(json!(address)));
        match super::judge(Kind::JwtIssuer, spec).verdict {
            Ok(Meaning::Issuer(issuer, _)) => issuer.keys,
            other => panic!("{address}: {other:?}"),
        }
    };
    for address in ["https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local:443/"] {
        assert_eq!(source("iss", address), KeySource::Cluster(address.into()));
        assert_eq!(source("issInternal", address), KeySource::Cluster(address.into()));
    }
    for address in ["https://kubernetes.default.svc.example.com", "https://kubernetes.default.svc:6443"] {
        assert_eq!(source("iss", address), KeySource::Discovery, "{address}");
    }
    for address in ["http://kubernetes.default.svc", "https://kubernetes.default.svc/realms"] {
        assert_eq!(source("issInternal", address), KeySource::Internal(address.into()));
    }
}
