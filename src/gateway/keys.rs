//! Newer keys than the bundle's: asked for when a token names a key that nobody knows, once for all who
//! wait, and not again before the issuer has cooled down (`security-rules.md` 21).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::service::Gateway;
use super::snapshot::{Newer, Snapshot, Successor};
use crate::operator::fetch::{Fetcher, TrustRoots};
use crate::token::VerifyingKeys;

/// The pause between two refreshes of one issuer, failed ones too.
const COOL_DOWN: Duration = Duration::from_secs(30);

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
        self.newer.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
                let keys = Arc::new(VerifyingKeys::new(&found.set));
                let mut newer = self.refresher.newer.lock().unwrap_or_else(PoisonError::into_inner);
                let (source, of) = (before.issuer.keys.clone(), before.base.clone());
                newer.insert(iss.into(), Successor { source, of, keys: keys.clone() });
                drop(newer);
                self.replace_keys(before, &keys);
                Some(keys)
            }
            Err(missed) => {
                tracing::warn!(iss, reason = %missed.reason, error = %missed, "keys cannot be read");
                None
            }
        }
    }

    /// Asks every issuer whose keys are read from somewhere; those at once that have none.
    pub async fn refresh_all(&self) {
        let Some(now_is) = self.snapshot() else { return };
        let issuers: Vec<_> = now_is.fetched().map(|known| known.issuer.iss.clone()).collect();
        futures::future::join_all(issuers.iter().map(|iss| self.refresh(&now_is, iss))).await;
    }
}
