//! What the READMEs show is what the binary does: each session of a `console` block is run and compared, and each
//! command of an example's README that asks files is run.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use faas_iam::model::{Action, Operator};

use crate::{
    support::{Result, examples, product, tools::root},
    without_flags,
};

/// A command and what is shown below it.
struct Session {
    command: String,
    shown: String,
}

/// The sessions of a Markdown text: in blocks of the language `console`, each command behind `$ `.
fn sessions(markdown: &str) -> Vec<Session> {
    let blocks = markdown.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let commands = blocks.flat_map(|block| block.split("$ ").skip(1));
    let session = |text: &str| {
        let (command, shown) = text.split_once('\n').unwrap();
        Session { command: command.to_owned(), shown: shown.trim_end().to_owned() }
    };
    commands.map(session).collect()
}

/// What a command prints on both streams, and its exit code; run at the root, with the binary on the PATH.
fn run(command: &str) -> Result<(String, Option<i32>)> {
    let binary = product::binary()?;
    let folder = binary.parent().unwrap_or(Path::new(".")).display();
    let path = format!("{}:{}", folder, std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    let output = without_flags(shell.args(["-c", command])).current_dir(root()).env("PATH", path).output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((String::from_utf8(text)?.trim_end().to_owned(), output.status.code()))
}

/// What stands in backticks in the rows of the table that begins so.
fn in_table(markdown: &str, heading: &str) -> Vec<Vec<String>> {
    let rows =
        markdown.split_once(heading).unwrap().1.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('`').skip(1).step_by(2).map(str::to_owned).collect()).collect()
}

#[test]
fn the_page_lists_every_action_and_only_operators_that_there_are() -> Result<()> {
    let page = fs::read_to_string(root().join("README.md"))?;
    let families = in_table(&page, "| Family | Actions | asked about |");
    let listed = families.iter().flat_map(|row| {
        let verbs = &row[1..row.len() - 1];
        verbs.iter().map(|verb| format!("{}:{verb}", row[0]))
    });
    let known = Action::ALL.iter().map(|action| action.to_string());
    assert_eq!(listed.collect::<Vec<_>>(), known.collect::<Vec<_>>());
    let operators: Vec<_> =
        in_table(&page, "| Operator | holds where the claim |").into_iter().flatten().collect();
    let named = operators.iter().filter(|word| word.contains("String") || word.len() == 4);
    assert!(named.clone().count() >= 10, "{operators:?}");
    for operator in named {
        assert!(operator.parse::<Operator>().is_ok(), "{operator}");
    }
    Ok(())
}

#[test]
fn the_first_screen_shows_what_the_binary_prints() -> Result<()> {
    let sessions = sessions(&fs::read_to_string(root().join("README.md"))?);
    assert!(sessions.iter().any(|session| session.command.contains("can-i")), "no decision is shown");
    for Session { command, shown } in sessions {
        assert_eq!(run(&command)?.0, shown, "{command}");
    }
    Ok(())
}

#[test]
fn every_command_of_an_examples_readme_that_asks_files_has_an_answer() -> Result<()> {
    for example in examples::all()? {
        let readme = fs::read_to_string(example.folder.join("README.md"))?;
        let asking = |line: &&str| line.starts_with("faas-iam ") && line.contains(" -f examples/");
        let commands: Vec<&str> = readme.lines().map(str::trim).filter(asking).collect();
        assert!(!commands.is_empty(), "{} shows no question", example.name);
        for command in commands {
            let (text, code) = run(command)?;
            assert!(matches!(code, Some(0 | 1)), "{command}\n{text}");
        }
    }
    Ok(())
}

/// Every test of the package, by name.
fn tests_beneath(folder: &Path, names: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            tests_beneath(&path, names)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path)?;
            let after = |mark| text.split(mark).skip(1);
            let marked = after("test]\n").chain(after("::test(flavor"));
            let marked = marked.filter_map(|rest| rest.split_once("fn ")?.1.split_once('('));
            names.extend(marked.map(|(name, _)| name.to_owned()));
        }
    }
    Ok(())
}

#[test]
fn each_promise_names_tests_that_there_are() -> Result<()> {
    let mut there = BTreeSet::new();
    tests_beneath(&root().join("src"), &mut there)?;
    tests_beneath(&root().join("tests"), &mut there)?;
    for page in ["README.md", "faults.md"] {
        let text = fs::read_to_string(root().join("tests").join(page))?;
        let named = text.split('`').skip(1).step_by(2).filter(|name| name.contains('_'));
        let named: BTreeSet<&str> =
            named.filter(|name| !name.contains(' ') && !name.starts_with("faas_iam_")).collect();
        assert!(named.len() > 20, "{page}: {named:?}");
        let gone: Vec<_> = named.into_iter().filter(|name| !there.contains(*name)).collect();
        assert_eq!(gone, Vec::<&str>::new(), "{page}");
    }
    Ok(())
}

#[test]
fn each_mutant_that_no_test_caught_is_explained_and_nine_of_ten_are_caught() -> Result<()> {
    let results = fs::read_to_string(root().join("tests/mutants/results.txt"))?;
    let note = fs::read_to_string(root().join("tests/mutants/README.md"))?;
    let of = |verdict: &str| {
        let lines = results.lines().filter_map(|line| line.strip_prefix(verdict));
        lines.filter_map(|line| Some(line.trim_start().split_once(' ')?.1)).collect::<Vec<_>>()
    };
    let (missed, caught) = (of("missed"), of("caught").len() + of("timeout").len());
    assert!(caught >= 9 * missed.len(), "{caught} are caught and {} missed", missed.len());
    let unexplained: Vec<_> =
        missed.into_iter().filter(|name| !note.contains(&format!("`{name}`"))).collect();
    assert_eq!(unexplained, Vec::<&str>::new());
    Ok(())
}
