//! Key sets that a JwtIssuer gives, and references to what holds keys or certificates (`semantics.md` 28).
//! What a single key may be is `token`'s.

use serde_json::Value;

use crate::api::{limits, parts};
use crate::compile::cursor::Cursor;
use crate::compile::wording::{names, shown};
use crate::model::{KeyRef, RefKind};
use crate::token::{KeySet, KeySetError, Source};

/// The fields of `jwksRef` and `caBundleRef`.
pub(super) const REFERENCE: &[&str] = &["kind", "name", "key"];

/// A JWK Set written in the object.
pub(super) fn inline(at: &mut Cursor<'_>, value: &Value) -> Option<KeySet> {
    if let Value::String(text) = value {
        at.mismatch(no_map(text));
        return None;
    }
    at.map(value, usize::MAX)?;
    match KeySet::parse(value, Source::Inline) {
        Ok(parsed) => {
            for key in parsed.left_out {
                at.warn(format!("left out: {key}"));
            }
            Some(parsed.set)
        }
        Err(KeySetError::Private { at: which }) => {
            which.into_iter().for_each(|key| secret(at, key));
            None
        }
        Err(why) => {
            at.invalid(why.to_string());
            None
        }
    }
}

/// What is wrong with a key set that is text. What the text says is not shown.
fn no_map(text: &str) -> &'static str {
    if text.contains("PRIVATE KEY-----") {
        "a private key: remove it, and replace the key, for whoever reads this object knows it"
    } else if text.contains("-----BEGIN ") {
        "a map belongs here, and PEM is none; write the key as a JWK Set, `{keys: [{kty: …}]}`"
    } else if text.trim_start().starts_with('{') {
        "a map belongs here, not text; write it without quotes"
    } else {
        "a map belongs here, not text"
    }
}

fn secret(at: &mut Cursor<'_>, key: usize) {
    at.within("keys", |at| {
        at.within(key, |at| {
            at.invalid("private or symmetric; write the public half, and replace the key, for whoever reads this object knows it");
        });
    });
}

/// A reference to a key set.
pub(super) fn key_set_ref(at: &mut Cursor<'_>, value: &Value) -> Option<KeyRef> {
    let reference = key_ref(at, value)?;
    if reference.kind == RefKind::ConfigMap {
        at.warn("whoever may write this ConfigMap can sign tokens of the issuer; a Secret is safer");
    }
    Some(reference)
}

/// A reference to one key of a Secret or ConfigMap.
pub(super) fn key_ref(at: &mut Cursor<'_>, value: &Value) -> Option<KeyRef> {
    let map = at.fields(value, REFERENCE)?;
    let kind = at.required(map, "kind", kind);
    let name =
        at.required(map, "name", |at, v| named(at, v, is_name, "lower-case letters, digits, `-` and `.`"));
    let key = at.required(map, "key", |at, v| named(at, v, is_key, "letters, digits, `-`, `_` and `.`"));
    Some(KeyRef { kind: kind?, name: name?, key: key? })
}

fn kind(at: &mut Cursor<'_>, value: &Value) -> Option<RefKind> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    let known = serde_json::from_value(value.clone()).ok();
    if known.is_none() {
        at.invalid(format!("{} is not known; write one of {}", shown(text), names(parts::REF_KINDS)));
    }
    known
}

/// A name with these characters.
pub(super) fn named(
    at: &mut Cursor<'_>,
    value: &Value,
    fits: fn(&str) -> bool,
    of: &str,
) -> Option<Box<str>> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    let fits = text.len() <= limits::NAME && fits(text);
    if !fits {
        at.invalid(format!("{} is no name that Kubernetes has: {of}, at most {}", shown(text), limits::NAME));
    }
    fits.then(|| text.into())
}

/// A DNS subdomain (RFC 1123), as objects are named.
pub(super) fn is_name(text: &str) -> bool {
    let alphanumeric = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.split('.').all(|label| {
        let bytes = label.as_bytes();
        alphanumeric(bytes.first())
            && alphanumeric(bytes.last())
            && bytes.iter().all(|b| alphanumeric(Some(b)) || *b == b'-')
    })
}

/// A key of a Secret or ConfigMap.
fn is_key(text: &str) -> bool {
    text != "."
        && !text.starts_with("..")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
