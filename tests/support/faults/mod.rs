//! Whatever can go wrong between a program and its API server, on demand: a proxy that records, holds, loses, refuses
//! and cuts, and a comparison of what is left in the end.
//!
//! It knows neither operator nor gateway: whatever speaks to an API server by a kubeconfig can be put behind it.

pub mod call;
pub mod dump;
pub mod forward;
pub mod play;
pub mod proxy;

pub use call::Call;
pub use proxy::{Moment, Proxy};
