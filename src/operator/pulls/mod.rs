//! Pull secrets: from RegistryCredentials to one Secret and its references in every namespace that is meant. By namespace,
//! not by credential: what is there is compared with what should be, and only what differs is written.
//!
//! `mirror`, `held`, `source`, `declared`, `checks`, `plan`, `work`, `world`, `turns`, `stuck`, `tally`, `report`, `names`
//! are its pure core; `watch`, `apply`, `verify` do IO and decide nothing, and `run` puts them together.

mod apply;
mod checks;
mod declared;
mod held;
pub mod metrics;
mod mirror;
mod names;
mod plan;
mod report;
pub mod run;
mod source;
mod stuck;
mod tally;
mod turns;
pub mod verify;
mod watch;
mod work;
mod world;

pub use world::Install;

#[cfg(test)]
mod tests;
