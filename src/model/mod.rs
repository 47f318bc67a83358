//! What users mean: parsed, bounded types in which the invalid cannot be written down.
//! Pure; knows neither Kubernetes objects nor the wire.

mod action;
pub mod address;
mod claims;
mod condition;
mod credential;
mod issuer;
mod path;
mod pattern;
mod policy;
mod privacy;
mod registry;
mod request;
mod resource;
mod role;
pub mod tenant;
mod written;

pub use action::{Action, ActionSet, Level, Term, UnknownAction};
pub use claims::{ClaimValue, Claims};
pub use condition::{Clause, Comparison, Condition, Operator, Quantifier, UnknownOperator};
pub use credential::{
    AccountTargets, Check, Credential, FUNCTION_NAMESPACE, NamespaceTargets, OPT_IN, Output,
    is_function_namespace,
};
pub use issuer::{
    Algorithm, BASIC_AUTH_ISSUER, DEFAULT_TOKEN_EXPIRY, EmailVerified, Issuer, KeyRef, KeySource, RefKind,
    SYSTEM_ISSUER_NAME,
};
pub use path::{FieldPath, Segment};
pub use pattern::Pattern;
pub use policy::{Policy, Statement};
pub use privacy::Privacy;
pub use registry::{AddressError, Registry, host_name};
pub use request::{Request, RequestError};
pub use resource::{FORBIDDEN_NAMESPACE, FunctionName, Namespace, Resource, ResourceError, ResourcePattern};
pub use role::Role;
pub use written::{Position, Unplaced, Written};
