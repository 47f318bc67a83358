//! A folder of manifests, watched: read whole after each change, compiled as the operator compiles, and
//! taken where everything could be read; otherwise the last good state stays (`security-rules.md` 29).

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::bundle::Bundle;
use crate::compile::LastValid;
use crate::folder::{Compiled, Manifests};

/// A folder is read once nothing has changed in it for this long: of a file that is being written, the half
/// that stands first could say more than the whole,
const SETTLE: Duration = Duration::from_millis(200);
/// but not later than after so many changes.
const AT_MOST: usize = 50;

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is none of that name, or none that may be looked at.
    #[error("`{}` cannot be read", .path.display())]
    Gone {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Something in it cannot be read.
    #[error("the manifests cannot be used: {0}")]
    Unreadable(String),
    /// It cannot be watched.
    #[error("`{}` cannot be watched", .path.display())]
    Watch {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        source: notify::Error,
    },
}

/// What follows from the manifests in a folder now. Problems and warnings are logged; objects with
/// problems grant nothing, and publish nothing that they covered before.
///
/// # Errors
/// [`FolderError::Unreadable`].
pub fn read(folder: &Path, namespace: &str, last_valid: &mut LastValid) -> Result<Bundle, FolderError> {
    let paths = &[folder.to_owned()];
    let manifests = Manifests { paths, recursive: false, namespace, partial: false };
    let compiled = Compiled::of_files(&manifests, &mut std::io::empty(), last_valid.clone());
    if !compiled.unreadable.is_empty() {
        return Err(FolderError::Unreadable(compiled.unreadable().join("; ")));
    }
    for line in compiled.findings.iter().map(ToString::to_string).chain(compiled.idle()) {
        tracing::warn!("{line}");
    }
    *last_valid = compiled.last_valid;
    Ok(compiled.bundle)
}

/// What a name leads to: the device, the number there, and when it was made, since numbers are given anew.
pub type Stands = (u64, u64, Option<SystemTime>);

/// What the name of a folder leads to now, through links.
pub fn stands(folder: &Path) -> Option<Stands> {
    let found = std::fs::metadata(folder).ok()?;
    Some((found.dev(), found.ino(), found.created().ok()))
}

/// Tells of changes in a folder.
pub struct Watch {
    changed: mpsc::Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches a folder.
    ///
    /// # Errors
    /// [`FolderError::Gone`], [`FolderError::Watch`].
    pub fn new(folder: &Path) -> Result<Self, FolderError> {
        // The watcher's own words for that are about its inside.
        let gone = |source| FolderError::Gone { path: folder.to_owned(), source };
        std::fs::metadata(folder).map_err(gone)?;
        let (tell, changed) = mpsc::channel(1);
        let failed = |source| FolderError::Watch { path: folder.to_owned(), source };
        let told = move |event: notify::Result<notify::Event>| {
            // Reading is no change; who is told already needs not be told again.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _ = tell.try_send(());
            }
        };
        let mut watcher = notify::recommended_watcher(told).map_err(failed)?;
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(failed)?;
        Ok(Self { changed, _watcher: watcher })
    }

    /// Waits for the next change, and until it has settled.
    pub async fn next(&mut self) -> Option<()> {
        self.changed.recv().await?;
        for _ in 0..AT_MOST {
            if tokio::time::timeout(SETTLE, self.changed.recv()).await.is_err() {
                break;
            }
        }
        Some(())
    }
}
