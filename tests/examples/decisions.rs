//! Every decision that a folder of `examples/` promises, and nothing to complain about in its manifests.

use std::process::{Command, Output};

use crate::{
    support::{
        Result,
        examples::{self, Decision, Example},
        product,
    },
    without_flags,
};

fn faas_iam(arguments: &[String]) -> Result<Output> {
    Ok(without_flags(&mut Command::new(product::binary()?)).args(arguments).output()?)
}

/// What is wrong with the answer to one question, if anything.
fn complaint(example: &Example, decision: &Decision) -> Result<Option<String>> {
    let mut arguments = example.question(decision);
    arguments.extend(["-f".into(), example.folder.display().to_string()]);
    let output = faas_iam(&arguments)?;
    let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    let right = output.status.code() == Some(decision.expect.exit())
        && out.starts_with(decision.expect.word())
        && decision.mentions.iter().all(|text| out.contains(text))
        && err.is_empty();
    Ok((!right).then(|| format!("{}: {decision:#?}\nanswered\n{out}{err}", example.name)))
}

#[test]
fn every_example_gives_the_decisions_that_it_promises() -> Result<()> {
    let mut complaints = Vec::new();
    for example in examples::all()? {
        for decision in &example.decisions {
            complaints.extend(complaint(&example, decision)?);
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

#[test]
fn no_example_has_a_problem_or_a_warning() -> Result<()> {
    for example in examples::all()? {
        let folder = example.folder.display().to_string();
        let output = faas_iam(&["check".into(), "--strict".into(), "-f".into(), folder])?;
        assert!(output.status.success(), "{}: {}", example.name, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[test]
fn there_are_the_examples_that_people_are_sent_to() -> Result<()> {
    let names: Vec<String> = examples::all()?.into_iter().map(|example| example.name).collect();
    for name in [
        "standalone",
        "from-basic-auth",
        "quickstart",
        "github-actions",
        "team-namespace",
        "cron-connector",
        "scoped-roles",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    Ok(())
}

#[test]
fn a_folder_without_decisions_is_a_failure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("README.md"), "")?;
    let failure = Example::read(folder.path()).unwrap_err().to_string();
    assert!(failure.contains("claims/decisions.yaml"), "{failure}");
    Ok(())
}
