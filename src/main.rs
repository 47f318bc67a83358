//! The `faas-iam` binary: hands the command line to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    faas_iam::cli::run(std::env::args_os())
}
