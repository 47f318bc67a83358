//! Trust roots from a file of PEM (RFC 7468): the Secret `ca-bundle`, and what `caBundleRef` names.
//!
//! Decides which certificates count, and refuses whole what is broken or was never meant to be shared. Time is
//! an argument; opens no connection and reads no file.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer as _;

/// Bytes of a bundle; a Secret holds no more either.
pub const MAX_BYTES: usize = 1 << 20;
/// How long before its end a certificate is reported, seconds.
const EXPIRING: i64 = 30 * 24 * 3600;
/// What opens every block.
const BEGIN: &str = "-----BEGIN ";
/// What closes every block.
const END: &str = "-----END ";

/// A bundle that is refused whole, so that the last good one stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// More than [`MAX_BYTES`].
    #[error("a bundle of certificates has at most {MAX_BYTES} bytes, and this one has {0}")]
    TooLarge(usize),
    /// No block at all.
    #[error("there is no certificate in it; each begins with a line `-----BEGIN CERTIFICATE-----`")]
    NoCertificate,
    /// A private key: it should not be where everybody reads it.
    #[error("block {block} is a private key; remove it, and replace the key, for others have read it")]
    PrivateKey {
        /// Which block, from one.
        block: usize,
    },
    /// A block of another kind: OpenSSL's `TRUSTED CERTIFICATE`, PKCS #7, a request.
    #[error("block {block} is `{label}`, and only `CERTIFICATE` can be used; convert it or remove it")]
    Foreign {
        /// Which block, from one.
        block: usize,
        /// Its label, cut to 64 characters.
        label: String,
    },
    /// A block that is no PEM, no certificate, or one that cannot be a root.
    #[error("block {block} cannot be read as a certificate")]
    Unreadable {
        /// Which block, from one.
        block: usize,
    },
    /// Lines that open or close a block stand where none is: something was lost when it was copied.
    #[error("a block is damaged: a line `-----BEGIN …` or `-----END …` is indented, doubled or missing")]
    Damaged,
    /// None of the certificates counts at the present time.
    #[error("none of its certificates is valid now: {}", .0.join("; "))]
    NoneValid(Vec<String>),
}

/// One certificate that signatures of servers may end at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Root(Arc<[u8]>);

impl Root {
    /// Its bytes, DER.
    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({} bytes)", self.0.len())
    }
}

/// The certificates of a bundle that count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustBundle {
    /// Each once; those that have expired, or are not valid yet, are not among them.
    pub roots: BTreeSet<Root>,
    /// What is worth saying: which have expired and are left out, and which will within 30 days.
    pub notes: Vec<String>,
}

impl TrustBundle {
    /// Reads a bundle at `now`, seconds since 1970. Text, blank lines and CRLF between certificates are fine.
    ///
    /// # Errors
    /// [`TrustError`]; then nothing of it counts.
    pub fn read(pem: &[u8], now: i64) -> Result<Self, TrustError> {
        if pem.len() > MAX_BYTES {
            return Err(TrustError::TooLarge(pem.len()));
        }
        let blocks = blocks(pem)?;
        let mut bundle = Self::default();
        for (at, der) in blocks.iter().enumerate() {
            bundle.add(at + 1, der, now)?;
        }
        if bundle.roots.is_empty() { Err(TrustError::NoneValid(bundle.notes)) } else { Ok(bundle) }
    }

    fn add(&mut self, block: usize, der: &[u8], now: i64) -> Result<(), TrustError> {
        let unreadable = TrustError::Unreadable { block };
        let Ok(([], certificate)) = X509Certificate::from_der(der) else { return Err(unreadable) };
        if RootCertStore::empty().add(der.into()).is_err() {
            return Err(unreadable);
        }
        let root = Root(der.into());
        if self.roots.contains(&root) {
            return Ok(());
        }
        let (counts, note) = judge(&certificate, now);
        self.notes.extend(note.filter(|note| !self.notes.contains(note)));
        if counts {
            self.roots.insert(root);
        }
        Ok(())
    }
}

/// Whether a certificate counts at a time, and what there is to say about it.
fn judge(certificate: &X509Certificate<'_>, now: i64) -> (bool, Option<String>) {
    let name = shown(&certificate.subject().to_string());
    let validity = certificate.validity();
    let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    if until < now {
        (false, Some(format!("`{name}` expired on {} and is left out", validity.not_after)))
    } else if from > now {
        (false, Some(format!("`{name}` is not valid before {} and is left out", validity.not_before)))
    } else if until - now < EXPIRING {
        (true, Some(format!("`{name}` expires on {}", validity.not_after)))
    } else {
        (true, None)
    }
}

/// The contents of every block, all of which are certificates by their label.
fn blocks(pem: &[u8]) -> Result<Vec<Vec<u8>>, TrustError> {
    let text = String::from_utf8_lossy(pem);
    let labels: Vec<_> =
        text.lines().filter_map(|line| line.split_once(BEGIN)).map(|(_, rest)| rest).collect();
    for (at, label) in labels.iter().enumerate() {
        check_label(at + 1, label.split_once("-----").map_or(*label, |(label, _)| label))?;
    }
    let ends = text.lines().filter(|line| line.contains(END)).count();
    let mut blocks = Vec::new();
    for block in Pem::iter_from_buffer(pem) {
        let unreadable = TrustError::Unreadable { block: blocks.len() + 1 };
        blocks.push(block.map_err(|_| unreadable)?.contents);
    }
    match blocks.len() {
        read if read != labels.len() || read != ends => Err(TrustError::Damaged),
        0 => Err(TrustError::NoCertificate),
        _ => Ok(blocks),
    }
}

fn check_label(block: usize, label: &str) -> Result<(), TrustError> {
    match label {
        "CERTIFICATE" => Ok(()),
        label if label.contains("PRIVATE KEY") => Err(TrustError::PrivateKey { block }),
        label => Err(TrustError::Foreign { block, label: shown(label) }),
    }
}

/// A text of somebody else's for a message: short, and without characters that nobody sees.
fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
