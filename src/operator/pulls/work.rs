//! Which namespaces have to be looked at, which of them now, and which have to wait: for an answer that is under way, after
//! a failure, or because somebody keeps undoing what we write. Pure: time is an argument (ms since 1970).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::plan::{Miss, Object, Step};
use crate::api::Reason;
use crate::bundle::Digest;
use crate::operator::pace::{Patience, waits};

/// The first pause after a failure; doubles,
const FIRST: i64 = 1000;
/// but not beyond this.
const LONGEST: i64 = 300_000;
/// The pause after somebody was first: the watch will tell how it is now.
const SOON: i64 = 50;
/// After so many times that somebody was first in a row, it counts as a failure.
const TIMES_BEATEN: u32 = 10;

/// What is in the way in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people; no secret.
    pub message: String,
}

/// A namespace in which something went wrong.
#[derive(Debug)]
struct Failing {
    /// What was to be done. Something else is tried at once.
    goal: Digest,
    until: i64,
    times: u32,
    trouble: Option<Trouble>,
}

/// What was written of an object, and who undoes it.
#[derive(Debug)]
struct Done {
    goal: Digest,
    patience: Patience,
    rival: Option<Box<str>>,
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Work {
    /// Newest first: a namespace that is new has Pods that wait.
    touched: BTreeSet<(Reverse<i64>, Box<str>)>,
    /// Those whose writes are under way.
    busy: BTreeMap<Box<str>, Digest>,
    /// Of which of their objects the watches have told meanwhile; `None` stands for all of them.
    told: BTreeSet<(Box<str>, Option<Object>)>,
    /// Those that were touched meanwhile.
    again: BTreeMap<Box<str>, i64>,
    /// Those that are looked at again at this time.
    later: BTreeMap<Box<str>, i64>,
    failing: BTreeMap<Box<str>, Failing>,
    done: BTreeMap<(Box<str>, Object), Done>,
    /// Since when each namespace lacks something, as far as that was seen.
    since: BTreeMap<Box<str>, i64>,
}

impl Work {
    /// Something about a namespace has changed.
    pub fn touch(&mut self, namespace: Box<str>, created: i64, now: i64) {
        self.since.entry(namespace.clone()).or_insert(now);
        if self.busy.contains_key(&namespace) {
            self.again.insert(namespace, created);
        } else {
            self.touched.insert((Reverse(created), namespace));
        }
    }

    /// The namespaces whose time has come.
    pub fn wake(&mut self, now: i64) {
        let due: Vec<_> =
            self.later.iter().filter(|(_, at)| !waits(**at, now)).map(|(name, _)| name.clone()).collect();
        for namespace in due {
            self.later.remove(&namespace);
            self.touched.insert((Reverse(0), namespace));
        }
    }

    /// A watch has told of an object, and what it told counts from now on: what a write under way made of it may be older.
    pub fn told(&mut self, namespace: &str, object: Object) {
        if self.busy.contains_key(namespace) {
            self.told.insert((namespace.into(), Some(object)));
        }
    }

    /// The same of all objects, which were listed.
    pub fn told_all(&mut self) {
        self.told.extend(self.busy.keys().map(|namespace| (namespace.clone(), None)));
    }

    /// Whether a watch has told of an object since its namespace's writes began.
    pub fn was_told(&self, namespace: &str, object: &Object) -> bool {
        let told = |object| self.told.contains(&(namespace.into(), object));
        told(None) || told(Some(object.clone()))
    }

    /// The next namespace to look at; none whose writes are under way.
    pub fn next(&mut self) -> Option<Box<str>> {
        while let Some((Reverse(created), namespace)) = self.touched.pop_first() {
            if !self.busy.contains_key(&namespace) {
                return Some(namespace);
            }
            self.again.insert(namespace, created);
        }
        None
    }

    /// Whether nothing is to be done now, and nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.touched.is_empty() && self.busy.is_empty()
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.busy.len()
    }

    /// When something is due next.
    pub fn due(&self) -> Option<i64> {
        self.later.values().copied().min()
    }

    /// Which of these writes may be done now. The others come later: after a failure all of them, of what somebody keeps
    /// undoing that one. Those that may are under way from now on.
    pub fn begin(&mut self, namespace: &str, steps: Vec<Step>, now: i64) -> Vec<Step> {
        if steps.is_empty() {
            self.failing.remove(namespace);
            self.since.remove(namespace);
            return steps;
        }
        if let Some(until) = self.must_wait(namespace, goal(&steps), now) {
            self.wait(namespace, until);
            return Vec::new();
        }
        let planned = goal(&steps);
        let (mut may, mut held_back) = (Vec::new(), Vec::new());
        for step in steps {
            match self.patience(namespace, &step, now) {
                None => may.push(step),
                Some(until) => {
                    self.wait(namespace, until);
                    held_back.push(step);
                }
            }
        }
        may.retain(|step| !held_back.iter().any(|other| step.waits_for(other)));
        if !may.is_empty() {
            self.busy.insert(namespace.into(), planned);
        }
        may
    }

    /// Looks at a namespace again then, or earlier.
    fn wait(&mut self, namespace: &str, until: i64) {
        let at = self.later.entry(namespace.into()).or_insert(until);
        *at = until.min(*at);
    }

    fn must_wait(&self, namespace: &str, goal: Digest, now: i64) -> Option<i64> {
        let failing = self.failing.get(namespace).filter(|failing| failing.goal == goal)?;
        waits(failing.until, now).then_some(failing.until)
    }

    /// When an object may be put back, where that is later.
    fn patience(&mut self, namespace: &str, step: &Step, now: i64) -> Option<i64> {
        let done = self.done.get_mut(&(namespace.into(), step.object.clone()))?;
        if done.goal != step.goal {
            return None;
        }
        done.rival.clone_from(&step.rival);
        done.patience.wait(now)
    }

    /// A write was done; says whether it has put back what somebody had undone.
    pub fn wrote(&mut self, namespace: &str, object: Object, goal: Digest, now: i64) -> bool {
        let key = (namespace.into(), object);
        match self.done.get_mut(&key) {
            Some(done) if done.goal == goal => {
                done.patience.repaired(now);
                true
            }
            _ => {
                self.done.insert(key, Done { goal, patience: Patience::default(), rival: None });
                false
            }
        }
    }

    /// The writes of a namespace have ended; `missed` where one was not done. Returns how long it lacked something, ms,
    /// where it does no more.
    pub fn end(&mut self, namespace: &str, missed: Option<Miss>, now: i64) -> Option<i64> {
        // What all of them were to achieve, those that were put off, too: the next plan has the same goal.
        let goal = self.busy.remove(namespace)?;
        self.told.retain(|(of, _)| **of != *namespace);
        let since = self.since.remove(namespace);
        if let Some(created) = self.again.remove(namespace) {
            self.touch(namespace.into(), created, now);
        }
        let Some(missed) = missed else {
            self.failing.remove(namespace);
            return since.map(|since| now.saturating_sub(since).max(0));
        };
        since.map(|since| self.since.insert(namespace.into(), since));
        let before = self.failing.get(namespace).filter(|failing| failing.goal == goal);
        let times = before.map_or(0, |failing| failing.times).saturating_add(1);
        let (pause, trouble) = match missed {
            Miss::Beaten if times <= TIMES_BEATEN => {
                (SOON.saturating_mul(i64::from(times)), before.and_then(|failing| failing.trouble.clone()))
            }
            Miss::Beaten => {
                let message = "somebody else was first each time that we tried to write".to_owned();
                (pause(times - TIMES_BEATEN), Some(Trouble { reason: Reason::WriterConflict, message }))
            }
            Miss::Failed(reason, message) => (pause(times), Some(Trouble { reason, message })),
        };
        let until = now.saturating_add(pause);
        self.failing.insert(namespace.into(), Failing { goal, until, times, trouble });
        self.wait(namespace, until);
        None
    }

    /// What was in the way when a namespace was tried last.
    pub fn trouble(&self, namespace: &str) -> Option<&Trouble> {
        self.failing.get(namespace)?.trouble.as_ref()
    }

    /// Who keeps undoing what we write in a namespace.
    pub fn rivals(&self, namespace: &str, now: i64) -> impl Iterator<Item = (&Object, Option<&str>)> {
        let first = (Box::from(namespace), Object::Account("".into()));
        let of = self.done.range(first..).take_while(move |((is, _), _)| **is == *namespace);
        let keeps = move |done: &Done| done.patience.count() > 1 && now <= done.patience.ends();
        of.filter(move |(_, done)| keeps(done)).map(|((_, object), done)| (object, done.rival.as_deref()))
    }

    /// When the next of them counts as having given up, ms since 1970.
    pub fn next_settled(&self, now: i64) -> Option<i64> {
        let open = self.done.values().filter(|done| done.patience.count() > 1 && now <= done.patience.ends());
        open.map(|done| done.patience.ends().saturating_add(1)).min()
    }

    /// Forgets what is not there any more.
    pub fn forget(&mut self, namespace: &str) {
        self.failing.remove(namespace);
        self.later.remove(namespace);
        self.since.remove(namespace);
        self.done.retain(|(is, _), _| **is != *namespace);
    }
}

/// What several writes together are to achieve.
pub fn goal(steps: &[Step]) -> Digest {
    let all: Vec<u8> = steps.iter().flat_map(|step| step.goal.0).collect();
    Digest::of(&all)
}

fn pause(times: u32) -> i64 {
    FIRST.saturating_mul(1 << times.saturating_sub(1).min(12)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::holdings::Version;
    use crate::operator::pulls::plan::Act;

    const NOW: i64 = 1_800_000_000_000;

    fn step(goal: &str) -> Step {
        let version = Version { uid: "1".to_owned(), resource_version: "1".to_owned() };
        let (object, goal) = (Object::Secret("pull".into()), Digest::of(goal.as_bytes()));
        Step { object, act: Act::Delete(version), goal, rival: None, last: false }
    }

    #[test]
    fn a_namespace_whose_writes_are_under_way_is_looked_at_again_after_them_and_not_beside_them() {
        let mut work = Work::default();
        // Known before its namespace was, and with it.
        work.touch("dev".into(), 0, NOW);
        work.touch("dev".into(), 7, NOW);
        assert_eq!(work.next().as_deref(), Some("dev"));
        assert_eq!(work.begin("dev", vec![step("a")], NOW).len(), 1);
        assert_eq!(work.next(), None);
        work.touch("dev".into(), 7, NOW);
        assert_eq!(work.next(), None);
        work.end("dev", None, NOW);
        assert_eq!(work.next().as_deref(), Some("dev"));
        assert_eq!(work.next(), None);
    }

    #[test]
    fn a_failure_has_its_pause_though_another_object_is_put_off_beside_it() {
        let account = || Step { object: Object::Account("worker".into()), ..step("refer") };
        let mut work = Work::default();
        // Somebody keeps resetting it.
        work.wrote("dev", account().object, account().goal, NOW);
        while work.begin("dev", vec![account()], NOW).len() == 1 {
            work.wrote("dev", account().object, account().goal, NOW);
            work.end("dev", None, NOW);
        }
        let planned = || vec![account(), step("a")];
        assert_eq!(work.begin("dev", planned(), NOW).len(), 1, "the Secret alone");
        work.end("dev", Some(Miss::Failed(Reason::QuotaExceeded, String::new())), NOW);
        assert_eq!(work.begin("dev", planned(), NOW + 10).len(), 0);
    }

    #[test]
    fn who_was_beaten_tries_again_soon_and_says_so_where_that_never_ends() {
        let (mut work, mut now) = (Work::default(), NOW);
        for time in 1..=12 {
            work.touch("dev".into(), 0, now);
            work.next();
            assert_eq!(work.begin("dev", vec![step("a")], now).len(), 1, "time {time}");
            work.end("dev", Some(Miss::Beaten), now);
            let due = work.due().unwrap();
            assert!(due - now <= 2 * FIRST, "time {time}: {}", due - now);
            assert_eq!(work.trouble("dev").is_some(), time > 10, "time {time}");
            now = due;
            work.wake(now);
        }
    }

    #[test]
    fn how_long_a_namespace_lacks_something_is_told_from_when_it_was_seen_and_once() {
        let mut work = Work::default();
        work.touch("dev".into(), 0, NOW);
        work.next();
        work.begin("dev", vec![step("a")], NOW + 5);
        let failed = Some(Miss::Failed(Reason::Failed, "no".to_owned()));
        assert_eq!(work.end("dev", failed, NOW + 10), None);
        work.wake(NOW + 2_000);
        work.next();
        work.begin("dev", vec![step("a")], NOW + 2_000);
        assert_eq!(work.end("dev", None, NOW + 2_010), Some(2_010));
        work.touch("dev".into(), 0, NOW + 3_000);
        work.next();
        work.begin("dev", Vec::new(), NOW + 3_000);
        assert_eq!(work.end("dev", None, NOW + 3_000), None, "nothing was lacking");
    }
}
