//! Skipping a test out loud: said even where the test runner hides output, and a failure in CI.

use std::io::Write as _;

use super::{Failure, Result};

/// Says that the test at hand is skipped, and why; give its result back.
///
/// # Errors
/// In CI (with `CI` set), where everything has to run.
pub fn skip(why: &str) -> Result<()> {
    if std::env::var_os("CI").is_some() {
        return Err(Failure::new(format!("skipped, which CI does not allow: {why}")));
    }
    allowed(why)
}

/// The same for what CI may skip: a program that cannot be had everywhere.
///
/// # Errors
/// None; the result is the test's.
pub fn allowed(why: &str) -> Result<()> {
    // Not by a macro: the test runner swallows what those print.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    Ok(())
}
