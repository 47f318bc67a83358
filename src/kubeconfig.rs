//! Where the cluster is: by the file that a flag names, by the environment's, or by the Pod we run in. Operator and commands
//! ask here alike. Connects to nothing, and shows nothing of a kubeconfig's text, which holds credentials.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

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
    /// A file that is not there, a certificate that is none, and the like.
    #[error("the kubeconfig cannot be used")]
    Unusable(#[source] KubeconfigError),
    /// YAML, but of something else.
    #[error("{0} is no kubeconfig: it has neither clusters nor contexts")]
    NoKubeconfig(String),
    /// No context is named, or one that it lacks.
    #[error("the kubeconfig has no {wanted}; its contexts are {}", .contexts.join(", "))]
    NoContext {
        /// What was looked for.
        wanted: String,
        /// What there is, in backticks.
        contexts: Vec<String>,
    },
    /// An address that cannot be dialled.
    #[error("the server `{server}` of {whence} is no URL; write `https://{server}`")]
    NoUrl {
        /// As the kubeconfig has it.
        server: String,
        /// The context, and its file.
        whence: String,
    },
    /// Neither a kubeconfig nor a cluster around us.
    #[error(
        "there is neither a kubeconfig ($KUBECONFIG, ~/.kube/config) nor a Pod's account; give `--kubeconfig`"
    )]
    Nowhere,
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
    let config = match read(args) {
        Ok(file) => {
            let contexts = file.contexts.iter().map(|context| format!("`{}`", context.name)).collect();
            let found = Config::from_custom_kubeconfig(file, &options).await;
            found.map_err(|error| unusable(error, contexts, args))?
        }
        Err(error) if is_absent(&error, args) => Config::incluster().map_err(|_| nowhere(error))?,
        Err(error) => return Err(unreadable(error)),
    };
    // Without a scheme the client would end the process.
    let is_url = matches!(config.cluster_url.scheme_str(), Some("https" | "http"));
    let server = config.cluster_url.to_string();
    if is_url { Ok(config) } else { Err(NoCluster::NoUrl { server, whence: whence(args) }) }
}

/// Which context of which file leads to the cluster, for people.
pub fn whence(args: &ClusterArgs) -> String {
    let context = read(args).ok().and_then(|file| args.context.clone().or(file.current_context));
    context.map_or_else(
        || "the Pod's own account".to_owned(),
        |name| format!("context `{name}` of {}", name_of(args)),
    )
}

fn name_of(args: &ClusterArgs) -> String {
    match (&args.kubeconfig, std::env::var("KUBECONFIG")) {
        (Some(file), _) => format!("`{}`", file.display()),
        (None, Ok(files)) => format!("`{files}` ($KUBECONFIG)"),
        (None, Err(_)) => "`~/.kube/config`".to_owned(),
    }
}

fn read(args: &ClusterArgs) -> Result<Kubeconfig, KubeconfigError> {
    args.kubeconfig.as_ref().map_or_else(Kubeconfig::read, Kubeconfig::read_from)
}

/// Whether nobody has named a kubeconfig, and there is none where one is looked for.
fn is_absent(error: &KubeconfigError, args: &ClusterArgs) -> bool {
    let missing = match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(why, _) => why.kind() == ErrorKind::NotFound,
        _ => false,
    };
    missing && args.kubeconfig.is_none() && args.context.is_none()
}

fn nowhere(error: KubeconfigError) -> NoCluster {
    let named = std::env::var("KUBECONFIG").is_ok_and(|files| !files.is_empty());
    if named { NoCluster::Unusable(error) } else { NoCluster::Nowhere }
}

fn unreadable(error: KubeconfigError) -> NoCluster {
    let KubeconfigError::Parse(why) = error else { return NoCluster::Unusable(error) };
    NoCluster::Unreadable(Place(why.location().map(|at| (at.line(), at.column()))))
}

fn unusable(error: KubeconfigError, contexts: Vec<String>, args: &ClusterArgs) -> NoCluster {
    let wanted = match &error {
        KubeconfigError::CurrentContextNotSet => "current context, and `--context` names none".to_owned(),
        KubeconfigError::LoadContext(name) => format!("context `{name}`"),
        _ => return unreadable(error),
    };
    if contexts.is_empty() {
        return NoCluster::NoKubeconfig(name_of(args));
    }
    NoCluster::NoContext { wanted, contexts }
}
