//! Wiring: from flags to a running operator, and its end. Decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::client::ClientBuilder;
use kube::{Api, Client};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::timeout::TimeoutLayer;

use super::apply::Applier;
use super::config::Config;
use super::election::Terms;
use super::holdings::HeldIndex;
use super::lease::{Candidate, Leadership};
use super::notices::Notices;
use super::pace::{Budget, Pace, Repairs};
use super::pulls::{self, Install, verify::Verifier};
use super::references::References;
use super::reporting::Reporting;
use super::seen;
use super::served::Served;
use super::turn::Operator;
use super::verify;
use super::watch::Watches;
use super::world::World;
use crate::bundle::names::INDEX_SECRET;
use crate::bundle::{Bundle, assemble};
use crate::causes::chain;
use crate::endpoints;
use crate::fetch::{Cluster, Fetcher, Options, SecretAsker, TrustRoots};
use crate::kubeconfig::{self, NoCluster};
use crate::registry::TokenHosts;

/// Messages that may wait; who tells waits where there are more.
const WAITING: usize = 1024;
/// How long the API server may take to begin an answer. A connection that was forgotten on its way without a word
/// would otherwise be waited for without end, and nothing be written meanwhile.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The pause before the cluster is asked again at the start.
const PAUSE: Duration = Duration::from_secs(1);

/// Why the operator cannot start, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// No way to a cluster.
    #[error(transparent)]
    NoCluster(#[from] NoCluster),
    /// The client.
    #[error("the client of the API server cannot be made")]
    Client(#[source] kube::Error),
    /// The API server's address.
    #[error("`{0}` is no address of an API server")]
    Address(String),
    /// The endpoints.
    #[error("`{address}` cannot be listened on")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// The threads that everything runs on.
    #[error("the threads cannot be started")]
    Runtime(#[source] std::io::Error),
    /// The log level.
    #[error(transparent)]
    LogLevel(#[from] crate::process::LogLevelError),
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`OperatorError`] where it cannot begin.
pub async fn run(config: Config) -> Result<(), OperatorError> {
    crate::process::init(config.log_format, &config.log_level)?;
    let (client, api) = connect(&config).await?;
    let stop = stop_on_signal();
    let served = Arc::new(Served::default());
    let address = config.metrics_listen;
    let listener =
        TcpListener::bind(address).await.map_err(|source| OperatorError::Listen { address, source })?;
    tracing::info!(%api, namespace = config.cluster.namespace, endpoints = %address, "started");
    let mut tasks = JoinSet::new();
    tasks.spawn(endpoints::serve(listener, served.clone(), stop.clone()));
    let applier = Applier::new(client.clone(), &config.cluster.namespace);
    if let Some(left) = unless(&stop, remembered(&client, &config, &applier)).await {
        work(config, client, api, left, served, applier, &mut tasks, stop.clone()).await;
    }
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    tracing::info!("ended");
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the parts that `run` has put together, each used once")]
async fn work(
    config: Config,
    client: Client,
    api: url::Url,
    left: Option<Bundle>,
    served: Arc<Served>,
    applier: Applier,
    tasks: &mut JoinSet<()>,
    stop: CancellationToken,
) {
    let mut world = World::new(config.public_url.clone(), config.bundle_limit);
    if let Some(bundle) = left {
        world.remember(&bundle);
    }
    let (tell, seen) = mpsc::channel(WAITING);
    let identity = config.identity.clone().unwrap_or_else(crate::process::host);
    let leadership = candidate(&config, &client, identity.clone(), &tell, tasks, &stop);
    let watches = Watches::new(client.clone(), &config.cluster.namespace, config.bundle_limit, tell.clone());
    let mut watching = JoinSet::new();
    watches.start(&mut watching);
    let (roots, _) = watch::channel(None);
    let pulls = pulls(&config, &client, &identity, &leadership, &served, &roots, &stop);
    let options = Options { forbid_private: config.forbid_private_issuers, ..Options::default() };
    let operator = Operator {
        world,
        references: References::default(),
        watching: BTreeMap::new(),
        watches,
        applier,
        reporting: Arc::new(Reporting::new(client.clone(), &config.cluster.namespace, &identity)),
        reports: JoinSet::new(),
        fetcher: Arc::new(Fetcher::new(options, Some(Cluster::new(client, api)))),
        leadership,
        served,
        tell,
        keep_shards_for: millis(config.keep_shards_for),
        stale_keys_for: millis(config.stale_keys_for),
        pace: Pace::default(),
        budget: Budget::default(),
        repairs: Repairs::default(),
        rival: None,
        roots,
        notices: Notices::default(),
        tasks: JoinSet::new(),
    };
    tokio::join!(operator.run(seen, stop), async {
        if let Some(pulls) = pulls {
            pulls.await;
        }
    });
    watching.shutdown().await;
}

/// What looks after pull secrets, where it is asked for.
fn pulls(
    config: &Config,
    client: &Client,
    identity: &str,
    leadership: &Leadership,
    served: &Arc<Served>,
    roots: &watch::Sender<Option<TrustRoots>>,
    stop: &CancellationToken,
) -> Option<impl Future<Output = ()> + use<>> {
    if !config.registry_credentials {
        return None;
    }
    let install = Install {
        namespace: config.cluster.namespace.as_str().into(),
        secret: config.pull_secret.clone(),
        default_namespace: config.function_namespace.clone(),
        dedicated: config.dedicated_pull_secrets.iter().cloned().collect(),
        stuck_pods: config.stuck_pods,
    };
    let options = Options { forbid_private: config.forbid_private_issuers, ..Options::default() };
    // Each was read by itself before.
    let hosts = TokenHosts::parse(config.registry_token_hosts.iter().map(String::as_str)).unwrap_or_default();
    let asks = verify::Verifier::new(SecretAsker::new(options), hosts);
    let verifier = Verifier::new(asks, roots.subscribe());
    let (client, identity, leadership) = (client.clone(), identity.to_owned(), leadership.clone());
    let (served, stop) = (served.clone(), stop.clone());
    Some(async move {
        pulls::run::run(client, install, &identity, verifier, leadership, served, stop).await;
    })
}

fn candidate(
    config: &Config,
    client: &Client,
    identity: String,
    tell: &mpsc::Sender<seen::Seen>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Leadership {
    if !config.leader_elect {
        return Leadership::alone();
    }
    let leadership = Leadership::new();
    let terms = Terms::of(config.lease_duration);
    let candidate =
        Candidate::new(client.clone(), &config.cluster.namespace, identity, terms, leadership.clone());
    tasks.spawn(candidate.run(tell.clone(), stop.clone()));
    leadership
}

async fn connect(config: &Config) -> Result<(Client, url::Url), OperatorError> {
    let found = kubeconfig::find(&config.cluster).await?;
    let address = found.cluster_url.to_string();
    let api = url::Url::parse(&address).map_err(|_| OperatorError::Address(address))?;
    Ok((patient(found, ANSWER_WITHIN).map_err(OperatorError::Client)?, api))
}

/// A client that gives up on what is not begun to be answered within that time. Watches go on as long as they like.
fn patient(config: kube::Config, within: Duration) -> kube::Result<Client> {
    Ok(ClientBuilder::try_from(config)?.with_layer(&TimeoutLayer::new(within)).build())
}

/// The bundle that an earlier operator left, as soon as the API server answers.
async fn remembered(client: &Client, config: &Config, applier: &Applier) -> Option<Bundle> {
    loop {
        match left(client, config, applier).await {
            Ok(bundle) => return bundle,
            Err(error) => tracing::warn!(error = %chain(&error), "the API server cannot be asked"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn left(client: &Client, config: &Config, applier: &Applier) -> kube::Result<Option<Bundle>> {
    let secrets: Api<k8s_openapi::api::core::v1::Secret> =
        Api::namespaced(client.clone(), &config.cluster.namespace);
    let secret = secrets.get_opt(INDEX_SECRET).await?;
    let HeldIndex::Ours(_, Some(index)) = seen::index(secret.as_ref(), config.bundle_limit) else {
        return Ok(None);
    };
    let mut texts: BTreeMap<Box<str>, String> = BTreeMap::new();
    for shard in &index.shards {
        if let Some(text) = applier.read_shard(&shard.name).await? {
            texts.insert(shard.name.clone(), text);
        }
    }
    match assemble(&index, |name| texts.get(name).map(String::as_str)) {
        Ok(bundle) => Ok(Some(bundle)),
        Err(error) => {
            tracing::warn!(error = %error, "the bundle in the cluster cannot be read; it is compiled anew");
            Ok(None)
        }
    }
}

async fn unless<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = stop.cancelled() => None,
        done = work => Some(done),
    }
}

fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let (told, signal) = (stop.clone(), crate::process::signal());
    tokio::spawn(async move {
        signal.await;
        tracing::info!("stopping");
        told.cancel();
    });
    stop
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_never_answered_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", silent.local_addr().unwrap());
        let client = patient(kube::Config::new(address.parse().unwrap()), Duration::from_millis(50)).unwrap();
        let asked = tokio::time::timeout(Duration::from_secs(20), client.apiserver_version());
        assert!(asked.await.expect("an end of waiting").is_err());
    }
}
