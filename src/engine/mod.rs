//! The decision: may this principal do this action on this resource, and why.
//!
//! Pure and total: no clock but the one given, no IO, no errors. What is not granted is denied.
//! [`Engine::decide`] is what serving uses and allocates nothing; [`Engine::explain`] gives the reasons
//! and agrees with it, which a law test shows.

use serde_json::{Map, Value};

use crate::bundle::Bundle;
use crate::model::{Claims, Request};

/// Who asks.
#[derive(Debug, Clone)]
pub struct Principal {
    /// What they proved it with.
    pub kind: PrincipalKind,
    /// The issuer whose Roles count: for our own API and function tokens the original one.
    pub iss: Box<str>,
    /// The claims that conditions see.
    pub claims: Claims,
}

/// What a principal proved itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// A token of a declared issuer.
    Subject,
    /// An API token of ours; its original claims count.
    Api,
    /// A function token of ours.
    Function,
    /// A function's own identity.
    Identity,
    /// The administrator's basic credential, under `migrate`.
    BasicAuth,
    /// Nothing.
    Anonymous,
}

/// Claims that identify nobody; denied, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    /// To be filled.
    #[error("no declared issuer has the iss `{0}`")]
    Issuer(String),
}

/// Compiled and indexed: everything that decisions are made from.
#[derive(Debug)]
pub struct Engine {}

/// An answer with its reasons.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What [`Engine::decide`] says.
    pub allowed: bool,
}

impl Engine {
    /// Compiles a bundle.
    pub fn new(_bundle: &Bundle) -> Self {
        Self {}
    }

    /// Who the claims identify. `now` (seconds since 1970) and audience are checked where the claims have
    /// times and `aud`; with `strict`, `exp`, `sub` and `aud` must be there, as in a token.
    ///
    /// # Errors
    /// [`Unidentified`], which denies.
    pub fn identify(
        &self,
        claims: &Map<String, Value>,
        now: i64,
        strict: bool,
    ) -> Result<Principal, Unidentified> {
        let _ = (now, strict);
        Err(Unidentified::Issuer(format!("{:?}", claims.get("iss"))))
    }

    /// Whether the principal may.
    pub fn decide(&self, _principal: &Principal, _request: &Request) -> bool {
        false
    }

    /// The same with reasons; at most `limit` of them.
    pub fn explain(&self, _principal: &Principal, _request: &Request, _limit: usize) -> Explanation {
        Explanation { allowed: false }
    }
}
