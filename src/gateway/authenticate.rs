//! From a token to an identity: read, find the issuer by its exact `iss`, verify with its keys, identify.
//! Keys that are unknown are asked for once, by somebody else's rules; everything else is decided in `token`
//! and `engine`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::cache::Key;
use super::service::Gateway;
use super::snapshot::{Known, Snapshot};
use crate::engine::{Principal, PrincipalKind, Unidentified};
use crate::token::{self, TokenError};

/// Who a verified token stands for.
#[derive(Debug)]
pub struct Identity {
    /// Who asks.
    pub principal: Principal,
    /// When the token ends, leeway included; seconds since 1970.
    pub until: i64,
}

/// A token that identifies nobody.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// It is malformed, or its signature is not one of its issuer.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Nobody declared its issuer.
    #[error("no JwtIssuer that serves has the iss `{0}`")]
    Issuer(String),
    /// Its issuer has no keys at hand.
    #[error("the keys of its issuer are not at hand")]
    NoKeys(String),
    /// Its claims identify nobody.
    #[error(transparent)]
    Claims(#[from] Unidentified),
}

impl Unproven {
    /// The reason for metrics: one of a fixed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Token(TokenError::Signature) => "signature",
            Self::Token(TokenError::UnknownKey { .. } | TokenError::NoKid { .. }) => "key",
            Self::Token(TokenError::Algorithm(_) | TokenError::AlgorithmNotAllowed(_)) => "algorithm",
            Self::Token(_) => "malformed",
            Self::Issuer(_) => "unknown_issuer",
            Self::NoKeys(_) => "no_keys",
            Self::Claims(Unidentified::Revoked) => "revoked",
            Self::Claims(Unidentified::NotListed) => "not_listed",
            Self::Claims(_) => "claims",
        }
    }
}

impl Gateway {
    /// Who a token stands for `now`, seconds since 1970; what was found out is remembered.
    pub async fn identify(
        &self,
        now_is: &Arc<Snapshot>,
        text: &str,
        now: i64,
    ) -> Result<Arc<Identity>, Unproven> {
        let key = Key::new(now_is.epoch, text);
        if let Some(identity) = self.verified.get(&key, now) {
            self.metrics.cache_hits.inc();
            return Ok(identity);
        }
        self.metrics.cache_misses.inc();
        let claims = self.verify(now_is, text).await?;
        let expiry = token::expiry(&claims).ok().flatten().unwrap_or_default();
        let principal = now_is.engine.identify_owned(claims, now)?;
        let until = until(&principal, expiry);
        let identity = Arc::new(Identity { principal, until });
        self.verified.put(key, identity.clone(), text.len());
        Ok(identity)
    }

    /// The claims of a token whose signature is right. Where newer keys might help, they are asked for.
    pub async fn verify(&self, now_is: &Arc<Snapshot>, text: &str) -> Result<Map<String, Value>, Unproven> {
        let first = with_known(now_is, text, |known| known.keys.clone());
        let Err(Unproven::Token(error)) = &first else { return first };
        if !error.warrants_refresh() {
            return first;
        }
        let iss = token::peek(text)?.iss().map_err(TokenError::from)?.to_owned();
        match Box::pin(self.refresh(now_is, &iss)).await {
            Some(newer) => with_known(now_is, text, |_| newer.clone()),
            None if now_is.issuer(&iss).is_some_and(|known| known.keys.is_empty()) => {
                Err(Unproven::NoKeys(iss))
            }
            None => first,
        }
    }
}

/// Who a token stood for at a time, by what is decided now and the keys that are at hand.
pub fn identified(now_is: &Snapshot, text: &str, at: i64) -> Result<Principal, Unproven> {
    let claims = with_known(now_is, text, |known| known.keys.clone())?;
    Ok(now_is.engine.identify_owned(claims, at)?)
}

fn with_known(
    now_is: &Snapshot,
    text: &str,
    keys: impl FnOnce(&Known) -> Arc<token::VerifyingKeys>,
) -> Result<Map<String, Value>, Unproven> {
    let unverified = token::peek(text)?;
    let iss = unverified.iss().map_err(TokenError::from)?;
    let known = now_is.issuer(iss).ok_or_else(|| Unproven::Issuer(iss.chars().take(256).collect()))?;
    let keys = keys(known);
    Ok(unverified.verify(&known.issuer, &keys)?)
}

fn until(principal: &Principal, expiry: i64) -> i64 {
    let ours = principal.kind() != PrincipalKind::Subject;
    let leeway = if ours { token::OWN_LEEWAY } else { token::FOREIGN_LEEWAY };
    let own = expiry.saturating_add(leeway);
    principal.ends().map_or(own, |ends| ends.min(own))
}
