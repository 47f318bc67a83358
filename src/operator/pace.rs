//! When the next turn is due: wake-ups, growing pauses after failures, and before repairing what another
//! writer keeps undoing. Knows no clock but the one given; its randomness only spreads and names.

use crate::process::{jitter, random};
use std::time::Duration;

use super::plan::Write;
use crate::bundle::Digest;

/// The first pause after a failure, ms; doubles.
const FIRST: i64 = 200;
/// The longest one.
const LONGEST: i64 = 30_000;
/// The first pause before a second repair, ms; doubles.
const FIRST_REPAIR: i64 = 500;
/// The longest one.
const LONGEST_REPAIR: i64 = 300_000;
/// After this long without a repair the pauses begin anew, ms.
const FORGET: i64 = 600_000;
/// The rest after a compile, in times that it took.
const REST: i64 = 3;

/// When to look again.
#[derive(Debug, Default)]
pub struct Pace {
    next: Option<i64>,
    failures: u32,
}

impl Pace {
    /// A turn begins: whatever was due is due no more.
    pub fn begin(&mut self) {
        self.next = None;
    }

    /// Look again at this time, ms since 1970, or before.
    pub fn at(&mut self, time: i64) {
        self.next = Some(self.next.map_or(time, |next| next.min(time)));
    }

    /// The same, where there is one. What is never due has no time.
    pub fn by(&mut self, time: Option<i64>) {
        if let Some(time) = time.filter(|time| *time != i64::MAX) {
            self.at(time);
        }
    }

    /// Somebody was first; the watch will tell, or else we look.
    pub fn soon(&mut self, now: i64) {
        self.at(now.saturating_add(FIRST));
    }

    /// Something failed: look again after a pause that grows.
    pub fn failed(&mut self, now: i64) {
        let pause = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        #[expect(clippy::cast_possible_truncation, reason = "at most half of the pause")]
        let spread = (pause as f64 * 0.5 * self.jitter()) as i64;
        self.at(now.saturating_add(pause).saturating_add(spread));
    }

    /// Something succeeded: pauses begin anew.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// When the next turn is due, ms since 1970.
    pub fn next(&self) -> Option<i64> {
        self.next
    }

    /// A number between 0 and 1.
    pub fn jitter(&self) -> f64 {
        jitter()
    }

    /// Text for a name that nobody could have guessed.
    pub fn suffix(&self) -> String {
        format!("{:08x}", random() >> 32)
    }
}

/// Whether a repair that was put off until `later` still has to wait. None is put off for longer than the longest pause:
/// a clock that was set back makes nobody wait.
pub fn waits(later: i64, now: i64) -> bool {
    now < later && later <= now.saturating_add(LONGEST_REPAIR)
}

/// The pause before something is repaired once more: none the first time, then longer each time.
#[derive(Debug, Clone, Default)]
pub struct Patience {
    count: u32,
    last: i64,
}

impl Patience {
    /// When the next repair may be, ms since 1970; `None` where it may be now. A clock that was set back
    /// makes nobody wait.
    pub fn wait(&mut self, now: i64) -> Option<i64> {
        if !(self.last..=self.ends()).contains(&now) {
            self.count = 0;
        }
        let before = self.count.checked_sub(1)?;
        let pause = FIRST_REPAIR.saturating_mul(1 << before.min(12)).min(LONGEST_REPAIR);
        Some(self.last.saturating_add(pause)).filter(|due| now < *due)
    }

    /// It was repaired.
    pub fn repaired(&mut self, now: i64) {
        self.count = self.count.saturating_add(1);
        self.last = now;
    }

    /// How often it was repaired lately.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// When the pauses begin anew unless it is repaired before, ms since 1970.
    pub fn ends(&self) -> i64 {
        self.last.saturating_add(FORGET)
    }
}

/// Repairs of the bundle, which should have stayed as it was.
#[derive(Debug, Default)]
pub struct Repairs {
    /// The bundle that the cluster was seen to hold.
    held: Option<Digest>,
    /// The one that is being put back.
    repairing: Option<Digest>,
    patience: Patience,
}

/// What writing a bundle would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Something new, or the last that was left of it.
    Change,
    /// It puts back what the cluster held before.
    Repair,
    /// It would be a repair, and that has to wait until this time, ms since 1970.
    Wait(i64),
}

impl Repairs {
    /// The cluster holds this bundle.
    pub fn holds(&mut self, digest: Digest) {
        (self.held, self.repairing) = (Some(digest), None);
    }

    /// What these writes are. A repair is taken to be done, and counts once until the bundle is held again.
    pub fn judge(&mut self, goal: Digest, writes: &[Write], now: i64) -> Move {
        let repair = self.held == Some(goal) && writes.iter().any(|w| !matches!(w, Write::Delete { .. }));
        if !repair {
            return Move::Change;
        }
        if let Some(later) = self.patience.wait(now) {
            return Move::Wait(later);
        }
        self.patience.repaired(now);
        (self.held, self.repairing) = (None, Some(goal));
        Move::Repair
    }

    /// Somebody was first. Of a repair that counts as undone once more: who is always first would otherwise be answered
    /// without a pause.
    pub fn beaten(&mut self) {
        self.held = self.repairing.take().or(self.held);
    }
}

/// Keeps compiling to a quarter of the time, however fast somebody edits: whoever takes something away waits
/// for no more than a few compiles, and everything else gets its turn.
#[derive(Debug, Default)]
pub struct Budget {
    ended: i64,
    rest: i64,
}

impl Budget {
    /// A compile took this long and has ended now, ms since 1970.
    pub fn spent(&mut self, took: Duration, now: i64) {
        self.ended = now;
        self.rest = i64::try_from(took.as_millis()).unwrap_or(i64::MAX).saturating_mul(REST);
    }

    /// When the next compile may begin, ms since 1970; `None` where it may now.
    pub fn wait(&self, now: i64) -> Option<i64> {
        let until = self.ended.saturating_add(self.rest);
        (self.ended..until).contains(&now).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard() -> [Write; 1] {
        [Write::Shard { name: "x".into(), text: String::new() }]
    }

    #[test]
    fn what_others_keep_undoing_is_repaired_at_once_and_then_with_a_growing_pause() {
        let mut repairs = Repairs::default();
        let digest = Digest::of(b"x");
        let (mut now, mut pauses) = (1_000_000, Vec::new());
        for _ in 0..5 {
            repairs.holds(digest);
            let mut due = now;
            if let Move::Wait(later) = repairs.judge(digest, &shard(), now) {
                due = later;
                assert_eq!(repairs.judge(digest, &shard(), due), Move::Repair);
            }
            pauses.push(due - now);
            now = due;
        }
        assert_eq!(pauses, [0, 500, 1000, 2000, 4000]);
    }

    #[test]
    fn who_is_always_first_is_met_with_a_growing_pause_and_a_change_and_a_failure_are_not() {
        let mut repairs = Repairs::default();
        let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
        repairs.holds(old);
        assert_eq!(repairs.judge(old, &shard(), 1), Move::Repair);
        assert_eq!(repairs.judge(old, &shard(), 2), Move::Change, "it failed, and is tried again");
        repairs.beaten();
        assert_eq!(repairs.judge(old, &shard(), 3), Move::Wait(501));
        assert_eq!(repairs.judge(new, &shard(), 3), Move::Change);
        assert_eq!(repairs.judge(old, &shard(), 501), Move::Repair);
        repairs.beaten();
        assert_eq!(repairs.judge(old, &shard(), 502), Move::Wait(1_501));
    }

    #[test]
    fn a_change_waits_for_no_repair() {
        let mut repairs = Repairs::default();
        let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
        repairs.holds(old);
        assert_eq!(repairs.judge(old, &shard(), 1), Move::Repair);
        repairs.holds(old);
        assert_eq!(repairs.judge(new, &shard(), 2), Move::Change);
    }

    #[test]
    fn after_a_long_peace_or_a_clock_that_was_set_back_pauses_begin_anew() {
        let mut patience = Patience::default();
        for _ in 0..3 {
            patience.repaired(1_000_000);
        }
        assert_eq!(patience.clone().wait(1_000_001), Some(1_002_000));
        assert_eq!(patience.clone().wait(1_000_000 + FORGET + 1), None);
        assert_eq!((patience.wait(999_999), patience.count()), (None, 0));
    }

    #[test]
    fn what_was_put_off_waits_no_longer_than_the_longest_pause_when_the_clock_was_set_back() {
        assert!(waits(1_000 + LONGEST_REPAIR, 1_000));
        assert!(!waits(1_000, 1_000));
        assert!(!waits(1_000 + LONGEST_REPAIR, 999));
    }

    #[test]
    fn however_fast_somebody_edits_compiling_has_a_quarter_of_the_time() {
        let mut budget = Budget::default();
        let (mut now, mut compiling) = (1_000_000, 0);
        for took in [400, 100, 2_000, 1] {
            let began = now;
            now = budget.wait(now).unwrap_or(now) + took;
            budget.spent(Duration::from_millis(took.unsigned_abs()), now);
            let rested = budget.wait(now).unwrap() - now;
            assert_eq!(rested, 3 * took);
            now += rested;
            compiling += took;
            assert_eq!(now - began, 4 * took, "it never waits twice");
        }
        assert_eq!((now - 1_000_000) / compiling, 4);
    }

    #[test]
    fn after_a_rest_and_when_the_clock_was_set_back_a_compile_begins_at_once() {
        let mut budget = Budget::default();
        assert_eq!(budget.wait(1_000_000), None);
        budget.spent(Duration::from_secs(1), 1_000_000);
        assert_eq!(budget.wait(1_002_999), Some(1_003_000));
        assert_eq!((budget.wait(1_003_000), budget.wait(999_999)), (None, None));
    }

    #[test]
    fn pauses_after_failures_grow_and_begin_anew_after_a_success() {
        let mut pace = Pace::default();
        let pause = |pace: &mut Pace| {
            pace.begin();
            pace.failed(0);
            pace.next().unwrap()
        };
        let grown = [pause(&mut pace), pause(&mut pace), pause(&mut pace)];
        assert!((200..=300).contains(&grown[0]) && (800..=1200).contains(&grown[2]), "{grown:?}");
        pace.succeeded();
        assert!(pause(&mut pace) <= 300);
    }
}
