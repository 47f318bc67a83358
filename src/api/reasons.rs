//! Every reason of every condition, in one table: who gives it, and what can cure it.
//!
//! Names alone. When a reason applies is decided by the validator and by the operator; what the
//! message says is theirs, too.

use std::fmt;

use super::kind::Kind;
use super::status::{READY, WARNINGS};

/// What can make an object ready that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Nothing has to: the object is as it should be. Neither `Reconciling` nor `Stalled`.
    Settled,
    /// Something other than an edit of this object: `Reconciling` is True.
    Reconciling,
    /// Only an edit of this object: `Stalled` is True.
    Stalled,
}

/// The reason of a condition.
///
/// The first paragraph of each says when it is given; whether it is final stands in
/// [`Reason::progress`], and the kinds that can have it in [`Reason::kinds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Ready: the object is in the bundle and does what it says.
    Accepted,
    /// Warnings: it works, and the message says what is worth a look.
    WarningsFound,
    /// A value breaks a rule; the message lists every problem.
    Invalid,
    /// The whole `spec` is larger than its kind may be.
    TooLarge,
    /// The object does not fit the types of this version: it was written for another schema.
    TypeMismatch,
    /// Another JwtIssuer has the same `iss`; neither serves.
    DuplicateIssuer,
    /// `jwksRef` leads to no Secret, no ConfigMap, or not to the key it names.
    KeysNotFound,
    /// The key set that was found elsewhere holds nothing usable, or something that must not be
    /// there.
    KeysInvalid,
    /// The issuer's server cannot be reached, or answers with an error, and no keys are left that
    /// could be used meanwhile.
    IssuerUnreachable,
    /// The discovery document of the issuer names another issuer, or lacks what it must have.
    DiscoveryMismatch,
    /// An address on the way to the keys is one that is never dialled.
    AddressForbidden,
    /// `caBundleRef` leads to no Secret, no ConfigMap, or not to the key it names.
    CaBundleNotFound,
    /// What `caBundleRef` leads to is no bundle of certificates.
    CaBundleInvalid,
    /// The JwtIssuer `system` has another `iss` than the public URL of the installation.
    PublicUrlMismatch,
    /// The Secret `issuer-key` of the JwtIssuer `system` cannot be used.
    SigningKeyUnavailable,
    /// A Role names policies that do not exist; the others are granted.
    PolicyNotFound,
    /// A Role names policies that are not valid; the others are granted.
    PolicyInvalid,
    /// A Role names issuers, and none of them is declared.
    IssuerNotFound,
    /// A Role binds nothing that one tenant owns, at every shared issuer that it names, and is not
    /// enforced.
    TenantUnbound,
    /// The installed definition of the kind lacks fields of ours, which the API server drops from
    /// what it serves; the last known form serves.
    FieldsPruned,
    /// The bundle has no room for the object, or for what a Role refers to; older ones serve.
    BundleFull,
}

/// The row of a reason in the table.
struct Row {
    name: &'static str,
    condition: &'static str,
    kinds: &'static [Kind],
    progress: Progress,
}

const ISSUER: &[Kind] = &[Kind::JwtIssuer];
const ROLE: &[Kind] = &[Kind::Role];
const EVERY: &[Kind] = &Kind::ALL;

impl Reason {
    /// Every reason there is.
    pub const ALL: [Self; 21] = [
        Self::Accepted,
        Self::WarningsFound,
        Self::Invalid,
        Self::TooLarge,
        Self::TypeMismatch,
        Self::DuplicateIssuer,
        Self::KeysNotFound,
        Self::KeysInvalid,
        Self::IssuerUnreachable,
        Self::DiscoveryMismatch,
        Self::AddressForbidden,
        Self::CaBundleNotFound,
        Self::CaBundleInvalid,
        Self::PublicUrlMismatch,
        Self::SigningKeyUnavailable,
        Self::PolicyNotFound,
        Self::PolicyInvalid,
        Self::IssuerNotFound,
        Self::TenantUnbound,
        Self::FieldsPruned,
        Self::BundleFull,
    ];

    #[rustfmt::skip]
    const fn row(self) -> Row {
        use Progress::{Reconciling, Settled, Stalled};
        let (name, condition, kinds, progress) = match self {
            Self::Accepted              => ("Accepted",              READY,    EVERY,  Settled),
            Self::WarningsFound         => ("WarningsFound",         WARNINGS, EVERY,  Settled),
            Self::Invalid               => ("Invalid",               READY,    EVERY,  Stalled),
            Self::TooLarge              => ("TooLarge",              READY,    EVERY,  Stalled),
            Self::TypeMismatch          => ("TypeMismatch",          READY,    EVERY,  Stalled),
            Self::DuplicateIssuer       => ("DuplicateIssuer",       READY,    ISSUER, Reconciling),
            Self::KeysNotFound          => ("KeysNotFound",          READY,    ISSUER, Reconciling),
            Self::KeysInvalid           => ("KeysInvalid",           READY,    ISSUER, Reconciling),
            Self::IssuerUnreachable     => ("IssuerUnreachable",     READY,    ISSUER, Reconciling),
            Self::DiscoveryMismatch     => ("DiscoveryMismatch",     READY,    ISSUER, Reconciling),
            Self::AddressForbidden      => ("AddressForbidden",      READY,    ISSUER, Reconciling),
            Self::CaBundleNotFound      => ("CaBundleNotFound",      READY,    ISSUER, Reconciling),
            Self::CaBundleInvalid       => ("CaBundleInvalid",       READY,    ISSUER, Reconciling),
            Self::PublicUrlMismatch     => ("PublicUrlMismatch",     READY,    ISSUER, Reconciling),
            Self::SigningKeyUnavailable => ("SigningKeyUnavailable", READY,    ISSUER, Reconciling),
            Self::PolicyNotFound        => ("PolicyNotFound",        READY,    ROLE,   Reconciling),
            Self::PolicyInvalid         => ("PolicyInvalid",         READY,    ROLE,   Reconciling),
            Self::IssuerNotFound        => ("IssuerNotFound",        READY,    ROLE,   Reconciling),
            Self::TenantUnbound         => ("TenantUnbound",         READY,    ROLE,   Stalled),
            Self::FieldsPruned          => ("FieldsPruned",          READY,    EVERY,  Reconciling),
            Self::BundleFull            => ("BundleFull",            READY,    EVERY,  Reconciling),
        };
        Row { name, condition, kinds, progress }
    }

    /// The text in a condition's `reason`.
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The type of the condition that gives it: `Ready` or `Warnings`. `Reconciling` and `Stalled`
    /// repeat the reason of `Ready`.
    pub const fn condition(self) -> &'static str {
        self.row().condition
    }

    /// The kinds that can have it.
    pub const fn kinds(self) -> &'static [Kind] {
        self.row().kinds
    }

    /// What can cure it.
    pub const fn progress(self) -> Progress {
        self.row().progress
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own_in_camel_case() {
        let names = Reason::ALL.iter().map(|r| r.as_str()).collect::<BTreeSet<_>>();
        assert_eq!(names.len(), Reason::ALL.len());
        for name in names {
            assert!(name.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
        }
    }

    #[test]
    fn the_name_is_that_of_the_variant() {
        for reason in Reason::ALL {
            assert_eq!(format!("{reason:?}"), reason.as_str());
        }
    }

    #[test]
    fn every_reason_belongs_to_a_kind() {
        assert!(Reason::ALL.iter().all(|reason| !reason.kinds().is_empty()));
    }
}
