//! When a login ends, and at which moments that is worth a word: a robot account cannot be asked for it, so its owner says
//! it, or its password does where it is a JWT.

use crate::token;

const DAY: i64 = 24 * 60 * 60;
/// Days before the end on which it is said.
const DAYS: [i64; 4] = [30, 14, 7, 1];

/// When a login ends; seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The end.
    pub expires: i64,
    /// For how long before that it counts as expiring, seconds.
    pub warning: i64,
}

/// What was reached last on the way to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// So many days are left at most: 30, 14, 7 or 1.
    Days(i64),
    /// None is.
    Expired,
}

/// The end that was stated, or that the password says of itself where it is a JWT; of two the earlier.
pub fn expiry(stated: Option<i64>, password: &str) -> Option<i64> {
    let said = token::look(password).ok().and_then(|looked| token::expiry(&looked.claims).ok().flatten());
    stated.into_iter().chain(said).min()
}

impl Lifetime {
    /// Whether the end is near, or past.
    pub fn is_expiring(self, now: i64) -> bool {
        now >= self.expires.saturating_sub(self.warning)
    }

    /// What was reached last, if anything.
    pub fn milestone(self, now: i64) -> Option<Milestone> {
        if now >= self.expires {
            return Some(Milestone::Expired);
        }
        let left = self.expires.saturating_sub(now);
        DAYS.into_iter().rev().find(|days| left <= days * DAY).map(Milestone::Days)
    }

    /// When the answer of one of these two changes next; `None` after the end.
    pub fn turns(self, now: i64) -> Option<i64> {
        let before = DAYS.map(|days| days * DAY).into_iter().chain([self.warning, 0]);
        before.map(|before| self.expires.saturating_sub(before)).filter(|turn| *turn > now).min()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    const END: i64 = 1_900_000_000;

    #[test]
    fn what_is_reached_is_told_by_the_days_that_are_left() {
        let lifetime = Lifetime { expires: END, warning: 14 * DAY };
        for (left, want) in [
            (30 * DAY + 1, None),
            (30 * DAY, Some(Milestone::Days(30))),
            (14 * DAY + 1, Some(Milestone::Days(30))),
            (14 * DAY, Some(Milestone::Days(14))),
            (7 * DAY, Some(Milestone::Days(7))),
            (DAY, Some(Milestone::Days(1))),
            (1, Some(Milestone::Days(1))),
            (0, Some(Milestone::Expired)),
            (-DAY, Some(Milestone::Expired)),
        ] {
            assert_eq!(lifetime.milestone(END - left), want, "{left}");
            assert_eq!(lifetime.is_expiring(END - left), left <= 14 * DAY, "{left}");
        }
    }

    #[test]
    fn every_moment_at_which_something_turns_is_known_beforehand() {
        let lifetime = Lifetime { expires: END, warning: 20 * DAY };
        let (mut now, mut turns) = (END - 100 * DAY, Vec::new());
        while let Some(turn) = lifetime.turns(now) {
            let said = |at| (lifetime.milestone(at), lifetime.is_expiring(at));
            assert_ne!(said(turn), said(turn - 1));
            assert_eq!(said(now), said(turn - 1), "nothing turned meanwhile");
            turns.push((END - turn) / DAY);
            now = turn;
        }
        assert_eq!(turns, [30, 20, 14, 7, 1, 0]);
    }

    #[test]
    fn a_password_that_is_a_jwt_says_when_it_ends_and_the_earlier_end_counts() {
        let jwt = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        for (stated, password, want) in [
            (None, "secret".to_owned(), None),
            (Some(7), "secret".to_owned(), Some(7)),
            (None, jwt(r#"{"exp": 1900000000}"#), Some(END)),
            (Some(7), jwt(r#"{"exp": 1900000000}"#), Some(7)),
            (Some(END + 1), jwt(r#"{"exp": 1900000000}"#), Some(END)),
            (None, jwt(r#"{"exp": "1900000000"}"#), None),
            (None, jwt("{}"), None),
            (None, "a.b.c".to_owned(), None),
        ] {
            assert_eq!(expiry(stated, &password), want, "{stated:?} {password}");
        }
    }
}
