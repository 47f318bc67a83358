//! `crds`: prints the CustomResourceDefinitions.

use super::Failure;
use super::output::{Answer, Exit};
use crate::api::crds_yaml;

/// Prints the CustomResourceDefinitions as YAML
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  faas-iam crds | kubectl apply --server-side --force-conflicts -f -")]
pub struct Args {}

/// All definitions, always the same text.
pub fn run(_: &Args) -> Result<Answer, Failure> {
    Ok(Answer::new(Exit::Yes, crds_yaml()?))
}
