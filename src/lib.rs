//! Identity and access management for OpenFaaS on Kubernetes.
//!
//! `api`, `model`, `manifest`, `compile`, `bundle`, `engine`, `token`, `exchange`, `registry`, `route`, `trust`,
//! `causes` are pure: no IO, no clock, no environment. `operator`, `gateway`, `cli` and what they share (`endpoints`,
//! `fetch`, `flags`, `folder`, `kubeconfig`, `peers`, `process`, `watched`) do IO and decide nothing.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]

pub mod api;
pub mod bundle;
pub mod causes;
pub mod cli;
pub mod compile;
pub mod endpoints;
pub mod engine;
pub mod exchange;
pub mod fetch;
pub mod flags;
pub mod folder;
pub mod gateway;
pub mod kubeconfig;
pub mod manifest;
pub mod model;
pub mod operator;
pub mod peers;
pub mod process;
pub mod registry;
pub mod route;
pub mod token;
pub mod trust;
pub mod watched;
