//! The custom resource types: what users write, every field documented.
//!
//! Decides which shapes the API server takes. What the values mean is `model` and `compile`;
//! nothing here reads a clock, a file or the network.

pub mod choice;
pub mod condition;
pub mod crds;
pub mod credential;
pub mod field;
pub mod issuer;
pub mod kind;
pub mod limits;
pub mod parts;
pub mod policy;
pub mod privacy;
pub mod reasons;
pub mod role;
pub mod schema;
pub mod status;

pub use choice::Choice;
pub use condition::{Claims, Condition};
pub use crds::{crd, crd_yaml, crds, crds_yaml};
pub use credential::{RegistryCredential, RegistryCredentialSpec};
pub use field::Field;
pub use issuer::{JwtIssuer, JwtIssuerSpec, KeyRef};
pub use kind::{Kind, UnknownKind};
pub use policy::{Policy, PolicySpec, Statement};
pub use privacy::{FunctionMatcher, FunctionPrivacySpec};
pub use reasons::{Progress, Reason};
pub use role::{Role, RoleSpec};

/// The API group of every custom resource of ours.
pub const GROUP: &str = "iam.openfaas.com";

#[cfg(test)]
mod tests;
