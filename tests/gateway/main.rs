//! The tier of real parts around the real `faas-iam gateway` process, without Kubernetes: a provider in Go behind it, a
//! real OpenID provider, the check of a watchdog, clients as they are. One binary, one gateway for most of it.
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

mod audited;
mod bodies;
mod cells;
mod faas_cli;
mod framing;
mod headers;
mod http2;
mod issuers;
mod judged;
mod people;
#[path = "../up/session.rs"]
mod session;
#[path = "../up/standalone.rs"]
mod standalone;
mod streams;
mod table;
mod watchdog;
mod wire;
mod world;
