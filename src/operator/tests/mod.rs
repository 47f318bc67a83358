//! The operator as a state machine, beside a model that knows nothing of it: people write objects, good and broken
//! ones, strangers meddle, watches are late and are cut, writes are lost, operators are killed, two of them may believe
//! that they lead, and the clock jumps. Whatever the order:
//!
//! - a gateway never allows what no version of the objects since the last quiet moment grants, so that nothing that is
//!   invalid ever widens anything, and its generation only grows; where the index was lost and the clock is behind, what it
//!   serves is of before, and in the next quiet moment it is started anew;
//! - nothing that is somebody else's is written or deleted, which `namespace` holds;
//! - once it is quiet, the gateway decides as the model says, a new operator finds nothing to write, and makes the very
//!   same bundle of what there is.
//!
//! `FAAS_IAM_MODEL_CASES` asks for more than the usual number of histories.

mod instance;
mod namespace;
mod written;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use serde_json::{Map, Value, json};

use crate::bundle::Index;
use crate::compile::ObjectRef;
use crate::engine::{Completeness, Engine};
use crate::model::Request;
use instance::{Fate, Instance};
use namespace::{Namespace, STREAMS};
use written::{
    Grants, ISSUERS, PEOPLE, REQUESTS, Written, at_first, granted_at_most_by, granted_by, written,
};

const START: i64 = 1_800_000_000_000;
/// What a step takes, ms.
const TICK: i64 = 10;
/// Histories of an ordinary run.
const USUAL: u32 = 300;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Write(Written),
    Delete(Written),
    /// An operator is told the next things of a stream.
    Hear(usize, usize, u8),
    /// It is told everything.
    HearAll(usize),
    /// A watch is cut.
    Cut(usize, usize),
    /// An operator is killed, and another one starts.
    Restart(usize),
    /// An operator's turn; one of its writes may go wrong, and it may be killed then.
    Turn(usize, Option<(u8, Fate)>, bool),
    Meddle(Meddling),
    /// The clock goes on, or back.
    Clock(i64),
    /// Everybody hears everything, and nothing goes wrong until nothing is left to do.
    Quiet,
}

/// What strangers do.
#[derive(Debug, Clone)]
enum Meddling {
    /// They make a ConfigMap of the name that the next shard would have; with our labels or without.
    Squat(bool),
    LoseShard(usize),
    LoseIndex,
    TakeIndex,
    GiveBackIndex,
    /// They put back an index of before.
    OldIndex(usize),
    Rubbish,
    UndoStatus(usize),
}

/// What people have written, as far as it matters.
#[derive(Debug, Clone)]
struct Model {
    operators: usize,
    now: Vec<Written>,
    /// Every version since the last quiet moment.
    lately: Vec<Written>,
}

impl Model {
    fn without(mut self, key: &ObjectRef) -> Self {
        self.now.retain(|one| one.key() != *key);
        self
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        (1usize..=2).prop_map(|operators| Self { operators, now: at_first(), lately: at_first() }).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Step> {
        let who = 0..model.operators;
        let fault = (0u8..6, prop_oneof![Just(Fate::Dropped), Just(Fate::Unanswered)]);
        prop_oneof![
            8 => written().prop_map(Step::Write),
            2 => written().prop_map(Step::Delete),
            4 => who.clone().prop_map(Step::HearAll),
            8 => (who.clone(), 0..STREAMS, 1u8..8).prop_map(|(who, stream, many)| Step::Hear(who, stream, many)),
            1 => (who.clone(), 0..STREAMS).prop_map(|(who, stream)| Step::Cut(who, stream)),
            1 => who.clone().prop_map(Step::Restart),
            4 => who.clone().prop_map(|who| Step::Turn(who, None, false)),
            3 => (who, fault, any::<bool>()).prop_map(|(who, fault, killed)| Step::Turn(who, Some(fault), killed)),
            2 => meddling().prop_map(Step::Meddle),
            1 => (-4_000_000i64..4_000_000).prop_map(Step::Clock),
            3 => Just(Step::Quiet),
        ]
        .boxed()
    }

    /// Holds when a history is made shorter, too.
    fn preconditions(model: &Self, step: &Step) -> bool {
        match step {
            Step::Hear(who, ..)
            | Step::HearAll(who)
            | Step::Cut(who, _)
            | Step::Restart(who)
            | Step::Turn(who, ..) => *who < model.operators,
            _ => true,
        }
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        match step {
            Step::Write(written) => {
                model = model.without(&written.key());
                model.now.push(written.clone());
                model.lately.push(written.clone());
            }
            Step::Delete(written) => model = model.without(&written.key()),
            Step::Quiet => model.lately = model.now.clone(),
            _ => {}
        }
        model
    }
}

fn meddling() -> impl Strategy<Value = Meddling> {
    prop_oneof![
        any::<bool>().prop_map(Meddling::Squat),
        (0usize..8).prop_map(Meddling::LoseShard),
        (0usize..8).prop_map(Meddling::UndoStatus),
        Just(Meddling::LoseIndex),
        Just(Meddling::TakeIndex),
        Just(Meddling::GiveBackIndex),
        (0usize..8).prop_map(Meddling::OldIndex),
        Just(Meddling::Rubbish),
    ]
}

/// A gateway: it takes a whole bundle that is newer than the one it has.
#[derive(Default)]
struct Gateway {
    serving: Option<u64>,
    grants: Grants,
}

impl Gateway {
    fn look(&mut self, namespace: &Namespace) {
        if let Some((index, bundle)) = namespace.bundle()
            && index.supersedes(self.serving).is_ok()
        {
            self.serving = Some(index.generation);
            self.grants = decisions(&Engine::new(&bundle));
        }
    }
}

/// What an engine lets each of the people do.
fn decisions(engine: &Engine) -> Grants {
    let requests = REQUESTS.map(|(action, resource)| Request::parse(action, resource).unwrap());
    let of = |iss: &str, sub: &str| {
        let Ok(who) = engine.identify(&claims(iss, sub), START / 1000, Completeness::Question) else {
            return 0;
        };
        let allowed = requests.iter().enumerate().filter(|(_, request)| engine.decide(&who, request));
        allowed.fold(0, |all, (at, _)| all | 1 << at)
    };
    ISSUERS.map(|iss| PEOPLE.map(|sub| of(iss, sub)))
}

fn claims(iss: &str, sub: &str) -> Map<String, Value> {
    json!({ "iss": iss, "sub": sub, "aud": "gw" }).as_object().unwrap().clone()
}

/// Everything there is.
struct Installation {
    namespace: Namespace,
    operators: Vec<Instance>,
    gateway: Gateway,
    now: i64,
}

impl Installation {
    fn new(operators: usize) -> Self {
        let mut namespace = Namespace::default();
        at_first().iter().for_each(|written| namespace.write(written));
        namespace.inboxes.resize_with(operators, Default::default);
        let operators = (0..operators).map(|at| Instance::start(at, &mut namespace)).collect();
        Self { namespace, operators, gateway: Gateway::default(), now: START }
    }

    fn take(&mut self, step: Step) {
        self.now += TICK;
        let Self { namespace, operators, now, .. } = self;
        match step {
            Step::Write(written) => namespace.write(&written),
            Step::Delete(written) => namespace.delete(&written.key()),
            Step::Hear(who, stream, many) => {
                (0..many).for_each(|_| {
                    operators[who].hear(namespace, stream);
                });
            }
            Step::HearAll(who) => operators[who].hear_all(namespace),
            Step::Cut(who, stream) => operators[who].cut(namespace, stream),
            Step::Restart(who) => operators[who] = Instance::start(who, namespace),
            Step::Turn(who, fault, killed) => {
                SEEN.refused.fetch_add(operators[who].turn(namespace, *now, fault).refused, Relaxed);
                if killed {
                    operators[who] = Instance::start(who, namespace);
                }
            }
            Step::Meddle(meddling) => self.meddle(meddling),
            Step::Clock(ms) => *now += ms,
            Step::Quiet => self.settle(),
        }
    }

    fn meddle(&mut self, meddling: Meddling) {
        let namespace = &mut self.namespace;
        match meddling {
            Meddling::Squat(labelled) => {
                let next = Instance::fresh(namespace, self.now).first_shard();
                next.into_iter().for_each(|name| namespace.squat(&name, labelled));
            }
            Meddling::LoseShard(nth) => namespace.lose_shard(nth),
            Meddling::LoseIndex => namespace.lose_index(false),
            Meddling::TakeIndex => namespace.lose_index(true),
            Meddling::GiveBackIndex => namespace.give_back_index(),
            Meddling::OldIndex(nth) => {
                // One that is taken for newer, from a clock that was ahead, is an administrator's choice of what serves.
                let serving = self.gateway.serving;
                let is_old = |bytes: &&Vec<u8>| {
                    Index::decode(bytes, usize::MAX).is_ok_and(|index| index.supersedes(serving).is_err())
                };
                let old = namespace.history.iter().filter(is_old).nth(nth).cloned();
                old.into_iter().for_each(|bytes| namespace.spoil_index(bytes));
            }
            Meddling::Rubbish => namespace.spoil_index(b"rubbish".into()),
            Meddling::UndoStatus(nth) => namespace.undo_status(nth),
        }
    }

    /// Whoever serves an index from a clock that was ahead is started anew, as its log asks for.
    fn restart_who_is_ahead(&mut self) {
        let written = self.namespace.bundle().map(|(index, _)| index.generation);
        if self.gateway.serving > written {
            SEEN.ahead.fetch_add(1, Relaxed);
            self.gateway = Gateway::default();
            self.gateway.look(&self.namespace);
        }
    }

    /// Everybody hears everything and has turns until nothing is left to do, now or later.
    fn settle(&mut self) {
        self.namespace.give_back_index();
        for _ in 0..1_000 {
            let busy = self.turns();
            self.gateway.look(&self.namespace);
            let later =
                self.operators.iter().filter_map(|one| one.wake).filter(|wake| *wake > self.now).min();
            match (busy, later) {
                (true, _) => {}
                (false, Some(later)) => self.now = later,
                (false, None) => return self.restart_who_is_ahead(),
            }
        }
        panic!("it never becomes quiet");
    }

    /// Everybody hears everything and has a turn. Returns whether anything came of it.
    fn turns(&mut self) -> bool {
        self.now += TICK;
        let Self { namespace, operators, now, .. } = self;
        let mut busy = false;
        for one in operators {
            one.hear_all(namespace);
            let turned = one.turn(namespace, *now, None);
            busy |= turned.writes + turned.refused > 0 || !turned.done;
        }
        busy
    }

    fn is_as_the_model_says(&mut self, model: &Model) {
        let expected = granted_by(&model.now);
        assert_eq!(self.gateway.grants, expected, "{:#?}", model.now);
        let granted: u32 = expected.iter().flatten().map(|mask| mask.count_ones()).sum();
        SEEN.granted.fetch_add(granted as usize, Relaxed);
        SEEN.quiet.fetch_add(1, Relaxed);
        let fresh = Instance::fresh(&self.namespace, self.now);
        assert_eq!(Some(fresh.goal()), self.namespace.bundle().map(|(_, bundle)| bundle.shards()));
        let mut next = Instance::start(0, &mut self.namespace);
        next.hear_all(&mut self.namespace);
        let turned = next.turn(&mut self.namespace, self.now, None);
        assert_eq!(
            (turned.writes, turned.refused, turned.done),
            (0, 0, true),
            "a new operator has nothing to write"
        );
        assert_eq!(next.wake, None, "nor later");
        self.operators[0] = next;
    }
}

/// How much was seen, lest the laws hold for want of cases.
struct Much {
    quiet: AtomicUsize,
    granted: AtomicUsize,
    refused: AtomicUsize,
    ahead: AtomicUsize,
}

static SEEN: Much = Much {
    quiet: AtomicUsize::new(0),
    granted: AtomicUsize::new(0),
    refused: AtomicUsize::new(0),
    ahead: AtomicUsize::new(0),
};

struct Laws;

impl StateMachineTest for Laws {
    type SystemUnderTest = Installation;
    type Reference = Model;

    fn init_test(model: &Model) -> Installation {
        Installation::new(model.operators)
    }

    fn apply(mut all: Installation, model: &Model, step: Step) -> Installation {
        let (foreign, generation, quiet) =
            (all.namespace.foreign(), all.gateway.serving, matches!(step, Step::Quiet));
        all.take(step);
        all.gateway.look(&all.namespace);
        let after = all.namespace.foreign();
        assert!(foreign.iter().all(|one| after.contains(one)), "what is somebody else's is touched");
        assert!(quiet || all.gateway.serving >= generation);
        if quiet {
            all.is_as_the_model_says(model);
        }
        all
    }

    fn check_invariants(all: &Installation, model: &Model) {
        let most = granted_at_most_by(&model.lately);
        let wider =
            all.gateway.grants.iter().flatten().zip(most.iter().flatten()).any(|(is, most)| is & !most != 0);
        assert!(!wider, "granted: {:?}, and at most {most:?} ever was", all.gateway.grants);
    }
}

#[test]
fn whatever_happens_in_whatever_order_nothing_invalid_widens_nothing_foreign_is_touched_and_the_end_is_the_same()
 {
    let cases = std::env::var("FAAS_IAM_MODEL_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(USUAL);
    let config = Config { cases, rng_seed: RngSeed::Fixed(6), max_shrink_iters: 4_000, ..Config::default() };
    let histories = Model::sequential_strategy(1..60);
    let holds = |(model, steps, seen)| {
        Laws::test_sequential(Config::default(), model, steps, seen);
        Ok(())
    };
    if let Err(broken) = TestRunner::new(config).run(&histories, holds) {
        panic!("{broken}");
    }
    let seen = [&SEEN.quiet, &SEEN.granted, &SEEN.refused, &SEEN.ahead].map(|n| n.load(Relaxed));
    let cases = cases as usize;
    let least = [cases, cases, cases / 4, 1];
    assert!(
        seen.iter().zip(least).all(|(seen, least)| *seen >= least),
        "{seen:?} are few, at least {least:?}"
    );
}
