//! The custom resource types: what users write, every field documented.
