//! A JwtIssuer's spec (`semantics.md` 19–22, 28): what it says, and where its keys come from. Fetches
//! nothing; where an address leads is the operator's.

use serde_json::{Map, Value};

use super::address;
use super::duration::{Bounds, duration};
use super::keys::{self, key_ref};
use crate::api::issuer::DEFAULT_TOKEN_EXPIRY as DEFAULT_EXPIRY;
use crate::api::{limits, parts};
use crate::compile::Meaning;
use crate::compile::cursor::Cursor;
use crate::compile::wording::{names, shown};
use crate::model::tenant::{Sharing, microsoft_alias};
use crate::model::{
    Algorithm, BASIC_AUTH_ISSUER, DEFAULT_TOKEN_EXPIRY, EmailVerified, Issuer, KeyRef, KeySource,
    SYSTEM_ISSUER_NAME,
};
use crate::token::KeySet;

/// The fields of the spec.
pub(super) const FIELDS: &[&str] = &[
    "iss",
    "aud",
    "issInternal",
    "tokenExpiry",
    "jwks",
    "jwksRef",
    "caBundleRef",
    "algorithms",
    "capExpiry",
    "shared",
    "emailVerified",
];
/// What makes no sense on the issuer that is ourselves.
const NOT_ON_SYSTEM: &[&str] = &["issInternal", "jwks", "jwksRef", "caBundleRef", "algorithms"];
/// What `tokenExpiry` may be.
const EXPIRY: Bounds = Bounds {
    seconds: 60..=86_400,
    told: "from `1m` to `24h`, such as `30m`, `90s` or `1h30m`",
    usual: DEFAULT_EXPIRY,
};

/// Reads the spec of the JwtIssuer of this name.
pub(super) fn issuer(at: &mut Cursor<'_>, name: &str, spec: &Value) -> Option<Meaning> {
    let map = at.fields(spec, FIELDS)?;
    let iss = at.required(map, "iss", iss);
    let aud = at.required(map, "aud", |at, v| at.list(v, limits::AUDIENCES, |at, v| at.text(v)));
    let token_expiry = at.optional(map, "tokenExpiry", expiry).unwrap_or(DEFAULT_TOKEN_EXPIRY);
    let cap_expiry = at.optional(map, "capExpiry", Cursor::flag).unwrap_or_default();
    let shared = at.optional(map, "shared", Cursor::flag);
    let email_verified = at.optional(map, "emailVerified", email_verified).unwrap_or_default();
    let algorithms = at.optional(map, "algorithms", |at, v| at.list(v, limits::ALGORITHMS, algorithm));
    let ca_bundle = at.optional(map, "caBundleRef", key_ref);
    let found = found(at, map);
    let keys = if name == SYSTEM_ISSUER_NAME { system(at, map) } else { source(at, map, iss, &found) };
    let issuer = Issuer {
        iss: iss?.into(),
        aud: aud?.into_iter().map(Into::into).collect(),
        token_expiry,
        cap_expiry,
        sharing: Sharing::of(iss?, shared),
        email_verified,
        algorithms: algorithms.unwrap_or_default(),
        keys: keys?,
        ca_bundle,
    };
    Some(Meaning::Issuer(issuer, found.inline))
}

/// The keys, or the ways to them, that the object itself gives.
#[derive(Default)]
struct Found<'v> {
    internal: Option<&'v str>,
    inline: Option<KeySet>,
    reference: Option<KeyRef>,
}

fn found<'v>(at: &mut Cursor<'_>, map: &'v Map<String, Value>) -> Found<'v> {
    let found = Found {
        internal: at.optional(map, "issInternal", |at, v| at.text(v).filter(|t| !t.is_empty())),
        inline: at.optional(map, "jwks", keys::inline),
        reference: at.optional(map, "jwksRef", keys::key_set_ref),
    };
    if map.contains_key("jwks") && map.contains_key("jwksRef") {
        at.within("jwksRef", |at| {
            at.invalid("`jwks` and `jwksRef` exclude each other; keep the one with the issuer's keys")
        });
    }
    found
}

fn iss<'v>(at: &mut Cursor<'_>, value: &'v Value) -> Option<&'v str> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    if text == BASIC_AUTH_ISSUER {
        at.invalid(format!(
            "`{BASIC_AUTH_ISSUER}` stands for basic-auth users, and no JwtIssuer may have it"
        ));
        return None;
    }
    if let Some((base, _)) = text.split_once("/.well-known/") {
        at.warn(format!("no token is signed so: leave off the path of discovery, {}", shown(base)));
    }
    if let Some(alias) = microsoft_alias(text) {
        at.invalid(format!(
            "no token of Microsoft has {} in its `iss`; write the tenant's id in its place",
            shown(&alias)
        ));
    }
    Some(text)
}

/// The keys of `system` come from `issuer-key` alone.
fn system(at: &mut Cursor<'_>, map: &Map<String, Value>) -> Option<KeySource> {
    for name in NOT_ON_SYSTEM.iter().filter(|name| map.contains_key(**name)) {
        at.within(*name, |at| {
            at.invalid("not on `system`, which is the gateway itself: its one key is the Secret `issuer-key`; remove it");
        });
    }
    Some(KeySource::System)
}

fn source(
    at: &mut Cursor<'_>,
    map: &Map<String, Value>,
    iss: Option<&str>,
    found: &Found<'_>,
) -> Option<KeySource> {
    if map.contains_key("jwks") || map.contains_key("jwksRef") {
        unused(at, map);
        let inline = found.inline.is_some().then_some(KeySource::Inline);
        return inline.or_else(|| found.reference.clone().map(KeySource::Ref));
    }
    if map.contains_key("issInternal") {
        return at.within("issInternal", |at| address::internal(at, found.internal?));
    }
    at.within("iss", |at| address::own(at, iss?))
}

/// Warns of what is not asked for where the keys are given.
fn unused(at: &mut Cursor<'_>, map: &Map<String, Value>) {
    for name in ["issInternal", "caBundleRef"].into_iter().filter(|name| map.contains_key(*name)) {
        at.within(name, |at| at.warn("not used, since the keys are given and nothing is fetched; remove it"));
    }
}

/// Seconds that tokens live; none where the text is empty.
fn expiry(at: &mut Cursor<'_>, value: &Value) -> Option<u32> {
    duration(at, value, &EXPIRY).and_then(|seconds| u32::try_from(seconds).ok())
}

fn email_verified(at: &mut Cursor<'_>, value: &Value) -> Option<EmailVerified> {
    if value.is_boolean() {
        at.mismatch("text belongs here: write `IfPresent` or `Required`");
        return None;
    }
    let text = at.text(value)?;
    match text {
        "IfPresent" => Some(EmailVerified::IfPresent),
        "Required" => Some(EmailVerified::Required),
        "" => None,
        _ => {
            at.invalid(format!(
                "{} is not known; write one of {}",
                shown(text),
                names(parts::EMAIL_VERIFIED)
            ));
            None
        }
    }
}

fn algorithm(at: &mut Cursor<'_>, value: &Value) -> Option<Algorithm> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    let known = serde_json::from_value(value.clone()).ok();
    if known.is_none() {
        let near = parts::ALGORITHMS.into_iter().find(|near| near.eq_ignore_ascii_case(text));
        let cure = near.map_or_else(|| format!("one of {}", names(parts::ALGORITHMS)), shown);
        at.invalid(format!("{} is no signature algorithm that is taken; write {cure}", shown(text)));
    }
    known
}
