//! What `jwksRef` and `caBundleRef` lead to, as far as it was seen. Keeps of each object only the key that
//! somebody refers to. Pure: fed by plain calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::keybook::Want;
use crate::api::Reason;
use crate::fetch::{Found, Missed, TrustRoots, read_reference};
use crate::model::{KeyRef, KeySource};
use crate::trust::TrustBundle;

/// What a reference leads to. Its bytes may be somebody's secret, and are not shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// No object.
    NoObject,
    /// An object without the key.
    NoKey,
    /// An object that we may not read, or not yet: an API server that has only begun refuses everybody.
    Refused,
    /// These bytes.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoObject => f.write_str("NoObject"),
            Self::NoKey => f.write_str("NoKey"),
            Self::Refused => f.write_str("Refused"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}

/// What is referred to, and what it holds.
#[derive(Debug, Default)]
pub struct References {
    seen: BTreeMap<KeyRef, Content>,
}

/// How an issuer's keys are to be had.
#[derive(Debug)]
pub enum Way {
    /// Something that it depends on was not seen yet.
    Unknown,
    /// Here they are, or here is why they cannot be read.
    Here(Result<Found, Missed>),
    /// They were taken away, or are wrong: what was read before serves no more.
    Gone(Missed),
    /// By asking somebody, trusting these.
    Ask(TrustRoots),
}

impl References {
    /// Forgets what nobody refers to any more.
    pub fn follow(&mut self, wanted: &BTreeSet<KeyRef>) {
        self.seen.retain(|reference, _| wanted.contains(reference));
    }

    /// It was seen what a reference leads to. Returns whether that is news. A refusal is none where
    /// something better is known: it may pass, and is no reason to drop anything.
    pub fn see(&mut self, reference: KeyRef, content: Content) -> bool {
        if content == Content::Refused && self.seen.contains_key(&reference) {
            return false;
        }
        self.seen.insert(reference, content.clone()) != Some(content)
    }

    /// How the keys of an issuer are to be had, with the installation's `roots`; `now` in seconds since 1970.
    pub fn way(&self, want: &Want, roots: TrustRoots, now: i64) -> Way {
        if let KeySource::Ref(reference) = &want.source {
            return self.seen.get(reference).map_or(Way::Unknown, |content| keys(reference, content));
        }
        let Some(reference) = &want.ca_bundle else { return Way::Ask(roots) };
        self.seen.get(reference).map_or(Way::Unknown, |content| with_roots(reference, content, roots, now))
    }
}

/// The keys that a `jwksRef` leads to. A broken set is written wrong, and was not merely out of reach.
fn keys(reference: &KeyRef, content: &Content) -> Way {
    match bytes(reference, content) {
        Ok(bytes) => read_reference(bytes).map_or_else(Way::Gone, |found| Way::Here(Ok(found))),
        Err(message) => {
            let missed = Missed { reason: Reason::KeysNotFound, message };
            if *content == Content::Refused { Way::Here(Err(missed)) } else { Way::Gone(missed) }
        }
    }
}

/// The installation's roots, and those that a `caBundleRef` leads to.
fn with_roots(reference: &KeyRef, content: &Content, roots: TrustRoots, now: i64) -> Way {
    let missed = |reason, message| Way::Here(Err(Missed { reason, message }));
    match bytes(reference, content).map(|pem| TrustBundle::read(pem, now)) {
        Err(message) => missed(Reason::CaBundleNotFound, message),
        Ok(Ok(bundle)) => Way::Ask(roots.with(&bundle)),
        Ok(Err(why)) => {
            missed(Reason::CaBundleInvalid, format!("`caBundleRef`, {}: {why}", shown(reference)))
        }
    }
}

/// What is referred to, or why it is not to be had and what to do.
fn bytes<'c>(reference: &KeyRef, content: &'c Content) -> Result<&'c [u8], String> {
    let object = shown(reference);
    match content {
        Content::Bytes(bytes) => Ok(bytes),
        Content::NoObject => Err(format!("there is no {object}; create it")),
        Content::NoKey => Err(format!("{object} has no key `{}`", reference.key)),
        Content::Refused => Err(format!(
            "the operator may not read {object}; add it to `rbac.referencedSecrets` of the chart's values"
        )),
    }
}

fn shown(reference: &KeyRef) -> String {
    format!("{:?} `{}`", reference.kind, reference.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RefKind;

    fn reference(kind: RefKind, key: &str) -> KeyRef {
        KeyRef { kind, name: "keys".into(), key: key.into() }
    }

    fn want(source: KeySource, ca_bundle: Option<KeyRef>) -> Want {
        Want { iss: "https://idp".into(), source, ca_bundle }
    }

    /// The reason, and whether what was read before serves no more.
    fn reason(references: &References, want: &Want) -> Option<(Reason, bool)> {
        match references.way(want, TrustRoots::system(), 0) {
            Way::Here(Err(missed)) => Some((missed.reason, false)),
            Way::Gone(missed) => Some((missed.reason, true)),
            Way::Here(Ok(_)) | Way::Unknown | Way::Ask(_) => None,
        }
    }

    #[test]
    fn a_reference_that_leads_nowhere_has_a_reason_of_its_own() {
        let (jwks, pem) = (reference(RefKind::Secret, "jwks.json"), reference(RefKind::ConfigMap, "ca.crt"));
        let keys = want(KeySource::Ref(jwks.clone()), None);
        let roots = want(KeySource::Discovery, Some(pem.clone()));
        let (wrong, bytes) = (Content::Bytes(b"{}".to_vec()), Content::Bytes(b"x".to_vec()));
        for (content, of_keys, of_roots) in [
            (Content::NoObject, (Reason::KeysNotFound, true), Reason::CaBundleNotFound),
            (Content::NoKey, (Reason::KeysNotFound, true), Reason::CaBundleNotFound),
            (Content::Refused, (Reason::KeysNotFound, false), Reason::CaBundleNotFound),
            (wrong, (Reason::KeysInvalid, true), Reason::CaBundleInvalid),
            (bytes, (Reason::KeysInvalid, true), Reason::CaBundleInvalid),
        ] {
            let mut references = References::default();
            assert!(matches!(references.way(&keys, TrustRoots::system(), 0), Way::Unknown));
            assert!(references.see(jwks.clone(), content.clone()) && references.see(pem.clone(), content));
            assert_eq!(reason(&references, &keys), Some(of_keys));
            assert_eq!(reason(&references, &roots), Some((of_roots, false)));
        }
    }

    #[test]
    fn nothing_of_what_a_reference_leads_to_is_shown() {
        let secret = Content::Bytes(b"canary".to_vec());
        assert_eq!(format!("{secret:?}"), "Bytes(6 bytes)");
    }

    #[test]
    fn a_refusal_is_no_reason_to_drop_what_is_known() {
        let mut references = References::default();
        let jwks = reference(RefKind::Secret, "jwks.json");
        assert!(references.see(jwks.clone(), Content::Refused));
        assert!(references.see(jwks.clone(), Content::NoKey));
        assert!(!references.see(jwks.clone(), Content::Refused));
        assert!(references.see(jwks.clone(), Content::Bytes(b"{}".to_vec())));
        assert!(!references.see(jwks.clone(), Content::Bytes(b"{}".to_vec())));
        assert!(!references.see(jwks, Content::Refused));
    }

    #[test]
    fn what_nobody_refers_to_any_more_is_forgotten() {
        let mut references = References::default();
        let (old, new) = (reference(RefKind::Secret, "old"), reference(RefKind::Secret, "new"));
        references.see(old.clone(), Content::Bytes(b"{}".to_vec()));
        references.follow(&[new.clone()].into());
        for gone in [old, new] {
            let want = want(KeySource::Ref(gone), None);
            assert!(matches!(references.way(&want, TrustRoots::system(), 0), Way::Unknown));
        }
    }
}
