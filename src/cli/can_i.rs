//! `can-i`: may this identity do this, and why.
//!
//! The answer is the engine's, on what the files or the cluster serve; this only asks and prints.

use serde::Serialize;

use super::Failure;
use super::asker::{Asker, AskerArgs, AskerError};
use super::identified::{Identified, Refused};
use super::output::{Answer, Exit, OutputArgs};
use super::question::{self, ActionWord, QuestionError};
use super::source::SourceArgs;
use super::world::World;
use crate::causes::chain;
use crate::engine::{Engine, Explanation, Principal};
use crate::model::Request;
use crate::process::now;

/// The most Roles that an answer tells about.
const REASONS: usize = 10;

/// Asks whether an identity may do something, and why
///
/// The first line is `allowed` or `denied`, the reasons follow. Exits with 0 where it is allowed, with 1 where it is
/// denied, and with 2 where the question or an input is wrong. Without files it asks the cluster, prints the generation
/// of the bundle it answers from, and needs the right to read that bundle's index (a Secret).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// One action, such as `Function:Invoke`
    #[arg(value_name = "ACTION", value_parser = ActionWord)]
    pub action: String,
    /// What it is about: `*`, `namespace:*` or `namespace:function`
    #[arg(value_name = "RESOURCE")]
    pub resource: String,
    #[command(flatten)]
    pub asker: AskerArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub source: SourceArgs,
}

const EXAMPLES: &str = "\
Examples:
  faas-iam can-i Function:Invoke dev:env -f ./iam --as https://idp.example.com,alice
  faas-iam can-i Function:Update prod:billing --token ./ci.jwt
  kubectl create token robot | faas-iam can-i Secret:List 'dev:*' --token -";

/// Asks the engine.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let (request, asker) = match (question::parse(&args.action, &args.resource), args.asker()) {
        (Ok(request), Ok(asker)) => (request, asker),
        (request, asker) => return Ok(both_wrong(request.err(), asker.err())),
    };
    let world = World::serving(&args.source)?;
    if !world.compiled.unreadable.is_empty() {
        return Ok(Answer::new(Exit::Wrong, "").remark(world.compiled.unreadable()));
    }
    let engine = Engine::new(world.bundle());
    let Identified { principal, verified, remarks } = asker.identify(&engine, &world, now())?;
    let told = Told::new(&engine, &request, world.generation(), principal, verified);
    let answer = match args.output.output {
        Some(format) => Answer::new(told.exit(), format.write(&told)?),
        None => Answer::text(told.exit(), &told.in_words()),
    };
    Ok(answer.remark(world.compiled.problems()).remark(world.nothing(&args.source)).remark(remarks))
}

impl Args {
    fn asker(&self) -> Result<Asker, AskerError> {
        self.asker.read(&self.source.files)
    }
}

/// Both halves of a question may be wrong; nobody should have to come twice.
fn both_wrong(question: Option<QuestionError>, asker: Option<AskerError>) -> Answer {
    let question = question.iter().map(|e| e as &(dyn std::error::Error + 'static));
    Answer::failed(question.chain(asker.iter().map(|e| e as &(dyn std::error::Error + 'static))))
}

/// The answer, for machines as it stands here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    action: &'static str,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asker: Option<Who>,
    /// Whether the token's signature was verified; null where none was presented.
    verified: Option<bool>,
    #[serde(flatten)]
    explanation: Explanation,
}

#[derive(Serialize)]
struct Who {
    iss: String,
    sub: String,
}

impl Told {
    fn new(
        engine: &Engine,
        request: &Request,
        generation: Option<u64>,
        principal: Result<Principal, Refused>,
        verified: Option<bool>,
    ) -> Self {
        let (asker, explanation) = match principal {
            Ok(principal) => (Some(Who::of(&principal)), engine.explain(&principal, request, REASONS)),
            Err(refused) => (None, refusal(&refused)),
        };
        let (action, resource) = (request.action().as_str(), request.resource().to_string());
        Self { action, resource, generation, asker, verified, explanation }
    }

    fn exit(&self) -> Exit {
        if self.explanation.allowed { Exit::Yes } else { Exit::No }
    }

    fn in_words(&self) -> String {
        let verdict = if self.explanation.allowed { "allowed" } else { "denied" };
        let asker = self.asker.iter().map(|who| format!(", asked by {:?} of {:?}", who.sub, who.iss));
        let generation = self.generation.iter().map(|number| format!(", from generation {number}"));
        let question: String = asker.chain(generation).collect();
        let reasons = if self.asker.is_some() { self.explanation.to_string() } else { self.why_nobody() };
        format!("{verdict}\n{} {}{question}\n{reasons}", self.action, self.resource)
    }

    fn why_nobody(&self) -> String {
        self.explanation.refused.iter().map(|why| format!("{}\n", why.replace('\n', " "))).collect()
    }
}

impl Who {
    fn of(principal: &Principal) -> Self {
        Self { iss: principal.iss().to_owned(), sub: principal.sub().to_owned() }
    }
}

/// Nobody was identified, so no Role was looked at.
fn refusal(refused: &Refused) -> Explanation {
    Explanation { allowed: false, refused: Some(chain(refused)), roles: Vec::new(), left_out: 0 }
}
