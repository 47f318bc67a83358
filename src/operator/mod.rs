//! The operator: watches, applies, reports.
//!
//! `shown`, `objects`, `keybook`, `holdings`, `plan`, `election`, `rivals`,
//! `notices`, `allowance`, `world` are its pure core: plain calls on
//! structs, in which a whole cluster's behaviour can be tested. The other modules do IO and decide nothing.

pub mod allowance;
pub mod apply;
pub mod arrived;
pub mod config;
pub mod election;
pub mod holdings;
pub mod keybook;
pub mod lease;
pub mod metrics;
pub mod names;
pub mod notices;
pub mod objects;
pub mod pace;
pub mod plan;
mod publish;
pub mod pulls;
pub mod recorders;
pub mod references;
pub mod reporting;
pub mod rivals;
pub mod run;
pub mod seen;
pub mod served;
pub mod shown;
mod shown_state;
pub mod signing;
pub mod statuses;
mod take;
pub mod trusted;
pub mod turn;
pub mod verify;
pub mod watch;
pub mod world;

pub use config::Config;
pub use run::{OperatorError, run};

#[cfg(test)]
mod tests;
