//! Where the gateway's bundle comes from.

pub mod folder;
