//! `token`: has a gateway exchange a token, and shows what a token says. Judges no rights.

mod exchange;
mod inspect;
mod way;

use clap::Subcommand;

use super::Failure;
use super::output::Answer;

/// Exchanges a token at a gateway, or shows what one says
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Exchange(exchange::Args),
    Inspect(inspect::Args),
}

const EXAMPLES: &str = "\
Examples:
  TOKEN=$(faas-iam token exchange --gateway https://gateway.example.com --token ./ci.jwt)
  faas-iam token inspect ./ci.jwt";

pub use way::WayError;

/// Runs one of the two.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    match &args.command {
        Command::Exchange(args) => exchange::run(args),
        Command::Inspect(args) => inspect::run(args),
    }
}
