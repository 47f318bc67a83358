//! RegistryCredential: what may be written, what it means, and what is said of what may not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::validate;
use super::{Kind, base, judge, judge_named, told, with};
use crate::compile::{Judged, Meaning};
use crate::manifest::parse;
use crate::model::{AccountTargets, Check, Credential, NamespaceTargets, Output};

const DAY: i64 = 86_400;

fn meant(judged: Judged) -> Credential {
    match judged.verdict {
        Ok(Meaning::Credential(credential)) => *credential,
        other => panic!("{other:?}"),
    }
}

fn of(path: &str, value: Value) -> Judged {
    judge(Kind::RegistryCredential, with(Kind::RegistryCredential, path, Some(value)))
}

#[test]
fn a_credential_of_two_fields_is_for_every_function_namespace_and_asks_nobody() {
    let credential = meant(judge(Kind::RegistryCredential, base(Kind::RegistryCredential)));
    assert_eq!((credential.registry.as_str(), &*credential.secret), ("ghcr.io", "login"));
    assert_eq!(credential.namespaces, NamespaceTargets::default());
    assert_eq!(credential.accounts, AccountTargets::Functions);
    assert_eq!((credential.output, credential.check), (Output::Merged, Check::Off));
    assert_eq!((credential.username, credential.expires), (None, None));
    assert_eq!(credential.warning, 14 * DAY);
    let flags = [credential.gate_rollout, credential.adopt_equal, credential.retain];
    assert_eq!((flags, credential.recreate_stuck, credential.suspended), ([false; 3], false, false));
}

#[test]
fn every_field_means_what_it_says() {
    let credential = meant(judge(
        Kind::RegistryCredential,
        json!({
            "registry": "https://Registry.Example.com:5000/v2/", "secretRef": { "name": "harbor.login" },
            "username": "robot$team+pull",
            "targets": { "serviceAccounts": { "mode": "Selected", "names": ["builder"] } },
            "output": { "mode": "Dedicated", "name": "harbor" },
            "expiresAt": "2027-01-31T13:00:00+01:00", "expiryWarning": "36h",
            "verification": { "mode": "Pull", "repository": "acme/app", "gateRollout": true },
            "adoptionPolicy": "IfEqual", "deletionPolicy": "Retain", "stuckPods": "Recreate", "suspend": true,
        }),
    ));
    assert_eq!(credential.registry.as_str(), "registry.example.com:5000");
    assert_eq!(credential.username.as_deref(), Some("robot$team+pull"));
    let names = ["builder".into()].into();
    assert_eq!(credential.accounts, AccountTargets::Selected { selector: None, names });
    assert_eq!(credential.output, Output::Dedicated("harbor".into()));
    assert_eq!((credential.expires, credential.warning), (Some(1_801_396_800), 36 * 3_600));
    assert_eq!((credential.check, credential.gate_rollout), (Check::Pull("acme/app".into()), true));
    assert!(credential.adopt_equal && credential.retain && credential.recreate_stuck && credential.suspended);
}

#[test]
fn a_selector_means_what_kubernetes_means_by_it() {
    let expressions = json!([
        { "key": "stage", "operator": "In", "values": ["dev", "qa"] },
        { "key": "example.com/owner", "operator": "Exists" },
        { "key": "tier", "operator": "NotIn", "values": ["gold"] },
        { "key": "frozen", "operator": "DoesNotExist" },
    ]);
    let selector = json!({ "matchLabels": { "team": "a" }, "matchExpressions": expressions });
    let credential = meant(of("targets/namespaces/selector", selector));
    let labels = |change: &[(&str, Option<&str>)]| {
        let fits = [("team", "a"), ("stage", "dev"), ("example.com/owner", "x")];
        let mut labels: BTreeMap<_, _> =
            fits.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        for (key, value) in change {
            match value {
                Some(value) => drop(labels.insert((*key).to_owned(), (*value).to_owned())),
                None => drop(labels.remove(*key)),
            }
        }
        labels
    };
    assert!(credential.matches_namespace("dev", &labels(&[])));
    for change in [
        ("team", Some("b")),
        ("team", None),
        ("stage", Some("prod")),
        ("stage", None),
        ("example.com/owner", None),
        ("tier", Some("gold")),
        ("frozen", Some("yes")),
    ] {
        assert!(!credential.matches_namespace("dev", &labels(&[change])), "{change:?}");
    }
}

#[test]
fn a_secret_of_its_own_is_called_after_the_object_unless_it_has_a_name() {
    let spec = || with(Kind::RegistryCredential, "output", Some(json!({ "mode": "Dedicated" })));
    let credential = meant(judge_named(Kind::RegistryCredential, "ghcr", spec()));
    assert_eq!(credential.output, Output::Dedicated("ghcr-pull".into()));
    // With `-pull` behind it a name has at most 253 bytes.
    meant(judge_named(Kind::RegistryCredential, &"a".repeat(248), spec()));
    let (problems, _) = told(&judge_named(Kind::RegistryCredential, &"a".repeat(249), spec()));
    assert!(problems.len() == 1 && problems[0].starts_with("spec.output.name: missing"), "{problems:?}");
}

#[test]
fn images_are_asked_for_below_the_path_of_the_registry() {
    let mut spec = base(Kind::RegistryCredential);
    spec["registry"] = json!("ghcr.io/acme");
    spec["verification"] = json!({ "mode": "Pull", "repository": "app" });
    let judged = judge(Kind::RegistryCredential, spec.clone());
    assert_eq!(told(&judged).1, [""; 0]);
    assert_eq!(meant(judged).check, Check::Pull("acme/app".into()));
    spec["verification"]["repository"] = json!("acme/app");
    let (problems, warnings) = told(&judge(Kind::RegistryCredential, spec));
    assert!(problems.is_empty() && warnings[0].contains("`acme/acme/app` is asked for"), "{warnings:?}");
}

/// Path, value, what is said: all of it about that one value.
#[rustfmt::skip]
const WRONG: &[(&str, &str, &str)] = &[
    ("registry", r#""https://user@ghcr.io""#, "spec.registry: a registry has no `@`; a user goes into `username` or the Secret"),
    ("registry", r#""ghcr.io/acme/app:1.0""#, "spec.registry: `acme/app:1.0` is no path of images"),
    ("registry", r#""oci://ghcr.io""#, "spec.registry: `oci://` is no scheme of a registry; write the host alone"),
    ("registry", r#""""#, "spec.registry: empty"),
    ("secretRef", r#""login""#, "spec.secretRef: a map belongs here, not text"),
    ("secretRef/name", r#""Login""#, "spec.secretRef.name: `Login` is no name that Kubernetes has"),
    ("secretRef/namespace", r#""other""#, "spec.secretRef.namespace: unknown field; remove it"),
    ("secretRef/key", r#""password""#, "spec.secretRef.key: unknown field"),
    ("username", r#""alice:secret""#, "spec.username: `alice:secret` has a `:`"),
    ("username", r#""al\u0007ice""#, "spec.username: the control or format character U+0007"),
    ("password", r#""secret""#, "spec.password: unknown field"),
    ("targets", "null", "spec.targets: null"),
    ("targets", "{}", "spec.targets: an empty map"),
    ("targets/namespaces", "null", "spec.targets.namespaces: null"),
    ("targets/namespaces", r#"["dev"]"#, "spec.targets.namespaces: a map belongs here, not a list"),
    ("targets/namespaces/names", "null", "spec.targets.namespaces.names: null"),
    ("targets/namespaces/names", "[]", "spec.targets.namespaces.names: an empty list"),
    ("targets/namespaces/names", r#"["team-*"]"#, "no wildcards are taken here; choose by `selector`"),
    ("targets/namespaces/names", r#"["Dev"]"#, "`Dev` is no namespace"),
    ("targets/namespaces/selector", "null", "spec.targets.namespaces.selector: null"),
    ("targets/namespaces/selector", "{}", "spec.targets.namespaces.selector: an empty map"),
    ("targets/namespaces/selector", r#"{"team": "a"}"#, "spec.targets.namespaces.selector.team: unknown field"),
    ("targets/namespaces/selector/matchLabels/team", "7", r#"text belongs here, and `7` is none: write "7""#),
    ("targets/namespaces/selector/matchLabels/team", r#""a b""#, "`a b` is no value of a label"),
    ("targets/namespaces/selector/matchLabels/-team", r#""a""#, "`-team` is no key of a label"),
    ("targets/namespaces/selector/matchExpressions", r#"[{"key": "a", "operator": "Equals", "values": ["b"]}]"#, "`Equals` is not known; write one of `In`, `NotIn`, `Exists`, `DoesNotExist`"),
    ("targets/namespaces/selector/matchExpressions", r#"[{"key": "a", "operator": "In"}]"#, "matchExpressions[0].values: missing, and `In` needs them"),
    ("targets/namespaces/selector/matchExpressions", r#"[{"key": "a", "operator": "Exists", "values": ["b"]}]"#, "values: `Exists` takes none; remove them, or write `In`"),
    ("targets/namespaces/selector/matchExpressions", r#"[{"operator": "Exists"}]"#, "matchExpressions[0].key: missing"),
    ("targets/namespaces/matchLabels", r#"{"team": "a"}"#, "spec.targets.namespaces.matchLabels: `matchLabels` is not a field; write `selector.matchLabels`"),
    ("targets/namespaceSelector", r#"{"matchLabels": {"team": "a"}}"#, "spec.targets.namespaceSelector: `namespaceSelector` is not a field; write `namespaces.selector`"),
    ("namespaceSelector", r#"{"matchLabels": {"team": "a"}}"#, "spec.namespaceSelector: `namespaceSelector` is not a field; write `targets.namespaces.selector`"),
    ("namespaces", r#"["dev"]"#, "spec.namespaces: `namespaces` is not a field; write `targets.namespaces.names`"),
    ("targets/serviceAccounts/mode", r#""functions""#, "`functions` is not known; write `Functions`"),
    ("targets/serviceAccounts/mode", r#""Selected""#, "spec.targets.serviceAccounts: the mode `Selected` needs `selector` or `names`"),
    ("targets/serviceAccounts/names", r#"["builder"]"#, "spec.targets.serviceAccounts.names: is for the mode `Selected` alone"),
    ("targets/serviceAccounts", r#"{"mode": "All", "selector": {"matchLabels": {"a": "b"}}}"#, "spec.targets.serviceAccounts.selector: is for the mode `Selected` alone"),
    ("output/mode", r#""Split""#, "`Split` is not known; write one of `Merged`, `Dedicated`"),
    ("output/name", r#""pull""#, "spec.output.name: is for the mode `Dedicated` alone"),
    ("output", r#"{"mode": "Dedicated", "name": "a/b"}"#, "spec.output.name: `a/b` is no name that Kubernetes has"),
    ("expiresAt", r#""2027-01-31""#, "spec.expiresAt: `2027-01-31` is no time with its zone; write one such as `2027-01-31T00:00:00Z`"),
    ("expiresAt", r#""2027-01-31T12:00:00""#, "is no time with its zone"),
    ("expiresAt", r#""2027-01-31T12Z""#, "is no time with its zone"),
    ("expiresAt", r#""soon""#, "is no time with its zone; write one such as `2027-01-31T12:00:00Z`"),
    ("expiresAt", "1801396800", "spec.expiresAt: text belongs here"),
    ("expiryWarning", r#""14d""#, "spec.expiryWarning: `14d` is no duration from `0s` to `8760h`, such as `336h`"),
    ("expiryWarning", r#""8761h""#, "is no duration from `0s` to `8760h`"),
    ("expiryWarning", "336", "spec.expiryWarning: a number has no unit"),
    ("verification/mode", r#""Always""#, "`Always` is not known; write one of `Off`, `Login`, `Pull`"),
    ("verification/mode", r#""Pull""#, "spec.verification.repository: missing, and the mode `Pull` needs it"),
    ("verification/repository", r#""acme/app""#, "spec.verification.repository: is for the mode `Pull` alone"),
    ("verification", r#"{"mode": "Pull", "repository": "ghcr.io/acme/app"}"#, "spec.verification.repository: `ghcr.io` is the registry itself"),
    ("verification", r#"{"mode": "Pull", "repository": "acme/app:1.0"}"#, "spec.verification.repository: `acme/app:1.0` is no path of images"),
    ("verification/gateRollout", "true", "spec.verification.gateRollout: needs an answer of the registry"),
    ("", r#"{"registry": "*.example.com", "secretRef": {"name": "a"}, "verification": {"mode": "Login"}}"#, "spec.verification: `*.example.com` stands for many registries"),
    ("", r#"{"registry": "169.254.169.254", "secretRef": {"name": "a"}, "verification": {"mode": "Login"}}"#, "spec.verification: `169.254.169.254` is a link-local or metadata address"),
    ("adoptionPolicy", r#""Always""#, "`Always` is not known; write one of `Never`, `IfEqual`"),
    ("deletionPolicy", r#""Orphan""#, "`Orphan` is not known; write one of `Delete`, `Retain`"),
    ("stuckPods", r#""Delete""#, "`Delete` is not known; write one of `Report`, `Recreate`"),
    ("suspend", r#""true""#, "spec.suspend: `true` or `false` belongs here"),
];

#[test]
fn what_breaks_a_rule_of_a_credential_is_a_problem_that_names_its_field_and_its_cure() {
    let mut wrong = Vec::new();
    for (path, value, wanted) in WRONG {
        let value: Value = serde_json::from_str(value).unwrap();
        let judged = if path.is_empty() { judge(Kind::RegistryCredential, value) } else { of(path, value) };
        let problems = told(&judged).0;
        if problems.len() != 1 || !problems[0].contains(wanted) {
            wrong.push(format!("{path}: {wanted}\n    {}", problems.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_may_be_written_in_several_ways_is_read_in_each() {
    for (path, value) in [
        ("registry", json!("docker.io")),
        ("registry", json!("http://localhost:5000/")),
        ("registry", json!("*.dkr.ecr.eu-west-1.amazonaws.com")),
        ("username", json!("_json_key")),
        ("expiryWarning", json!("0s")),
        ("expiryWarning", json!("8760h")),
        ("expiresAt", json!("2027-01-31T12:00:00.5Z")),
        ("verification", json!({ "mode": "Off", "gateRollout": false })),
        ("targets/serviceAccounts", json!({ "mode": "None" })),
        ("targets/namespaces/selector/matchLabels", json!({ "example.com/a_b.C": "x-1" })),
    ] {
        assert_eq!(told(&of(path, value.clone())), (vec![], vec![]), "{path} {value}");
    }
}

#[test]
fn nothing_is_ever_allowed_in_the_namespace_of_the_system_and_naming_it_is_a_warning() {
    let (problems, warnings) = told(&of("targets/namespaces/names", json!(["kube-system"])));
    assert!(problems.is_empty() && warnings.len() == 1, "{problems:?} {warnings:?}");
}

#[test]
fn a_time_needs_no_quotes_and_a_word_that_yaml_takes_for_a_boolean_does() {
    let told = |fields: &str| {
        let text = format!("spec:\n  registry: ghcr.io\n  secretRef: {{name: login}}\n  {fields}\n");
        let documents = parse("x.yaml", &text).unwrap();
        told(&validate(Kind::RegistryCredential, &documents[0].value, &documents[0])).0
    };
    assert_eq!(told("expiresAt: 2027-01-31T12:00:00Z"), Vec::<String>::new());
    let problems = told("verification: {mode: Off}");
    assert!(problems.len() == 1 && problems[0].contains(r#"write "Off""#), "{problems:?}");
}
