//! Where the programs are that `tests/setup/setup.sh` builds or installs; it builds what is missing, with progress.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use super::{Failure, Result};

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The path of `leash`, `controlplane`, `keyring`, `oidc`, `provider`, `registry`, `watchdog` or `helm`, built first where it is missing (minutes, once).
///
/// # Errors
/// When the set-up fails; it has said why on standard error.
pub fn tool(name: &str) -> Result<PathBuf> {
    static KNOWN: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut guard = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = guard.get_or_insert_default();
    if let Some(path) = known.get(name) {
        return Ok(path.clone());
    }
    let path = set_up(name)?;
    known.insert(name.to_owned(), path.clone());
    Ok(path)
}

fn set_up(name: &str) -> Result<PathBuf> {
    let output = Command::new(root().join("tests/setup/setup.sh"))
        .arg(name)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(Failure::new(format!("setting up `{name}` failed, see standard error")));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// The command line that runs `program` of a control plane: from `KUBEBUILDER_ASSETS` where it has it, else our own.
///
/// # Errors
/// As [`tool`].
pub fn control_plane_program(program: &str) -> Result<Vec<PathBuf>> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(|folder| PathBuf::from(folder).join(program));
    match assets.filter(|path| path.is_file()) {
        Some(path) => Ok(vec![path]),
        None => Ok(vec![tool("controlplane")?, program.into()]),
    }
}
