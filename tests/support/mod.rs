//! What tests of the upper tiers and `make up` stand on: a real control plane and everything that talks to it.
//!
//! It starts, asks, waits and cleans up; it holds no expectation about the product.

pub mod audit;
pub mod canary;
pub mod certs;
pub mod chart;
pub mod child;
pub mod cluster;
pub mod controlplane;
pub mod crds;
pub mod examples;
pub mod failure;
pub mod faults;
pub mod flags;
pub mod helm;
pub mod keyring;
pub mod namespace;
pub mod oidc;
pub mod ports;
pub mod product;
pub mod provider;
pub mod registry;
pub mod robot;
pub mod scratch;
pub mod shared;
pub mod skip;
pub mod tenant;
pub mod tls;
pub mod token_service;
pub mod tools;
pub mod wait;
pub mod watchdog;

pub use failure::{Failure, Result};
