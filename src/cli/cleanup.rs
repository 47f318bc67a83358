//! `cleanup`: takes back what RegistryCredentials have put into namespaces, for when the product goes. By whoever runs
//! it: no operator is needed.

use clap::builder::FalseyValueParser;
use serde::Serialize;

use super::Failure;
use super::cluster::Cluster;
use super::output::{Answer, Exit, OutputArgs};
use crate::kubeconfig::ClusterArgs;
use crate::operator::pulls::cleanup::{Change, Fate, Job, Taken};

/// RegistryCredentials that a refusal names.
const NAMED: usize = 5;

/// Takes back the pull secrets of all RegistryCredentials, and the references to them
///
/// For when the product goes: before `helm uninstall`, once the RegistryCredentials are deleted or suspended, or after it,
/// with `--force`. In every namespace ServiceAccounts lose the references that were added (`unlinked`), then the pull
/// secrets go (`deleted`). What was to stay by `deletionPolicy: Retain` stays with its references, as nobody's
/// (`released`). References that were there before, other people's Secrets, and what another installation has made are
/// left alone.
///
/// Exits with 0 where nothing is left, with 1 where something is, and with 2 where it is refused or the cluster gives no
/// answer. Ctrl-C ends it once what has begun is done; run again, it goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Says what would be done, and does nothing
    #[arg(long, env = "FAAS_IAM_DRY_RUN", value_parser = FalseyValueParser::new())]
    pub dry_run: bool,
    /// Also where RegistryCredentials still hand out logins: an operator that runs puts everything back
    #[arg(long, env = "FAAS_IAM_FORCE", value_parser = FalseyValueParser::new())]
    pub force: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

const EXAMPLES: &str = "\
Examples:
  faas-iam cleanup --dry-run
  kubectl delete registrycredentials --all -n openfaas && faas-iam cleanup
  faas-iam cleanup --force --context prod -o json";

/// Why nothing is taken back.
#[derive(Debug, thiserror::Error)]
pub enum CleanupError {
    /// An operator would put it back.
    #[error(
        "RegistryCredentials in namespace `{namespace}` still hand out logins ({}), and an operator would put back what is \
         taken: delete them (`kubectl delete registrycredentials --all -n {namespace}`), set `suspend: true`, or, where no \
         operator runs any more, give `--force`",
        some(.names)
    )]
    HandedOut {
        /// The IAM namespace.
        namespace: String,
        /// Their names.
        names: Vec<String>,
    },
}

fn some(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}

/// What was done, or would be.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    dry_run: bool,
    /// Namespaces that were to be done, and those that were not begun.
    namespaces: usize,
    not_begun: usize,
    objects: Vec<Shown>,
    failures: Vec<Failed>,
}

#[derive(Serialize)]
struct Shown {
    namespace: Box<str>,
    object: String,
    result: &'static str,
}

#[derive(Serialize)]
struct Failed {
    namespace: Box<str>,
    object: String,
    message: String,
}

/// Looks, and takes back what there is.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let cluster = Cluster::connect(&args.cluster)?;
    let mut refusal = if args.force { None } else { refusal(args, cluster.handing_out()?) };
    if let Some(refusal) = refusal.take_if(|_| !args.dry_run) {
        return Err(refusal.into());
    }
    let jobs = cluster.handed_out()?;
    let all = jobs.len();
    let done = if args.dry_run { Done::would(&jobs) } else { Done::of(all, cluster.take_back(jobs)) };
    let note = refusal.map(|refusal| format!("note: without `--dry-run` it is refused: {refusal}"));
    Ok(done.answer(args)?.remark(note))
}

fn refusal(args: &Args, names: Vec<String>) -> Option<CleanupError> {
    let namespace = args.cluster.namespace.clone();
    (!names.is_empty()).then_some(CleanupError::HandedOut { namespace, names })
}

impl Shown {
    fn of(namespace: &str, change: Change) -> Self {
        let result = match change.fate {
            Fate::Unlinked => "unlinked",
            Fate::Released => "released",
            Fate::Deleted => "deleted",
        };
        Self { namespace: namespace.into(), object: change.object, result }
    }
}

impl Done {
    fn would(jobs: &[Job]) -> Self {
        let of =
            |job: &Job| job.changes().map(|change| Shown::of(&job.namespace, change)).collect::<Vec<_>>();
        let objects = jobs.iter().flat_map(of).collect();
        Self { dry_run: true, namespaces: jobs.len(), not_begun: 0, objects, failures: Vec::new() }
    }

    fn of(namespaces: usize, all: Vec<Taken>) -> Self {
        let not_begun = namespaces.saturating_sub(all.len());
        let mut done =
            Self { dry_run: false, namespaces, not_begun, objects: Vec::new(), failures: Vec::new() };
        for Taken { namespace, done: changes, failed } in all {
            done.objects.extend(changes.into_iter().map(|change| Shown::of(&namespace, change)));
            done.failures.extend(failed.map(|(object, message)| Failed { namespace, object, message }));
        }
        done
    }

    fn answer(&self, args: &Args) -> Result<Answer, Failure> {
        let exit = if self.failures.is_empty() && self.not_begun == 0 { Exit::Yes } else { Exit::No };
        let answer = match args.output.output {
            Some(format) => Answer::new(exit, format.write(self)?),
            None => Answer::text(exit, &self.objects.iter().map(|one| self.line(one)).collect::<String>()),
        };
        Ok(answer.remark(self.remarks(&args.cluster.namespace)))
    }

    fn line(&self, Shown { namespace, object, result }: &Shown) -> String {
        let dry_run = if self.dry_run { " (dry run)" } else { "" };
        format!("{object} in {namespace} {result}{dry_run}\n")
    }

    fn remarks(&self, owner: &str) -> Vec<String> {
        let failed = self.failures.iter().map(|Failed { namespace, object, message }| {
            format!("error: {object} in {namespace} could not be taken back: {message}")
        });
        let ended = (self.not_begun > 0).then(|| {
            format!(
                "interrupted: {} of {} namespaces were not begun; run the command again for them",
                self.not_begun, self.namespaces
            )
        });
        let none = (self.namespaces == 0).then(|| {
            format!(
                "nothing is in any namespace that RegistryCredentials in namespace `{owner}` have put there"
            )
        });
        failed.chain(ended).chain(none).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(namespace: &str, failed: Option<&str>) -> Taken {
        let done = vec![Change { object: "serviceaccounts/default".to_owned(), fate: Fate::Unlinked }];
        let failed = failed.map(|why| ("secrets/pull".to_owned(), why.to_owned()));
        Taken { namespace: namespace.into(), done, failed }
    }

    #[test]
    fn what_is_left_is_told_with_its_cause_and_in_the_exit_code() {
        let args = ["cleanup"];
        let args = <crate::cli::Cli as clap::Parser>::try_parse_from(["faas-iam"].into_iter().chain(args));
        let crate::cli::Command::Cleanup(args) = args.unwrap().command else { unreachable!() };
        let answer = |all, taken| Done::of(all, taken).answer(&args).unwrap();
        let good = answer(1, vec![taken("dev", None)]);
        assert_eq!((good.exit, &*good.out), (Exit::Yes, "serviceaccounts/default in dev unlinked\n"));
        let bad = answer(1, vec![taken("dev", Some("no"))]);
        assert_eq!(
            (bad.exit, &*bad.err),
            (Exit::No, "error: secrets/pull in dev could not be taken back: no\n")
        );
        let ended = answer(3, vec![taken("dev", None)]);
        assert_eq!(ended.exit, Exit::No);
        assert!(ended.err.starts_with("interrupted: 2 of 3 namespaces were not begun"), "{}", ended.err);
        assert_eq!(answer(0, Vec::new()).exit, Exit::Yes);
    }

    #[test]
    fn a_refusal_names_a_few_and_says_what_to_do() {
        let names = (1..=7).map(|number| format!("r{number}")).collect();
        let said = CleanupError::HandedOut { namespace: "iam".to_owned(), names }.to_string();
        assert!(said.contains("(`r1`, `r2`, `r3`, `r4`, `r5` and 2 more)"), "{said}");
        assert!(
            said.contains("delete registrycredentials --all -n iam") && said.contains("`--force`"),
            "{said}"
        );
    }
}
