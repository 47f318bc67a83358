//! Logins for container registries: which one a source holds, under which key the kubelet looks for it, when it ends, what
//! a registry says of it, and the one file that all of a namespace's become. Pure; what is asked and written, where and
//! when, is for who uses it.
//!
//! Nothing here that holds a password has a `Debug` that shows it, and all of it is wiped when it is dropped.

mod challenge;
mod entry;
mod expiry;
mod file;
mod login;
mod merged;
mod parts;
mod references;
mod source;
mod trial;

pub use crate::model::{AddressError, Registry};
pub use challenge::{Bearer, Challenge, RealmError, TokenHosts, token};
pub use expiry::{Lifetime, Milestone, expiry};
pub use file::DOCKER_CONFIG_JSON;
pub use login::{Login, LoginError};
pub use merged::{MAX_SECRET_BYTES, Merged, merge, read};
pub use parts::{Fate, File, Left, Marks, Part, file};
pub use references::{ADDED, Account, added, patch};
pub use source::{Found, SourceError, find};
pub use trial::{Answered, Outcome, Trial};
