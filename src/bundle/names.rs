//! Under which names a cluster holds a bundle and the key that signs: what operator, gateway and commands must agree on.
//!
//! Names alone; who may read and write them is the chart's.

/// The Secret of the IAM namespace that holds the index.
pub const INDEX_SECRET: &str = "faas-iam-bundle";

/// The type of that Secret.
pub const INDEX_TYPE: &str = "iam.openfaas.com/bundle-index";

/// The key of the index in that Secret's `data`.
pub const INDEX_KEY: &str = "index.json";

/// The key of a shard's text in the `data` of its ConfigMap.
pub const SHARD_KEY: &str = "records.jsonl";

/// The Secret of the IAM namespace that holds our own key.
pub const SIGNING_SECRET: &str = "issuer-key";

/// The key of its PEM in that Secret's `data`.
pub const SIGNING_KEY: &str = "issuer.key";
