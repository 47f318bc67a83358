//! What others have set, for `/readyz` and `/metrics`.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::text::encode;

use super::metrics::Metrics;
use crate::endpoints::{self, Readyz};

/// What is served.
#[derive(Debug)]
pub struct Served {
    /// The measurements.
    pub metrics: Metrics,
    readyz: Mutex<Readyz>,
    /// What pull secrets add, where they are looked after.
    pulls: Mutex<Option<Readyz>>,
}

impl Default for Served {
    /// Nothing is known yet, so not ready.
    fn default() -> Self {
        let readyz = Readyz { ready: false, lines: vec!["the cluster was not read yet".to_owned()] };
        Self { metrics: Metrics::new(), readyz: Mutex::new(readyz), pulls: Mutex::default() }
    }
}

impl Served {
    /// Says something else from now on.
    pub fn set_readyz(&self, readyz: Readyz) {
        *self.readyz.lock().unwrap_or_else(PoisonError::into_inner) = readyz;
    }

    /// Says something else of pull secrets from now on.
    pub fn set_pulls(&self, readyz: Readyz) {
        *self.pulls.lock().unwrap_or_else(PoisonError::into_inner) = Some(readyz);
    }
}

impl endpoints::Served for Served {
    fn readyz(&self) -> Readyz {
        let mut all = self.readyz.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(pulls) = self.pulls.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            all.ready &= pulls.ready;
            all.lines.extend(pulls.lines);
        }
        all
    }

    fn measured(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.metrics.registry)?;
        Ok(text)
    }
}
