//! What `jwksRef` and `caBundleRef` lead to, where the Secret or ConfigMap stands in the same files.
//!
//! A reference that leads to nothing here is known to the cluster alone, and no problem of the
//! files. Opens nothing; of a Secret nothing leaves this file but public keys.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api::Reason;
use crate::compile::{Catalogue, Keys, Meaning};
use crate::manifest::{Document, Selection};
use crate::model::{Issuer, KeyRef, KeySource, RefKind};
use crate::token::{KeySet, Parsed, Source};
use crate::trust::TrustBundle;

/// What the documents of `selection` tell about the keys of each JwtIssuer, by its name; `now` is
/// in seconds since 1970.
pub fn keys(catalogue: &Catalogue, selection: &Selection, now: i64) -> BTreeMap<Box<str>, Keys> {
    let issuers = catalogue.objects.iter().filter_map(|(object, judged)| match &judged.verdict {
        Ok(Meaning::Issuer(issuer, _)) => Some((&object.name, issuer)),
        _ => None,
    });
    issuers.filter_map(|(name, issuer)| Some((name.clone(), known(issuer, selection, now)?))).collect()
}

/// `None` where only the network or a cluster knows.
fn known(issuer: &Issuer, selection: &Selection, now: i64) -> Option<Keys> {
    match (&issuer.keys, &issuer.ca_bundle) {
        (KeySource::Ref(reference), _) => {
            let content = content("jwksRef", reference, selection)?;
            Some(
                content
                    .map_or_else(|why| failed(Reason::KeysNotFound, why), |bytes| key_set(reference, &bytes)),
            )
        }
        (KeySource::Discovery | KeySource::Internal(_), Some(reference)) => {
            match content("caBundleRef", reference, selection)? {
                Err(why) => Some(failed(Reason::CaBundleNotFound, why)),
                Ok(pem) => broken_bundle(reference, &pem, now),
            }
        }
        _ => None,
    }
}

fn key_set(reference: &KeyRef, json: &[u8]) -> Keys {
    match KeySet::parse_text(json, Source::Inline) {
        Ok(Parsed { set, left_out }) => {
            Keys::Fetched { set, notes: left_out.iter().map(ToString::to_string).collect() }
        }
        Err(why) => failed(Reason::KeysInvalid, format!("`jwksRef`, {}: {why}", shown(reference))),
    }
}

/// A good bundle says nothing about the keys that are fetched with it.
fn broken_bundle(reference: &KeyRef, pem: &[u8], now: i64) -> Option<Keys> {
    let why = TrustBundle::read(pem, now).err()?;
    Some(failed(Reason::CaBundleInvalid, format!("`caBundleRef`, {}: {why}", shown(reference))))
}

fn failed(reason: Reason, message: String) -> Keys {
    Keys::Failed { reason, message, last: None }
}

fn kind(reference: &KeyRef) -> &'static str {
    match reference.kind {
        RefKind::Secret => "Secret",
        RefKind::ConfigMap => "ConfigMap",
    }
}

fn shown(reference: &KeyRef) -> String {
    format!("{} `{}`", kind(reference), reference.name)
}

/// What a reference leads to, or why to nothing; `None` where its object is not among the files.
fn content(field: &str, reference: &KeyRef, selection: &Selection) -> Option<Result<Vec<u8>, String>> {
    let document = selection.core_object(kind(reference), &reference.name)?;
    let missing = || format!("`{field}`: {} has no key `{}`", shown(reference), reference.key);
    Some(datum(document, &reference.key).ok_or_else(missing))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{parse, select};

    const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn issuer(keys: KeySource, ca_bundle: Option<KeyRef>) -> Issuer {
        Issuer {
            iss: "https://idp.example.com".into(),
            aud: vec!["a".into()],
            token_expiry: 60,
            cap_expiry: false,
            sharing: None,
            email_verified: Default::default(),
            algorithms: Vec::new(),
            keys,
            ca_bundle,
        }
    }

    fn reference(kind: RefKind) -> KeyRef {
        KeyRef { kind, name: "keys".into(), key: "k".into() }
    }

    fn found(kind: &str, body: &str, issuer: &Issuer) -> Option<Result<usize, Reason>> {
        let text = format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: keys}}\n{body}\n");
        let selection = select(parse("a.yaml", &text).unwrap(), "openfaas");
        match known(issuer, &selection, 0)? {
            Keys::Fetched { set, .. } => Some(Ok(set.len())),
            Keys::Failed { reason, .. } => Some(Err(reason)),
            Keys::Pending => None,
        }
    }

    #[test]
    fn keys_are_found_in_every_form_in_which_a_manifest_writes_them() {
        let (secret, map) = (RefKind::Secret, RefKind::ConfigMap);
        let encoded = STANDARD.encode(KEYS);
        let rows = [
            (secret, "Secret", format!("stringData: {{k: '{KEYS}'}}"), Some(Ok(1))),
            (secret, "Secret", format!("data: {{k: {encoded}}}"), Some(Ok(1))),
            (secret, "Secret", format!("data: {{k: eA==}}\nstringData: {{k: '{KEYS}'}}"), Some(Ok(1))),
            (secret, "Secret", format!("data: {{k: '{KEYS}'}}"), Some(Err(Reason::KeysNotFound))),
            (secret, "Secret", "data: {k: eA==}".to_owned(), Some(Err(Reason::KeysInvalid))),
            (secret, "Secret", "data: {other: eA==}".to_owned(), Some(Err(Reason::KeysNotFound))),
            (secret, "ConfigMap", format!("data: {{k: '{KEYS}'}}"), None),
            (map, "ConfigMap", format!("data: {{k: '{KEYS}'}}"), Some(Ok(1))),
            (map, "ConfigMap", format!("binaryData: {{k: {encoded}}}"), Some(Ok(1))),
        ];
        for (wanted, kind, body, result) in rows {
            let issuer = issuer(KeySource::Ref(reference(wanted)), None);
            assert_eq!(found(kind, &body, &issuer), result, "{kind} {body}");
        }
    }

    #[test]
    fn a_bundle_of_certificates_is_looked_at_and_says_nothing_about_keys() {
        let issuer = issuer(KeySource::Discovery, Some(reference(RefKind::ConfigMap)));
        let rows = [
            ("ConfigMap", "data: {k: no certificate}", Some(Err(Reason::CaBundleInvalid))),
            ("ConfigMap", "data: {other: x}", Some(Err(Reason::CaBundleNotFound))),
            ("Secret", "data: {k: eA==}", None),
        ];
        for (kind, body, result) in rows {
            assert_eq!(found(kind, body, &issuer), result, "{kind} {body}");
        }
    }
}
