//! Certificates for unit tests, and who shows them: made as the upper tiers make them.

#[path = "../../tests/support/certs.rs"]
mod certs;
#[path = "../../tests/support/tls.rs"]
mod tls;

pub use certs::*;
pub use tls::{Tls, acceptor};
