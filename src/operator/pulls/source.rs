//! What a `secretRef` leads to, and the login in it. Pure.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::api::Reason;
use crate::model::Credential;
use crate::registry::{DOCKER_CONFIG_JSON, Found, find};

/// The keys that are read; nothing else of the Secret is kept.
pub const KEYS: [&str; 3] = ["username", "password", DOCKER_CONFIG_JSON];

/// A Secret of the IAM namespace. Has no `Debug`: it holds a login.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// There is none.
    Absent,
    /// We may not read it, or not yet.
    Refused,
    /// Its type, and what it holds.
    Secret(String, BTreeMap<&'static str, Zeroizing<Vec<u8>>>),
}

/// Why there is no login in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The condition's reason.
    pub reason: Reason,
    /// What is wrong and what to do; no value of the Secret.
    pub message: String,
}

impl Lack {
    /// We may not read it.
    pub fn forbidden(secret: &str) -> Self {
        let message = format!(
            "the operator may not read the Secret `{secret}`; add it to `rbac.referencedSecrets` of the chart's values"
        );
        Self { reason: Reason::SourceForbidden, message }
    }
}

/// The login that a credential's Secret holds.
///
/// # Errors
/// [`Lack`].
pub fn login(source: &Source, credential: &Credential) -> Result<Found, Lack> {
    let secret = &credential.secret;
    let (kind, data) = match source {
        Source::Secret(kind, data) => (kind, data),
        Source::Absent => {
            let message = format!("there is no Secret `{secret}`; create it");
            return Err(Lack { reason: Reason::SourceNotFound, message });
        }
        Source::Refused => return Err(Lack::forbidden(secret)),
    };
    let value = |key: &str| data.get(key).map(|value| value.as_slice());
    find(kind, value, &credential.registry, credential.username.as_deref()).map_err(|why| Lack {
        reason: Reason::SourceUnreadable,
        message: format!("the Secret `{secret}` gives no login: {why}"),
    })
}
