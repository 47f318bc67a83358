//! `gateway`: runs it in the foreground, until SIGTERM or Ctrl-C.

use super::Failure;
use super::output::{Answer, Exit};
use crate::gateway::{Config, GatewayError, run as serve};

/// Runs the gateway.
pub fn run(args: Config) -> Result<Answer, Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(GatewayError::Runtime)?;
    runtime.block_on(serve(args))?;
    Ok(Answer::new(Exit::Yes, ""))
}
