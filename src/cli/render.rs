//! `render`: shows the bundle, as it follows from files or as a cluster serves it.
//!
//! Public keys and grants alone are in a bundle; there is no secret to show.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::output::{Answer, Exit, OutputArgs, OutputError};
use super::source::SourceArgs;
use super::world::World;
use super::{Failure, text};
use crate::bundle::{Digest, Index, Key, Record};

/// Shows the bundle that the gateway decides by
///
/// Without files it shows the one that the cluster serves, and needs the right to read its index (a Secret). From files
/// the keys that only the network or a cluster knows are missing, and shown as such. Exits with 0, and with 2 where an
/// input is wrong; problems of the files are on standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub source: SourceArgs,
}

const EXAMPLES: &str = "\
Examples:
  faas-iam render -f ./iam
  faas-iam render --context prod -o json";

/// The bundle for machines.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    digest: Digest,
    size: usize,
    shards: usize,
    /// JwtIssuers whose keys are not in this bundle.
    keys_elsewhere: Vec<String>,
    records: Vec<Map<String, Value>>,
}

/// Builds or fetches the bundle.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let world = World::serving(&args.source)?;
    if !world.compiled.unreadable.is_empty() {
        return Ok(Answer::new(Exit::Wrong, "").remark(world.compiled.unreadable()));
    }
    let shown = Shown::new(&world)?;
    let answer = match args.output.output {
        Some(format) => Answer::new(Exit::Yes, format.write(&shown)?),
        None => Answer::text(Exit::Yes, &shown.in_words(&world)),
    };
    Ok(answer
        .remark(world.compiled.problems())
        .remark(world.nothing(&args.source).or_else(|| grantless(&world))))
}

/// What to say of a bundle that no grant can come of.
fn grantless(world: &World) -> Option<String> {
    let nothing = world.bundle().policies().next().is_none() || world.bundle().roles().next().is_none();
    nothing
        .then(|| "warning: no Role and Policy serve together, so everybody is denied everything".to_owned())
}

impl Shown {
    fn new(world: &World) -> Result<Self, OutputError> {
        let index = index(world);
        let elsewhere = world.bundle().issuers().filter(|(.., keys)| keys.is_empty());
        Ok(Self {
            generation: world.generation(),
            digest: index.digest,
            size: index.size,
            shards: index.shards.len(),
            keys_elsewhere: elsewhere.map(|(name, ..)| name.to_owned()).collect(),
            records: world
                .bundle()
                .iter()
                .map(|(key, record)| named(key, record))
                .collect::<Result<_, _>>()?,
        })
    }

    fn in_words(&self, world: &World) -> String {
        let mut head = String::new();
        if let Some(generation) = self.generation {
            let _ = writeln!(head, "generation  {generation}");
        }
        let _ = writeln!(head, "digest      {}", self.digest);
        let _ = writeln!(
            head,
            "size        {} bytes, shards: {}, records: {}\n",
            self.size,
            self.shards,
            self.records.len()
        );
        head + &text::table(
            &["SORT", "NAME", "WHAT"],
            world.bundle().iter().map(|(key, record)| row(key, record)),
        )
    }
}

/// The index that the cluster serves, or the one that these records would get.
fn index(world: &World) -> Index {
    let made = || Index::new(0, world.bundle().len(), &world.bundle().shards(), |_| Box::default());
    world.index.clone().unwrap_or_else(made)
}

/// A record with its name, as the lines of a shard have it.
fn named(key: &Key, record: &Record) -> Result<Map<String, Value>, OutputError> {
    let mut fields = match record {
        // Its text is gone: an older version than the operator's cannot show what it does not know.
        Record::Unreadable(sort) => [("sort".to_owned(), serde_json::to_value(sort)?)].into_iter().collect(),
        known => match serde_json::to_value(known)? {
            Value::Object(fields) => fields,
            _ => Map::new(),
        },
    };
    fields.insert("name".to_owned(), key.name.as_ref().into());
    Ok(fields)
}

fn row(key: &Key, record: &Record) -> [String; 3] {
    [sort_name(key), key.name.to_string(), text::record(record)]
}

fn sort_name(key: &Key) -> String {
    serde_json::to_value(key.sort).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
