//! Connections to the upstream: plain or by TLS, within a time, and marked where one may not be used again.
//! Trusts the system's roots and those of a file.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::AtomicWaker;
use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
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

type BoxError = Box<dyn StdError + Send + Sync>;
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

/// Who connects.
#[derive(Clone)]
pub struct Dial {
    connector: Connector,
    /// By the system's roots, where there are others, too, and those do not lead anywhere.
    otherwise: Option<Connector>,
    within: Duration,
}

impl Dial {
    /// To an upstream of this scheme, within a time, TLS handshake and all.
    ///
    /// # Errors
    /// [`DialError`].
    pub fn new(scheme: &Scheme, roots: Option<&TrustBundle>, within: Duration) -> Result<Self, DialError> {
        let system = || builder()?.with_native_roots().map_err(DialError::System);
        let (config, otherwise) = match roots {
            _ if *scheme != Scheme::HTTPS => {
                (builder()?.with_root_certificates(RootCertStore::empty()), None)
            }
            None => (system()?, None),
            Some(roots) => (builder()?.with_root_certificates(store(roots)?), Some(system()?)),
        };
        let connector = connector(config, within);
        Ok(Self { connector, otherwise: otherwise.map(|config| self::connector(config, within)), within })
    }

    async fn dial(mut self, uri: Uri) -> Result<Dialled, BoxError> {
        let dialled = match (self.connector.call(uri.clone()).await, self.otherwise) {
            (Err(error), Some(mut otherwise)) if is_untrusted(error.as_ref()) => otherwise.call(uri).await,
            (dialled, _) => dialled,
        };
        dialled.map(|stream| Dialled { stream, by: By::default() })
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

impl Service<Uri> for Dial {
    type Response = Dialled;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Dialled, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (dial, within) = (self.clone(), self.within);
        Box::pin(async move {
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, "there is no connection in time");
            tokio::time::timeout(within, dial.dial(uri)).await.map_err(late)?
        })
    }
}

/// A connection.
pub struct Dialled {
    stream: MaybeHttpsStream<TokioIo<TcpStream>>,
    by: By,
}

/// A mark that an answer brings along: the connection it came by.
#[derive(Clone, Default)]
pub struct By(Arc<Mark>);

#[derive(Default)]
struct Mark {
    spoilt: AtomicBool,
    reader: AtomicWaker,
}

impl By {
    /// Has the connection never used again: whoever has it finds it broken.
    pub fn never_again(&self) {
        self.0.spoilt.store(true, Ordering::Release);
        self.0.reader.wake();
    }
}

impl Connection for Dialled {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.by.clone())
    }
}

impl Read for Dialled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.by.0.reader.register(context.waker());
        if self.by.0.spoilt.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Dialled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }
}
