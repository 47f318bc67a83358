//! `check`: every problem at once, with its place, and the exit codes (`semantics.md` 29).

use crate::run::{run, run_args};

#[test]
fn good_files_pass_and_what_is_worth_a_look_is_a_warning() {
    insta::assert_snapshot!(run("check -f team"));
}

#[test]
fn every_problem_is_told_with_file_line_column_object_and_field() {
    insta::assert_snapshot!(run("check -f broken"));
}

#[test]
fn machines_get_the_same_findings() {
    let told = run("check -f broken -o json");
    assert_eq!((told.code, told.err.as_str()), (1, ""));
    let (json, lines) = (told.json(), run("check -f broken").err);
    assert_eq!(json["findings"].as_array().unwrap().len(), lines.lines().count());
    insta::assert_snapshot!(told.out);
    let yaml: serde_json::Value = serde_saphyr::from_str(&run("check -f broken -o yaml").out).unwrap();
    assert_eq!(yaml, json);
}

#[test]
fn r29_exit_codes() {
    let table = [
        ("check -f team/issuers.yaml", 0),
        ("check -f team", 0),
        ("check -f team --strict", 1),
        ("check -f broken", 1),
        ("check -f odd/role-alone.yaml", 1),
        ("check -f odd/role-alone.yaml --partial", 0),
        ("check -f odd/role-alone.yaml --partial --strict", 1),
        ("check -f odd/not-a-map.yaml", 1),
        ("check -f odd/duplicate-key.yaml", 2),
        ("check -f odd/unknown-tag.yaml", 2),
        ("check -f odd/nowhere.yaml", 2),
        ("check -f broken -f odd/duplicate-key.yaml", 2),
    ];
    for (line, code) in table {
        let told = run(line);
        assert_eq!(told.code, code, "{line}\n{told}");
        let warns = told.err.lines().all(|l| l.contains("warning"));
        assert!(code != 0 || warns, "{line}\n{told}");
    }
}

#[test]
fn a_function_privacy_is_judged_as_the_gateway_judges_it() {
    let written = |spec: &str| {
        format!(
            "apiVersion: iam.openfaas.com/v1alpha1\nkind: FunctionPrivacy\nmetadata: {{name: p, namespace: openfaas}}\nspec: {spec}\n"
        )
    };
    let good = run_with(&written("{functions: {namespaces: [dev], names: [\"api-*\"]}, privacy: Private}"));
    assert_eq!((good.code, good.err.as_str()), (0, ""), "{good}");
    for (spec, want) in [
        (
            "{functions: {namespaces: [dev]}, privacy: private}",
            "-:4:40: functionprivacies.iam.openfaas.com/p: spec.privacy: `private` is neither `Private` nor `Public`",
        ),
        (
            "{functions: {namespaces: [dev]}, privacy: Public, exempt: [{path: /x}]}",
            "spec.exempt: not supported yet without a cluster; remove it",
        ),
        (
            "{functions: {labels: {a: b}}, privacy: Public}",
            "spec.functions.labels: not supported yet without a cluster; remove it",
        ),
    ] {
        let told = run_with(&written(spec));
        assert!(told.code == 1 && told.err.contains(want), "{want}\n{told}");
    }
}

/// Checks what stands on standard input.
fn run_with(text: &str) -> crate::run::Run {
    run_args(&["check", "--strict", "-f", "-"], text)
}

#[test]
fn files_that_cannot_be_read_are_told_together_with_what_is_wrong_in_the_others() {
    insta::assert_snapshot!(run("check -f odd/nowhere.yaml -f odd/duplicate-key.yaml -f broken/policy.yaml"));
}

#[test]
fn r29_where_no_object_of_ours_is_found_nothing_was_checked() {
    let other = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
    let elsewhere =
        "apiVersion: iam.openfaas.com/v1\nkind: Role\nmetadata: {name: a, namespace: staging}\nspec: {}\n";
    for text in ["", "# nothing\n", "---\n---\n", "apiVersion: v1\nkind: List\nitems: []\n", other, elsewhere]
    {
        for form in [&[][..], &["-o", "json"], &["--strict"]] {
            let told = run_args(&[&["check", "-f", "-"], form].concat(), text);
            assert_eq!(told.code, 2, "{text}\n{told}");
            let said = "error: nothing to check: no JwtIssuer, Policy or Role in `-`\n";
            assert!(told.err.ends_with(said), "{text}\n{told}");
        }
    }
    let mixed = run_args(&["check", "-f", "-", "-f", "team/issuers.yaml"], other);
    assert_eq!(mixed.code, 0, "{mixed}");
}

#[test]
fn other_commands_say_where_nothing_was_found_and_answer() {
    for question in ["render", "who-can Function:Get dev:x", "can-i Function:Get dev:x --as https://idp,a"] {
        let told = run_args(&[&question.split(' ').collect::<Vec<_>>()[..], &["-f", "-"]].concat(), "");
        assert_eq!(told.code, i32::from(question != "render"), "{told}");
        assert!(told.err.contains("no JwtIssuer, Policy or Role in `-`"), "{told}");
    }
}

#[test]
fn each_iss_of_an_object_that_is_given_twice_is_one_that_no_other_can_have() {
    let issuer = |name: &str, iss: &str| {
        format!(
            "---\napiVersion: iam.openfaas.com/v1\nkind: JwtIssuer\nmetadata: {{name: {name}}}\nspec: {{iss: 'https://{iss}.example.com', aud: [gw]}}\n"
        )
    };
    let twice = issuer("twice", "one") + &issuer("twice", "two");
    for iss in ["one", "two"] {
        let told = run_args(&["check", "-f", "-"], &(twice.clone() + &issuer("other", iss)));
        assert!(
            told.err.contains("jwtissuers.iam.openfaas.com/other: spec.iss: JwtIssuer `twice` has"),
            "{told}"
        );
    }
    let told = run_args(&["check", "-f", "-"], &(twice + &issuer("other", "three")));
    assert!(!told.err.contains("/other: "), "{told}");
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let role = "apiVersion: iam.openfaas.com/v1\nkind: Role\nmetadata: {name: a}\nspec:\n  policy: []\n";
    let told = run_args(&["check", "-f", "-"], role);
    assert_eq!(told.code, 1, "{told}");
    assert!(told.err.contains("-:4:1: roles.iam.openfaas.com/a: spec: "), "{told}");
}

#[test]
fn folders_within_folders_are_read_where_that_is_asked_for() {
    assert!(run("check -f team/nested -R").out.starts_with("1 object:"));
    let flat = run("check -f team/nested");
    assert_eq!(flat.code, 2, "{flat}");
    assert!(flat.err.contains("`-R` reads them, too"), "{flat}");
}

#[test]
fn every_flag_can_come_from_the_environment() {
    let by_flag = run("check -f team --strict -o json");
    let mut command = crate::run::binary();
    command.arg("check").envs([
        ("FAAS_IAM_FILENAME", "team"),
        ("FAAS_IAM_STRICT", "1"),
        ("FAAS_IAM_OUTPUT", "json"),
    ]);
    let by_environment = crate::run::finish(&mut command, "");
    assert_eq!(by_environment.to_string(), by_flag.to_string());
}

#[test]
fn objects_of_another_namespace_are_left_out_unless_it_is_the_one_that_is_named() {
    let told = run("check -f odd/elsewhere.yaml");
    assert!(told.out.starts_with("0 objects: 0 problems, 1 warning"), "{told}");
    assert!(told.err.contains("left out: objects count in the namespace `openfaas` alone"), "{told}");
    assert!(run("check -f odd/elsewhere.yaml -n staging").out.starts_with("1 object: 0 problems"));
}

#[test]
fn r20_objects_without_a_namespace_are_counted_and_no_warning() {
    let told = run("check -f odd/role-alone.yaml --partial -n staging");
    let remark = "1 names no namespace: kubectl puts it into that of its context, and only `staging` counts";
    assert!(told.out.trim_end().ends_with(remark), "{told}");
    assert_eq!(run("check -f odd/role-alone.yaml -o json").json()["withoutNamespace"], 1);
    let placed = run("check -f odd/elsewhere.yaml -n staging");
    assert!(!placed.out.contains("namespace"), "{placed}");
}

#[test]
fn r29_where_files_are_only_a_part_of_the_objects_the_flag_for_that_is_named() {
    let told = run("check -f odd/role-alone.yaml");
    assert!(told.out.contains("; with `--partial` what is missing may stand elsewhere"), "{told}");
    assert!(!run("check -f odd/role-alone.yaml --partial").out.contains("--partial"));
}

#[test]
fn a_key_that_yaml_reads_as_a_boolean_is_told_once_and_by_its_name() {
    let role = "apiVersion: iam.openfaas.com/v1\nkind: Role\nmetadata: {name: a}\nspec:\n  on: x\n  policy: [p]\n  principal: {\"jwt:sub\": [a]}\n";
    let told = run_args(&["check", "-f", "-", "--partial"], role);
    let about: Vec<_> = told.err.lines().filter(|l| l.starts_with("-:5:3: ")).collect();
    assert_eq!(
        about,
        ["-:5:3: roles.iam.openfaas.com/a: spec.on: the key `on` is not read as text; write `\"on\"`"]
    );
    assert!(!told.err.contains("spec.true"), "{told}");
    let issuer = "apiVersion: iam.openfaas.com/v1\nkind: JwtIssuer\nmetadata: {name: a}\nspec:\n  iss: https://a\n  aud: [a]\n  jwks: {keys: [{kty: EC, crv: P-256, x: a, y: b}]}\n";
    let told = run_args(&["check", "-f", "-"], issuer);
    assert!(told.err.lines().count() == 1 && told.err.contains("write `\"y\"`"), "{told}");
}

#[test]
fn what_cannot_be_read_has_its_place_for_machines_too() {
    let told = run("check -f odd/duplicate-key.yaml -f odd/nowhere.yaml -o json");
    assert_eq!((told.code, told.err.as_str()), (2, ""), "{told}");
    let mut unreadable = told.json()["unreadable"].as_array().unwrap().clone();
    unreadable.sort_by_key(|error| error["source"].to_string());
    assert_eq!(unreadable[0]["source"], "odd/duplicate-key.yaml");
    assert!(unreadable[0]["position"]["line"].is_u64() && unreadable[0]["message"].is_string(), "{told}");
    assert_eq!(unreadable[1]["source"], "odd/nowhere.yaml");
}

/// An entry of `tests/fixtures/openfaas/expected.yaml`.
#[derive(serde::Deserialize)]
struct Expected {
    file: String,
    check: String,
    #[serde(default)]
    mentions: Vec<String>,
}

#[test]
fn manifests_of_the_openfaas_documentation_get_the_verdict_that_is_written_beside_them() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openfaas");
    let table = std::fs::read_to_string(format!("{folder}/expected.yaml")).unwrap();
    for Expected { file, check, mentions } in serde_saphyr::from_str::<Vec<Expected>>(&table).unwrap() {
        let told = run(&format!("check --partial -f {folder}/{file}.yaml"));
        assert_eq!(told.code, i32::from(check == "problem"), "{file}\n{told}");
        for text in mentions {
            assert!(told.err.contains(&text), "{file}: `{text}`\n{told}");
        }
    }
}
