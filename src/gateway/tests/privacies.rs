//! What a folder says about functions, and above all what it says when a FunctionPrivacy in it is broken.

use std::path::Path;

use super::log::Log;
use crate::compile::LastValid;
use crate::engine::Engine;
use crate::gateway::source::folder;
use crate::model::Request as Question;

pub const ROOT: &str = "apiVersion: iam.openfaas.com/v1\nkind: Policy\nmetadata: {name: root}\nspec: {statement: [{sid: s, effect: Allow, action: [\"*\"], resource: [\"*\"]}]}\n---\napiVersion: iam.openfaas.com/v1\nkind: Role\nmetadata: {name: root}\nspec: {policy: [root], principal: {\"jwt:sub\": [admin]}, condition: {StringEqual: {\"jwt:iss\": [\"urn:faas-iam:basic-auth\"]}}}\n";
pub const VALID: &str = "apiVersion: iam.openfaas.com/v1alpha1\nkind: FunctionPrivacy\nmetadata: {name: p}\nspec: {functions: {namespaces: [dev], names: [env]}, privacy: Private}\n";

pub fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// Which of some functions everybody may invoke by what a folder says.
fn public(folder: &Path, last: &mut LastValid) -> Result<Vec<&'static str>, folder::FolderError> {
    let engine = Engine::new(&folder::read(folder, "openfaas", last)?);
    let all = ["dev:env", "dev:other", "prod:env"];
    let open = |name: &str| {
        engine.permit_public(&Question::parse("Function:Invoke", name).unwrap(), false).is_some()
    };
    Ok(all.into_iter().filter(|name| open(name)).collect())
}

#[test]
fn the_log_says_which_objects_of_a_folder_are_not_in_force() {
    let (folder, log) = (tempfile::tempdir().unwrap(), Log::of_everything());
    let broken =
        "apiVersion: iam.openfaas.com/v1\nkind: Policy\nmetadata: {name: p}\nspec: {statement: []}\n";
    write(folder.path(), "a.yaml", broken);
    folder::read(folder.path(), "openfaas", &mut LastValid::new()).unwrap();
    assert!(log.text().contains("Policy/p grants nothing until its problems are mended"), "{}", log.text());
}

#[test]
fn s29_whatever_a_function_privacy_is_broken_into_what_it_covered_stays_private() {
    let to = |from: &str, to: &str| {
        assert!(VALID.contains(from), "{from}");
        VALID.replace(from, to)
    };
    for broken in [
        to("privacy: Private", "privacy: public"),
        to("privacy: Private", "privacy: Public, exempt: [{path: /x}]"),
        to(", privacy: Private", ""),
        to("namespaces: [dev]", "namespaces: [prod, \"\"]"),
        to("names: [env]", "name: [env]"),
        to("functions:", "function:"),
        to("kind: FunctionPrivacy", "kind: FunctionPrivcy"),
        to("kind: FunctionPrivacy", "kind: 7"),
        to("v1alpha1", "v1"),
        to("iam.openfaas.com", "openfaas.com"),
        to("{name: p}", "{name: P}"),
        to("{name: p}", "{name: 7}"),
        to("{name: p}", "{}"),
        to("{name: p}", "{name: p, labels: {a: 1}}"),
        to("spec:", "specs:"),
        format!("{VALID}---\n{VALID}"),
        format!("- {}", VALID.replace('\n', "\n  ")),
    ] {
        let (folder, mut last) = (tempfile::tempdir().unwrap(), LastValid::new());
        write(folder.path(), "p.yaml", VALID);
        assert_eq!(public(folder.path(), &mut last).unwrap(), ["dev:other", "prod:env"]);
        for _ in 0..2 {
            write(folder.path(), "p.yaml", &broken);
            let open = public(folder.path(), &mut last).unwrap();
            assert!(!open.contains(&"dev:env"), "{broken}");
        }
        write(folder.path(), "p.yaml", ROOT);
        assert_eq!(
            public(folder.path(), &mut last).unwrap(),
            ["dev:env", "dev:other", "prod:env"],
            "removed: {broken}"
        );
    }
    let (folder, mut last) = (tempfile::tempdir().unwrap(), LastValid::new());
    write(folder.path(), "p.yaml", "kind: [");
    assert!(public(folder.path(), &mut last).is_err(), "what cannot be read changes nothing");
}

#[test]
fn s29_a_function_privacy_that_never_was_valid_keeps_private_what_it_could_cover() {
    for (spec, open) in [
        ("{functions: {namespaces: [dev], names: [env]}, privacy: Pubic}", &["dev:other", "prod:env"][..]),
        ("{functions: {namespaces: [dev], names: [\"e?v\"]}, privacy: Private}", &["prod:env"]),
        ("{functions: {namespaces: [dev], labels: {a: b}}, privacy: Public}", &["prod:env"]),
        ("{functions: {namespaces: [\"d*\"], names: [env]}, privacy: Private}", &["dev:other"]),
        ("{functions: 7, privacy: Private}", &[]),
        ("7", &[]),
    ] {
        let (folder, mut last) = (tempfile::tempdir().unwrap(), LastValid::new());
        for head in [
            "v1alpha1\nkind: FunctionPrivacy\nmetadata: {name: p}",
            "v1\nkind: FunctionPrivacy\nmetadata: {name: p}",
            "v1alpha1\nkind: FunctionPrivacy\nmetadata: {}",
        ] {
            write(folder.path(), "p.yaml", &format!("apiVersion: iam.openfaas.com/{head}\nspec: {spec}\n"));
            assert_eq!(public(folder.path(), &mut last).unwrap(), open, "{head} {spec}");
        }
        assert!(last.is_empty(), "none of these was ever valid");
    }
}

#[test]
fn where_several_match_private_wins_and_where_none_does_the_default_holds() {
    let (folder, mut last) = (tempfile::tempdir().unwrap(), LastValid::new());
    let open =
        VALID.replace("{name: p}", "{name: q}").replace(", names: [env]", "").replace("Private", "Public");
    write(folder.path(), "p.yaml", &format!("{VALID}---\n{open}"));
    let engine = Engine::new(&folder::read(folder.path(), "openfaas", &mut last).unwrap());
    let is = |name: &str, default| {
        engine.permit_public(&Question::parse("Function:Invoke", name).unwrap(), default).is_some()
    };
    assert_eq!(
        (is("dev:env", false), is("dev:other", true), is("prod:env", false), is("prod:env", true)),
        (false, true, true, false)
    );
}
