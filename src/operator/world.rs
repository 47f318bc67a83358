//! Everything the operator knows, and what follows from it: one pass from what was seen to what has to be
//! written and said. Pure: fed by plain calls, time is an argument.

mod due;

pub use due::Due;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::allowance::Allowance;
use super::holdings::Holdings;
use super::keybook::KeyBook;
use super::objects::Objects;
use super::plan::Goal;
use super::rivals::Disputes;
use super::signing::SigningError;
use super::trusted::Trusted;
use crate::api::status::KeysStatus;
use crate::api::{Kind, Reason};
use crate::bundle::{Bundle, KeyState, Record};
use crate::compile::{Keys, Linked, Meaning, ObjectRef, Report, Surroundings, link::link};
use crate::model::{Issuer, KeyRef, KeySource, SYSTEM_ISSUER_NAME};
use crate::token::KeySet;

/// Our own signing key, as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SigningKey {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// There is none.
    Absent,
    /// It is there, under this key id, since this time (ms since 1970).
    Usable {
        /// The key id.
        kid: Box<str>,
        /// When its Secret was made.
        since: i64,
    },
    /// It is there and cannot be used.
    Broken(SigningError),
}

/// What the operator knows.
#[derive(Debug, Default)]
pub struct World {
    /// The custom resources.
    pub objects: Objects,
    /// Issuers' keys.
    pub keybook: KeyBook,
    /// What the cluster holds of the bundle.
    pub holdings: Holdings,
    /// Trust roots.
    pub trusted: Trusted,
    /// Our own signing key.
    pub signing: SigningKey,
    /// The gateway's public URL, where it was told.
    pub public_url: Option<String>,
    /// Bytes that the bundle may have.
    pub limit: usize,
    /// What followed from the last compile, and our own key then.
    compiled: Option<(Arc<Goal>, SigningKey)>,
    /// Whether something else has changed since that it depends on.
    stale: bool,
    /// The reports of the last compile, to see which have changed.
    reports: BTreeMap<ObjectRef, Report>,
    /// The keys of each JwtIssuer in the last compile, as its status tells them.
    keys: BTreeMap<Box<str>, KeysStatus>,
    /// Objects whose status has to be compared with their report.
    unreported: BTreeSet<ObjectRef>,
    /// Statuses that are written no earlier than this, ms since 1970.
    put_off: BTreeMap<ObjectRef, i64>,
    /// Whose status was looked at last.
    looked_at: Option<ObjectRef>,
    /// How often the status of each object may still be written.
    allowance: Allowance<ObjectRef>,
    /// The statuses that were written, and who undoes them.
    disputes: Disputes,
}

impl World {
    /// Knows nothing yet but the gateway's public URL, where it was told, and the bytes that a bundle may have.
    pub fn new(public_url: Option<String>, limit: usize) -> Self {
        Self { public_url, limit, ..Self::default() }
    }

    /// Starts from what an earlier operator left.
    pub fn remember(&mut self, bundle: &Bundle) {
        self.objects.remember(bundle);
        self.keybook.remember(bundle);
    }

    /// Whether enough was seen to write anything: every list once, the bundle, and our own key.
    pub fn is_known(&self) -> bool {
        self.objects.listed() && self.holdings.known() && self.signing != SigningKey::Unknown
    }

    /// Whether something has changed since the last compile that it depends on: the meaning of an object, the
    /// keys of an issuer, our own key. A status, and what else metadata says, is nothing of that.
    pub fn is_stale(&mut self) -> bool {
        let (objects, keys) = (self.objects.take_changed(), self.keybook.take_changed());
        self.stale |= objects || keys;
        self.stale || self.compiled.as_ref().is_none_or(|(_, signing)| *signing != self.signing)
    }

    /// What the cluster should hold by the last compile; `None` before the first.
    pub fn goal(&self) -> Option<Arc<Goal>> {
        self.compiled.as_ref().map(|(goal, _)| goal.clone())
    }

    /// Compiles what is known, into what the cluster should hold. Reports that differ from the last compile's
    /// become due.
    pub fn compile(&mut self, now: i64) {
        self.keybook.follow(self.objects.catalogue(), now);
        let Linked { mut bundle, reports } = link(self.objects.catalogue(), &self.surroundings());
        if let SigningKey::Usable { kid, since } = &self.signing {
            bundle.insert(kid.clone(), Record::KeyState { state: KeyState::Active, since: *since });
        }
        self.objects.take_changed();
        self.keybook.take_changed();
        self.stale = false;
        let differs = |(key, report): &(&ObjectRef, &Report)| self.reports.get(*key) != Some(*report);
        let changed: Vec<ObjectRef> = reports.iter().filter(differs).map(|(key, _)| key.clone()).collect();
        self.unreported.extend(changed);
        self.reports = reports;
        self.keys = keys_statuses(&bundle);
        self.disputes.retain(|key| self.reports.contains_key(key));
        self.compiled = Some((Arc::new(Goal::of(&bundle)), self.signing.clone()));
    }

    fn surroundings(&self) -> Surroundings {
        let mut keys = self.keybook.keys();
        if let Some((reason, message)) = self.system_problem() {
            keys.insert(SYSTEM_ISSUER_NAME.into(), Keys::Failed { reason, message, last: None });
        }
        Surroundings { keys, limit: self.limit, ..Surroundings::default() }
    }

    /// What is wrong with the JwtIssuer that is ourselves, beyond what stands in it.
    fn system_problem(&self) -> Option<(Reason, String)> {
        let iss = self.system_iss()?;
        if let Some(url) = self.public_url.as_deref().filter(|url| *url != iss) {
            let message = format!(
                "`iss` is `{iss}`, and the gateway's public URL is `{url}` (`--public-url`): make them equal"
            );
            return Some((Reason::PublicUrlMismatch, message));
        }
        match &self.signing {
            SigningKey::Broken(why) => Some((Reason::SigningKeyUnavailable, why.to_string())),
            SigningKey::Unknown | SigningKey::Absent => {
                Some((Reason::SigningKeyUnavailable, "the Secret `issuer-key` is not there yet".into()))
            }
            SigningKey::Usable { .. } => None,
        }
    }

    fn system_iss(&self) -> Option<&str> {
        let key = ObjectRef { kind: Kind::JwtIssuer, name: SYSTEM_ISSUER_NAME.into() };
        match &self.objects.catalogue().objects.get(&key)?.verdict {
            Ok(Meaning::Issuer(issuer, _)) => Some(&issuer.iss),
            _ => None,
        }
    }

    /// The Secrets and ConfigMaps that JwtIssuers refer to.
    pub fn references(&self) -> BTreeSet<KeyRef> {
        let judged = self.objects.catalogue().objects.values();
        let issuers = judged.filter_map(|judged| match &judged.verdict {
            Ok(Meaning::Issuer(issuer, _)) => Some(issuer),
            _ => None,
        });
        let of = |issuer: &Issuer| {
            let keys = match &issuer.keys {
                KeySource::Ref(reference) => Some(reference.clone()),
                _ => None,
            };
            keys.into_iter().chain(issuer.ca_bundle.clone()).collect::<Vec<_>>()
        };
        issuers.flat_map(of).collect()
    }

    /// What the status of a JwtIssuer tells of its keys.
    pub fn keys_status(&self, key: &ObjectRef) -> Option<&KeysStatus> {
        self.keys.get(&key.name).filter(|_| key.kind == Kind::JwtIssuer)
    }

    /// The reports of the last pass.
    pub fn reports(&self) -> &BTreeMap<ObjectRef, Report> {
        &self.reports
    }
}

/// What the statuses of JwtIssuers tell of the keys that serve.
fn keys_statuses(bundle: &Bundle) -> BTreeMap<Box<str>, KeysStatus> {
    let status = |(name, issuer, keys): (&str, &Issuer, &KeySet)| {
        let mut kids: Vec<String> = keys.iter().filter_map(|key| key.kid()).map(str::to_owned).collect();
        kids.sort();
        kids.dedup();
        let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        (Box::from(name), KeysStatus { source: source(issuer), count, kids })
    };
    bundle.issuers().map(status).collect()
}

fn source(issuer: &Issuer) -> String {
    match &issuer.keys {
        KeySource::System => crate::bundle::names::SIGNING_SECRET.to_owned(),
        KeySource::Discovery => issuer.iss.to_string(),
        KeySource::Internal(url) => url.to_string(),
        KeySource::Cluster(_) => "cluster".to_owned(),
        KeySource::Inline => "jwks".to_owned(),
        KeySource::Ref(_) => "jwksRef".to_owned(),
    }
}

#[cfg(test)]
mod tests;
