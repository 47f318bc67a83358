//! Whom the installation trusts: the Secret `ca-bundle`, the last good one where the present one is refused
//! (design section 7). Pure: fed by plain calls, time is an argument.

use crate::fetch::TrustRoots;
use crate::trust::TrustBundle;

/// The name of the Secret.
pub const SECRET: &str = "ca-bundle";
/// The key in it.
pub const KEY: &str = "ca.crt";

/// The installation's trust roots.
#[derive(Debug, Default)]
pub struct Trusted {
    bundle: Option<TrustBundle>,
    known: bool,
}

/// What is worth an Event about the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether the bundle was refused.
    pub refused: bool,
    /// What is so, and what to do.
    pub message: String,
}

impl Trusted {
    /// The Secret was seen: its key, or `None` where there is no Secret. `now` in seconds since 1970.
    /// Returns what there is to say about it.
    pub fn see(&mut self, pem: Option<&[u8]>, now: i64) -> Option<Said> {
        self.known = true;
        match pem.map(|pem| TrustBundle::read(pem, now)) {
            None => {
                self.bundle = None;
                None
            }
            Some(Ok(bundle)) => {
                let notes = bundle.notes.join("; ");
                self.bundle = Some(bundle);
                (!notes.is_empty())
                    .then(|| Said { refused: false, message: format!("Secret `{SECRET}`: {notes}") })
            }
            Some(Err(why)) => {
                let stays = if self.bundle.is_some() {
                    "the last good one stays"
                } else {
                    "the system's roots are used alone"
                };
                Some(Said { refused: true, message: format!("Secret `{SECRET}`, `{KEY}`: {why}; {stays}") })
            }
        }
    }

    /// Whether the Secret, or that there is none, was seen.
    pub fn known(&self) -> bool {
        self.known
    }

    /// The system's roots and the bundle's.
    pub fn roots(&self) -> TrustRoots {
        match &self.bundle {
            Some(bundle) => TrustRoots::system().with(bundle),
            None => TrustRoots::system(),
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;

    use super::*;
    use crate::trust::testing::Authority;

    fn root() -> String {
        Authority::new("root").unwrap().pem()
    }

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn a_broken_bundle_leaves_the_last_good_one_in_force_and_is_told_of() {
        let mut trusted = Trusted::default();
        assert_eq!(trusted.see(Some(root().as_bytes()), NOW), None);
        let good = trusted.roots();
        assert!(trusted.see(Some(b"rubbish"), NOW).is_some_and(|said| said.refused));
        assert_eq!(trusted.roots(), good);
    }

    #[test]
    fn a_secret_that_has_lost_its_key_is_a_broken_bundle_and_no_removal() {
        let mut trusted = Trusted::default();
        trusted.see(Some(root().as_bytes()), NOW);
        let good = trusted.roots();
        let emptied = crate::operator::seen::ca_bundle(Some(Secret::default()));
        assert!(trusted.see(emptied.as_deref(), NOW).is_some_and(|said| said.refused));
        assert_eq!(trusted.roots(), good);
        assert_eq!(crate::operator::seen::ca_bundle(None), None);
    }

    #[test]
    fn a_bundle_that_is_removed_trusts_the_system_alone() {
        let mut trusted = Trusted::default();
        trusted.see(Some(root().as_bytes()), NOW);
        trusted.see(None, NOW);
        assert_eq!(trusted.roots(), TrustRoots::system());
    }
}
