//! The examples and the commands that the READMEs show, run by the binary on the files alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets the unexpected ends there"
)]

#[allow(dead_code, reason = "shared with the other tiers; each uses its own part")]
#[path = "../support/mod.rs"]
mod support;

mod decisions;
mod readme;

/// Takes away the variables that would answer for flags: whoever runs the tests may have set some.
fn without_flags(command: &mut std::process::Command) -> &mut std::process::Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FAAS_IAM_")) {
        command.env_remove(name);
    }
    command
}
