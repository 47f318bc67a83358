//! `who-can`: the question the other way round, Role by Role.

use std::fmt::Write as _;

use serde::Serialize;

use super::Failure;
use super::output::{Answer, Exit, OutputArgs};
use super::question::{self, ActionWord};
use super::source::SourceArgs;
use super::world::World;
use crate::engine::{Engine, Grantee};

/// Tells which Roles allow something, and to whom
///
/// Exits with 0 where at least one Role allows it to somebody, with 1 where none does, and with 2 where the question
/// or an input is wrong. Without files it asks the cluster, as `can-i` does.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// One action, such as `Function:Delete`
    #[arg(value_name = "ACTION", value_parser = ActionWord)]
    pub action: String,
    /// What it is about: `*`, `namespace:*` or `namespace:function`
    #[arg(value_name = "RESOURCE")]
    pub resource: String,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub source: SourceArgs,
}

const EXAMPLES: &str = "\
Examples:
  faas-iam who-can Function:Delete prod:billing
  faas-iam who-can Secret:Update 'dev:*' -f ./iam -o json";

/// The answer, for machines as it stands here.
#[derive(Serialize)]
struct Told {
    action: &'static str,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    grants: Vec<Grantee>,
}

/// Asks the engine.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let request = question::parse(&args.action, &args.resource)?;
    let world = World::serving(&args.source)?;
    if !world.compiled.unreadable.is_empty() {
        return Ok(Answer::new(Exit::Wrong, "").remark(world.compiled.unreadable()));
    }
    let told = Told {
        action: request.action().as_str(),
        resource: request.resource().to_string(),
        generation: world.generation(),
        grants: Engine::new(world.bundle()).who_can(&request),
    };
    let exit = if told.grants.is_empty() { Exit::No } else { Exit::Yes };
    let answer = match args.output.output {
        Some(format) => Answer::new(exit, format.write(&told)?),
        None => Answer::text(exit, &told.in_words()),
    };
    Ok(answer.remark(world.compiled.problems()).remark(world.nothing(&args.source)))
}

impl Told {
    fn in_words(&self) -> String {
        let generation: String =
            self.generation.iter().map(|number| format!(", from generation {number}")).collect();
        let whom = if self.grants.is_empty() { "nobody" } else { "whoever meets one of these" };
        let mut text = format!("{} {} is allowed to {whom}{generation}\n", self.action, self.resource);
        for grant in &self.grants {
            let _ = write!(
                text,
                "role `{}` by policy `{}`, statement `{}`:",
                grant.role, grant.policy, grant.sid
            );
            let _ = writeln!(text, " {}", grant.who.join("; "));
            for iss in &grant.not_at {
                let _ = writeln!(text, "  not enforced at the shared issuer `{iss}`");
            }
        }
        text
    }
}
