//! `check`: validates as the operator does, and says everything at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::builder::FalseyValueParser;
use serde::Serialize;

use super::cluster::Cluster;
use super::output::{Answer, Exit, OutputArgs};
use super::source::SourceArgs;
use super::{Failure, judged, world};
use crate::folder::Compiled;
use crate::folder::files::InputError;
use crate::manifest::Diagnostic;

/// Validates objects as the operator does
///
/// Exits with 0 where there is no problem, with 1 where there is one, and with 2 where an input cannot be read or no
/// object of ours is found.
/// Problems and warnings go to standard error, each with file, line, column and field.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Lets warnings count as problems: exit 1
    #[arg(long, env = "FAAS_IAM_STRICT", value_parser = FalseyValueParser::new())]
    pub strict: bool,
    /// Says that the files are only part of the objects: a Policy that is not among them is a warning
    #[arg(long, env = "FAAS_IAM_PARTIAL", value_parser = FalseyValueParser::new())]
    pub partial: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub source: SourceArgs,
}

const EXAMPLES: &str = "\
Examples:
  faas-iam check -f ./iam -R
  helm template ./chart | faas-iam check -f -
  faas-iam check --context prod --strict";

/// The answer for machines.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    objects: usize,
    problems: usize,
    warnings: usize,
    skipped: &'a BTreeMap<String, usize>,
    without_namespace: usize,
    #[serde(skip)]
    elsewhere: usize,
    unreadable: Vec<Diagnostic>,
    findings: &'a [Diagnostic],
}

/// Judges all objects of the files, or of the cluster's IAM namespace.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let compiled = if args.source.is_files() {
        world::of_files(&args.source, args.partial)
    } else {
        judged::compiled(&Cluster::connect(&args.source.cluster)?)?
    };
    let summary = Summary::new(&compiled);
    let nothing =
        world::nothing(&compiled, &args.source).map(|nothing| format!("error: nothing to check: {nothing}"));
    let exit = if nothing.is_some() { Exit::Wrong } else { summary.exit(args.strict) };
    let answer = match args.output.output {
        Some(format) => Answer::new(exit, format.write(&summary)?),
        None => {
            let line = summary.line(&args.source);
            Answer::text(exit, &line).remark(compiled.unreadable()).remark(&compiled.findings)
        }
    };
    Ok(answer.remark(nothing))
}

impl<'a> Summary<'a> {
    fn new(compiled: &'a Compiled) -> Self {
        let problems = compiled.problems().count();
        Self {
            objects: compiled.objects,
            problems,
            warnings: compiled.findings.len() - problems,
            skipped: &compiled.skipped,
            without_namespace: compiled.without_namespace,
            elsewhere: compiled.elsewhere,
            unreadable: compiled.unreadable.iter().map(InputError::finding).collect(),
            findings: &compiled.findings,
        }
    }

    fn exit(&self, strict: bool) -> Exit {
        match self {
            Self { unreadable, .. } if !unreadable.is_empty() => Exit::Wrong,
            Self { problems: 1.., .. } => Exit::No,
            Self { warnings: 1.., .. } if strict => Exit::No,
            _ => Exit::Yes,
        }
    }

    fn line(&self, source: &SourceArgs) -> String {
        let mut line = format!(
            "{}: {}, {}",
            count(self.objects, "object"),
            count(self.problems, "problem"),
            count(self.warnings, "warning")
        );
        if !self.unreadable.is_empty() {
            let _ = write!(line, "; unreadable: {}", self.unreadable.len());
        }
        if !self.skipped.is_empty() {
            let kinds = self.skipped.iter().map(|(kind, number)| format!("{number} {kind}"));
            let _ = write!(line, "; others skipped: {}", kinds.collect::<Vec<_>>().join(", "));
        }
        if self.elsewhere > 0 && source.is_files() {
            line.push_str("; with `--partial` what is missing may stand elsewhere");
        }
        line + &self.unplaced(&source.cluster.namespace) + "\n"
    }

    /// A remark and no warning: what Helm or kustomize renders gets its namespace later, and `semantics.md` 20
    /// takes it for ours.
    fn unplaced(&self, namespace: &str) -> String {
        let (name, it) = match self.without_namespace {
            0 => return String::new(),
            1 => ("names", "it"),
            _ => ("name", "them"),
        };
        format!(
            "; {} {name} no namespace: kubectl puts {it} into that of its context, and only `{namespace}` counts",
            self.without_namespace
        )
    }
}

/// `1 problem`, `2 problems`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
