//! Pull secrets: from RegistryCredentials to one Secret and its references in every namespace that is meant. By namespace,
//! not by credential: what is there is compared with what should be, and only what differs is written.
//!
//! `access`, `mirror`, `held`, `source`, `declared`, `checks`, `plan`, `work`, `world`, `desired`, `turns`, `stuck`, `tally`,
//! `report`, `names`, `leftovers` are its pure core; `watch`, `apply`, `verify` do IO and decide nothing, and `run` puts them together;
//! `cleanup` does for a command that takes everything back.

mod access;
mod apply;
mod checks;
pub mod cleanup;
mod declared;
mod desired;
mod held;
mod leftovers;
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
