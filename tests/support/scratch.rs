//! A folder that is gone once this process is, however it ends.

use std::{
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{Result, cluster::write_private, tools};

/// A temporary folder; dropping it removes it. With `FAAS_IAM_KEEP_LOGS` set it stays, and says where.
pub struct Scratch {
    folder: PathBuf,
    keeper: Option<Child>,
}

impl Scratch {
    /// A new, empty folder, readable by this user alone.
    ///
    /// # Errors
    /// When it cannot be made, or the leash that removes it cannot be started.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("faas-iam-").tempdir()?.keep();
        if std::env::var_os("FAAS_IAM_KEEP_LOGS").is_some() {
            eprintln!("keeping {}", folder.display());
            return Ok(Self { folder, keeper: None });
        }
        let keeper = Command::new(tools::tool("leash")?)
            .arg("--scratch")
            .arg(&folder)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()?;
        Ok(Self { folder, keeper: Some(keeper) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes a file that this user alone can read, and gives its path.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        write_private(&path, text)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}
