//! Where the gateway's bundle comes from: a cluster, or a folder of manifests with the provider's own list of
//! functions.

pub mod cluster;
pub mod folder;
pub mod lists;
pub mod provider;
pub mod standalone;
