//! Which logins the kubelet would try for an image, by its own code (`tests/keyring`).

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::json;

use super::{Failure, Result, tools};

/// Users and passwords in the order in which they are tried, for each of these images, where the one pull secret has
/// this `.dockerconfigjson`.
///
/// # Errors
/// When the program cannot be built, or the kubelet cannot read the file or a name.
pub fn tried(file: &[u8], images: &[&str]) -> Result<Vec<Vec<(String, String)>>> {
    let asked = json!({ "file": std::str::from_utf8(file)?, "images": images }).to_string();
    let mut keyring = Command::new(tools::tool("keyring")?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut line) = keyring.stdin.take() {
        line.write_all(asked.as_bytes())?;
    }
    let answer = keyring.wait_with_output()?;
    if !answer.status.success() {
        return Err(Failure::new(format!("the keyring ended: {}", String::from_utf8_lossy(&answer.stderr))));
    }
    Ok(serde_json::from_slice(&answer.stdout)?)
}
