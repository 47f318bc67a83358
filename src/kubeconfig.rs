//! Where the cluster is: by the file that a flag names, by the environment's, or by the Pod we run in. Operator and commands
//! ask here alike. Connects to nothing, and shows nothing of a kubeconfig's text, which holds credentials.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use kube::Config;
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::model::{Namespace, ResourceError};

/// The namespace of the IAM objects where none is given.
const DEFAULT_NAMESPACE: &str = "openfaas";

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

/// Why there is no way to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum NoCluster {
    /// A text that is no kubeconfig. What it says stays here, the parser's excerpt of it included.
    #[error("the kubeconfig cannot be read{0}")]
    Unreadable(Place),
    /// A file that is not there, a context that it lacks, and the like.
    #[error("the kubeconfig cannot be used")]
    Unusable(#[source] KubeconfigError),
    /// Neither a kubeconfig nor a cluster around us.
    #[error("there is no way to a cluster; name a kubeconfig with `--kubeconfig`")]
    Nowhere(#[source] InferConfigError),
}

/// Where a text went wrong, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(Option<(u64, u64)>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |(line, column)| write!(f, ": line {line}, column {column}"))
    }
}

/// The way to the cluster that the flags name; without any the environment's kubeconfig, or the Pod's own account.
///
/// # Errors
/// [`NoCluster`].
pub async fn find(args: &ClusterArgs) -> Result<Config, NoCluster> {
    let options = KubeConfigOptions { context: args.context.clone(), ..KubeConfigOptions::default() };
    match &args.kubeconfig {
        Some(file) => Ok(Config::from_custom_kubeconfig(Kubeconfig::read_from(file)?, &options).await?),
        None if args.context.is_some() => Ok(Config::from_kubeconfig(&options).await?),
        None => Ok(Config::infer().await?),
    }
}

fn unreadable(error: &KubeconfigError) -> Option<NoCluster> {
    let KubeconfigError::Parse(why) = error else { return None };
    Some(NoCluster::Unreadable(Place(why.location().map(|at| (at.line(), at.column())))))
}

impl From<KubeconfigError> for NoCluster {
    fn from(error: KubeconfigError) -> Self {
        unreadable(&error).unwrap_or(Self::Unusable(error))
    }
}

impl From<InferConfigError> for NoCluster {
    fn from(error: InferConfigError) -> Self {
        let cause = error.source().and_then(|cause| cause.downcast_ref::<KubeconfigError>());
        cause.and_then(unreadable).unwrap_or(Self::Nowhere(error))
    }
}
