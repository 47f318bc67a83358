//! Every reason of every condition, in one table: who gives it, and what can cure it.
//!
//! Names alone. When a reason applies is decided by the validator and by the operator; what the
//! message says is theirs, too.

use std::fmt;

use super::kind::Kind;
use super::status::{CONFLICTED, EXPIRING, READY, SOURCE_VALID, SYNCED, VERIFIED, WARNINGS};

/// Where a reason stands that is about one namespace alone: in no condition, but in `status.failures`.
pub const FAILURES: &str = "failures";

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
    /// SourceValid: the Secret holds a login for the registry.
    SourceFound,
    /// SourceValid: there is no Secret of that name; the last good login stays.
    SourceNotFound,
    /// SourceValid: the Secret's type, keys or values give no login; the last good one stays.
    SourceUnreadable,
    /// SourceValid: the operator may not read the Secret; the last good login stays.
    SourceForbidden,
    /// Synced: every namespace that gets it has it.
    AllNamespaces,
    /// Synced: no function namespace is meant, so there is nothing to do.
    NoNamespaces,
    /// Synced: some namespaces have it, and the others are about to.
    RollingOut,
    /// Synced: in some namespaces something is in the way; `status.failures` says what.
    NamespacesFailing,
    /// Synced: the operator may not look at something that it has to know, which the message names; what is handed out stays.
    WatchForbidden,
    /// Synced: the login is handed out nowhere, as `spec.suspend` says.
    Suspended,
    /// Conflicted: an older RegistryCredential with the same registry is for some of the namespaces, too, and wins
    /// there.
    AnotherCredentialWins,
    /// Conflicted: no other RegistryCredential with the same registry is in its way.
    NoConflict,
    /// Expiring: the end is far, or not known.
    NotExpiring,
    /// Expiring: the end is nearer than `spec.expiryWarning`.
    ExpiresSoon,
    /// Expiring: the end is past. A new login needs a new `spec.expiresAt`.
    Expired,
    /// Verified: nobody asks the registry, or nobody has had an answer yet.
    NotChecked,
    /// Verified: the registry takes user name and password.
    LoginAccepted,
    /// Verified: images of `spec.verification.repository` may be pulled.
    PullAccepted,
    /// Verified: the registry refuses the login for certain.
    Refused,
    /// Verified: the registry gives no answer, or none that says yes or no.
    Unreachable,
    /// Of a namespace: a Secret of somebody else's has the name of ours.
    ForeignSecret,
    /// Of a namespace: our Secret has been made immutable.
    ImmutableSecret,
    /// Of a namespace: the Secret there has another type, which no edit can change.
    WrongType,
    /// Of a namespace: its quota allows no more Secrets.
    QuotaExceeded,
    /// Of a namespace: the operator lacks a right.
    Forbidden,
    /// Of a namespace: an admission policy or webhook refuses the write.
    AdmissionDenied,
    /// Of a namespace: its merged Secret has no room for the login; older ones are in it.
    SecretFull,
    /// Of a namespace: it is being deleted, and takes nothing new.
    Terminating,
    /// Of a namespace: another writer keeps undoing what we write.
    WriterConflict,
    /// Of a namespace: the API server gave another error, which the message has.
    Failed,
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
const CREDENTIAL: &[Kind] = &[Kind::RegistryCredential];
const EVERY: &[Kind] = &Kind::ALL;

impl Reason {
    /// Every reason there is.
    pub const ALL: [Self; 51] = [
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
        Self::SourceFound,
        Self::SourceNotFound,
        Self::SourceUnreadable,
        Self::SourceForbidden,
        Self::AllNamespaces,
        Self::NoNamespaces,
        Self::RollingOut,
        Self::NamespacesFailing,
        Self::WatchForbidden,
        Self::Suspended,
        Self::AnotherCredentialWins,
        Self::NoConflict,
        Self::NotExpiring,
        Self::ExpiresSoon,
        Self::Expired,
        Self::NotChecked,
        Self::LoginAccepted,
        Self::PullAccepted,
        Self::Refused,
        Self::Unreachable,
        Self::ForeignSecret,
        Self::ImmutableSecret,
        Self::WrongType,
        Self::QuotaExceeded,
        Self::Forbidden,
        Self::AdmissionDenied,
        Self::SecretFull,
        Self::Terminating,
        Self::WriterConflict,
        Self::Failed,
    ];

    #[rustfmt::skip]
    const fn row(self) -> Row {
        use Progress::{Reconciling, Settled, Stalled};
        let (name, condition, kinds, progress) = match self {
            Self::Accepted              => ("Accepted",              READY,        EVERY,      Settled),
            Self::WarningsFound         => ("WarningsFound",         WARNINGS,     EVERY,      Settled),
            Self::Invalid               => ("Invalid",               READY,        EVERY,      Stalled),
            Self::TooLarge              => ("TooLarge",              READY,        EVERY,      Stalled),
            Self::TypeMismatch          => ("TypeMismatch",          READY,        EVERY,      Stalled),
            Self::DuplicateIssuer       => ("DuplicateIssuer",       READY,        ISSUER,     Reconciling),
            Self::KeysNotFound          => ("KeysNotFound",          READY,        ISSUER,     Reconciling),
            Self::KeysInvalid           => ("KeysInvalid",           READY,        ISSUER,     Reconciling),
            Self::IssuerUnreachable     => ("IssuerUnreachable",     READY,        ISSUER,     Reconciling),
            Self::DiscoveryMismatch     => ("DiscoveryMismatch",     READY,        ISSUER,     Reconciling),
            Self::AddressForbidden      => ("AddressForbidden",      READY,        ISSUER,     Reconciling),
            Self::CaBundleNotFound      => ("CaBundleNotFound",      READY,        ISSUER,     Reconciling),
            Self::CaBundleInvalid       => ("CaBundleInvalid",       READY,        ISSUER,     Reconciling),
            Self::PublicUrlMismatch     => ("PublicUrlMismatch",     READY,        ISSUER,     Reconciling),
            Self::SigningKeyUnavailable => ("SigningKeyUnavailable", READY,        ISSUER,     Reconciling),
            Self::PolicyNotFound        => ("PolicyNotFound",        READY,        ROLE,       Reconciling),
            Self::PolicyInvalid         => ("PolicyInvalid",         READY,        ROLE,       Reconciling),
            Self::IssuerNotFound        => ("IssuerNotFound",        READY,        ROLE,       Reconciling),
            Self::TenantUnbound         => ("TenantUnbound",         READY,        ROLE,       Stalled),
            Self::FieldsPruned          => ("FieldsPruned",          READY,        EVERY,      Reconciling),
            Self::BundleFull            => ("BundleFull",            READY,        EVERY,      Reconciling),
            Self::SourceFound           => ("SourceFound",           SOURCE_VALID, CREDENTIAL, Settled),
            Self::SourceNotFound        => ("SourceNotFound",        SOURCE_VALID, CREDENTIAL, Reconciling),
            Self::SourceUnreadable      => ("SourceUnreadable",      SOURCE_VALID, CREDENTIAL, Reconciling),
            Self::SourceForbidden       => ("SourceForbidden",       SOURCE_VALID, CREDENTIAL, Reconciling),
            Self::AllNamespaces         => ("AllNamespaces",         SYNCED,       CREDENTIAL, Settled),
            Self::NoNamespaces          => ("NoNamespaces",          SYNCED,       CREDENTIAL, Settled),
            Self::RollingOut            => ("RollingOut",            SYNCED,       CREDENTIAL, Reconciling),
            Self::NamespacesFailing     => ("NamespacesFailing",     SYNCED,       CREDENTIAL, Reconciling),
            Self::WatchForbidden        => ("WatchForbidden",        SYNCED,       CREDENTIAL, Reconciling),
            Self::Suspended             => ("Suspended",             SYNCED,       CREDENTIAL, Settled),
            Self::AnotherCredentialWins => ("AnotherCredentialWins", CONFLICTED,   CREDENTIAL, Reconciling),
            Self::NoConflict            => ("NoConflict",            CONFLICTED,   CREDENTIAL, Settled),
            Self::NotExpiring           => ("NotExpiring",           EXPIRING,     CREDENTIAL, Settled),
            Self::ExpiresSoon           => ("ExpiresSoon",           EXPIRING,     CREDENTIAL, Settled),
            Self::Expired               => ("Expired",               EXPIRING,     CREDENTIAL, Stalled),
            Self::NotChecked            => ("NotChecked",            VERIFIED,     CREDENTIAL, Settled),
            Self::LoginAccepted         => ("LoginAccepted",         VERIFIED,     CREDENTIAL, Settled),
            Self::PullAccepted          => ("PullAccepted",          VERIFIED,     CREDENTIAL, Settled),
            Self::Refused               => ("Refused",               VERIFIED,     CREDENTIAL, Reconciling),
            Self::Unreachable           => ("Unreachable",           VERIFIED,     CREDENTIAL, Settled),
            Self::ForeignSecret         => ("ForeignSecret",         FAILURES,     CREDENTIAL, Reconciling),
            Self::ImmutableSecret       => ("ImmutableSecret",       FAILURES,     CREDENTIAL, Reconciling),
            Self::WrongType             => ("WrongType",             FAILURES,     CREDENTIAL, Reconciling),
            Self::QuotaExceeded         => ("QuotaExceeded",         FAILURES,     CREDENTIAL, Reconciling),
            Self::Forbidden             => ("Forbidden",             FAILURES,     CREDENTIAL, Reconciling),
            Self::AdmissionDenied       => ("AdmissionDenied",       FAILURES,     CREDENTIAL, Reconciling),
            Self::SecretFull            => ("SecretFull",            FAILURES,     CREDENTIAL, Reconciling),
            Self::Terminating           => ("Terminating",           FAILURES,     CREDENTIAL, Reconciling),
            Self::WriterConflict        => ("WriterConflict",        FAILURES,     CREDENTIAL, Reconciling),
            Self::Failed                => ("Failed",                FAILURES,     CREDENTIAL, Reconciling),
        };
        Row { name, condition, kinds, progress }
    }

    /// The text in a condition's `reason`.
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The type of the condition that gives it, or [`FAILURES`]. `Reconciling` and `Stalled` repeat the reason of
    /// `Ready`, and `Ready` that of the condition which keeps it from being True.
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
