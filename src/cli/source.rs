//! Where a command gets its objects from: the flags for files and for a cluster.
//!
//! Flags alone; `files` reads the ones, `cluster` asks the other.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::model::{Namespace, ResourceError};

/// The namespace of the IAM objects where none is given.
pub const DEFAULT_NAMESPACE: &str = "openfaas";

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

/// Which cluster, and where in it.
#[derive(Debug, Clone, Args)]
pub struct ClusterArgs {
    /// The kubeconfig to use; without it $KUBECONFIG, ~/.kube/config, or the Pod's own account
    #[arg(long, value_name = "FILE", env = "FAAS_IAM_KUBECONFIG")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; its current one without it
    #[arg(long, value_name = "NAME", env = "FAAS_IAM_CONTEXT")]
    pub context: Option<String>,
    /// The IAM namespace: where the objects are that count
    #[arg(short, long, value_name = "NS", default_value = DEFAULT_NAMESPACE, env = "FAAS_IAM_NAMESPACE", value_parser = namespace)]
    pub namespace: String,
}

fn namespace(text: &str) -> Result<String, ResourceError> {
    Namespace::new(text).map(Into::into)
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
