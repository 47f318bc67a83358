//! Refused exchanges: the code of RFC 6749 section 5.2 (RFC 8693 section 2.2.2 adds `invalid_target`), a
//! reason for metrics and logs, and a text that the person behind the client can act on; the Go SDK prints
//! it. Never holds a token.

use serde::Serialize;

use super::asked::MAX_AUDIENCES;
use super::claims::MOST_BYTES;
use crate::causes::chain;
use crate::engine::Unidentified;
use crate::model::Resource;
use crate::token::{ClaimError, TokenError};

/// Characters of what a client sent that a text shows.
const SHOWN: usize = 128;

/// An error code of OAuth 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A parameter is missing, repeated or wrong, or the subject token is not taken.
    InvalidRequest,
    /// Another grant than the token exchange.
    UnsupportedGrantType,
    /// A scope that there is not.
    InvalidScope,
    /// An audience for which no token is given.
    InvalidTarget,
    /// Not the client's fault.
    TemporarilyUnavailable,
}

/// A refused exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// `error`.
    #[serde(rename = "error")]
    pub code: Code,
    /// `error_description`: what is wrong, and what to do.
    #[serde(rename = "error_description")]
    pub description: String,
    /// The reason for metrics and logs: one of a fixed set.
    #[serde(skip)]
    pub reason: &'static str,
}

impl Refusal {
    fn new(code: Code, reason: &'static str, description: impl Into<String>) -> Self {
        Self { code, reason, description: description.into() }
    }

    fn invalid(reason: &'static str, description: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, reason, description)
    }

    pub(super) fn missing(parameter: &'static str) -> Self {
        Self::invalid("parameter", format!("the parameter `{parameter}` is missing"))
    }

    pub(super) fn twice(parameter: &'static str) -> Self {
        Self::invalid("parameter", format!("the parameter `{parameter}` is given more than once"))
    }

    pub(super) fn not_text() -> Self {
        Self::invalid("parameter", "the parameters are not UTF-8")
    }

    pub(super) fn unsupported(parameter: &'static str) -> Self {
        Self::invalid("parameter", format!("`{parameter}` is not supported: nobody acts for another here"))
    }

    pub(super) fn grant_type(given: &str) -> Self {
        let text =
            format!("the grant type `{}` is not supported; use the token exchange of RFC 8693", cut(given));
        Self::new(Code::UnsupportedGrantType, "grant_type", text)
    }

    pub(super) fn token_type(parameter: &'static str, given: &str) -> Self {
        let text = format!(
            "`{parameter}` is `{}`; `urn:ietf:params:oauth:token-type:id_token`, `…:jwt` and `…:access_token` are taken",
            cut(given)
        );
        Self::invalid("token_type", text)
    }

    pub(super) fn scope(given: &str) -> Self {
        let text =
            format!("there is no scope `{}`; leave it out for an API token, or say `function`", cut(given));
        Self::new(Code::InvalidScope, "scope", text)
    }

    pub(super) fn resource() -> Self {
        Self::target("`resource` is not supported; name functions by `audience=namespace:function`")
    }

    pub(super) fn audience(given: &str) -> Self {
        Self::target(format!("the audience `{}` is no `namespace:function` or `namespace:*`", cut(given)))
    }

    pub(super) fn api_audience(given: &str) -> Self {
        Self::target(format!(
            "an API token is for this gateway alone, not for `{}`; for functions add `scope=function`",
            cut(given)
        ))
    }

    pub(super) fn too_many_audiences() -> Self {
        Self::target(format!("at most {MAX_AUDIENCES} audiences are taken"))
    }

    pub(super) fn no_audience(asked: &[Resource]) -> Self {
        let asked: Vec<_> = asked.iter().take(8).map(|place| format!("`{place}`")).collect();
        Self::target(format!("no permission to invoke {}", asked.join(", ")))
    }

    fn target(description: impl Into<String>) -> Self {
        Self::new(Code::InvalidTarget, "audience", description)
    }

    /// A subject token that was not taken.
    pub fn token(error: &TokenError) -> Self {
        let reason = match error {
            TokenError::Signature => "signature",
            TokenError::UnknownKey { .. } | TokenError::NoKid { .. } => "key",
            TokenError::Algorithm(_) | TokenError::AlgorithmNotAllowed(_) => "algorithm",
            _ => "malformed",
        };
        Self::invalid(reason, format!("the subject token is not taken: {}", chain(error)))
    }

    /// A subject token of which nobody knows the issuer.
    pub fn unknown_issuer(iss: &str) -> Self {
        let text = format!(
            "no JwtIssuer that serves has the iss `{}`; ask an administrator to declare it",
            cut(iss)
        );
        Self::invalid("unknown_issuer", text)
    }

    /// An issuer whose keys are not at hand now.
    pub fn no_keys(iss: &str) -> Self {
        let text = format!("the keys of the issuer `{}` are not at hand; try again later", cut(iss));
        Self::new(Code::TemporarilyUnavailable, "no_keys", text)
    }

    /// A request that cannot be read.
    pub fn unreadable(description: impl Into<String>) -> Self {
        Self::invalid("malformed", description)
    }

    /// Nothing is decided by yet.
    pub fn no_bundle() -> Self {
        Self::new(Code::TemporarilyUnavailable, "no_bundle", "no bundle was read yet; try again soon")
    }

    /// The crypto library failed.
    pub fn not_signed() -> Self {
        Self::new(Code::TemporarilyUnavailable, "not_signed", "the token could not be signed; try again")
    }

    pub(super) fn claim(error: ClaimError) -> Self {
        let reason = match error {
            ClaimError::Expired { .. } => "expired",
            ClaimError::NotYet { .. } => "not_yet",
            _ => "claim",
        };
        Self::invalid(reason, format!("the subject token is not taken: {error}"))
    }

    pub(super) fn unidentified(error: Unidentified) -> Self {
        match error {
            Unidentified::Claim(error) => Self::claim(error),
            Unidentified::UnknownIssuer(iss) => Self::unknown_issuer(&iss),
            Unidentified::Audience { .. } => {
                Self::invalid("token_audience", format!("the subject token is not taken: {error}"))
            }
            Unidentified::NotOurKind(_) | Unidentified::NotListed => {
                Self::invalid("kind", format!("the subject token is not taken: {error}"))
            }
            Unidentified::Revoked => {
                Self::invalid("revoked", format!("the subject token is not taken: {error}"))
            }
        }
    }

    pub(super) fn issuer_gone() -> Self {
        Self::invalid("unknown_issuer", "the issuer of the subject token no longer serves")
    }

    pub(super) fn no_subject() -> Self {
        Self::invalid("kind", "a function token is for invoking functions; exchange what it was made from")
    }

    pub(super) fn api_for_api() -> Self {
        Self::invalid(
            "kind",
            "an API token is exchanged for a function token alone (`scope=function`); for a new API token use the token of your identity provider",
        )
    }

    pub(super) fn bound_to_a_key() -> Self {
        Self::invalid("bound", "the subject token is bound to a key, and its possession was not proved")
    }

    pub(super) fn nothing_left() -> Self {
        Self::invalid("expired", "the subject token has expired, and what is minted may not outlive it")
    }

    pub(super) fn no_policies(sub: &str) -> Self {
        Self::invalid("no_policies", format!("No policies found for subject: {}", cut(sub)))
    }

    pub(super) fn no_functions(sub: &str) -> Self {
        let text =
            format!("No policies found for subject: {}: none of its Roles grants Function:Invoke", cut(sub));
        Self::invalid("no_policies", text)
    }

    pub(super) fn too_large(bytes: usize) -> Self {
        let text = format!(
            "the token would have {bytes} bytes, and headers carry at most {MOST_BYTES}; have the identity provider send fewer claims, or narrow by `audience`"
        );
        Self::invalid("too_large", text)
    }
}

/// What a client sent, as far as it is shown: control characters replaced, cut off.
fn cut(text: &str) -> String {
    text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
