//! `namespace`: makes a namespace one of functions, which OpenFaaS knows by an annotation. What follows from it, such
//! as pull secrets, is the operator's.

use clap::Subcommand;
use clap::builder::FalseyValueParser;
use serde::Serialize;

use super::Failure;
use super::cluster::{Cluster, Written};
use super::output::{Answer, Exit, OutputArgs};
use crate::kubeconfig::ClusterArgs;
use crate::model::{FORBIDDEN_NAMESPACE, Namespace, ResourceError};

/// Makes a namespace one of functions
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Enable(EnableArgs),
}

const EXAMPLES: &str = "\
Examples:
  faas-iam namespace enable team-a
  faas-iam namespace enable team-a --create";

/// Has OpenFaaS take a namespace for one of functions, by the annotation `openfaas`
///
/// Functions can be deployed there then, and it gets the logins for registries that are for every function namespace.
/// Exits with 0, and with 2 where the cluster refuses.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct EnableArgs {
    /// The namespace
    #[arg(value_name = "NS", value_parser = namespace)]
    pub name: String,
    /// Makes it where it is not there
    #[arg(long, env = "FAAS_IAM_CREATE", value_parser = FalseyValueParser::new())]
    pub create: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

fn namespace(text: &str) -> Result<String, ResourceError> {
    Namespace::new(text).map(Into::into)
}

/// Why a namespace is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// It is that of the system.
    #[error("functions are never allowed in `{FORBIDDEN_NAMESPACE}`; make a namespace of their own")]
    Forbidden,
    /// It holds what must be kept from functions.
    #[error(
        "`{0}` is the IAM namespace: whoever deploys functions there could read the keys beside them; make a namespace of their own"
    )]
    OfIam(String),
}

/// What became of the namespace.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enabled<'a> {
    namespace: &'a str,
    result: Written,
}

/// Runs the one there is.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let Command::Enable(args) = &args.command;
    if args.name == FORBIDDEN_NAMESPACE {
        return Err(NamespaceError::Forbidden.into());
    }
    if args.name == args.cluster.namespace {
        return Err(NamespaceError::OfIam(args.name.clone()).into());
    }
    let result = Cluster::connect(&args.cluster)?.enable_namespace(&args.name, args.create)?;
    let enabled = Enabled { namespace: &args.name, result };
    match args.output.output {
        Some(format) => Ok(Answer::new(Exit::Yes, format.write(&enabled)?)),
        None => Ok(Answer::text(Exit::Yes, &enabled.in_words())),
    }
}

impl Enabled<'_> {
    fn in_words(&self) -> String {
        let how = match self.result {
            Written::Created => "was made, and is a namespace of functions",
            Written::Updated => "is a namespace of functions now",
            Written::Unchanged => "is a namespace of functions already",
        };
        format!("{} {how}\n", self.namespace)
    }
}
