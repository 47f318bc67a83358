//! The wire contract between operator and gateway: versioned, deterministic bytes, digest, shards.
