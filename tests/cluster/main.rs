//! The tier that needs a real API server: one binary, one shared control plane, one module a subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets the unexpected ends there"
)]

#[allow(dead_code, reason = "shared with `make up`; each uses its own part")]
#[path = "../support/mod.rs"]
mod support;

mod chart;
mod cli;
mod control_plane;
mod faults;
mod gateway;
mod hostile;
mod keyring;
mod leash;
mod operator;
mod provider;
mod pulls;
mod registry;
mod schema;
mod soak;
