//! Where the gateway's bundle comes from: a cluster, or a folder of manifests.

pub mod cluster;
pub mod folder;
