//! TLS at the listener: what is spoken, what is refused, and certificates that change.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::support::*;
use crate::gateway::forward::Upstream;
use crate::gateway::line::Times;
use crate::gateway::listen::Listening;
use crate::gateway::tls::{Tls, TlsError};
use crate::trust::testing::{Authority, Identity};

/// An authority and a folder with a pair that it signed.
struct Certified {
    authority: Authority,
    folder: tempfile::TempDir,
}

/// A certificate and its key, PEM.
type Pair = (String, String);

impl Certified {
    fn new() -> Self {
        let authority = Authority::new("root").unwrap();
        let certified = Self { authority, folder: tempfile::tempdir().unwrap() };
        certified.write(&certified.pair(2040));
        certified
    }

    /// A pair that is valid until the end of a year.
    fn pair(&self, year: i32) -> Pair {
        let Identity { certificate, key } = self.authority.server_until(&["localhost"], year).unwrap();
        (certificate, key)
    }

    fn write(&self, (certificate, key): &Pair) {
        fs::write(self.path("tls.crt"), certificate).unwrap();
        fs::write(self.path("tls.key"), key).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn tls(&self) -> Result<Arc<Tls>, TlsError> {
        Tls::new(&self.path("tls.crt"), &self.path("tls.key")).map(Arc::new)
    }

    async fn running(&self, times: Times) -> Running {
        let provider = Provider::default();
        let upstream = Upstream::new(&format!("http://{}", provider.start().await)).unwrap();
        let tls = Some(self.tls().unwrap());
        let mut running = Running::bounded(upstream, Listening { tls, times, ..Listening::default() }).await;
        running.provider = provider;
        running
    }

    async fn connect(&self, running: &Running, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(running.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

/// The certificate that a connection was served with.
fn served(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn der((certificate, _): &Pair) -> Vec<u8> {
    CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap().to_vec()
}

async fn get(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /function/env HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    while !text.ends_with("done") {
        let count = stream.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "{text}");
        text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    text
}

#[tokio::test]
async fn by_tls_http1_is_spoken_and_functions_are_told() {
    let certified = Certified::new();
    let running = certified.running(Times::default()).await;
    let mut stream = certified.connect(&running, "http/1.1").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(get(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(running.provider.only().header("x-forwarded-proto"), Some("https"));
}

#[tokio::test]
async fn by_tls_http2_is_spoken_where_the_client_can() {
    let certified = Certified::new();
    let running = certified.running(Times::default()).await;
    let root = reqwest::Certificate::from_pem(certified.authority.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
    let url = format!("https://localhost:{}/function/env", running.address.port());
    let answer = client.get(url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
    assert_eq!(running.provider.only().header("x-forwarded-proto"), Some("https"));
}

#[tokio::test]
async fn what_speaks_no_tls_gets_nothing_but_a_word_and_holds_up_nobody() {
    let certified = Certified::new();
    let little = std::time::Duration::from_secs(2);
    let running = certified.running(Times { handshake: little, ..Times::default() }).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut plain = TcpStream::connect(running.address).await.unwrap();
    plain.write_all(b"GET /function/env HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut rubbish = TcpStream::connect(running.address).await.unwrap();
    rubbish.write_all(b"\x17no record\r\n").await.unwrap();
    let mut stream = certified.connect(&running, "http/1.1").await.unwrap();
    get(&mut stream).await;
    for (stream, said) in [(&mut silent, ""), (&mut rubbish, ""), (&mut plain, "use https://")] {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(answer.contains("HTTP/1.1 400"), !said.is_empty(), "{answer}");
        assert!(answer.contains(said), "{answer}");
    }
    assert_eq!(running.provider.take().len(), 1);
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_and_takes_none_away() {
    let certified = Certified::new();
    let tls = certified.tls().unwrap();
    let listening = Listening { tls: Some(tls.clone()), ..Listening::default() };
    let provider = Provider::default();
    let upstream = Upstream::new(&format!("http://{}", provider.start().await)).unwrap();
    let running = Running::bounded(upstream, listening).await;
    let gateway = running.gateway.clone();
    tokio::spawn(async move { tls.follow(&gateway.metrics.measured).await });
    // Once it is followed, and is told of changes.
    while running.gateway.metrics.measured.certificate_expires.get() == 0 {
        tokio::task::yield_now().await;
    }
    let mut old = certified.connect(&running, "http/1.1").await.unwrap();
    let new = certified.pair(2041);
    certified.write(&new);
    while served(&certified.connect(&running, "http/1.1").await.unwrap()) != der(&new) {}
    get(&mut old).await;
    assert_ne!(served(&old), der(&new));
}

#[tokio::test]
async fn a_link_in_the_folder_that_leads_elsewhere_is_a_new_certificate() {
    let certified = Certified::new();
    for (name, year) in [("..one", 2041), ("..two", 2042)] {
        let (certificate, key) = certified.pair(year);
        fs::create_dir(certified.path(name)).unwrap();
        fs::write(certified.path(name).join("tls.crt"), certificate).unwrap();
        fs::write(certified.path(name).join("tls.key"), key).unwrap();
    }
    let link =
        |to: &str, name: &str| std::os::unix::fs::symlink(Path::new(to), certified.path(name)).unwrap();
    link("..one", "..data");
    for name in ["tls.crt", "tls.key"] {
        fs::remove_file(certified.path(name)).unwrap();
        link(&format!("..data/{name}"), name);
    }
    let tls = certified.tls().unwrap();
    let running = Running::new().await;
    let gateway = running.gateway.clone();
    let expires = move || gateway.metrics.measured.certificate_expires.get();
    let gateway = running.gateway.clone();
    tokio::spawn(async move { tls.follow(&gateway.metrics.measured).await });
    while expires() == 0 {
        tokio::task::yield_now().await;
    }
    let first = expires();
    // As the kubelet does it.
    link("..two", "..new");
    fs::rename(certified.path("..new"), certified.path("..data")).unwrap();
    while expires() == first {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(expires() - first >= 365 * 24 * 3600);
}

#[test]
fn what_cannot_serve_is_an_error_that_names_the_file_and_not_the_key() {
    let certified = Certified::new();
    let (good, other) = (certified.pair(2041), certified.pair(2042));
    let half = |text: &str| text[..text.len() / 2].to_owned();
    for (certificate, key, want) in [
        ("", good.1.as_str(), "`tls.crt` holds no certificate"),
        ("rubbish", &good.1, "`tls.crt` holds no certificate"),
        (&half(&good.0), &good.1, "`tls.crt` holds no certificate"),
        (&good.1, &good.1, "`tls.crt` holds no certificate"),
        (&good.0, "", "`tls.key` holds no private key"),
        (&good.0, &half(&good.1), "`tls.key` holds no private key"),
        (&good.0, &good.0, "`tls.key` holds no private key"),
        (&good.0, &other.1, "the key in `tls.key` does not belong to the certificate in `tls.crt`"),
    ] {
        certified.write(&(certificate.to_owned(), key.to_owned()));
        let error = certified.tls().err().unwrap().to_string();
        let error = error.replace(&format!("{}/", certified.folder.path().display()), "");
        assert!(error.starts_with(want), "{error}");
    }
    fs::remove_file(certified.path("tls.key")).unwrap();
    assert!(certified.tls().err().unwrap().to_string().ends_with("tls.key` cannot be read"));
}

#[tokio::test]
async fn what_cannot_serve_changes_nothing_and_is_counted_once() {
    let certified = Certified::new();
    let (measured, good, other) =
        (crate::gateway::measured::Measured::default(), certified.pair(2041), certified.pair(2042));
    certified.write(&good);
    let tls = certified.tls().unwrap();
    let failed = || {
        let failed = crate::gateway::measured::Reload { result: "failed" };
        measured.reloads.get_or_create(&failed).get()
    };
    let before = tls.serves();
    for (count, pair) in [
        (1, (good.0.clone(), other.1.clone())),
        (2, (good.0[..100].to_owned(), good.1.clone())),
        (3, certified.pair(2021)),
    ] {
        certified.write(&pair);
        tls.look(&measured);
        tls.look(&measured);
        assert_eq!((failed(), tls.serves()), (count, before));
    }
    certified.write(&other);
    tls.look(&measured);
    assert!(failed() == 3 && tls.serves() > before);
    // What serves once more is new again.
    certified.write(&good);
    tls.look(&measured);
    assert_eq!(tls.serves(), before);
}
