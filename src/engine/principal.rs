//! Who asks: from claims to a principal (`semantics.md` 18–20, 23, 24, 30). Signatures were checked
//! before, or nobody claims they were; this decides what the claims stand for.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::email::EmailStanding;
use super::issuers::{Declared, Issuers};
use super::tokens::{Access, Tokens};
use crate::model::{BASIC_AUTH_ISSUER, ClaimValue, Claims, Resource, ResourcePattern};
use crate::token::{self, ClaimError};

/// How `sub` of an access token begins.
pub const ACCESS: &str = "access:";

/// Who asks.
#[derive(Debug, Clone)]
pub struct Principal {
    pub(super) kind: PrincipalKind,
    pub(super) iss: Box<str>,
    pub(super) claims: Claims,
    pub(super) email: EmailStanding,
    pub(super) bounds: Bounds,
    /// Whether the claims are ones that we signed in the first place: a function's identity, presented
    /// itself or exchanged since. Only Roles that name our `iss` are for it.
    pub(super) own: bool,
    /// What the bundle says of a listed access token.
    pub(super) access: Option<Access>,
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
    /// A function token of ours that nobody exchanged: the bundle lists its id, and the FunctionPrivacy that
    /// it is of says what it opens.
    Access,
    /// A function's own identity.
    Identity,
    /// The administrator's basic credential, under `migrate`.
    BasicAuth,
    /// Nothing.
    Anonymous,
}

/// What the token at hand allows at most, whatever the Roles say now.
#[derive(Debug, Clone, Default)]
pub(super) struct Bounds {
    /// An API token's `policy`: these policies and no others.
    pub policies: Option<Box<[Box<str>]>>,
    /// A function token's `permissions`: invoking these and nothing else.
    pub permissions: Option<Box<[ResourcePattern]>>,
    /// A function token's `audience`, where it has one.
    pub audience: Option<Box<[ResourcePattern]>>,
}

/// Claims that identify nobody: denied, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    /// A claim that every token has is missing or of the wrong type, or a time does not fit.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// No JwtIssuer that serves has this `iss`.
    #[error("no JwtIssuer that serves has the iss `{0}`")]
    UnknownIssuer(String),
    /// None of the audiences is one of the issuer's.
    #[error("the audience {presented:?} is none that jwtissuers.iam.openfaas.com `{issuer}` takes")]
    Audience {
        /// The JwtIssuer's name.
        issuer: String,
        /// What was presented.
        presented: Vec<String>,
    },
    /// A token of our own `iss` that is neither an API token nor an identity.
    #[error(
        "a token of our own iss is an API token (`sub` from `fed:`) or a function identity (`sub` from `function:`), and this is neither: {0}"
    )]
    NotOurKind(&'static str),
    /// An access token that is not listed, or no longer.
    #[error("the access token is not listed, or its time is over; whoever made it can make another one")]
    NotListed,
    /// It was issued before a moment from which on its id or subject counts no longer.
    #[error("it was revoked; log in again")]
    Revoked,
}

/// Whether the claims must be those of a whole token, or what somebody wrote down for a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// A verified token: `exp` and `aud` have to be there.
    Token,
    /// Claims for a question: times and `aud` are checked where they are there.
    Question,
}

impl Principal {
    /// Somebody who showed nothing. Matches no Role.
    pub fn anonymous() -> Self {
        Self::plain(PrincipalKind::Anonymous, "", "")
    }

    /// The user whose basic credential was checked.
    pub fn basic_auth(user: &str) -> Self {
        Self::plain(PrincipalKind::BasicAuth, BASIC_AUTH_ISSUER, user)
    }

    fn plain(kind: PrincipalKind, iss: &str, sub: &str) -> Self {
        let map =
            [("iss", iss), ("sub", sub)].into_iter().map(|(k, v)| (k.to_owned(), Value::from(v))).collect();
        let claims = Claims::from_json(&map);
        Self {
            kind,
            iss: iss.into(),
            claims,
            email: EmailStanding::Counts,
            bounds: Bounds::default(),
            own: false,
            access: None,
        }
    }

    /// What it was proved with.
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// From when on it counts no longer, seconds since 1970, where the bundle says so; its token may say less.
    pub fn ends(&self) -> Option<i64> {
        self.access.as_ref().map(|access| access.ends)
    }

    /// The FunctionPrivacy that says what it opens, of an access token.
    pub fn privacy(&self) -> Option<&str> {
        self.access.as_ref().map(|access| &*access.privacy)
    }

    /// The issuer whose Roles count; for our own API and function tokens the original one.
    pub fn iss(&self) -> &str {
        &self.iss
    }

    /// The subject that conditions see.
    pub fn sub(&self) -> &str {
        self.claims.get("sub").and_then(ClaimValue::text).unwrap_or_default()
    }

    /// The claims that conditions see.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

impl Bounds {
    /// Whether the token at hand lets anything of this policy through.
    pub(super) fn policy(&self, name: &str) -> bool {
        self.policies.as_ref().is_none_or(|names| names.iter().any(|n| **n == *name))
    }

    /// Whether the token at hand is good for this at all.
    pub(super) fn covers(&self, action: crate::model::Action, resource: &Resource) -> bool {
        let within = |list: &Option<Box<[ResourcePattern]>>| {
            list.as_ref().is_none_or(|patterns| patterns.iter().any(|p| p.covers(resource)))
        };
        let kind = self.permissions.is_none() || action == crate::model::Action::FunctionInvoke;
        kind && within(&self.permissions) && within(&self.audience)
    }
}

/// Who the claims stand for.
pub(super) fn identify(
    issuers: &Issuers,
    tokens: &Tokens,
    claims: Cow<'_, Map<String, Value>>,
    now: i64,
    completeness: Completeness,
) -> Result<Principal, Unidentified> {
    if completeness == Completeness::Question && token::issuer(&claims) == Ok(BASIC_AUTH_ISSUER) {
        return Ok(Principal::basic_auth(token::subject(&claims)?));
    }
    let issuer = issuers.declared(&claims)?;
    token::subject(&claims)?;
    let leeway = if issuer.is_system() { token::OWN_LEEWAY } else { token::FOREIGN_LEEWAY };
    token::check_times(&claims, now, leeway, completeness == Completeness::Token)?;
    audience(issuer, &claims, completeness)?;
    if issuer.is_system() {
        ours(issuers, tokens, issuer, claims, now, completeness)
    } else {
        Ok(subject(issuer, claims))
    }
}

fn subject(issuer: &Declared, claims: Cow<'_, Map<String, Value>>) -> Principal {
    let verified = email_verified(&claims);
    let seen = kept(claims, |name| !token::is_reserved(name), Map::new());
    finish(PrincipalKind::Subject, issuer, verified.as_ref(), seen, Bounds::default())
}

fn email_verified(claims: &Map<String, Value>) -> Option<Value> {
    claims.get("email_verified").cloned()
}

/// Those of the claims that conditions see, and some more.
fn kept(
    claims: Cow<'_, Map<String, Value>>,
    keep: impl Fn(&str) -> bool,
    more: Map<String, Value>,
) -> Claims {
    match claims {
        Cow::Owned(all) => Claims::of(all.into_iter().filter(|(name, _)| keep(name)).chain(more)),
        Cow::Borrowed(all) => {
            let all = all.iter().filter(|(name, _)| keep(name));
            Claims::of(all.map(|(name, value)| (name.clone(), value.clone())).chain(more))
        }
    }
}

fn finish(
    kind: PrincipalKind,
    issuer: &Declared,
    email_verified: Option<&Value>,
    claims: Claims,
    bounds: Bounds,
) -> Principal {
    let email = EmailStanding::of(email_verified, &claims, issuer.email_verified);
    Principal { kind, iss: issuer.iss.clone(), claims, email, bounds, own: issuer.is_system(), access: None }
}

/// A token of our own: by its kind, with the original claims rebuilt.
///
/// Of function tokens there are two: what somebody got by an exchange has a `sub` from `fed:`, and an access
/// token, which nobody exchanged, one from `access:`, followed by the FunctionPrivacy and the token's name in
/// it. Both begin an own `sub` in a way that no exchange can make, since it puts `fed:` before every subject.
fn ours(
    issuers: &Issuers,
    tokens: &Tokens,
    system: &Declared,
    claims: Cow<'_, Map<String, Value>>,
    now: i64,
    completeness: Completeness,
) -> Result<Principal, Unidentified> {
    let sub = token::subject(&claims)?;
    let kind = match claims.get("openfaas:kind") {
        None => None,
        Some(kind) => Some(kind.as_str().ok_or(Unidentified::NotOurKind("`openfaas:kind` is no text"))?),
    };
    match (kind, sub.strip_prefix("fed:"), sub.starts_with("function:")) {
        (None | Some("api"), Some(original), _) => {
            let policies = Some(texts(claims.get("policy")));
            let bounds = Bounds { policies, ..Bounds::default() };
            let federated = federated(&claims, original);
            rebuilt(PrincipalKind::Api, issuers, claims, federated, bounds, completeness)
        }
        (Some("function"), Some(original), _) => {
            let (federated, bounds) = (federated(&claims, original), function_bounds(&claims));
            rebuilt(PrincipalKind::Function, issuers, claims, federated, bounds, completeness)
        }
        (Some("function"), None, false) if sub.starts_with(ACCESS) => {
            let access = tokens.listed(&claims, now).ok_or(Unidentified::NotListed)?;
            let plain = Principal::plain(PrincipalKind::Access, &system.iss, sub);
            Ok(Principal { own: true, access: Some(access.clone()), ..plain })
        }
        (None | Some("identity"), None, true) => {
            let (verified, omitted) = (email_verified(&claims), omitted(&claims));
            let seen = kept(claims, |name| is_original(name, true), Map::new()).with_omitted(omitted);
            Ok(finish(PrincipalKind::Identity, system, verified.as_ref(), seen, Bounds::default()))
        }
        (Some("api" | "function" | "identity"), ..) => {
            Err(Unidentified::NotOurKind("`openfaas:kind` and `sub` do not belong together"))
        }
        (Some(_), ..) => Err(Unidentified::NotOurKind("`openfaas:kind` is unknown")),
        (None, None, false) => Err(Unidentified::NotOurKind("`sub` begins otherwise")),
    }
}

/// What an API or function token was exchanged for: `sub`, `iss`, `aud` come back from `fed:*`, and the
/// issuer has to serve still.
fn rebuilt(
    kind: PrincipalKind,
    issuers: &Issuers,
    claims: Cow<'_, Map<String, Value>>,
    federated: Map<String, Value>,
    bounds: Bounds,
    completeness: Completeness,
) -> Result<Principal, Unidentified> {
    let issuer = issuers.declared(&federated)?;
    let of_function = token::subject(&federated)?.starts_with("function:");
    audience(issuer, &federated, completeness)?;
    if issuer.is_system() && !of_function {
        return Err(Unidentified::NotOurKind("it was exchanged for a token of ours that is no identity"));
    }
    let visible = |name: &str| issuer.is_system() || !token::is_reserved(name);
    let ours = |name: &str| matches!(name, "sub" | "iss" | "aud");
    // When the original was issued and ended is not known any more: what stands there is our own.
    let unknown = omitted(&claims).into_iter().chain(["exp".into(), "iat".into()]);
    let verified = email_verified(&claims);
    let seen = kept(claims, |name| is_original(name, of_function) && visible(name) && !ours(name), federated);
    Ok(finish(kind, issuer, verified.as_ref(), seen.with_omitted(unknown), bounds))
}

/// `sub`, `iss` and `aud` as they were before the exchange, as far as they are there.
fn federated(claims: &Map<String, Value>, sub: &str) -> Map<String, Value> {
    let named = |name, federated| Some((String::from(name), claims.get(federated)?.clone()));
    let sub = Some(("sub".to_owned(), sub.into()));
    [sub, named("iss", "fed:iss"), named("aud", "fed:aud")].into_iter().flatten().collect()
}

/// Whether a claim of a token of ours was there before the exchange. What an identity says of its
/// function was signed by us, and stays.
fn is_original(name: &str, keep_ours: bool) -> bool {
    let bookkeeping = matches!(name, "openfaas:kind" | "openfaas:omitted");
    !token::is_reserved(name) || (keep_ours && name.starts_with("openfaas:") && !bookkeeping)
}

/// The names of claims for which a token of ours was too small.
fn omitted(claims: &Map<String, Value>) -> Box<[Box<str>]> {
    texts(claims.get("openfaas:omitted"))
}

fn function_bounds(claims: &Map<String, Value>) -> Bounds {
    let function = claims.get("function");
    let list = |value: Option<&Value>| -> Box<[ResourcePattern]> {
        texts(value).iter().filter_map(|t| ResourcePattern::parse(t).ok()).collect()
    };
    let permissions = Some(list(function.and_then(|f| f.get("permissions"))));
    let audience = function.and_then(|f| f.get("audience")).map(|a| list(Some(a)));
    Bounds { policies: None, permissions, audience }
}

/// The texts of an array; nothing where it is none, so that a broken bound allows nothing.
fn texts(value: Option<&Value>) -> Box<[Box<str>]> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(Into::into).collect()
}

fn audience(
    issuer: &Declared,
    claims: &Map<String, Value>,
    completeness: Completeness,
) -> Result<(), Unidentified> {
    if completeness == Completeness::Question && !claims.contains_key("aud") {
        return Ok(());
    }
    let presented = token::audience(claims)?;
    if presented.iter().any(|p| issuer.aud.iter().any(|a| **a == **p)) {
        return Ok(());
    }
    let presented = presented.iter().take(16).map(|p| shorten(p)).collect();
    Err(Unidentified::Audience { issuer: issuer.name.to_string(), presented })
}

/// What is shown of a text that a stranger presented: at most 256 characters.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(256) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}
