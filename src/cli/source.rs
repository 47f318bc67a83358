//! Where a command gets its objects from: the flags for files and for a cluster.
//!
//! Flags alone; `files` reads the ones, `cluster` asks the other.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::kubeconfig::ClusterArgs;

/// Files or a cluster.
#[derive(Debug, Clone, Args)]
pub struct SourceArgs {
    /// A file, a folder, or `-` for standard input; may be given several times. Without it the cluster is asked
    #[arg(short = 'f', long = "filename", value_name = "PATH", env = "FAAS_IAM_FILENAME")]
    pub files: Vec<PathBuf>,
    /// Reads folders within folders, too
    #[arg(short = 'R', long, requires = "files", env = "FAAS_IAM_RECURSIVE", value_parser = FalseyValueParser::new())]
    pub recursive: bool,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

impl SourceArgs {
    /// Whether files are meant; nothing opens a connection then.
    pub fn is_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Where the objects come from, for people.
    pub fn places(&self) -> String {
        if self.is_files() {
            return self
                .files
                .iter()
                .map(|path| format!("`{}`", path.display()))
                .collect::<Vec<_>>()
                .join(", ");
        }
        format!("the namespace `{}` of the cluster", self.cluster.namespace)
    }
}
