//! Newer keys than the bundle's: asked for when a token names a key that nobody knows, once for all who
//! wait, and not again before the issuer has cooled down (`security-rules.md` 21).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::service::Gateway;
use super::snapshot::{Known, Newer, Snapshot, Successor};
use crate::fetch::{Fetcher, TrustRoots};
use crate::token::VerifyingKeys;

/// The pause between two refreshes of one issuer, failed ones too.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// How long keys are used that cannot be read anew.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// When an issuer was asked last; whoever holds it asks.
type Slot = Arc<tokio::sync::Mutex<Option<Instant>>>;

/// Who asks issuers, and what they answered.
pub struct Refresher {
    fetcher: Fetcher,
    roots: TrustRoots,
    slots: Mutex<HashMap<Box<str>, Slot>>,
    newer: Mutex<Newer>,
}

impl Refresher {
    /// Nobody was asked yet.
    pub fn new(fetcher: Fetcher) -> Self {
        let roots = TrustRoots::system();
        Self { fetcher, roots, slots: Mutex::default(), newer: Mutex::default() }
    }

    /// The same, which trusts these roots.
    #[must_use]
    pub fn trusting(self, roots: TrustRoots) -> Self {
        Self { roots, ..self }
    }

    /// The newer keys so far.
    pub fn newer(&self) -> Newer {
        self.locked().clone()
    }

    /// These keys were read, instead of those that the bundle has.
    fn remember(&self, before: &Known, keys: &Arc<VerifyingKeys>) {
        let (source, of) = (before.issuer.keys.clone(), before.base.clone());
        let newer = Successor { source, of, keys: keys.clone(), read: Instant::now() };
        self.locked().insert(before.issuer.iss.clone(), newer);
    }

    /// Whether keys that were read too long ago are forgotten now.
    fn gives_up(&self, iss: &str) -> bool {
        let mut newer = self.locked();
        let stale = newer.get(iss).is_some_and(|newer| newer.read.elapsed() >= STALE);
        stale && newer.remove(iss).is_some()
    }

    /// As if so much time had passed.
    #[cfg(test)]
    pub fn age(&self, by: Duration) {
        let slots = self.slots.lock().unwrap();
        slots.values().for_each(|slot| {
            let mut asked = slot.try_lock().unwrap();
            *asked = asked.and_then(|at| at.checked_sub(by));
        });
        self.locked().values_mut().for_each(|newer| newer.read = newer.read.checked_sub(by).unwrap());
    }

    fn locked(&self) -> MutexGuard<'_, Newer> {
        self.newer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Issuers are declared, so there are not many; those that are gone are forgotten with the process.
    fn slot(&self, iss: &str) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(iss.into()).or_default().clone()
    }
}

impl Gateway {
    /// Asks an issuer for its keys, unless somebody just did; the keys to try now, where they are others
    /// than those of `seen`.
    pub async fn refresh(&self, seen: &Snapshot, iss: &str) -> Option<Arc<VerifyingKeys>> {
        let before = seen.issuer(iss).filter(|known| known.is_fetched())?;
        let slot = self.refresher.slot(iss);
        let mut asked = slot.lock().await;
        if let Some(known) = self.snapshot().and_then(|now_is| now_is.issuer(iss).cloned())
            && !Arc::ptr_eq(&known.keys, &before.keys)
        {
            return Some(known.keys.clone());
        }
        if asked.is_some_and(|at| at.elapsed() < COOL_DOWN) {
            return None;
        }
        *asked = Some(Instant::now());
        let Refresher { fetcher, roots, .. } = &self.refresher;
        let found = fetcher.fetch(iss, &before.issuer.keys, roots).await;
        self.metrics.refreshed(iss, found.is_ok());
        match found {
            Ok(found) => {
                // The same keys are no news: all that was verified stays verified.
                let same = before.keys.is_of(&found.set);
                let keys = if same { before.keys.clone() } else { Arc::new(VerifyingKeys::new(&found.set)) };
                self.refresher.remember(before, &keys);
                if same {
                    return None;
                }
                self.replace_keys(before, &keys);
                Some(keys)
            }
            Err(missed) => {
                tracing::warn!(iss, reason = %missed.reason, error = %missed, "keys cannot be read");
                if self.refresher.gives_up(iss) {
                    tracing::error!(iss, "keys that could not be read anew for a day are used no longer");
                    self.replace_keys(before, &Arc::new(VerifyingKeys::new(&before.base)));
                }
                None
            }
        }
    }

    /// Asks every issuer whose keys are read from somewhere; those at once that have none.
    pub async fn refresh_all(&self) {
        self.refresh_those(|_| true).await;
    }

    /// Asks those issuers again whose keys were read here and not by the operator. It publishes nothing new where
    /// a key has come and gone between two of its own readings, and such a key is to end here, too.
    pub async fn refresh_newer(&self) {
        let newer = self.refresher.newer();
        self.refresh_those(|iss| newer.contains_key(iss)).await;
    }

    async fn refresh_those(&self, wanted: impl Fn(&str) -> bool) {
        let Some(now_is) = self.snapshot() else { return };
        let issuers = now_is.fetched().map(|known| known.issuer.iss.clone());
        let issuers: Vec<_> = issuers.filter(|iss| wanted(iss)).collect();
        futures::future::join_all(issuers.iter().map(|iss| self.refresh(&now_is, iss))).await;
    }
}
