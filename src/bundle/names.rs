//! Under which names a cluster holds a bundle: what operator, gateway and commands must agree on.
//!
//! Names alone; who may read and write them is the chart's.

/// The Secret of the IAM namespace that holds the index.
pub const INDEX_SECRET: &str = "faas-iam-bundle";

/// The key of the index in that Secret's `data`.
pub const INDEX_KEY: &str = "index.json";

/// The key of a shard's text in the `data` of its ConfigMap.
pub const SHARD_KEY: &str = "records.jsonl";
