//! `registry`: makes a login for a container registry known, and shows those that are. What becomes of it is the
//! operator's.

mod add;
mod list;
mod login;

use clap::Subcommand;

use super::Failure;
use super::output::Answer;

/// Makes a login for a container registry known, or lists those that are
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    // With many flags beside one with few.
    Add(Box<add::Args>),
    List(list::Args),
}

const EXAMPLES: &str = "\
Examples:
  faas-iam registry add ghcr.io alice --apply < token.txt
  faas-iam registry list";

pub use add::AddError;

/// Runs one of the two.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    match &args.command {
        Command::Add(args) => add::run(args),
        Command::List(args) => list::run(args),
    }
}
