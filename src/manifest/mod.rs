//! Manifests as text: YAML and JSON documents with the position of every field.
