//! Whom claims or a token identify, by the issuers of a bundle; and what was not compared on the way.
//!
//! A token is verified where keys are at hand. Where they are not, files leave it at a remark, since the keys may be
//! the network's; what a cluster serves has every key that counts, and a token that none of them fits is denied there,
//! as the gateway denies it.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::asker::{Asker, AskerError};
use super::world::World;
use crate::bundle::Bundle;
use crate::engine::{Completeness, Engine, Principal, Unidentified};
use crate::model::{Issuer, KeySource};
use crate::token::{self, KeySet, TokenError, VerifyingKeys};

/// Who asks, or why that is nobody.
pub struct Identified {
    /// The principal, or why there is none.
    pub principal: Result<Principal, Refused>,
    /// Whether a token's signature was verified; `None` where no token was presented.
    pub verified: Option<bool>,
    /// What was not checked, for standard error.
    pub remarks: Vec<String>,
}

/// Why what was presented identifies nobody.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// By its claims.
    #[error(transparent)]
    Claims(#[from] Unidentified),
    /// No JwtIssuer that serves has its `iss`, and what those have that do.
    #[error("no JwtIssuer that serves has the iss `{iss}`; {known}")]
    UnknownIssuer {
        /// What was presented, cut.
        iss: String,
        /// Which there are.
        known: String,
    },
    /// By its header or signature.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A cluster serves without the keys that it would take.
    #[error("no key of JwtIssuer `{0}` is loaded, so no token of it counts; `--claims` asks without one")]
    NoKey(String),
    /// Our own tokens: their key is not in what a cluster serves.
    #[error(
        "this token of the gateway cannot be verified here: its key is in the Secret `issuer-key` alone; `--claims` asks without one"
    )]
    OwnKey,
}

impl Asker {
    /// Who that is at `now` (seconds since 1970), by the issuers that serve in a world.
    ///
    /// # Errors
    /// [`AskerError::NoToken`] where the text is no token; everything else denies.
    pub fn identify(self, engine: &Engine, world: &World, now: i64) -> Result<Identified, AskerError> {
        match self {
            Self::Claims(claims) => Ok(by_claims(&claims, engine, world, now)),
            Self::Pair(claims) => {
                let mut identified = by_pair(&claims, engine, world, now);
                identified.remarks.extend(slip(&claims).map(str::to_owned));
                Ok(identified)
            }
            Self::Token(path, text) => by_token(path, text.trim(), engine, world, now),
        }
    }
}

fn by_claims(claims: &Map<String, Value>, engine: &Engine, world: &World, now: i64) -> Identified {
    let mut identified = by_pair(claims, engine, world, now);
    let compared = claims.contains_key("aud") || declared_by(claims, world.bundle()).is_none();
    if identified.principal.is_ok() && !compared {
        identified.remarks.push("no `aud` in the claims: not compared with the JwtIssuer's".to_owned());
    }
    identified
}

fn by_pair(claims: &Map<String, Value>, engine: &Engine, world: &World, now: i64) -> Identified {
    let principal = principal(claims, engine, world, now, Completeness::Question);
    let remarks = keyless(claims, world).into_iter().collect();
    Identified { principal, verified: None, remarks }
}

/// What looks like a slip in `--as`, which is taken as it stands.
fn slip(claims: &Map<String, Value>) -> Option<&'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let (iss, sub) = (text("iss"), text("sub"));
    if sub.starts_with(char::is_whitespace) || iss.ends_with(char::is_whitespace) {
        return Some("`--as`: a blank beside the comma is part of the name");
    }
    (sub.contains("://") && !iss.contains("://")).then_some("`--as` takes the issuer first, then the subject")
}

/// What to say of claims that no token could prove to this cluster.
fn keyless(claims: &Map<String, Value>, world: &World) -> Option<String> {
    let (name, issuer, keys) = declared_by(claims, world.bundle())?;
    let loaded = !world.is_served() || !keys.is_empty() || issuer.keys == KeySource::System;
    (!loaded).then(|| format!("no key of JwtIssuer `{name}` is loaded: no token of it can be verified now"))
}

fn by_token(
    path: PathBuf,
    text: &str,
    engine: &Engine,
    world: &World,
    now: i64,
) -> Result<Identified, AskerError> {
    let Proved { claims, verified, remarks } = match prove(text, world) {
        Err(Refused::Token(source)) if is_no_token(&source) => {
            return Err(AskerError::NoToken { path, source });
        }
        Err(refused) => {
            return Ok(Identified { principal: Err(refused), verified: Some(false), remarks: Vec::new() });
        }
        Ok(proved) => proved,
    };
    let principal = principal(&claims, engine, world, now, Completeness::Token);
    Ok(Identified { principal, verified: Some(verified), remarks })
}

fn principal(
    claims: &Map<String, Value>,
    engine: &Engine,
    world: &World,
    now: i64,
    completeness: Completeness,
) -> Result<Principal, Refused> {
    engine.identify(claims, now, completeness).map_err(|refused| match refused {
        Unidentified::UnknownIssuer(iss) => {
            Refused::UnknownIssuer { known: known(&iss, world.bundle()), iss }
        }
        other => other.into(),
    })
}

/// The issuers that serve, for somebody who has none of them; one that differs by a final slash alone is meant.
fn known(iss: &str, bundle: &Bundle) -> String {
    let bare = |iss: &str| iss.trim_end_matches('/').to_owned();
    let all: Vec<_> = bundle.issuers().map(|(name, issuer, _)| (name, &*issuer.iss)).collect();
    if let Some((name, meant)) = all.iter().find(|(_, known)| bare(known) == bare(iss)) {
        let with = if meant.ends_with('/') { "with" } else { "without" };
        return format!("`{name}` has it {with} a slash at the end: `{meant}`");
    }
    let shown: Vec<_> = all.iter().take(KNOWN).map(|(name, iss)| format!("`{iss}` ({name})")).collect();
    match (shown.is_empty(), all.len().saturating_sub(shown.len())) {
        (true, _) => "none serves here".to_owned(),
        (_, 0) => format!("those that do: {}", shown.join(", ")),
        (_, more) => format!("those that do: {} and {more} more", shown.join(", ")),
    }
}

/// The most issuers that a refusal names.
const KNOWN: usize = 8;

/// The claims of a token that nothing speaks against.
struct Proved {
    claims: Map<String, Value>,
    verified: bool,
    remarks: Vec<String>,
}

/// The claims of a token, verified where keys are at hand, and what to say where they are not.
fn prove(text: &str, world: &World) -> Result<Proved, Refused> {
    let unverified = token::peek(text)?;
    let unproven = |unverified: token::Unverified<'_>, remarks| {
        Ok(Proved { claims: unverified.unproven(), verified: false, remarks })
    };
    let Some((name, issuer, keys)) = declared(world.bundle(), unverified.iss().map_err(TokenError::from)?)
    else {
        // No key could make it acceptable; the engine says that the issuer is unknown.
        return unproven(unverified, Vec::new());
    };
    match (keys.is_empty(), world.is_served()) {
        (true, true) if issuer.keys == KeySource::System => Err(Refused::OwnKey),
        (true, true) => Err(Refused::NoKey(name.to_owned())),
        (true, false) => {
            let remark = format!("not verified: the keys of JwtIssuer `{name}` are {}", whereabouts(issuer));
            unproven(unverified, vec![remark])
        }
        (false, _) => {
            let claims = unverified.verify(issuer, &VerifyingKeys::new(keys))?;
            Ok(Proved { claims, verified: true, remarks: Vec::new() })
        }
    }
}

fn declared_by<'b>(
    claims: &Map<String, Value>,
    bundle: &'b Bundle,
) -> Option<(&'b str, &'b Issuer, &'b KeySet)> {
    declared(bundle, claims.get("iss")?.as_str()?)
}

fn declared<'b>(bundle: &'b Bundle, iss: &str) -> Option<(&'b str, &'b Issuer, &'b KeySet)> {
    bundle.issuers().find(|(_, issuer, _)| *issuer.iss == *iss)
}

/// Whether the text is no token at all, as opposed to one that is not taken.
fn is_no_token(error: &TokenError) -> bool {
    use TokenError::{Claims, Encoding, Header, HeaderType, Shape, TooLarge};
    matches!(error, TooLarge(_) | Shape | Encoding(_) | Header(_) | Claims(_) | HeaderType(_))
}

/// Who knows the keys of an issuer that are not at hand.
pub fn whereabouts(issuer: &Issuer) -> String {
    match &issuer.keys {
        KeySource::System => "in the Secret `issuer-key` alone".to_owned(),
        KeySource::Discovery => format!("known to the network alone (discovery at `{}`)", issuer.iss),
        KeySource::Internal(url) => format!("known to the network alone (discovery at `{url}`)"),
        KeySource::Cluster(_) => "known to the cluster alone (its own issuer)".to_owned(),
        KeySource::Inline => "not there".to_owned(),
        KeySource::Ref(at) => {
            format!("known to the cluster alone ({:?} `{}`, key `{}`)", at.kind, at.name, at.key)
        }
    }
}

/// How many keys are at hand, or who knows them.
pub fn keys_in_words(issuer: &Issuer, keys: &KeySet) -> String {
    match keys.len() {
        0 => format!("keys {}", whereabouts(issuer)),
        1 => "1 key".to_owned(),
        n => format!("{n} keys"),
    }
}
