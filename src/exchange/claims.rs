//! The claims of what is minted: copied, dropped, added, and cut down to what headers can carry
//! (`openfaas-wire.md`, token exchange).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::{Granted, Terms};
use crate::engine::{Principal, PrincipalKind};
use crate::token;

/// Bytes of a token, encoded, from which on claims that no condition names are left out.
pub const WANTED_BYTES: usize = 4096;
/// Bytes that no token passes: servers stop at 8 KiB of headers.
pub const MOST_BYTES: usize = 8192;

/// Registered claims (RFC 7519 section 4.1) that are the minted token's own, never the subject token's.
const OWN: [&str; 7] = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"];
/// Claims that people and audits read; they stay when others are left out.
const KEPT: [&str; 4] = ["name", "email", "email_verified", "preferred_username"];
const OMITTED: &str = "openfaas:omitted";

/// The claims and their text, within [`MOST_BYTES`] once signed.
pub(super) fn minted(
    terms: Terms<'_>,
    principal: &Principal,
    subject: &Map<String, Value>,
    granted: Granted,
    expires_in: i64,
) -> Result<(Map<String, Value>, String), Refusal> {
    let (mut kept, mut omitted) = copied(terms, principal, subject);
    let own = own(terms, principal, subject, granted, expires_in);
    let mut payload = written(&kept, &omitted, &own)?;
    if terms.key.size(payload.len()) > WANTED_BYTES {
        leave_out(terms, &mut kept, &mut omitted);
        payload = written(&kept, &omitted, &own)?;
    }
    let bytes = terms.key.size(payload.len());
    if bytes > MOST_BYTES {
        Err(Refusal::too_large(bytes))
    } else {
        Ok((joined(kept, omitted, own), payload))
    }
}

/// What is copied from the subject token, and the names of what a condition looks at and is not copied.
/// Of a token of ours the claims are original already, and what was left out of it stays left out.
fn copied(
    terms: Terms<'_>,
    principal: &Principal,
    subject: &Map<String, Value>,
) -> (Map<String, Value>, Vec<String>) {
    let bookkeeping = |name: &str| matches!(name, "openfaas:kind" | OMITTED);
    let signed_by_us = principal.kind() != PrincipalKind::Subject;
    let copy = |name: &str| {
        !OWN.contains(&name)
            && (!token::is_reserved(name)
                || (signed_by_us && name.starts_with("openfaas:") && !bookkeeping(name)))
    };
    let kept = subject.iter().filter(|(name, _)| copy(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let before = signed_by_us.then(|| subject.get(OMITTED)).flatten().and_then(Value::as_array);
    let before = before.into_iter().flatten().filter_map(Value::as_str);
    // A condition on one of these would else take it for missing, or look at ours.
    let lost =
        ["nbf", "jti"].into_iter().filter(|name| subject.contains_key(*name) && terms.engine.looks_at(name));
    (kept, before.chain(lost).map(ToOwned::to_owned).collect())
}

/// The claims that we make.
fn own(
    terms: Terms<'_>,
    principal: &Principal,
    subject: &Map<String, Value>,
    granted: Granted,
    expires_in: i64,
) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("iss", terms.public_url.into());
    put("sub", format!("fed:{}", principal.sub()).into());
    put("iat", terms.now.into());
    put("exp", terms.now.saturating_add(expires_in).into());
    put("fed:iss", principal.iss().into());
    let presented = if principal.kind() == PrincipalKind::Api { "fed:aud" } else { "aud" };
    put("fed:aud", subject.get(presented).cloned().unwrap_or_default());
    match granted {
        Granted::Policies(names) => {
            put("aud", terms.public_url.into());
            put("openfaas:kind", "api".into());
            put("policy", names.into());
        }
        Granted::Functions { permissions, narrowed } => {
            let texts: Vec<_> = permissions.iter().map(ToString::to_string).collect();
            let mut function = json!({ "permissions": texts });
            if let Some(function) = function.as_object_mut().filter(|_| narrowed) {
                function.insert("audience".to_owned(), texts.into());
            }
            put("aud", json!([terms.public_url]));
            put("openfaas:kind", "function".into());
            put("function", function);
        }
    }
    claims
}

fn leave_out(terms: Terms<'_>, kept: &mut Map<String, Value>, omitted: &mut Vec<String>) {
    kept.retain(|name, _| {
        let stays = KEPT.contains(&name.as_str()) || terms.engine.looks_at(name);
        if !stays {
            omitted.push(name.clone());
        }
        stays
    });
}

/// The text of what [`joined`] makes of them, without making it: most of an exchange's time goes into claims.
fn written(
    kept: &Map<String, Value>,
    omitted: &[String],
    own: &Map<String, Value>,
) -> Result<String, Refusal> {
    let names = Value::from(omitted);
    let mut all: BTreeMap<&str, &Value> = kept.iter().map(|(name, value)| (name.as_str(), value)).collect();
    if !omitted.is_empty() {
        all.insert(OMITTED, &names);
    }
    all.extend(own.iter().map(|(name, value)| (name.as_str(), value)));
    serde_json::to_string(&all).map_err(|_| Refusal::not_signed())
}

fn joined(
    mut claims: Map<String, Value>,
    omitted: Vec<String>,
    own: Map<String, Value>,
) -> Map<String, Value> {
    if !omitted.is_empty() {
        claims.insert(OMITTED.to_owned(), omitted.into());
    }
    claims.extend(own);
    claims
}
