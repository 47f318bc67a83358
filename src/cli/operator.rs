//! `operator`: runs it in the foreground, until SIGTERM or Ctrl-C.

use super::Failure;
use super::output::{Answer, Exit};
use crate::operator::{Config, OperatorError, run as operate};

/// Runs the operator.
pub fn run(args: Config) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(OperatorError::Runtime)?;
    runtime.block_on(operate(args))?;
    Ok(Answer::new(Exit::Yes, ""))
}
