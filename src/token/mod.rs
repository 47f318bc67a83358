//! Tokens and key sets: reading claims, verifying signatures.
