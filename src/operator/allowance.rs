//! How often something may be done about one thing that others can make change as fast as they like: so many times at
//! once, and then once in a while. Decides that alone.
//!
//! Pure: fed by plain calls, time is an argument (ms since 1970).

use std::collections::BTreeMap;

/// How often.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// So many times at once,
    pub at_once: i64,
    /// and once more after each so many ms.
    pub then_every: i64,
}

/// What of its allowance each thing has used up.
#[derive(Debug)]
pub struct Allowance<K> {
    /// When all of it will be there again.
    full: BTreeMap<K, i64>,
}

impl<K> Default for Allowance<K> {
    fn default() -> Self {
        Self { full: BTreeMap::new() }
    }
}

impl<K: Ord> Allowance<K> {
    /// Uses up one time. Of each thing always by the same rate.
    ///
    /// # Errors
    /// Where there is none left: when there will be, ms since 1970.
    pub fn take(&mut self, rate: Rate, key: K, now: i64) -> Result<(), i64> {
        let most = rate.at_once.saturating_mul(rate.then_every);
        // No clock that only goes forward makes it later than that.
        let known = self.full.get(&key).copied().filter(|full| *full <= now.saturating_add(most));
        let full = known.unwrap_or(now).max(now).saturating_add(rate.then_every);
        let due = full.saturating_sub(most);
        if now < due {
            return Err(due);
        }
        self.full.insert(key, full);
        Ok(())
    }

    /// Forgets everything of which all is there again.
    pub fn settle(&mut self, now: i64) {
        self.full.retain(|_, full| now < *full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;
    const RATE: Rate = Rate { at_once: 3, then_every: 100 };

    fn used_up() -> Allowance<&'static str> {
        let mut allowance = Allowance::default();
        let taken = [NOW; 4].map(|now| allowance.take(RATE, "a", now));
        assert_eq!(taken, [Ok(()), Ok(()), Ok(()), Err(NOW + 100)]);
        allowance
    }

    #[test]
    fn so_many_times_at_once_and_then_once_in_a_while() {
        let mut allowance = used_up();
        for (after, expected) in [(99, Err(NOW + 100)), (100, Ok(())), (101, Err(NOW + 200))] {
            assert_eq!(allowance.take(RATE, "a", NOW + after), expected, "after {after} ms");
        }
        let later = [NOW + 10_000; 4].map(|now| allowance.take(RATE, "a", now).is_ok());
        assert_eq!(later, [true, true, true, false]);
    }

    #[test]
    fn what_one_has_used_up_another_still_has() {
        assert_eq!(used_up().take(RATE, "b", NOW), Ok(()));
    }

    #[test]
    fn what_is_there_again_is_forgotten_and_nothing_else() {
        let mut allowance = used_up();
        allowance.settle(NOW + 299);
        assert_eq!(allowance.full.len(), 1);
        allowance.settle(NOW + 300);
        assert_eq!(allowance.full.len(), 0);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait() {
        assert_eq!(used_up().take(RATE, "a", NOW - 60_000), Ok(()));
    }
}
