//! The operator: watches, applies, reports.
//!
//! `shown`, `objects`, `keybook`, `holdings`, `plan`, `election`, `world` are its pure core: plain calls on
//! structs, in which a whole cluster's behaviour can be tested. The other modules do IO and decide nothing.

pub mod config;
pub mod election;
pub mod fetch;
pub mod holdings;
pub mod keybook;
pub mod objects;
pub mod plan;
pub mod shown;

pub use config::Config;
