//! FunctionPrivacy: what may be written, and what a broken one could cover.

use serde_json::{Value, json};

use super::{judge, told};
use crate::api::{FunctionMatcher, FunctionPrivacySpec, Kind, limits};
use crate::compile::{Judged, Meaning};

fn of(spec: Value) -> Judged {
    judge(Kind::FunctionPrivacy, spec)
}

fn covers(judged: &Judged) -> Vec<String> {
    judged.covers.iter().map(ToString::to_string).collect()
}

#[test]
fn a_function_privacy_names_functions_by_namespaces_and_names() {
    let rows = [
        (
            json!({"namespaces": ["dev", "qa"], "names": ["env", "api-*"]}),
            &["dev:env", "dev:api-*", "qa:env", "qa:api-*"][..],
        ),
        (json!({"namespaces": ["dev"]}), &["dev:*"]),
        (json!({"names": ["env"]}), &["*:env"]),
        (json!({"names": ["*"]}), &["*:*"]),
    ];
    for (functions, want) in rows {
        for (privacy, private) in [("Private", true), ("Public", false)] {
            let judged = of(json!({"functions": functions, "privacy": privacy}));
            let Ok(Meaning::Privacy(meant)) = &judged.verdict else { panic!("{judged:?}") };
            assert_eq!(
                (covers(&judged), meant.private),
                (want.iter().map(ToString::to_string).collect(), private)
            );
            assert_eq!(meant.functions, judged.covers);
        }
    }
}

#[test]
fn as_many_pairs_as_are_allowed_are_all_told_apart() {
    let named = |prefix: &str, count: usize| (0..count).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>();
    let functions = json!({"namespaces": named("n", 4), "names": named("f", limits::FUNCTION_PATTERNS / 4)});
    let judged = of(json!({"functions": functions, "privacy": "Private"}));
    assert!(judged.verdict.is_ok(), "{judged:?}");
    assert_eq!(judged.covers.len(), limits::FUNCTION_PATTERNS);
}

#[test]
fn what_the_type_writes_is_what_the_validator_reads() {
    let functions = FunctionMatcher { namespaces: vec!["dev".into()], names: vec!["env".into()] };
    let spec = FunctionPrivacySpec { functions, privacy: "Private".into() };
    assert_eq!(covers(&of(serde_json::to_value(spec).unwrap())), ["dev:env"]);
}

#[test]
fn s29_a_broken_function_privacy_could_cover_what_of_its_matcher_can_be_read() {
    let dev = json!({"namespaces": ["dev"], "names": ["env"]});
    let many = |n: usize| (0..n).map(|i| format!("f{i}")).collect::<Vec<_>>();
    let rows = [
        (json!({"functions": dev, "privacy": "private"}), "neither `Private` nor `Public`", "dev:env"),
        (json!({"functions": dev}), "spec.privacy: missing", "dev:env"),
        (
            json!({"functions": dev, "privacy": "Public", "exempt": []}),
            "spec.exempt: not supported yet without a cluster",
            "dev:env",
        ),
        (
            json!({"functions": dev, "privacy": "Public", "accessTokens": []}),
            "spec.accessTokens: not supported yet without a cluster",
            "dev:env",
        ),
        (
            json!({"functions": dev, "privacy": "Public", "networkPolicy": true}),
            "spec.networkPolicy: not supported yet",
            "dev:env",
        ),
        (
            json!({"functions": {"namespaces": ["dev"], "labels": {"a": "b"}}, "privacy": "Public"}),
            "spec.functions.labels: not supported yet without a cluster",
            "dev:*",
        ),
        (
            json!({"functions": {"namespaces": ["dev"], "name": ["env"]}, "privacy": "Private"}),
            "spec.functions.name: unknown field; write `names`",
            "dev:*",
        ),
        (
            json!({"function": dev, "privacy": "Private"}),
            "spec.function: unknown field; write `functions`",
            "*:*",
        ),
        (json!({"functions": {}, "privacy": "Private"}), "spec.functions: an empty map", "*:*"),
        (
            json!({"functions": {"names": []}, "privacy": "Private"}),
            "spec.functions.names: an empty list",
            "*:*",
        ),
        (
            json!({"functions": {"names": [""]}, "privacy": "Private"}),
            "spec.functions.names[0]: empty",
            "*:*",
        ),
        (
            json!({"functions": {"namespaces": null, "names": ["env"]}, "privacy": "Private"}),
            "spec.functions.namespaces: null",
            "*:env",
        ),
        (
            json!({"functions": {"namespaces": ["d*"]}, "privacy": "Private"}),
            "namespaces take no wildcards",
            "*:*",
        ),
        (
            json!({"functions": {"namespaces": ["Dev"], "names": ["env"]}, "privacy": "Private"}),
            "`Dev` is no namespace",
            "*:env",
        ),
        (
            json!({"functions": {"namespaces": ["dev"], "names": ["dev:env"]}, "privacy": "Private"}),
            "`dev:env` is no name of a function",
            "dev:*",
        ),
        (
            json!({"functions": {"namespaces": ["dev"], "names": "env"}, "privacy": "Private"}),
            "a list belongs here",
            "dev:*",
        ),
        (
            json!({"functions": {"namespaces": ["dev"], "names": [7]}, "privacy": "Private"}),
            "text belongs here",
            "dev:*",
        ),
        (
            json!({"functions": {"namespaces": ["a", "b", "c", "d", "e"], "names": many(256)}, "privacy": "Public"}),
            "namespaces times names are more than 1024",
            "a:*, b:*, c:*, d:*, e:*",
        ),
        (
            json!({"functions": {"namespaces": ["dev"], "names": many(257)}, "privacy": "Public"}),
            "257 entries, at most 256",
            "",
        ),
        (json!("dev"), "a map belongs here", "*:*"),
    ];
    for (spec, want, could) in rows {
        let judged = of(spec.clone());
        let (problems, _) = told(&judged);
        assert!(problems.iter().any(|p| p.contains(want)), "{spec}: {problems:?}");
        assert!(could.is_empty() || covers(&judged).join(", ") == could, "{spec}: {:?}", covers(&judged));
        assert!(!judged.covers.is_empty(), "{spec}");
    }
}
