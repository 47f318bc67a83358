//! What `jwksRef` and `caBundleRef` lead to, as far as it was seen. Keeps of each object only the keys that
//! somebody refers to. Pure: fed by plain calls.

use std::collections::{BTreeMap, BTreeSet};

use super::fetch::{Found, Missed, TrustRoots, read_reference};
use super::keybook::Want;
use crate::api::Reason;
use crate::model::{KeyRef, KeySource, RefKind};
use crate::trust::TrustBundle;

/// One object that something refers to.
pub type Target = (RefKind, Box<str>);

/// What an object holds, as far as somebody refers to it.
type Data = BTreeMap<Box<str>, Vec<u8>>;

/// The objects that something refers to, and what they hold.
#[derive(Debug, Default)]
pub struct References {
    wanted: BTreeSet<KeyRef>,
    /// `None` where the object is not there.
    seen: BTreeMap<Target, Option<Data>>,
}

/// How an issuer's keys are to be had.
#[derive(Debug)]
pub enum Way {
    /// Something that it depends on was not seen yet.
    Unknown,
    /// Here they are, or here is why not.
    Here(Result<Found, Missed>),
    /// By asking somebody, trusting these.
    Ask(TrustRoots),
}

impl References {
    /// What is referred to from now on; what nobody refers to any more is forgotten. Returns the objects to
    /// watch.
    pub fn follow(&mut self, wanted: BTreeSet<KeyRef>) -> BTreeSet<Target> {
        let targets: BTreeSet<Target> = wanted.iter().map(target).collect();
        self.seen.retain(|target, _| targets.contains(target));
        self.wanted = wanted;
        targets
    }

    /// An object was seen; `None` where it is not there. Returns whether anything of interest has changed.
    pub fn see(&mut self, target: Target, data: Option<BTreeMap<String, Vec<u8>>>) -> bool {
        let of_interest = |key: &str| {
            self.wanted.iter().any(|w| w.kind == target.0 && w.name == target.1 && &*w.key == key)
        };
        let kept = data.map(|data| {
            data.into_iter()
                .filter(|(key, _)| of_interest(key))
                .map(|(key, bytes)| (key.into(), bytes))
                .collect()
        });
        self.seen.insert(target, kept.clone()) != Some(kept)
    }

    /// How the keys of an issuer are to be had, with the installation's `roots`; `now` in seconds since 1970.
    pub fn way(&self, want: &Want, roots: TrustRoots, now: i64) -> Way {
        if let KeySource::Ref(reference) = &want.source {
            return match self.look_up(reference, Reason::KeysNotFound) {
                None => Way::Unknown,
                Some(content) => Way::Here(content.and_then(read_reference)),
            };
        }
        let Some(reference) = &want.ca_bundle else { return Way::Ask(roots) };
        match self.look_up(reference, Reason::CaBundleNotFound) {
            None => Way::Unknown,
            Some(Err(missed)) => Way::Here(Err(missed)),
            Some(Ok(pem)) => match TrustBundle::read(pem, now) {
                Ok(bundle) => Way::Ask(roots.with(&bundle)),
                Err(why) => {
                    let message = format!("`caBundleRef`, {}: {why}", shown(reference));
                    Way::Here(Err(Missed { reason: Reason::CaBundleInvalid, message }))
                }
            },
        }
    }

    fn look_up(&self, reference: &KeyRef, reason: Reason) -> Option<Result<&[u8], Missed>> {
        let missed = |message: String| Err(Missed { reason, message });
        Some(match self.seen.get(&target(reference))? {
            None => missed(format!("there is no {}; create it", shown(reference))),
            Some(data) => match data.get(&reference.key) {
                Some(bytes) => Ok(bytes.as_slice()),
                None => missed(format!("{} has no key `{}`", shown(reference), reference.key)),
            },
        })
    }
}

/// The object that a reference leads to.
pub fn target(reference: &KeyRef) -> Target {
    (reference.kind, reference.name.clone())
}

fn shown(reference: &KeyRef) -> String {
    format!("{:?} `{}`", reference.kind, reference.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(kind: RefKind, key: &str) -> KeyRef {
        KeyRef { kind, name: "keys".into(), key: key.into() }
    }

    fn want(source: KeySource, ca_bundle: Option<KeyRef>) -> Want {
        Want { iss: "https://idp".into(), source, ca_bundle }
    }

    fn reason(references: &References, want: &Want) -> Option<Reason> {
        match references.way(want, TrustRoots::system(), 0) {
            Way::Here(Err(missed)) => Some(missed.reason),
            _ => None,
        }
    }

    #[test]
    fn a_reference_that_leads_nowhere_has_a_reason_of_its_own() {
        let jwks = want(KeySource::Ref(reference(RefKind::Secret, "jwks.json")), None);
        let bundle = want(KeySource::Discovery, Some(reference(RefKind::ConfigMap, "ca.crt")));
        let mut references = References::default();
        references.follow(
            [reference(RefKind::Secret, "jwks.json"), reference(RefKind::ConfigMap, "ca.crt")].into(),
        );
        assert!(matches!(references.way(&jwks, TrustRoots::system(), 0), Way::Unknown));
        references.see((RefKind::Secret, "keys".into()), None);
        references.see((RefKind::ConfigMap, "keys".into()), Some(BTreeMap::new()));
        assert_eq!(reason(&references, &jwks), Some(Reason::KeysNotFound));
        assert_eq!(reason(&references, &bundle), Some(Reason::CaBundleNotFound));
        references
            .see((RefKind::ConfigMap, "keys".into()), Some([("ca.crt".to_owned(), b"x".to_vec())].into()));
        references
            .see((RefKind::Secret, "keys".into()), Some([("jwks.json".to_owned(), b"{}".to_vec())].into()));
        assert_eq!(reason(&references, &jwks), Some(Reason::KeysInvalid));
        assert_eq!(reason(&references, &bundle), Some(Reason::CaBundleInvalid));
    }

    #[test]
    fn what_nobody_refers_to_is_neither_kept_nor_a_change() {
        let mut references = References::default();
        references.follow([reference(RefKind::Secret, "a")].into());
        let target = (RefKind::Secret, Box::from("keys"));
        let data = |b: &str| Some([("a".to_owned(), b"1".to_vec()), ("b".to_owned(), b.into())].into());
        assert!(references.see(target.clone(), data("1")));
        assert!(!references.see(target, data("2")));
    }
}
