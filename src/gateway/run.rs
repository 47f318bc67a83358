//! Wiring: from flags to a running gateway, and its end. Decides nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use kube::client::ClientBuilder;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::audit::{Audit, AuditError, Writers};
use super::config::Config;
use super::contact::{Contact, Seen};
use super::credential::Admin;
use super::forward::{Patience, Upstream, UpstreamError};
use super::guard::Ours;
use super::keys::Refresher;
use super::listen::Listening;
use super::peers::Limits;
use super::service::{Gateway, Settings};
use super::source::cluster;
use super::source::folder::FolderError;
use super::source::standalone::Standalone;
use super::tls::{Tls, TlsError};
use super::{descriptors, listen};
use crate::endpoints;
use crate::fetch::{Cluster, Fetcher, Options, TrustRoots};
use crate::flags::{self, FileError, secret, secret_line};
use crate::kubeconfig::{self, NoCluster};
use crate::model::Namespace;
use crate::process;
use crate::token::{SigningKey, SigningKeyError};
use crate::trust::TrustBundle;

/// How often issuers are asked for their keys anew (design section 5).
const REFRESH: Duration = Duration::from_secs(15 * 60);

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The upstream.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The folder of manifests.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file that a flag names.
    #[error(transparent)]
    File(#[from] FileError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No signing key.
    #[error("`--manifests` takes `--signing-key-file`, too")]
    NoSigningKey,
    /// The signing key.
    #[error("`{}` {why}", .path.display())]
    SigningKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: SigningKeyError,
    },
    /// The audit trail.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The default namespace.
    #[error(transparent)]
    Namespace(#[from] crate::model::ResourceError),
    /// The public URL.
    #[error("`{0}` is no public URL: http or https and a host, such as https://gateway.example.com")]
    PublicUrl(String),
    /// There is no way to a cluster.
    #[error("there is neither a folder (`--manifests`) nor a cluster to work from")]
    NoCluster(#[from] NoCluster),
    /// The API server's address.
    #[error("`{0}` is no address of an API server")]
    Address(String),
    /// The client.
    #[error("the client of the API server cannot be made")]
    Client(#[source] kube::Error),
    /// A port.
    #[error("`{address}` cannot be listened on")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// The log.
    #[error(transparent)]
    Log(#[from] process::LogLevelError),
    /// The threads that everything runs on.
    #[error("the threads cannot be started")]
    Runtime(#[source] std::io::Error),
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`GatewayError`] where it cannot begin.
pub async fn run(config: Config) -> Result<(), GatewayError> {
    process::init(config.log_format, &config.log_level)?;
    let signing = config.signing_key_file.as_deref().map(signing_key).transpose()?.map(Arc::new);
    let contact = Arc::new(Contact::new(Instant::now()));
    let (client, fetcher) = connection(&config, &contact).await?;
    let (mut gateway, audit) = gateway(&config, fetcher)?;
    gateway.metrics.contact = contact;
    let gateway = Arc::new(gateway);
    let follow = follow(&config, client, &gateway, signing)?;
    let listening = Listening {
        tls: tls(&config)?,
        trusted: config.trusted_proxies.clone(),
        limits: descriptors::within(Limits::default()),
        ..Listening::default()
    };
    let clients = bind(config.listen).await?;
    let measured = bind(config.metrics_listen).await?;
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(endpoints::serve(measured, gateway.clone(), stop.clone()));
    tasks.spawn(until(stop.clone(), refreshing(gateway.clone(), config.manifests.is_some())));
    tasks.spawn(until(stop.clone(), follow));
    if let Some(tls) = listening.tls.clone() {
        let gateway = gateway.clone();
        tasks.spawn(until(stop.clone(), async move { tls.follow(&gateway.metrics.measured).await }));
    }
    // Before anybody can know that we are there, and may end us.
    let signal = process::signal();
    let address = clients.local_addr().unwrap_or(config.listen);
    tracing::info!(%address, upstream = config.upstream, "listening");
    let serving = listen::serve(clients, gateway.clone(), listening, stop.clone());
    let told = async {
        signal.await;
        tracing::info!("stopping");
        stop.cancel();
    };
    tokio::join!(serving, told);
    audit.end(&gateway.audit).await;
    while tasks.join_next().await.is_some() {}
    tracing::info!("ended");
    Ok(())
}

/// The way to the cluster, where one is meant, and who asks issuers.
async fn connection(
    config: &Config,
    contact: &Arc<Contact>,
) -> Result<(Option<Client>, Fetcher), GatewayError> {
    if config.manifests.is_some() {
        return Ok((None, Fetcher::new(Options::default(), None)));
    }
    let found = kubeconfig::find(&config.cluster).await?;
    let address = found.cluster_url.to_string();
    let api = url::Url::parse(&address).map_err(|_| GatewayError::Address(address))?;
    let client = ClientBuilder::try_from(found).map_err(GatewayError::Client)?;
    let client = client.with_layer(&Seen(contact.clone())).build();
    Ok((Some(client.clone()), Fetcher::new(Options::default(), Some(Cluster::new(client, api)))))
}

/// Follows where the bundle comes from. A folder is read before anything is served, so that what is wrong
/// with it is told at once; a cluster may come later.
fn follow(
    config: &Config,
    client: Option<Client>,
    gateway: &Arc<Gateway>,
    signing: Option<Arc<SigningKey>>,
) -> Result<Pin<Box<dyn Future<Output = ()> + Send>>, GatewayError> {
    let namespace = &config.cluster.namespace;
    if let Some(client) = client {
        return Ok(Box::pin(cluster::Source::new(client, namespace, signing).follow(gateway.clone())));
    }
    let given = config.manifests.clone().zip(signing);
    let (folder, signing) = given.ok_or(GatewayError::NoSigningKey)?;
    let (source, watch) = Standalone::start(folder, namespace, signing, gateway)?;
    Ok(Box::pin(source.follow(watch, gateway.clone())))
}

fn gateway(config: &Config, fetcher: Fetcher) -> Result<(Gateway, Writers), GatewayError> {
    let public_url = url::Url::parse(&config.public_url).ok();
    if !public_url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Err(GatewayError::PublicUrl(config.public_url.clone()));
    }
    let settings = Settings {
        public_url: config.public_url.clone(),
        default_namespace: Namespace::new(&config.default_namespace)?,
        ours: Ours { namespace: config.cluster.namespace.clone(), guarded: config.guarded_secrets.clone() },
        basic_auth: config.basic_auth,
        private: config.private_functions,
        callback_hosts: config.callback_hosts.clone(),
    };
    let roots = roots(config)?;
    let (admin, upstream) = (admin(config)?, upstream(config, roots.as_ref())?);
    let refresher =
        Refresher::new(fetcher).trusting(roots.iter().fold(TrustRoots::system(), TrustRoots::with));
    let mut gateway = Gateway::new(settings, admin, upstream, refresher);
    let (audit, writers) = Audit::start(&config.audit, &gateway.metrics)?;
    gateway.audit = audit;
    Ok((gateway, writers))
}

/// Who is trusted beside the system's roots, where there is a file.
fn roots(config: &Config) -> Result<Option<TrustBundle>, GatewayError> {
    let Some(path) = &config.ca_file else { return Ok(None) };
    let bundle = flags::roots(path)?;
    for note in &bundle.notes {
        tracing::warn!("`{}`: {note}", path.display());
    }
    Ok(Some(bundle))
}

fn upstream(config: &Config, roots: Option<&TrustBundle>) -> Result<Upstream, GatewayError> {
    let patience = Patience { function: config.function_timeout.0, ..Patience::default() };
    Ok(Upstream::with(&config.upstream, roots, patience)?)
}

fn tls(config: &Config) -> Result<Option<Arc<Tls>>, GatewayError> {
    let (Some(certificate), Some(key)) = (&config.tls_cert_file, &config.tls_key_file) else {
        return Ok(None);
    };
    Ok(Some(Arc::new(Tls::new(certificate, key)?)))
}

fn admin(config: &Config) -> Result<Option<Admin>, GatewayError> {
    let (Some(user), Some(password)) = (&config.admin_user_file, &config.admin_password_file) else {
        return Ok(None);
    };
    Ok(Some(Admin { user: secret_line(user)?.to_string(), password: secret_line(password)? }))
}

fn signing_key(path: &Path) -> Result<SigningKey, GatewayError> {
    let wrong = |why| GatewayError::SigningKey { path: path.to_owned(), why };
    SigningKey::from_pem(secret(path)?.as_bytes()).map_err(wrong)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, GatewayError> {
    TcpListener::bind(address).await.map_err(|source| GatewayError::Listen { address, source })
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// Asks issuers at once and then every quarter of an hour: all of them where nobody else does.
async fn refreshing(gateway: Arc<Gateway>, alone: bool) {
    let mut due = tokio::time::interval(REFRESH);
    loop {
        due.tick().await;
        if alone {
            gateway.refresh_all().await;
        } else {
            gateway.refresh_newer().await;
        }
    }
}
