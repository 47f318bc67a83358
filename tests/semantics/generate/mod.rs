//! Worlds and questions that nobody wrote down. Small alphabets, so that Roles and people meet; valid
//! objects and broken ones; shared issuers, scopes, conditions on both levels, tokens of every kind.
//!
//! Every world is asked at least a hundred real questions: its first [`SURE`] people are somebody to it by
//! construction, and its first [`SURE`] questions are questions. The law of agreement counts them.

mod claims;
mod conditions;
mod dice;
mod grants;
mod issuers;
mod people;
mod questions;
mod spoil;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::world::World;
pub use dice::Dice;
use issuers::{Issuers, issuers};
pub use people::Person;
use questions::Question;

/// People of a world who are somebody, and questions to it that are some.
pub const SURE: usize = 10;

/// A world, people and questions.
#[derive(Debug, Clone)]
pub struct Case {
    pub world: World,
    pub people: Vec<Person>,
    pub questions: Vec<Question>,
    /// For what a law chooses by itself.
    pub seed: u64,
}

/// A seed for one object. It has no smaller neighbour: proptest looks for the fewest objects.
fn seed() -> impl Strategy<Value = u64> {
    any::<u64>().no_shrink()
}

pub fn case() -> impl Strategy<Value = Case> {
    let asking = (vec(seed(), SURE..SURE + 4), vec(seed(), SURE..SURE + 4), seed());
    (objects(), asking).prop_map(|(seeds, (people, questions, seed))| {
        let (world, issuers) = built(&seeds);
        Case {
            world,
            people: each(&people, |at, dice| person(at, dice, &issuers)),
            questions: each(&questions, question),
            seed,
        }
    })
}

pub fn world() -> impl Strategy<Value = World> {
    objects().prop_map(|seeds| built(&seeds).0)
}

/// Seeds of the issuers, of each Policy, of each Role.
type Seeds = (u64, Vec<u64>, Vec<u64>);

fn objects() -> impl Strategy<Value = Seeds> {
    (seed(), vec(seed(), 2..6), vec(seed(), 2..10))
}

fn built((issuer, policies, roles): &Seeds) -> (World, Issuers) {
    let issuers = issuers(&mut Dice::new(*issuer));
    let named = |prefix: &str, seeds: &[u64], spec: fn(&mut Dice) -> Value| {
        each(seeds, |at, dice| (format!("{prefix}{at}"), spec(dice)))
    };
    let world = World {
        issuers: issuers.objects.clone(),
        policies: named("p", policies, grants::policy),
        roles: named("r", roles, grants::role),
    };
    (world, issuers)
}

fn each<T>(seeds: &[u64], make: impl Fn(usize, &mut Dice) -> T) -> Vec<T> {
    seeds.iter().enumerate().map(|(at, seed)| make(at, &mut Dice::new(*seed))).collect()
}

fn person(at: usize, dice: &mut Dice, issuers: &Issuers) -> Person {
    if at < SURE { people::somebody(dice, issuers) } else { people::anybody(dice) }
}

fn question(at: usize, dice: &mut Dice) -> Question {
    if at < SURE { questions::askable(dice) } else { questions::any(dice) }
}
