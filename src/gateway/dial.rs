//! New connections to the upstream: plain or by TLS, within a time.
//! Trusts the system's roots and those of a file.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::client::WantsClientCert;
use rustls::{CertificateError, ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use tokio::net::TcpStream;
use tower::Service;

use crate::fetch::causes;
use crate::trust::TrustBundle;

/// After how much silence a connection is probed, so that an upstream that is gone is noticed even where it
/// owes nothing but silence.
const PROBE: Duration = Duration::from_secs(60);

/// Why there is no connection.
pub type BoxError = Box<dyn StdError + Send + Sync>;
type Connector = HttpsConnector<HttpConnector>;

/// Why no TLS can be spoken.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The system's roots.
    #[error("the system's trust roots cannot be read")]
    System(#[source] io::Error),
    /// The library.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// A new connection to the upstream.
pub type Dialled = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Who connects.
pub struct Dial {
    to: Uri,
    connector: Connector,
    /// By the system's roots, where there are others, too, and those do not lead anywhere.
    otherwise: Option<Connector>,
    within: Duration,
}

impl Dial {
    /// To an upstream, within a time, TLS handshake and all.
    ///
    /// # Errors
    /// [`DialError`].
    pub fn new(to: Uri, roots: Option<&TrustBundle>, within: Duration) -> Result<Self, DialError> {
        let system = || builder()?.with_native_roots().map_err(DialError::System);
        let (config, otherwise) = match roots {
            _ if to.scheme() != Some(&Scheme::HTTPS) => {
                (builder()?.with_root_certificates(RootCertStore::empty()), None)
            }
            None => (system()?, None),
            Some(roots) => (builder()?.with_root_certificates(store(roots)?), Some(system()?)),
        };
        let connector = connector(config, within);
        Ok(Self { to, connector, otherwise: otherwise.map(|config| self::connector(config, within)), within })
    }

    /// A new connection.
    ///
    /// # Errors
    /// The resolver's, the system's, or of TLS; or that it takes too long.
    pub async fn dial(&self) -> Result<Dialled, BoxError> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "there is no connection in time");
        tokio::time::timeout(self.within, self.try_both()).await.map_err(late)?
    }

    async fn try_both(&self) -> Result<Dialled, BoxError> {
        match (self.connector.clone().call(self.to.clone()).await, self.otherwise.clone()) {
            (Err(error), Some(mut otherwise)) if is_untrusted(error.as_ref()) => {
                otherwise.call(self.to.clone()).await
            }
            (dialled, _) => dialled,
        }
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn store(roots: &TrustBundle) -> Result<RootCertStore, rustls::Error> {
    let mut store = RootCertStore::empty();
    roots.roots.iter().try_for_each(|root| store.add(root.der().to_vec().into()))?;
    Ok(store)
}

fn connector(config: ConfigBuilder<ClientConfig, WantsClientCert>, within: Duration) -> Connector {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(within));
    http.set_keepalive(Some(PROBE));
    let builder = HttpsConnectorBuilder::new().with_tls_config(config.with_no_client_auth());
    builder.https_or_http().enable_http1().wrap_connector(http)
}

/// Whether the other roots may know better.
fn is_untrusted(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
        )
    })
}
