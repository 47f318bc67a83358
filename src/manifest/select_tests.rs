//! Which documents count, and what is said about the others.

use super::{Kind, Selection, select};
use crate::manifest::parse;

fn sort_out(texts: &[&str]) -> Selection {
    let documents = texts
        .iter()
        .enumerate()
        .flat_map(|(i, text)| parse(&format!("{i}.yaml"), text).expect("YAML"))
        .collect();
    select(documents, "openfaas")
}

fn role(name: &str) -> String {
    format!("apiVersion: iam.openfaas.com/v1\nkind: Role\nmetadata: {{name: {name}}}\n")
}

fn findings(selection: &Selection) -> Vec<String> {
    selection.diagnostics.iter().map(ToString::to_string).collect()
}

/// The one finding about a text of which nothing is left to judge.
fn complaint(text: &str) -> String {
    let selection = sort_out(&[text]);
    assert!(selection.objects.is_empty(), "{text:?}");
    assert_eq!(selection.diagnostics.len(), 1, "{text:?}: {:?}", findings(&selection));
    selection.diagnostics[0].to_string()
}

#[test]
fn our_objects_are_found_by_kind_and_name() {
    let selection = sort_out(&[
        &role("dev"),
        "{\"apiVersion\": \"iam.openfaas.com/v1\", \"kind\": \"JwtIssuer\", \"metadata\": {\"name\": \"a.b\", \"namespace\": \"openfaas\"}}",
        "apiVersion: iam.openfaas.com/v1\nkind: Policy\nmetadata: {name: \"1\", namespace: \"\"}\n",
    ]);
    let shown: Vec<_> = selection.objects.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["roles.iam.openfaas.com/dev", "jwtissuers.iam.openfaas.com/a.b", "policies.iam.openfaas.com/1"]
    );
    assert!(selection.diagnostics.is_empty(), "{:?}", findings(&selection));
}

#[test]
fn other_kinds_are_counted_and_those_at_hand_are_kept() {
    let selection = sort_out(&[
        "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: other}\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: dev}\n",
        "apiVersion: openfaas.com/v1\nkind: Function\nmetadata: {generateName: x-}\n",
    ]);
    assert_eq!(
        selection.skipped.iter().map(|(k, n)| format!("{k} {n}")).collect::<Vec<_>>(),
        ["Function 1", "Role 1", "Secret 2"]
    );
    assert!(selection.diagnostics.is_empty() && selection.objects.is_empty());
    let secret = selection.core_object("Secret", "keys").expect("the one in the IAM namespace");
    assert_eq!(secret.start().line, 1);
    assert!(selection.core_object("Role", "dev").is_none(), "no core object");
    assert!(selection.core_object("ConfigMap", "keys").is_none());
}

#[test]
fn a_core_object_given_twice_is_none() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\n";
    assert!(sort_out(&[secret, secret]).core_object("Secret", "keys").is_none());
}

#[test]
fn our_group_with_an_unknown_version_or_kind_is_a_problem() {
    for (text, expected) in [
        (
            "apiVersion: iam.openfaas.com/v2\nkind: Role\nmetadata: {name: a}\n",
            "0.yaml:1:1: apiVersion: `Role` has no `iam.openfaas.com/v2`; write `iam.openfaas.com/v1`",
        ),
        (
            "apiVersion: iam.openfaas.com\nkind: Role\nmetadata: {name: a}\n",
            "0.yaml:1:1: apiVersion: `Role` has no `iam.openfaas.com`; write `iam.openfaas.com/v1`",
        ),
        (
            "apiVersion: iam.openfaas.com/v1\nkind: role\nmetadata: {name: a}\n",
            "0.yaml:2:1: kind: `iam.openfaas.com` has no kind `role`, only JwtIssuer, Policy, Role, \
             RegistryCredential, FunctionPrivacy, FunctionIdentity",
        ),
    ] {
        assert_eq!(complaint(text), expected);
    }
}

#[test]
fn our_kinds_in_another_group_are_a_problem_where_nobody_else_can_be_meant() {
    let of = |version: &str, kind: &str, spec: &str| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n")
    };
    let near = [
        of("openfaas.com/v1", "Policy", "{}"),
        of("openfaas.com/v1alpha1", "Role", "{}"),
        of("IAM.openfaas.com/v1", "Role", "{}"),
        of("v1", "JwtIssuer", "{}"),
        of("rbac.authorization.k8s.io/v1", "JwtIssuer", "{}"),
        of("rbac.authorization.k8s.io/v1", "Policy", "{}"),
        of("rbac.authorization.k8s.io/v1", "Role", "{policy: [a]}"),
    ];
    for text in near {
        let said = complaint(&text);
        assert!(said.starts_with("0.yaml:1:1: apiVersion: `"), "{said}");
        assert!(said.ends_with("; write `iam.openfaas.com/v1`"), "{said}");
    }
    let foreign = [
        of("rbac.authorization.k8s.io/v1", "Role", ""),
        of("kyverno.io/v1", "Policy", "{}"),
        of("openfaas.com/v1", "Function", "{}"),
    ];
    for text in foreign {
        let selection = sort_out(&[&text]);
        assert!(selection.diagnostics.is_empty() && selection.others.len() == 1, "{text}");
    }
}

#[test]
fn objects_that_name_no_namespace_are_counted() {
    let placed = role("b").replace("{name: b}", "{name: b, namespace: openfaas}");
    assert_eq!(sort_out(&[&role("a"), &placed, &role("c")]).without_namespace, 2);
}

#[test]
fn what_is_no_object_is_a_problem() {
    assert_eq!(complaint("- a\n"), "0.yaml:1:1: a document that is no map");
    assert_eq!(complaint("kind: List\nitems: [text]\n"), "0.yaml:2:9: a document that is no map");
    assert_eq!(
        complaint("a: 1\n"),
        "0.yaml:1:1: apiVersion: missing, or no text: this is no Kubernetes object"
    );
    assert_eq!(
        complaint("apiVersion: v1\nkind: on\n"),
        "0.yaml:2:1: kind: missing, or no text: this is no Kubernetes object"
    );
}

#[test]
fn a_name_is_required_text_that_kubernetes_takes() {
    let named =
        |metadata: &str| complaint(&format!("apiVersion: iam.openfaas.com/v1\nkind: Role\n{metadata}\n"));
    for missing in ["", "metadata: {}", "metadata:", "metadata: {name: [a]}", "metadata: {generateName: a-}"]
    {
        assert!(named(missing).ends_with("metadata.name: missing, or no text"), "{missing}");
    }
    assert_eq!(
        named("metadata: {name: 0123}"),
        "0.yaml:3:12: metadata.name: not read as text; write `\"0123\"`"
    );
    assert_eq!(
        named("metadata: {name: 2001-12-14}"),
        "0.yaml:3:12: metadata.name: not read as text; write `\"2001-12-14\"`"
    );
    for bad in ["Dev", "a_b", "-a", "a-", "a..b", ".a", "\"\"", "\"a b\"", &"a".repeat(254)] {
        let said = named(&format!("metadata: {{name: {bad}}}"));
        let shown = format!(
            "metadata.name: `{}` of this Role is no name that Kubernetes takes",
            bad.trim_matches('"').chars().take(80).collect::<String>()
        );
        assert!(said.contains(&shown), "{bad}: {said}");
    }
    assert_eq!(sort_out(&[&role(&"a".repeat(253))]).objects.len(), 1);
}

#[test]
fn an_object_of_another_namespace_is_left_out_with_a_warning() {
    assert_eq!(
        complaint("apiVersion: iam.openfaas.com/v1\nkind: Role\nmetadata:\n  name: a\n  namespace: dev\n"),
        "0.yaml:5:3: warning: metadata.namespace: left out: objects count in the namespace `openfaas` alone, not in `dev`"
    );
    assert!(
        complaint("apiVersion: iam.openfaas.com/v1\nkind: Role\nmetadata: {name: a, namespace: on}\n")
            .ends_with("metadata.namespace: not read as text; write `\"on\"`")
    );
}

#[test]
fn a_kind_of_ours_that_is_not_judged_yet_says_so() {
    assert_eq!(
        complaint("apiVersion: iam.openfaas.com/v1alpha1\nkind: FunctionIdentity\nmetadata: {name: a}\n"),
        "0.yaml:2:1: warning: kind: left out: `FunctionIdentity` is not judged by this version"
    );
}

#[test]
fn two_objects_of_one_kind_and_name_are_both_refused() {
    let policy = role("dev").replace("Role", "Policy");
    let selection = sort_out(&[&role("dev"), &policy, &format!("# again\n{}", role("dev"))]);
    assert_eq!(selection.objects.iter().map(|o| o.kind).collect::<Vec<_>>(), [Kind::Policy]);
    assert_eq!(selection.refused.len(), 2);
    let said = "roles.iam.openfaas.com/dev: metadata.name: given more than once, so none counts: 0.yaml:1:1, 2.yaml:2:1";
    assert_eq!(findings(&selection), [format!("0.yaml:3:12: {said}"), format!("2.yaml:4:12: {said}")]);
}

#[test]
fn of_many_objects_of_one_name_each_names_ten_and_says_how_many_more() {
    let selection = sort_out(&[&format!("---\n{}", role("dev")).repeat(12)]);
    let said = findings(&selection);
    assert!(said.len() == 12 && said.iter().all(|line| line.ends_with(" and 2 more")), "{said:?}");
}

#[test]
fn a_key_that_is_no_text_refuses_an_object_of_ours_and_no_other() {
    let spec = "spec:\n  jwks:\n    keys:\n    - {kty: EC, y: abc}\n";
    let selection = sort_out(&[
        &format!("{}{spec}", role("dev").replace("Role", "JwtIssuer")),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ports}\ndata: {8080: x}\n",
    ]);
    assert!(selection.objects.is_empty());
    assert_eq!(selection.refused.len(), 1);
    assert_eq!(
        findings(&selection),
        [
            "0.yaml:7:17: jwtissuers.iam.openfaas.com/dev: spec.jwks.keys[0].y: the key `y` is not read as text; write `\"y\"`"
        ]
    );
}

#[test]
fn labels_and_annotations_are_text() {
    let metadata =
        "metadata:\n  name: dev\n  labels: {a: b, tier: 1, on: \"x\"}\n  annotations:\n    c: {}\n    d:\n";
    let selection = sort_out(&[&format!("apiVersion: iam.openfaas.com/v1\nkind: Role\n{metadata}")]);
    assert!(selection.objects.is_empty());
    let said =
        |place: &str, rest: &str| format!("0.yaml:{place}: roles.iam.openfaas.com/dev: metadata.{rest}");
    assert_eq!(
        findings(&selection),
        [
            said("5:27", "labels.on: the key `on` is not read as text; write `\"on\"`"),
            said("5:18", "labels.tier: not read as text; write `\"1\"`"),
            said("7:5", "annotations.c: no text"),
            said("8:5", "annotations.d: no text"),
        ]
    );
}
