//! The semantics, checked twice: every expectation of the tables under `table/` against a naive reference
//! written from the page and against the product, and the laws that hold for worlds nobody wrote down.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets the unexpected ends there"
)]

mod bundles;
mod generate;
mod laws;
mod pipeline;
mod reference;
mod table;
mod world;
