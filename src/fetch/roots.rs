//! Whom outgoing connections trust: the system's roots, and those of bundles. A value: another set of roots
//! is another client.

use std::collections::BTreeSet;

use crate::trust::{Root, TrustBundle};

/// A set of trust roots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustRoots {
    system: bool,
    extra: BTreeSet<Root>,
}

impl TrustRoots {
    /// The system's alone.
    pub fn system() -> Self {
        Self { system: true, extra: BTreeSet::new() }
    }

    /// None yet: for an installation whose bundle replaces the system's.
    pub fn none() -> Self {
        Self { system: false, extra: BTreeSet::new() }
    }

    /// These and a bundle's.
    #[must_use]
    pub fn with(mut self, bundle: &TrustBundle) -> Self {
        self.extra.extend(bundle.roots.iter().cloned());
        self
    }

    /// Has a client trust these and no others.
    pub(crate) fn apply(&self, builder: reqwest::ClientBuilder) -> reqwest::Result<reqwest::ClientBuilder> {
        let certificates: Vec<_> = self
            .extra
            .iter()
            .map(|root| reqwest::Certificate::from_der(root.der()))
            .collect::<reqwest::Result<_>>()?;
        Ok(if self.system {
            builder.tls_certs_merge(certificates)
        } else {
            builder.tls_certs_only(certificates)
        })
    }
}

impl Default for TrustRoots {
    fn default() -> Self {
        Self::system()
    }
}
