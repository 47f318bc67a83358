//! The token exchange (RFC 8693), judged: what a client asks for, and which claims the token has that it
//! gets. Reads a form, a verified subject token and the engine; verifies nothing itself, signs nothing,
//! fetches nothing.
//!
//! An exchange only narrows (`security-rules.md` 16): no caller chooses issuer, subject or policy, an
//! audience lies within what is granted, and claims that mean something to us or to a watchdog are never
//! copied.

mod asked;
mod claims;
mod refusal;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::engine::{Completeness, Engine, Principal, PrincipalKind};
use crate::model::{Resource, ResourcePattern};
use crate::token::{self, SigningKey};

pub use asked::{Asked, MAX_AUDIENCES, Wanted};
pub use claims::{MOST_BYTES, WANTED_BYTES};
pub use refusal::{Code, Refusal};

/// The only token type that is issued (RFC 8693 section 3).
pub const ISSUED_TYPE: &str = "urn:ietf:params:oauth:token-type:id_token";

/// What an exchange is judged by.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// What is granted now.
    pub engine: &'a Engine,
    /// `iss` and `aud` of what is minted.
    pub public_url: &'a str,
    /// The key that will sign, for the size of its tokens.
    pub key: &'a SigningKey,
    /// Seconds since 1970.
    pub now: i64,
}

/// A token to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// Its claims.
    pub claims: Map<String, Value>,
    /// The same as JSON: what is signed.
    pub payload: String,
    /// Seconds that it lives.
    pub expires_in: i64,
    /// Whether it is for functions.
    pub function: bool,
}

/// The answer to an exchange (RFC 8693 section 2.2.1). Has no `Debug`: it holds a credential.
#[derive(Serialize)]
pub struct Answer<'a> {
    access_token: &'a str,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
}

impl Minted {
    /// The answer that carries the signed token.
    pub fn answer<'a>(&self, access_token: &'a str) -> Answer<'a> {
        Answer {
            access_token,
            issued_token_type: ISSUED_TYPE,
            token_type: "Bearer",
            expires_in: self.expires_in,
            scope: self.function.then_some("function"),
        }
    }
}

/// Judges an exchange; `subject` are the claims of the subject token, whose signature was verified.
///
/// # Errors
/// [`Refusal`], whose text is for the client.
pub fn exchange(terms: Terms<'_>, subject: &Map<String, Value>, asked: &Asked) -> Result<Minted, Refusal> {
    let principal =
        terms.engine.identify(subject, terms.now, Completeness::Token).map_err(Refusal::unidentified)?;
    may_be_exchanged(&principal, subject, asked)?;
    let expires_in = lifetime(terms, &principal, subject)?;
    let granted = granted(terms, &principal, asked)?;
    let (claims, payload) = claims::minted(terms, &principal, subject, granted, expires_in)?;
    Ok(Minted { claims, payload, expires_in, function: asked.is_for_functions() })
}

/// What a token carries as its upper bound.
enum Granted {
    Policies(Vec<String>),
    Functions { permissions: Vec<ResourcePattern>, narrowed: bool },
}

/// Which kinds of tokens are subjects at all (`security-rules.md` 15).
fn may_be_exchanged(
    principal: &Principal,
    subject: &Map<String, Value>,
    asked: &Asked,
) -> Result<(), Refusal> {
    match principal.kind() {
        PrincipalKind::Subject => Ok(()),
        // Plain possession is not enough for a token that is bound to a key (RFC 9449).
        PrincipalKind::Identity if subject.contains_key("cnf") => Err(Refusal::bound_to_a_key()),
        PrincipalKind::Identity => Ok(()),
        PrincipalKind::Api if asked.is_for_functions() => Ok(()),
        PrincipalKind::Api => Err(Refusal::api_for_api()),
        PrincipalKind::Function
        | PrincipalKind::Access
        | PrincipalKind::BasicAuth
        | PrincipalKind::Anonymous => Err(Refusal::no_subject()),
    }
}

/// `tokenExpiry` of the issuer, and what is left of the subject token where it may not be outlived: where
/// the issuer says `capExpiry`, and always where the subject token is one of ours.
fn lifetime(terms: Terms<'_>, principal: &Principal, subject: &Map<String, Value>) -> Result<i64, Refusal> {
    let lifetime = terms.engine.lifetime(principal).ok_or_else(Refusal::issuer_gone)?;
    let most = i64::from(lifetime.token_expiry);
    let ours = principal.kind() != PrincipalKind::Subject;
    if !lifetime.cap_expiry && !ours {
        return Ok(most);
    }
    let exp = token::expiry(subject).map_err(Refusal::claim)?.unwrap_or(terms.now);
    let left = exp.saturating_sub(terms.now);
    if left <= 0 { Err(Refusal::nothing_left()) } else { Ok(left.min(most)) }
}

fn granted(terms: Terms<'_>, principal: &Principal, asked: &Asked) -> Result<Granted, Refusal> {
    match &asked.wanted {
        Wanted::Api => {
            let policies = terms.engine.policies_of(principal);
            if policies.is_empty() {
                return Err(Refusal::no_policies(principal.sub()));
            }
            Ok(Granted::Policies(policies.into_iter().map(Into::into).collect()))
        }
        Wanted::Function { audience } => {
            let may = terms.engine.invocable_by(principal);
            if may.is_empty() {
                return Err(Refusal::no_functions(principal.sub()));
            }
            let narrowed = !audience.is_empty();
            let permissions = if narrowed { narrow(&may, audience) } else { may };
            // The watchdog reads an empty list as "any": never a token with one.
            if permissions.is_empty() {
                return Err(Refusal::no_audience(audience));
            }
            Ok(Granted::Functions { permissions, narrowed })
        }
    }
}

/// What of the permissions lies within the audience.
fn narrow(may: &[ResourcePattern], audience: &[Resource]) -> Vec<ResourcePattern> {
    let mut narrowed: Vec<_> =
        may.iter().flat_map(|pattern| audience.iter().filter_map(|place| pattern.within(place))).collect();
    narrowed.sort_by_cached_key(ToString::to_string);
    narrowed.dedup();
    narrowed
}

#[cfg(test)]
mod tests;
