//! A RegistryCredential as it was seen: what it means, and what its status says. Pure.

use std::sync::Arc;

use serde_json::Value;

use super::mirror::Kept;
use crate::api::{Kind, Reason};
use crate::compile::validate::validate;
use crate::compile::{Meaning, Problem, Warning};
use crate::model::{Credential, Unplaced};
use crate::operator::holdings::Version;
use crate::operator::shown::Shown;

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// Which version of it.
    pub version: Version,
    /// Its generation.
    pub generation: i64,
    /// When it was created, seconds since 1970.
    pub created: i64,
    /// What it means, or all that is wrong with it.
    pub verdict: Result<Arc<Credential>, Vec<Problem>>,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
    /// Its status, null where it has none.
    pub status: Value,
}

impl Declared {
    /// As it was shown.
    pub fn of(shown: &Shown) -> Self {
        let judged = validate(Kind::RegistryCredential, &shown.whole, &Unplaced);
        let verdict = judged.verdict.and_then(|meaning| match meaning {
            Meaning::Credential(credential) => Ok(Arc::new(*credential)),
            // The validator of this kind knows no other.
            _ => Err(Vec::new()),
        });
        Self {
            version: Version {
                uid: shown.origin.uid.to_string(),
                resource_version: shown.resource_version.clone(),
            },
            generation: shown.origin.generation,
            created: shown.origin.created,
            verdict,
            warnings: judged.warnings,
            status: shown.status.clone(),
        }
    }

    /// Whether its status says that the registry refuses its login for certain.
    pub fn was_refused(&self) -> bool {
        let conditions = self.status.get("conditions").and_then(Value::as_array).into_iter().flatten();
        let says = |condition: &Value, field: &str, text: &str| {
            condition.get(field).and_then(Value::as_str) == Some(text)
        };
        conditions
            .filter(|condition| says(condition, "type", "Verified"))
            .any(|condition| says(condition, "reason", Reason::Refused.as_str()))
    }
}

impl Kept for Declared {
    fn is_older_than(&self, other: &Self) -> bool {
        self.version.is_older_than(&other.version)
    }
}
