//! The command line as people and scripts use it: the real binary, on files, with no cluster in reach.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on should say where"
)]

mod audit;
mod can_i;
#[allow(dead_code, reason = "shared with the other tiers; each uses its own part")]
#[path = "../support/certs.rs"]
mod certs;
mod check;
mod exchange;
mod faults;
mod gateway;
mod help;
mod inspect;
#[allow(dead_code, reason = "shared with the upper tiers; each uses its own part")]
#[path = "../support/ports.rs"]
mod ports;
mod processes;
mod registry;
mod render;
mod run;
mod stranger;
mod tokens;
mod who_can;
mod wrong_input;
