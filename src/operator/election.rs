//! Who leads, by a Lease. A lease that another holds is taken over once we ourselves have seen it unchanged
//! for as long as it lasts; two clocks are never compared.
//!
//! Pure: what was read and a steady clock (ms from any beginning) are arguments.

use std::time::Duration;

/// How long a lease lasts and how often it is renewed.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long a lease must be seen unchanged before another takes it.
    pub lasts: Duration,
    /// After this long without a renewal the leader stops; less than [`Self::lasts`].
    pub renew_within: Duration,
    /// The pause between two looks at the lease.
    pub retry: Duration,
}

impl Terms {
    /// The proportions of Kubernetes' own components: 15 s, 10 s, 2 s.
    pub fn of(lasts: Duration) -> Self {
        Self { lasts, renew_within: lasts.mul_f64(2.0 / 3.0), retry: lasts.mul_f64(2.0 / 15.0) }
    }
}

/// What of a Lease matters. Two views are equal exactly when nobody has renewed in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Who holds it; empty where it was given back.
    pub holder: String,
    /// Its resourceVersion.
    pub resource_version: String,
    /// How long its holder says that it lasts.
    pub lasts: Option<Duration>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// There is no lease: make one.
    Create,
    /// It was given back, is ours from before a restart, or was not renewed: take it, against this version.
    Take(String),
    /// It is ours: renew it, against this version.
    Renew(String),
    /// Another holds it.
    Wait,
}

/// The state of one candidate.
#[derive(Debug)]
pub struct Election {
    identity: String,
    terms: Terms,
    /// The lease as it was seen last, and since when it is unchanged, ms.
    seen: Option<(View, u64)>,
    /// When we asked for the last renewal that was granted, ms.
    renewed: Option<u64>,
}

impl Election {
    /// A candidate that has seen nothing yet.
    pub fn new(identity: String, terms: Terms) -> Self {
        Self { identity, terms, seen: None, renewed: None }
    }

    /// Whether we lead: only as long as the last renewal carries.
    pub fn leads(&self, now: u64) -> bool {
        self.renewed.is_some_and(|at| now < at.saturating_add(millis(self.terms.renew_within)))
    }

    /// When we lead no more unless the lease is renewed before, ms.
    pub fn leads_until(&self) -> Option<u64> {
        self.renewed.map(|at| at.saturating_add(millis(self.terms.renew_within)))
    }

    /// The lease was read.
    pub fn see(&mut self, lease: Option<View>, now: u64) -> Step {
        let Some(lease) = lease else {
            self.seen = None;
            self.renewed = None;
            return Step::Create;
        };
        let since = match &self.seen {
            Some((known, since)) if *known == lease => *since,
            _ => now,
        };
        let step = self.step(&lease, now.saturating_sub(since));
        if lease.holder != self.identity {
            self.renewed = None;
        }
        self.seen = Some((lease, since));
        step
    }

    fn step(&self, lease: &View, unchanged: u64) -> Step {
        let version = lease.resource_version.clone();
        let lasts = millis(lease.lasts.unwrap_or(self.terms.lasts).max(self.terms.lasts));
        if lease.holder == self.identity {
            if self.renewed.is_some() { Step::Renew(version) } else { Step::Take(version) }
        } else if lease.holder.is_empty() || unchanged >= lasts {
            Step::Take(version)
        } else {
            Step::Wait
        }
    }

    /// A lease that we asked for at `asked` was written, and looks like this now.
    pub fn granted(&mut self, lease: View, asked: u64, now: u64) {
        self.renewed = Some(asked);
        self.seen = Some((lease, now));
    }

    /// What was seen of the lease last.
    pub fn holder(&self) -> Option<&str> {
        self.seen.as_ref().map(|(lease, _)| lease.holder.as_str())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: u64 = 15_000;

    fn candidate(identity: &str) -> Election {
        Election::new(identity.to_owned(), Terms::of(Duration::from_millis(LASTS)))
    }

    fn lease(holder: &str, version: u64) -> Option<View> {
        let lasts = Some(Duration::from_millis(LASTS));
        Some(View { holder: holder.to_owned(), resource_version: version.to_string(), lasts })
    }

    fn grant(election: &mut Election, version: u64, at: u64) {
        let view = lease(&election.identity.clone(), version).unwrap();
        election.granted(view, at, at);
    }

    #[test]
    fn who_finds_no_lease_makes_one_and_leads_once_it_is_written() {
        let mut a = candidate("a");
        assert_eq!(a.see(None, 0), Step::Create);
        assert!(!a.leads(0));
        grant(&mut a, 1, 0);
        assert!(a.leads(0));
    }

    #[test]
    fn a_lease_of_another_is_taken_only_after_we_saw_it_unchanged_for_as_long_as_it_lasts() {
        let mut b = candidate("b");
        assert_eq!(b.see(lease("a", 1), 1_000_000), Step::Wait);
        assert_eq!(b.see(lease("a", 1), 1_000_000 + LASTS - 1), Step::Wait);
        assert_eq!(b.see(lease("a", 1), 1_000_000 + LASTS), Step::Take("1".into()));
    }

    #[test]
    fn a_renewal_starts_the_wait_anew() {
        let mut b = candidate("b");
        b.see(lease("a", 1), 0);
        assert_eq!(b.see(lease("a", 2), LASTS), Step::Wait);
        assert_eq!(b.see(lease("a", 2), 2 * LASTS - 1), Step::Wait);
        assert_eq!(b.see(lease("a", 2), 2 * LASTS), Step::Take("2".into()));
    }

    #[test]
    fn a_lease_that_says_it_lasts_longer_is_waited_for_longer() {
        let mut b = candidate("b");
        let long = View { lasts: Some(Duration::from_secs(60)), ..lease("a", 1).unwrap() };
        b.see(Some(long.clone()), 0);
        assert_eq!(b.see(Some(long.clone()), 59_999), Step::Wait);
        assert_eq!(b.see(Some(long), 60_000), Step::Take("1".into()));
    }

    #[test]
    fn a_restart_under_the_same_identity_takes_its_lease_back_at_once() {
        assert_eq!(candidate("a").see(lease("a", 7), 0), Step::Take("7".into()));
    }

    #[test]
    fn a_lease_that_was_given_back_is_taken_at_once() {
        assert_eq!(candidate("b").see(lease("", 7), 0), Step::Take("7".into()));
    }

    #[test]
    fn a_leader_that_cannot_renew_stops_before_another_may_take_over() {
        let mut a = candidate("a");
        grant(&mut a, 1, 0);
        assert_eq!(a.see(lease("a", 1), 2_000), Step::Renew("1".into()));
        assert!(a.leads(9_999));
        assert!(!a.leads(10_000));
        assert!(a.leads_until().unwrap() < LASTS);
    }

    #[test]
    fn a_leader_whose_lease_another_has_taken_leads_no_more() {
        let mut a = candidate("a");
        grant(&mut a, 1, 0);
        assert_eq!(a.see(lease("b", 2), 1_000), Step::Wait);
        assert!(!a.leads(1_000));
    }

    #[test]
    fn a_renewal_counts_from_when_it_was_asked_for() {
        let mut a = candidate("a");
        a.granted(lease("a", 1).unwrap(), 0, 9_000);
        assert!(!a.leads(10_000));
    }
}
