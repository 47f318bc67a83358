//! A real OCI registry (`tests/registry`) by TLS, empty at first, which asks for a password or for tokens of a service.

use std::{path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Failure, Result,
    certs::Authority,
    child::{Leashed, Spec},
    ports,
    scratch::Scratch,
    token_service::{self, Signer, TokenService},
    tools,
};

const PUSHER: (&str, &str) = ("pusher", "pusher-of-the-tests");
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// How the registry wants to know who somebody is.
enum Asks {
    Password,
    Token(Signer),
}

/// A running registry; dropping it ends it.
pub struct Registry {
    host: String,
    authority: String,
    asks: Asks,
    process: Leashed,
    scratch: Scratch,
}

impl Registry {
    /// One that knows these users by their passwords (basic authentication), of at most 72 bytes; each may do everything.
    ///
    /// # Errors
    /// When it cannot be built or started.
    pub async fn by_passwords(authority: &Authority, users: &[(&str, &str)]) -> Result<Self> {
        let scratch = Scratch::new()?;
        let file = write_users(&scratch, users)?;
        let auth = json!({ "htpasswd": { "realm": "registry of the tests", "path": file } });
        Self::start(authority, scratch, auth, Asks::Password).await
    }

    /// One that takes tokens of this service, to which it sends people by the address `realm`.
    ///
    /// # Errors
    /// When it cannot be built or started.
    pub async fn by_tokens(authority: &Authority, service: &TokenService, realm: &str) -> Result<Self> {
        let scratch = Scratch::new()?;
        let jwks = scratch.write("jwks.json", &service.signer().jwks().to_string())?;
        let name = token_service::NAME;
        let auth = json!({ "token": { "realm": realm, "service": name, "issuer": name, "jwks": jwks } });
        Self::start(authority, scratch, auth, Asks::Token(service.signer().clone())).await
    }

    async fn start(authority: &Authority, scratch: Scratch, auth: Value, asks: Asks) -> Result<Self> {
        let host = format!("localhost:{}", ports::free());
        let server = authority.server(&["localhost", "127.0.0.1"])?;
        let (certificate, key) =
            (scratch.write("tls.crt", &server.certificate)?, scratch.write("tls.key", &server.key)?);
        let config = json!({
            "version": "0.1",
            "storage": { "inmemory": {} },
            "http": { "addr": host, "secret": "of one registry alone", "tls": { "certificate": certificate, "key": key } },
            "auth": auth,
        });
        // YAML is what it reads, and every JSON is one.
        let config = scratch.write("config.yml", &config.to_string())?;
        let command = vec![tools::tool("registry")?, PathBuf::from("serve"), config];
        // Else it looks for somebody to whom it can send traces.
        let env = vec![("OTEL_TRACES_EXPORTER".into(), "none".into())];
        let folder = scratch.path().to_owned();
        let process = Leashed::start(Spec { name: "registry".into(), command, env, folder })?;
        let mut registry = Self { host, authority: authority.pem(), asks, process, scratch };
        let (client, url) = (registry.client()?, registry.url("/"));
        registry.process.answers(&client, &url, Duration::from_secs(30)).await?;
        Ok(registry)
    }

    /// Host and port, as they stand in an image's name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.host)
    }

    /// What it has said so far: a line for each request, and more.
    pub fn log(&self) -> String {
        self.process.stdout() + &self.process.stderr()
    }

    /// Knows these users by their passwords from now on, and no others.
    ///
    /// # Errors
    /// When writing fails.
    pub fn set_users(&self, users: &[(&str, &str)]) -> Result<()> {
        write_users(&self.scratch, users).map(drop)
    }

    /// An HTTP client that trusts its authority and no other.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn client(&self) -> Result<reqwest::Client> {
        let root = reqwest::Certificate::from_pem(self.authority.as_bytes())?;
        Ok(reqwest::Client::builder().tls_certs_only([root]).no_proxy().build()?)
    }

    /// Puts a small image into a repository, as `latest`.
    ///
    /// # Errors
    /// When the registry refuses.
    pub async fn push(&self, repository: &str) -> Result<()> {
        let layer = self.upload(repository, b"a layer").await?;
        let config = self.upload(repository, b"{}").await?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described("application/vnd.oci.image.config.v1+json", &config, 2),
            "layers": [described("application/vnd.oci.image.layer.v1.tar", &layer, 7)],
        });
        let put = self.client()?.put(self.url(&format!("/v2/{repository}/manifests/latest")));
        let put = put.header("content-type", MANIFEST).body(manifest.to_string());
        self.send(repository, put).await.map(drop)
    }

    /// Uploads a blob and gives its digest.
    async fn upload(&self, repository: &str, blob: &'static [u8]) -> Result<String> {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(blob)));
        let begin = self.client()?.post(self.url(&format!("/v2/{repository}/blobs/uploads/")));
        let begun = self.send(repository, begin).await?;
        let place = begun.headers().get("location").and_then(|place| place.to_str().ok());
        let mut place: url::Url = place.ok_or_else(|| Failure::new("an upload has no place"))?.parse()?;
        place.query_pairs_mut().append_pair("digest", &digest);
        let put = self.client()?.put(place).header("content-type", "application/octet-stream").body(blob);
        self.send(repository, put).await?;
        Ok(digest)
    }

    async fn send(&self, repository: &str, request: RequestBuilder) -> Result<Response> {
        let authorized = match &self.asks {
            Asks::Password => request.basic_auth(PUSHER.0, Some(PUSHER.1)),
            Asks::Token(signer) => {
                request.bearer_auth(signer.token(PUSHER.0, &[repository.to_owned()], &["pull", "push"])?)
            }
        };
        Ok(authorized.send().await?.error_for_status()?)
    }
}

/// `Basic …`, as it stands in `Authorization`.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn described(media: &str, digest: &str, size: usize) -> Value {
    json!({ "mediaType": media, "digest": digest, "size": size })
}

/// A file of htpasswd with these users and the one that pushes.
fn write_users(scratch: &Scratch, users: &[(&str, &str)]) -> Result<PathBuf> {
    /// The least that there is: what it guards is gone with the test.
    const COST: u32 = 4;
    let lines: Vec<_> = users
        .iter()
        .chain([&PUSHER])
        .map(|(user, password)| Ok(format!("{user}:{}\n", bcrypt::hash(password, COST)?)))
        .collect::<Result<_>>()?;
    scratch.write("htpasswd", &lines.concat())
}
