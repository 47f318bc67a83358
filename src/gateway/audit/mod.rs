//! The audit trail: who was allowed or refused what. Each place that wants it has a bounded queue of its own;
//! what does not fit is counted and said, and serving never waits (`security-rules.md` 30).

mod event;
mod file;
mod queue;
mod start;
mod webhook;

pub use event::{Actor, DETAIL_BYTES, Event, Exchanged, METHOD_BYTES, NAME_BYTES, PATH_BYTES, cut};
pub use queue::Queue;
pub use start::{AuditArgs, AuditError, Writers};
#[cfg(test)]
pub use webhook::{Deliverer, Pace, Webhook};

/// Who is told of decisions; by default nobody.
#[derive(Default)]
pub struct Audit {
    sinks: Vec<Queue>,
}

impl Audit {
    /// These are told.
    pub fn of(sinks: Vec<Queue>) -> Self {
        Self { sinks }
    }

    /// Whether anybody is.
    pub fn is_on(&self) -> bool {
        !self.sinks.is_empty()
    }

    /// Tells whoever wants to know. Never waits.
    pub fn tell(&self, event: Event) {
        let event = std::sync::Arc::new(event);
        for sink in &self.sinks {
            sink.tell(&event);
        }
    }

    /// Who is told.
    pub fn sinks(&self) -> &[Queue] {
        &self.sinks
    }
}
