//! Whether the gateway's own tokens are taken: a JwtIssuer `system` has to be there, with the gateway's address.
//! Without it every exchange succeeds, and every call with what it gave is refused. Decides nothing.

use crate::gateway::snapshot::{Known, Snapshot};
use crate::model::SYSTEM_ISSUER_NAME;

/// Why no token of the gateway's own is taken, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// No JwtIssuer stands for the gateway.
    #[error(
        "no JwtIssuer `{SYSTEM_ISSUER_NAME}` serves; declare one with `{0}` as its `iss` and among its `aud`"
    )]
    Undeclared(String),
    /// It stands for another address.
    #[error(
        "the JwtIssuer `{SYSTEM_ISSUER_NAME}` has the iss `{iss}`, and `--public-url` is `{ours}`; let them be the same"
    )]
    Elsewhere {
        /// Its `iss`.
        iss: String,
        /// The gateway's address.
        ours: String,
    },
    /// It takes tokens for others alone.
    #[error("the JwtIssuer `{SYSTEM_ISSUER_NAME}` does not have `{0}` among its `aud`; add it")]
    ForOthers(String),
}

/// What is missing for the tokens that a gateway with this address gives, if anything is.
pub fn lack(now_is: &Snapshot, ours: &str) -> Option<Lack> {
    let declared = now_is.issuers().find(|known| &*known.name == SYSTEM_ISSUER_NAME);
    declared.map_or_else(|| Some(Lack::Undeclared(ours.to_owned())), |known| differs(known, ours))
}

fn differs(known: &Known, ours: &str) -> Option<Lack> {
    let issuer = &known.issuer;
    if &*issuer.iss != ours {
        return Some(Lack::Elsewhere { iss: issuer.iss.to_string(), ours: ours.to_owned() });
    }
    let is_ours = issuer.aud.iter().any(|aud| &**aud == ours);
    (!is_ours).then(|| Lack::ForOthers(ours.to_owned()))
}

/// Says what is missing, and that nothing is any more, where the last state was another.
pub fn tell(before: Option<&Snapshot>, now_is: &Snapshot, ours: &str) {
    let (was, is) = (before.and_then(|before| lack(before, ours)), lack(now_is, ours));
    match is {
        _ if was == is => {}
        Some(lack) => tracing::warn!(error = %lack, "no token that this gateway gives is taken"),
        None => tracing::info!("the tokens that this gateway gives are taken"),
    }
}
