//! `completion`: prints a script that lets a shell complete the commands and flags.

use clap::CommandFactory;
use clap_complete::Shell;

use super::output::{Answer, Exit};

/// Prints a script that completes commands and flags in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  source <(faas-iam completion bash)")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// The script of one shell.
pub fn run(args: &Args) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "faas-iam", &mut script);
    Answer::new(Exit::Yes, String::from_utf8_lossy(&script))
}
