//! What `jwksRef` leads to, where the Secret or ConfigMap stands in the same files.
//!
//! A reference that leads to nothing here is known to the cluster alone, and no problem of the
//! files. Opens nothing; no value of a Secret leaves this file but as a public key.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api::Reason;
use crate::compile::{Catalogue, Keys, Meaning};
use crate::manifest::{Document, Selection};
use crate::model::{KeyRef, KeySource, RefKind};
use crate::token::{KeySet, Parsed, Source};

/// The keys of every JwtIssuer whose `jwksRef` leads to a document of `selection`, by the
/// JwtIssuer's name.
pub fn keys(catalogue: &Catalogue, selection: &Selection) -> BTreeMap<Box<str>, Keys> {
    let issuers = catalogue.objects.iter().filter_map(|(object, judged)| match &judged.verdict {
        Ok(Meaning::Issuer(issuer, _)) => Some((&object.name, issuer)),
        _ => None,
    });
    let referred = issuers.filter_map(|(name, issuer)| match &issuer.keys {
        KeySource::Ref(reference) => Some((name.clone(), find(reference, selection)?)),
        _ => None,
    });
    referred.collect()
}

/// `None` where the object is not among the files.
fn find(reference: &KeyRef, selection: &Selection) -> Option<Keys> {
    let kind = match reference.kind {
        RefKind::Secret => "Secret",
        RefKind::ConfigMap => "ConfigMap",
    };
    let document = selection.core_object(kind, &reference.name)?;
    let place = format!("{kind} `{}`, key `{}`", reference.name, reference.key);
    let Some(bytes) = datum(document, &reference.key) else {
        return Some(failed(Reason::KeysNotFound, format!("there is nothing at {place}")));
    };
    Some(match KeySet::parse_text(&bytes, Source::Inline) {
        Ok(Parsed { set, left_out }) => {
            Keys::Fetched { set, notes: left_out.iter().map(ToString::to_string).collect() }
        }
        Err(error) => failed(Reason::KeysInvalid, format!("what stands at {place} cannot be used: {error}")),
    })
}

fn failed(reason: Reason, message: String) -> Keys {
    Keys::Failed { reason, message, last: None }
}

/// A value of a Secret or ConfigMap as a manifest writes it; `stringData` wins, as in a cluster.
fn datum(document: &Document, key: &str) -> Option<Vec<u8>> {
    let is_secret = document.text(&["kind"]) == Some("Secret");
    let (plain, encoded) = if is_secret { ("stringData", "data") } else { ("data", "binaryData") };
    match document.text(&[plain, key]) {
        Some(text) => Some(text.as_bytes().to_vec()),
        None => STANDARD.decode(document.text(&[encoded, key])?.split_whitespace().collect::<String>()).ok(),
    }
}
