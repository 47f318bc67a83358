//! The command line: parses it, calls the command, prints the answer. One file per command.
//!
//! Decides nothing about grants: every answer comes from the code that the operator and the gateway
//! run, too. A command returns what to print; nothing below prints by itself, but for a
//! word about what takes long.

mod asker;
mod can_i;
mod check;
mod cleanup;
mod cluster;
mod completion;
mod crds;
mod gateway;
mod identified;
mod judged;
mod namespace;
mod operator;
mod output;
mod progress;
mod question;
mod registry;
mod render;
mod source;
mod text;
mod token;
mod who_can;
mod world;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use output::{Answer, Exit};

/// Identity and access management for OpenFaaS on Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "faas-iam", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  faas-iam check -f ./iam
  faas-iam can-i Function:Invoke dev:env -f ./iam --as https://idp.example.com,alice
  faas-iam who-can Function:Delete prod:billing

Every flag can be set by an environment variable, too: FAAS_IAM_ and its name.";

#[derive(Debug, Subcommand)]
enum Command {
    // A service with many flags beside small questions.
    Operator(Box<crate::operator::Config>),
    Gateway(Box<crate::gateway::Config>),
    Crds(crds::Args),
    Check(check::Args),
    Render(render::Args),
    CanI(can_i::Args),
    WhoCan(who_can::Args),
    Token(token::Args),
    Registry(registry::Args),
    Namespace(namespace::Args),
    Cleanup(cleanup::Args),
    Completion(completion::Args),
}

/// Why a command could not answer: exit code 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What was asked is no question.
    #[error(transparent)]
    Question(#[from] question::QuestionError),
    /// Who asks cannot be read.
    #[error(transparent)]
    Asker(#[from] asker::AskerError),
    /// The cluster gives no answer.
    #[error(transparent)]
    Cluster(#[from] cluster::ClusterError),
    /// A gateway cannot be asked.
    #[error(transparent)]
    Way(#[from] token::WayError),
    /// There is no login to make known.
    #[error(transparent)]
    Registry(#[from] registry::AddError),
    /// A namespace is none for functions.
    #[error(transparent)]
    Namespace(#[from] namespace::NamespaceError),
    /// Nothing is taken back.
    #[error(transparent)]
    Cleanup(#[from] cleanup::CleanupError),
    /// The operator cannot start.
    #[error(transparent)]
    Operator(#[from] crate::operator::OperatorError),
    /// The gateway cannot start.
    #[error(transparent)]
    Gateway(#[from] crate::gateway::GatewayError),
    /// Our own definitions cannot be written.
    #[error(transparent)]
    Crds(#[from] crate::api::crds::CrdsError),
    /// The answer cannot be written in this format.
    #[error(transparent)]
    Output(#[from] output::OutputError),
}

/// Runs the command that `arguments` name (the program's own name first) and gives its exit code:
/// 0 for yes, 1 for no, 2 for wrong input.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => answer(cli.command).print(),
        Err(help_or_error) => told(with_tip(help_or_error)),
    }
}

/// Prints help, or what is wrong with the command line; a token among its words is not repeated.
fn told(help_or_error: clap::Error) -> ExitCode {
    if let Some(shown) = output::hide_tokens(&help_or_error.to_string()) {
        return Answer::new(Exit::Wrong, "").remark(shown.lines()).print();
    }
    // A reader that is gone wants neither help nor error.
    let _ = help_or_error.print();
    if help_or_error.use_stderr() { Exit::Wrong.into() } else { Exit::Yes.into() }
}

/// Names the flag where a file or folder stands without it.
fn with_tip(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return error };
    if error.kind() == ErrorKind::UnknownArgument && !word.starts_with('-') && Path::new(word).exists() {
        let tip = StyledStr::from(format!("files and folders are given as `-f {word}`"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

fn answer(command: Command) -> Answer {
    dispatch(command).unwrap_or_else(|failure| Answer::failed([&failure as &dyn std::error::Error]))
}

fn dispatch(command: Command) -> Result<Answer, Failure> {
    match command {
        Command::Operator(args) => operator::run(*args),
        Command::Gateway(args) => gateway::run(*args),
        Command::Crds(args) => crds::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Render(args) => render::run(&args),
        Command::CanI(args) => can_i::run(&args),
        Command::WhoCan(args) => who_can::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Registry(args) => registry::run(&args),
        Command::Namespace(args) => namespace::run(&args),
        Command::Cleanup(args) => cleanup::run(&args),
        Command::Completion(args) => Ok(completion::run(&args)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable_and_every_command_an_example() {
        let all = Cli::command();
        let nested = all.get_subcommands().flat_map(clap::Command::get_subcommands);
        for command in all.get_subcommands().chain(nested) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("faas-iam "), "{} has no example", command.get_name());
            let flags =
                command.get_arguments().filter(|a| !a.is_positional() && a.get_long() != Some("help"));
            for flag in flags.filter(|f| f.get_long() != Some("version")) {
                let env = flag.get_env().and_then(|e| e.to_str()).unwrap_or_default();
                assert!(env.starts_with("FAAS_IAM_"), "{} {}", command.get_name(), flag.get_id());
            }
        }
    }
}
