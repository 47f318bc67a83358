//! The last known forms that a bundle carries, read back: what an operator starts from.

use std::collections::BTreeSet;

use crate::api::{Kind, Reason};
use crate::bundle::{Bundle, Key, Record};
use crate::compile::{Judged, Meaning, ObjectRef, Problem};
use crate::model::{FieldPath, KeySource};

/// Every object of the bundle in the form in which it was compiled. Warnings are not carried.
pub fn judged(bundle: &Bundle) -> impl Iterator<Item = (ObjectRef, Judged)> {
    bundle.iter().filter_map(|(key, record)| one(key, record))
}

fn one(key: &Key, record: &Record) -> Option<(ObjectRef, Judged)> {
    let origin = record.origin()?.clone();
    let (kind, name, verdict) = match record {
        Record::Issuer { issuer, keys, .. } => {
            let written = (issuer.keys == KeySource::Inline).then(|| keys.clone());
            (Kind::JwtIssuer, &*key.name, Ok(Meaning::Issuer(issuer.clone(), written)))
        }
        Record::Policy { policy, .. } => (Kind::Policy, &*key.name, Ok(Meaning::Policy(policy.clone()))),
        Record::Role { role, .. } => (Kind::Role, &*key.name, Ok(Meaning::Role(role.clone()))),
        Record::Refused { reason, message, .. } => {
            let (kind, name) = key.name.split_once('/')?;
            let kind = Kind::ACCESS.into_iter().find(|k| k.kind() == kind)?;
            (kind, name, Err(vec![problem(reason, message)?]))
        }
        _ => return None,
    };
    let iss = match &verdict {
        Ok(Meaning::Issuer(issuer, _)) => [issuer.iss.clone()].into(),
        _ => BTreeSet::new(),
    };
    Some((
        ObjectRef { kind, name: name.into() },
        Judged { origin, verdict, warnings: Vec::new(), iss, covers: Vec::new() },
    ))
}

/// What was wrong then; a reason that comes from elsewhere (a conflict, a full bundle) is found anew.
fn problem(reason: &str, message: &str) -> Option<Problem> {
    let own = [Reason::Invalid, Reason::TooLarge, Reason::TypeMismatch, Reason::TenantUnbound];
    let reason = own.into_iter().find(|r| r.as_str() == reason)?;
    Some(Problem { reason, field: FieldPath::root(), message: message.to_owned() })
}
