//! Our engine, and a scan over the same model without its index.

use std::time::Duration;

use faas_iam::bundle::Bundle;
use faas_iam::engine::{Engine, Principal};
use faas_iam::model::Request;

use crate::contender::{Contender, timed};
use crate::installation::Installation;
use crate::{mix, scan};

pub struct Indexed {
    engine: Engine,
    askers: Vec<(Principal, Request)>,
}

pub struct Scanned {
    bundle: Bundle,
    askers: Vec<(Principal, Request)>,
}

impl Indexed {
    /// Compiled from objects: each of them validated, as the operator does, and indexed, as the gateway does.
    pub fn new(installation: &Installation) -> (Self, Duration) {
        let (engine, took) = timed(|| Engine::new(&mix::bundle(&installation.objects)));
        (Self { engine, askers: installation.askers.clone() }, took)
    }
}

impl Contender for Indexed {
    fn allows(&mut self, question: usize) -> bool {
        let (who, request) = &self.askers[question];
        self.engine.decide(who, request)
    }
}

impl Scanned {
    pub fn new(installation: &Installation) -> (Self, Duration) {
        let (bundle, took) = timed(|| mix::bundle(&installation.objects));
        (Self { bundle, askers: installation.askers.clone() }, took)
    }
}

impl Contender for Scanned {
    fn allows(&mut self, question: usize) -> bool {
        let (who, request) = &self.askers[question];
        scan::allows(&self.bundle, who, request)
    }
}
