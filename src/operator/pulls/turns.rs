//! What the loop asks of the world in a turn: the next namespace with something to write, the next questions, the statuses
//! that are due. Pure: time is an argument.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;

use super::checks::{Answer, Question};
use super::declared::Declared;
use super::held::{HeldAccount, HeldSecret};
use super::mirror::Change;
use super::plan::{Ended, Object, Step, Wrote, plan};
use super::report::{Told, lifetime};
use super::world::{Key, Seen, World};
use crate::endpoints::Readyz;
use crate::operator::allowance::Rate;
use crate::operator::holdings::Version;
use crate::operator::reporting::Reported;

/// Statuses that are written in one turn.
const A_TURN: usize = 100;
/// Statuses of one object.
const OF_ONE: Rate = Rate { at_once: 30, then_every: 10_000 };
/// The pause before a status is tried again that could not be written, ms.
const AGAIN: i64 = 5_000;

/// What is measured of one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Namespaces that get it, that have it, and where something is in the way.
    pub namespaces: [(&'static str, usize); 3],
    /// When its login ends, seconds since 1970.
    pub expires: Option<i64>,
}

/// What is to be counted of writes that have ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct After {
    /// What was put back after somebody had undone it.
    pub repaired: Vec<&'static str>,
    /// How long the namespace lacked something, ms, where it does no more.
    pub took: Option<i64>,
}

impl World {
    /// The next namespace in which something has to be written now, and what.
    pub fn next_job(&mut self, now: i64) -> Option<(Box<str>, Vec<Step>)> {
        loop {
            let namespace = self.work.next()?;
            let Some(held) = self.namespaces.get(&namespace) else {
                self.work.forget(&namespace);
                continue;
            };
            // Nothing can be made in it any more, and all that is there goes.
            if held.ends {
                continue;
            }
            let desired = self.desired(&namespace);
            let steps = plan(&desired, &self.there(&namespace), &self.install.namespace).steps;
            let steps = self.work.begin(&namespace, steps, now);
            if !steps.is_empty() {
                return Some((namespace, steps));
            }
        }
    }

    /// What is kept of a Secret.
    pub fn kept(&mut self, secret: &Secret) -> HeldSecret {
        HeldSecret::of(secret, &self.install.namespace, &mut self.contents)
    }

    /// The writes of a namespace have ended.
    pub fn ended(&mut self, ended: Ended, now: i64) -> After {
        let Ended { namespace, done, missed } = ended;
        let mut after = After::default();
        for (object, goal, wrote) in done {
            if self.work.wrote(&namespace, object.clone(), goal, now) {
                after.repaired.push(object.kind());
            }
            if self.work.was_told(&namespace, &object) {
                continue;
            }
            let key = |name: &str| (namespace.clone(), Box::from(name));
            match (object, wrote) {
                (Object::Account(name), Wrote::Account(account)) => {
                    let account = Change::Set(key(&name), HeldAccount::of(&account));
                    self.take(Seen::Account(account), now);
                }
                (Object::Secret(name), Wrote::Secret(secret)) => {
                    let secret = self.kept(&secret);
                    self.wrote(key(&name), Some(secret), now);
                }
                (Object::Secret(name), _) => self.wrote(key(&name), None, now),
                (Object::Account(_), _) => {}
            }
        }
        after.took = self.work.end(&namespace, missed, now);
        after
    }

    /// A Secret is like this now, since we wrote it.
    fn wrote(&mut self, key: Key, secret: Option<HeldSecret>, now: i64) {
        let seen = match secret {
            secret if key.1 != self.install.secret => Seen::Dedicated(key, secret),
            Some(secret) => Seen::Secret(Change::Set(key, secret)),
            None => Seen::Secret(Change::Gone(key)),
        };
        self.take(seen, now);
    }

    /// What registries have to be asked now.
    pub fn take_questions(&mut self, now: i64) -> Vec<Question> {
        self.checks.take_due(now)
    }

    /// A registry was asked.
    pub fn answered(&mut self, question: &Question, answer: Answer, chance: f64, now: i64) {
        if self.checks.answered(question, answer, chance, now) {
            self.judge_again(&question.credential, now);
        }
    }

    /// The statuses that do not say what they should.
    pub fn statuses(&mut self, time: Timestamp) -> Vec<Told> {
        let now = time.as_millisecond();
        self.tallies = if self.is_known() { self.tally(now) } else { BTreeMap::new() };
        self.allowance.settle(now);
        let end = self.next_turn(now / 1000).map(|second| second.saturating_mul(1000));
        self.wake = end.into_iter().chain(self.work.next_settled(now)).min();
        let names: Vec<Box<str>> = self.credentials.all().keys().cloned().collect();
        let mut told = Vec::new();
        for name in names {
            let tally = self.tallies.get(&name).cloned().unwrap_or_default();
            let Some(one) = self.status(&name, &tally, time) else { continue };
            if told.len() == A_TURN {
                self.look_again(now);
                break;
            }
            match self.allowance.take(OF_ONE, name, now) {
                Ok(()) => told.push(one),
                Err(later) => self.look_again(later),
            }
        }
        told
    }

    /// What became of a status; in a word for the metrics.
    pub fn reported(&mut self, told: &Told, reported: Reported, now: i64) -> &'static str {
        let name = &told.write.key.name;
        match reported {
            Reported::Written(resource_version, status) => {
                if let Some(declared) = self.credentials.get(name) {
                    let version = Version { uid: told.write.uid.clone(), resource_version };
                    let declared = Declared { version, status, ..declared.clone() };
                    self.take(Seen::Credential(Change::Set(name.clone(), declared)), now);
                }
                "ok"
            }
            // The watch tells how it is now.
            Reported::Stale => "stale",
            Reported::Failed(_) => {
                self.look_again(now.saturating_add(AGAIN));
                "failed"
            }
        }
    }

    fn look_again(&mut self, at: i64) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    /// When something is due that nobody tells of, ms since 1970.
    pub fn due(&self) -> Option<i64> {
        [self.work.due(), self.checks.next(), self.wake, self.ward.due()].into_iter().flatten().min()
    }

    /// Whether statuses have to be looked at by now, though nothing was seen. Says so once.
    pub fn is_to_report(&mut self, now: i64) -> bool {
        self.wake.take_if(|at| *at <= now).is_some()
    }

    /// Whether there is something to say: what is known, or that we may not look.
    pub fn has_word(&self) -> bool {
        self.is_known() || self.access.blind(&self.install).is_some()
    }

    /// What `/readyz` says.
    pub fn readyz(&self) -> Readyz {
        let ready = self.is_known();
        let unread = "pull secrets: not everything was read yet: RegistryCredentials, namespaces, ServiceAccounts, functions, Secrets";
        let unread = (!ready).then(|| unread.to_owned());
        let blind = self.access.blind(&self.install).map(|why| format!("pull secrets: {why}"));
        Readyz { ready, lines: unread.into_iter().chain(blind).collect() }
    }

    /// What is measured of each credential.
    pub fn measured(&self) -> BTreeMap<Box<str>, Measured> {
        let mut all = BTreeMap::new();
        for (name, tally) in &self.tallies {
            let Some(credential) = self.credential(name) else { continue };
            let expires = lifetime(credential, self.standings.get(name)).map(|lifetime| lifetime.expires);
            let namespaces = [("desired", tally.desired), ("ready", tally.ready), ("failed", tally.failed)];
            all.insert(name.clone(), Measured { namespaces, expires });
        }
        all
    }
}
