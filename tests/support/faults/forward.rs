//! The way to the real API server: by the authority, and where it has one the client's certificate, of a kubeconfig.
//! Tokens pass as they come.

use std::{path::Path, sync::Arc};

use axum::http::{Request, Response, Uri, uri::PathAndQuery};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use kube::config::Kubeconfig;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde_json::Value;

use crate::support::{Failure, Result, certs::Authority};

/// The real API server.
#[derive(Clone)]
pub struct Server {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: String,
}

impl Server {
    /// The API server of a kubeconfig that has everything in itself.
    ///
    /// # Errors
    /// When it lacks something.
    pub fn of(kubeconfig: &Value) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(&data(kubeconfig, AUTHORITY)?) {
            roots.add(root.map_err(|error| Failure::new(error.to_string()))?)?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let tls = match data(kubeconfig, "/users/0/user/client-certificate-data") {
            Ok(certificate) => {
                let (chain, key) = pair(&certificate, &data(kubeconfig, "/users/0/user/client-key-data")?)?;
                builder.with_client_auth_cert(chain, key)?
            }
            Err(_) => builder.with_no_client_auth(),
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().build();
        let address = kubeconfig.pointer(SERVER).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), address })
    }

    /// Asks it.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        *request.uri_mut() = format!("{}{path}", self.address.trim_end_matches('/')).parse::<Uri>()?;
        request.headers_mut().remove("host");
        Ok(self.client.request(request).await?)
    }
}

const SERVER: &str = "/clusters/0/cluster/server";
const AUTHORITY: &str = "/clusters/0/cluster/certificate-authority-data";

/// A kubeconfig as a value, with its first cluster, user and context.
///
/// # Errors
/// When it cannot be read.
pub fn read(kubeconfig: &Path) -> Result<Value> {
    Ok(serde_json::to_value(Kubeconfig::read_from(kubeconfig)?)?)
}

/// The same kubeconfig that leads somewhere else.
pub fn leading_to(mut kubeconfig: Value, address: &str, authority: &Authority) -> Value {
    if let Some(server) = kubeconfig.pointer_mut(SERVER) {
        *server = address.into();
    }
    if let Some(root) = kubeconfig.pointer_mut(AUTHORITY) {
        *root = STANDARD.encode(authority.pem()).into();
    }
    kubeconfig
}

fn data(kubeconfig: &Value, pointer: &str) -> Result<Vec<u8>> {
    let text = kubeconfig.pointer(pointer).and_then(Value::as_str);
    Ok(STANDARD.decode(text.ok_or_else(|| Failure::new(format!("the kubeconfig has no {pointer}")))?)?)
}

fn pair(chain: &[u8], key: &[u8]) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let wrong = |error: rustls::pki_types::pem::Error| Failure::new(error.to_string());
    let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(wrong)?;
    Ok((chain, PrivateKeyDer::from_pem_slice(key).map_err(wrong)?))
}
