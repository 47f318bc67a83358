//! The issuers that serve, found by their exact `iss` (`semantics.md` 19, 20).

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::principal::{Unidentified, shorten};
use super::reach::Lifetime;
use crate::bundle::Bundle;
use crate::model::tenant::Sharing;
use crate::model::{EmailVerified, SYSTEM_ISSUER_NAME};
use crate::token;

/// What decisions need of a JwtIssuer.
#[derive(Debug)]
pub(super) struct Declared {
    pub name: Box<str>,
    pub iss: Box<str>,
    pub aud: Box<[Box<str>]>,
    pub sharing: Option<Sharing>,
    pub email_verified: EmailVerified,
    pub lifetime: Lifetime,
}

impl Declared {
    /// Whether this is ourselves.
    pub fn is_system(&self) -> bool {
        &*self.name == SYSTEM_ISSUER_NAME
    }
}

#[derive(Debug, Default)]
pub(super) struct Issuers {
    by_iss: HashMap<Box<str>, Declared>,
}

impl Issuers {
    /// The issuers of a bundle. Two with one `iss` serve neither: a bundle never holds them, and one
    /// that does is not trusted to have meant either.
    pub fn new(bundle: &Bundle) -> Self {
        let mut by_iss = HashMap::new();
        let mut twice = Vec::new();
        for (name, issuer, _) in bundle.issuers() {
            let declared = Declared {
                name: name.into(),
                iss: issuer.iss.clone(),
                aud: issuer.aud.clone().into(),
                sharing: issuer.sharing,
                email_verified: issuer.email_verified,
                lifetime: Lifetime { token_expiry: issuer.token_expiry, cap_expiry: issuer.cap_expiry },
            };
            if by_iss.insert(issuer.iss.clone(), declared).is_some() {
                twice.push(issuer.iss.clone());
            }
        }
        twice.iter().for_each(|iss| {
            by_iss.remove(iss);
        });
        Self { by_iss }
    }

    /// The issuer with exactly this `iss`.
    pub fn find(&self, iss: &str) -> Option<&Declared> {
        self.by_iss.get(iss)
    }

    /// The issuer whose `iss` the claims carry.
    pub fn declared(&self, claims: &Map<String, Value>) -> Result<&Declared, Unidentified> {
        let iss = token::issuer(claims)?;
        self.find(iss).ok_or_else(|| Unidentified::UnknownIssuer(shorten(iss)))
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Declared> {
        self.by_iss.values()
    }
}
