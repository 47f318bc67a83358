//! The custom resource types: what users write, every field documented.
//!
//! Decides which shapes the API server takes. What the values mean is `model` and `compile`;
//! nothing here reads a clock, a file or the network.

pub mod kind;

pub use kind::{Kind, UnknownKind};

/// The API group of every custom resource of ours.
pub const GROUP: &str = "iam.openfaas.com";
