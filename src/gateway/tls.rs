//! The gateway's own certificate: read from two files, and again when they change. What is broken, half
//! written or does not belong together changes nothing: the last good pair serves. Connections that are
//! there keep the one they began with. The private key is in no message.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use zeroize::Zeroizing;

use super::measured::Measured;
use super::source::folder::Watch;
use crate::process::now;

/// Bytes of either file.
const MAX_BYTES: u64 = 1 << 20;
/// The files are looked at this often, whether or not the system tells of a change: not every file system
/// does.
const LOOK: Duration = Duration::from_secs(60);
/// What is said to who sends a request in clear, and in the log.
const PLAIN: &str = "plain HTTP was sent to a port that speaks TLS; use https://";
/// What is spoken, by preference (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A pair that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that has to be there.
    #[error("`{}` cannot be read", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// More than a certificate or key can have.
    #[error("`{}` has more than {MAX_BYTES} bytes", .0.display())]
    TooLarge(PathBuf),
    /// No certificate.
    #[error("`{}` holds no certificate in PEM, or a damaged one", .0.display())]
    NoCertificate(PathBuf),
    /// No key.
    #[error("`{}` holds no private key in PEM", .0.display())]
    NoKey(PathBuf),
    /// A key of another certificate.
    #[error("the key in `{}` does not belong to the certificate in `{}`", .key.display(), .certificate.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// A kind of certificate or key that cannot be used.
    #[error("the certificate in `{}` cannot be used: {why}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: rustls::Error,
    },
    /// An expired certificate instead of one that is valid.
    #[error("the certificate in `{}` has expired", .0.display())]
    Expired(PathBuf),
}

/// A pair that can be used.
struct Pair {
    config: Arc<ServerConfig>,
    /// Seconds since 1970.
    expires: i64,
}

/// The certificate that serves, and where it comes from.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    serves: ArcSwap<Pair>,
    seen: ArcSwap<[u8; 32]>,
}

impl Tls {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let (chain, secret) = (read(&certificate)?, read(&key)?);
        let pair = pair(&certificate, &key, &chain, &secret)?;
        if pair.expires < now() {
            tracing::warn!(
                "the certificate in `{}` has expired, and clients will say so",
                certificate.display()
            );
        }
        let seen = ArcSwap::from_pointee(digest(&chain, &secret));
        Ok(Self { certificate, key, serves: ArcSwap::from_pointee(pair), seen })
    }

    /// Speaks TLS with who has connected. Whoever speaks plain HTTP is told so, by which others are known for; the
    /// wait for either is the caller's to bound.
    ///
    /// # Errors
    /// What keeps the two from speaking.
    pub async fn accept(&self, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        // No record of TLS begins by a letter, and every request of HTTP does.
        if first.iter().all(u8::is_ascii_alphabetic) {
            tell(&mut stream).await?;
            return Err(io::Error::other(PLAIN));
        }
        TlsAcceptor::from(self.serves.load().config.clone()).accept(stream).await
    }

    /// When the certificate that serves expires, seconds since 1970.
    pub fn serves(&self) -> i64 {
        self.serves.load().expires
    }

    /// Reads the files whenever they change, for ever.
    pub async fn follow(&self, measured: &Measured) {
        // Kubernetes swaps a link in the folder and never touches the file that we were told.
        let mut first = watch(&self.certificate);
        let mut second = if folder(&self.key) == folder(&self.certificate) { None } else { watch(&self.key) };
        // What has changed since they were read, nobody tells any more.
        self.look(measured);
        measured.certificate_expires.set(self.serves());
        let mut due = tokio::time::interval_at(tokio::time::Instant::now() + LOOK, LOOK);
        loop {
            tokio::select! {
                () = told(&mut first) => {}
                () = told(&mut second) => {}
                _ = due.tick() => {}
            }
            self.look(measured);
        }
    }

    /// Takes what the files hold where that is new and good.
    pub(super) fn look(&self, measured: &Measured) {
        match self.reload() {
            Ok(None) => {}
            Ok(Some(expires)) => {
                measured.certificate_expires.set(expires);
                measured.reloaded(true);
                tracing::info!(expires, "the certificate was read anew");
            }
            Err(error) => {
                measured.reloaded(false);
                let error = crate::causes::chain(&error);
                tracing::error!(error, "the last good certificate serves");
            }
        }
    }

    /// The end of what serves from now on; `None` where nothing has changed.
    fn reload(&self) -> Result<Option<i64>, TlsError> {
        let (chain, secret) = (read(&self.certificate)?, read(&self.key)?);
        let seen = digest(&chain, &secret);
        if **self.seen.load() == seen {
            return Ok(None);
        }
        // What is wrong with it is told once.
        self.seen.store(Arc::new(seen));
        let new = pair(&self.certificate, &self.key, &chain, &secret)?;
        let expires = new.expires;
        if expires < now() && self.serves() >= now() {
            return Err(TlsError::Expired(self.certificate.clone()));
        }
        self.serves.store(Arc::new(new));
        Ok(Some(expires))
    }
}

/// Refuses a request that was sent in clear. What it has sent meanwhile is read, or the system would take back the answer.
async fn tell(stream: &mut TcpStream) -> io::Result<()> {
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close";
    let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{PLAIN}\n", PLAIN.len() + 1);
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(MAX_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    use io::Read as _;
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
    let count = file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if count as u64 > MAX_BYTES { Err(TlsError::TooLarge(path.to_owned())) } else { Ok(bytes) }
}

fn pair(certificate: &Path, key: &Path, chain: &[u8], secret: &[u8]) -> Result<Pair, TlsError> {
    let none = || TlsError::NoCertificate(certificate.to_owned());
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|_| none())?;
    let (_, leaf) = chain.first().and_then(|leaf| X509Certificate::from_der(leaf).ok()).ok_or_else(none)?;
    let expires = leaf.validity().not_after.timestamp();
    let secret = PrivateKeyDer::from_pem_slice(secret).map_err(|_| TlsError::NoKey(key.to_owned()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let unusable = |why| TlsError::Unusable { path: certificate.to_owned(), why };
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    let config = builder.with_no_client_auth().with_single_cert(chain, secret);
    let mut config = config.map_err(|why| match why {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() }
        }
        why => unusable(why),
    })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Pair { config: Arc::new(config), expires })
}

/// What was read, to tell whether it has changed; the lengths keep the two apart.
fn digest(chain: &[u8], secret: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(chain.len().to_be_bytes());
    digest.update(chain);
    digest.update(secret);
    digest.finalize().into()
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn watch(file: &Path) -> Option<Watch> {
    let watch = Watch::new(folder(file));
    watch.inspect_err(|error| tracing::warn!(error = %error, "it is looked at once a minute")).ok()
}

/// Waits for a change; for ever where nobody tells of any.
async fn told(watch: &mut Option<Watch>) {
    let gone = match watch {
        Some(watch) => watch.next().await.is_none(),
        None => std::future::pending().await,
    };
    if gone {
        *watch = None;
    }
}
