//! Asks registries about logins, a few at a time. Decides nothing.

use tokio::sync::{Semaphore, watch};

use super::checks::{Answer, Question};
use crate::fetch::TrustRoots;
use crate::operator::verify;
use crate::registry::{Outcome, Trial};

/// Registries that are asked at the same time.
const AT_ONCE: usize = 8;

/// Asks registries as the installation trusts them.
pub struct Verifier {
    asks: verify::Verifier,
    roots: watch::Receiver<Option<TrustRoots>>,
    places: Semaphore,
}

impl Verifier {
    /// One that asks by `asks` and trusts whom the installation trusts, as soon as that is known.
    pub fn new(asks: verify::Verifier, roots: watch::Receiver<Option<TrustRoots>>) -> Self {
        Self { asks, roots, places: Semaphore::new(AT_ONCE) }
    }

    /// What the registry says of a login.
    pub async fn ask(&self, question: &Question) -> Answer {
        let _place = self.places.acquire().await;
        let mut roots = self.roots.clone();
        let roots = roots.wait_for(Option::is_some).await.ok().and_then(|roots| roots.clone());
        match (Trial::of(&question.registry, &question.check), roots) {
            (Some(trial), Some(roots)) => self.asks.verify(trial, &question.login, &roots).await.into(),
            // We are ending.
            _ => Answer::Unknown { why: "the registry was not asked".to_owned(), retry_after: None },
        }
    }
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Verified => Self::Accepted,
            Outcome::Refused(why) => Self::Refused(why),
            // Whose login was told to nobody is neither good nor bad.
            Outcome::Forbidden(why) => Self::Unknown { why, retry_after: None },
            Outcome::Unknown { why, after } => {
                let retry_after = after.and_then(|after| i64::try_from(after.as_millis()).ok());
                Self::Unknown { why, retry_after }
            }
        }
    }
}
