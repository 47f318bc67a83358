//! The way to a gateway: one bounded request, over TLS or within this machine. Follows no redirect, since what is sent
//! is a token, and decides nothing about the answer.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use tokio::runtime::{Builder, Runtime};
use url::Url;
use zeroize::Zeroizing;

use crate::causes::chain;
use crate::fetch::{TrustRoots, distrusted};
use crate::flags::{self, FileError};
use crate::model::address::is_loopback_host;

/// From the first packet to a connection.
const CONNECTING: Duration = Duration::from_secs(10);
/// From the name's resolution to the last byte.
const WHOLE: Duration = Duration::from_secs(30);
/// Bytes of an answer; a token has a few thousand.
const MAX_ANSWER: usize = 1 << 20;

/// How a gateway is reached.
#[derive(Debug, Clone, clap::Args)]
pub struct WayArgs {
    /// A file with certificates (PEM) that are trusted besides the system's, such as a private authority's
    #[arg(long, value_name = "FILE", env = "FAAS_IAM_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Lets the token go over plain http to another machine; only where nobody else can listen
    #[arg(long, env = "FAAS_IAM_INSECURE_HTTP", value_parser = FalseyValueParser::new())]
    pub insecure_http: bool,
}

/// Why a gateway cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum WayError {
    /// No address, or one that says more than where.
    #[error(
        "`--gateway` takes the address of a gateway, such as `https://gateway.example.com`, without user, query or fragment"
    )]
    Address,
    /// Plain http to elsewhere.
    #[error(
        "`{0}` is plain http, and the token could be read on the way: use https, forward a port of this machine \
         (`kubectl port-forward`), or give `--insecure-http` where nobody else can listen"
    )]
    InClear(String),
    /// The file of certificates.
    #[error(transparent)]
    File(#[from] FileError),
    /// No threads or sockets, or no TLS with these certificates.
    #[error("cannot start")]
    Start(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its certificate leads to nobody that is trusted.
    #[error(
        "the certificate of `{address}` is not trusted; `--ca-file` names the certificate of a private authority ({why})"
    )]
    Untrusted {
        /// The address that was asked.
        address: String,
        /// What TLS says.
        why: String,
    },
    /// It is an authority's, which `openssl req -x509` makes where nobody says otherwise.
    #[error(
        "the certificate of `{0}` is an authority's own, which no server may show; make it with \
         `basicConstraints=CA:FALSE`, or sign another one with it"
    )]
    Authority(String),
    /// Nobody answers.
    #[error("cannot ask `{address}`: {why}")]
    Unreachable {
        /// The address that was asked.
        address: String,
        /// Each cause.
        why: String,
    },
    /// It sends us elsewhere.
    #[error(
        "`{address}` sends on to `{to}`, and no token follows; give that address with `--gateway` if it is the gateway's"
    )]
    Redirect {
        /// The address that was asked.
        address: String,
        /// Where it points, without path and query.
        to: String,
    },
    /// Not what a gateway of ours answers.
    #[error("`{address}` answers {what}, as no IAM gateway does; is `--gateway` the address of one?")]
    NotAGateway {
        /// The address that was asked.
        address: String,
        /// What came back.
        what: String,
    },
    /// What has no answer for now.
    #[error("`{address}` cannot answer now (status {status}){why}")]
    NotNow {
        /// The address that was asked.
        address: String,
        /// Its status.
        status: u16,
        /// Its own words, if any.
        why: String,
    },
}

/// A gateway that can be asked.
pub struct Way {
    base: Url,
    client: reqwest::Client,
    runtime: Runtime,
}

/// What came back. Has no `Debug`: it may hold a token.
pub struct Reply {
    /// The address that was asked.
    pub address: String,
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

impl Way {
    /// Makes ready to ask a gateway; opens no connection yet.
    ///
    /// # Errors
    /// [`WayError`] for an address or certificates that cannot be used.
    pub fn new(gateway: &str, args: &WayArgs) -> Result<Self, WayError> {
        Self::within(gateway, args, WHOLE)
    }

    fn within(gateway: &str, args: &WayArgs, whole: Duration) -> Result<Self, WayError> {
        let base = address(gateway)?;
        let local = is_loopback_host(&base);
        if base.scheme() == "http" && !local && !args.insecure_http {
            return Err(WayError::InClear(base.to_string()));
        }
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECTING)
            .timeout(whole)
            .user_agent(concat!("faas-iam/", env!("CARGO_PKG_VERSION")));
        // A proxy of the environment passes TLS on as it is; of plain http it would read the token.
        if local || base.scheme() == "http" {
            builder = builder.no_proxy();
        }
        let client = roots(args)?.apply(builder).and_then(reqwest::ClientBuilder::build).map_err(start)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(start)?;
        Ok(Self { base, client, runtime })
    }

    /// Reads what stands at a path of the gateway.
    ///
    /// # Errors
    /// [`WayError`] where nothing comes back.
    pub fn get(&self, path: &str) -> Result<Reply, WayError> {
        let url = self.at(path)?;
        self.ask(self.client.get(url.clone()), url)
    }

    /// Posts a form (`application/x-www-form-urlencoded`) to a path of the gateway.
    ///
    /// # Errors
    /// [`WayError`] where nothing comes back.
    pub fn post(&self, path: &str, form: String) -> Result<Reply, WayError> {
        let url = self.at(path)?;
        let request = self.client.post(url.clone()).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request.body(form), url)
    }

    fn at(&self, path: &str) -> Result<Url, WayError> {
        Url::parse(&format!("{}{path}", self.base.as_str().trim_end_matches('/')))
            .map_err(|_| WayError::Address)
    }

    fn ask(&self, request: RequestBuilder, url: Url) -> Result<Reply, WayError> {
        let address = url.to_string();
        let answered = self.runtime.block_on(async {
            let response = request.header(ACCEPT, "application/json").send().await?;
            let (status, to) = (response.status(), location(&url, &response));
            Ok((status, to, body(response).await?))
        });
        let (status, to, body) = answered.map_err(|error| unanswered(&address, error))?;
        match body {
            _ if status.is_redirection() => Err(WayError::Redirect { address, to }),
            None => {
                Err(WayError::NotAGateway { address, what: format!("with more than {MAX_ANSWER} bytes") })
            }
            Some(body) => Ok(Reply { address, status: status.as_u16(), body }),
        }
    }
}

impl Reply {
    /// The body as a JSON object.
    ///
    /// # Errors
    /// [`WayError::NotAGateway`] where it is none.
    pub fn object(&self) -> Result<serde_json::Map<String, serde_json::Value>, WayError> {
        serde_json::from_slice(&self.body).map_err(|_| self.no_gateway("without a JSON object"))
    }

    /// That no gateway of ours answers so.
    pub fn no_gateway(&self, how: &str) -> WayError {
        WayError::NotAGateway {
            address: self.address.clone(),
            what: format!("with status {} {how}", self.status),
        }
    }
}

/// An address that says where and nothing else. What is wrong with it is not shown: it may hold a password.
fn address(text: &str) -> Result<Url, WayError> {
    let url = Url::parse(text).map_err(|_| WayError::Address)?;
    let plain = url.username().is_empty() && url.password().is_none();
    let bare = url.query().is_none() && url.fragment().is_none();
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    if plain && bare && is_http { Ok(url) } else { Err(WayError::Address) }
}

/// The system's trust roots, and those that were named.
fn roots(args: &WayArgs) -> Result<TrustRoots, WayError> {
    let Some(path) = &args.ca_file else { return Ok(TrustRoots::system()) };
    Ok(TrustRoots::system().with(&flags::roots(path)?))
}

fn start(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> WayError {
    WayError::Start(error.into())
}

/// Where a redirect points, as far as people have to know.
fn location(from: &Url, response: &Response) -> String {
    let text = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let to = text.and_then(|text| from.join(text).ok()).map(|url| url.origin().ascii_serialization());
    to.unwrap_or_else(|| "nowhere".to_owned())
}

/// The whole body; `None` where it is too large.
async fn body(mut response: Response) -> reqwest::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > MAX_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

fn unanswered(address: &str, error: reqwest::Error) -> WayError {
    if let Some(why) = distrusted(&error) {
        return untrusted(address.to_owned(), why);
    }
    let why =
        if error.is_timeout() { "no whole answer in time".to_owned() } else { chain(&error.without_url()) };
    let why = format!("{why}{}", other_scheme(&why));
    WayError::Unreachable { address: address.to_owned(), why }
}

/// What to try where one side speaks TLS and the other does not, which libraries tell in words of their own.
fn other_scheme(why: &str) -> &'static str {
    match why {
        _ if why.contains("InvalidContentType") => "; it does not speak TLS: is its address `http://`?",
        _ if why.contains("invalid HTTP version") => {
            "; it does not speak plain http: is its address `https://`?"
        }
        _ => "",
    }
}

fn untrusted(address: String, why: String) -> WayError {
    // By its words: the type is of a crate that is not ours to name.
    if why.contains("CaUsedAsEndEntity") {
        WayError::Authority(address)
    } else {
        WayError::Untrusted { address, why }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn way(gateway: &str, insecure_http: bool) -> Result<Way, WayError> {
        Way::new(gateway, &WayArgs { ca_file: None, insecure_http })
    }

    #[test]
    fn a_token_travels_by_tls_or_stays_on_this_machine() {
        for gateway in
            ["https://gateway.example.com", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"]
        {
            assert!(way(gateway, false).is_ok(), "{gateway}");
        }
        for gateway in ["http://gateway.openfaas:8080", "http://10.0.0.1", "http://localhost.example.com"] {
            let refused = way(gateway, false).err().unwrap();
            assert!(matches!(refused, WayError::InClear(_)), "{gateway}: {refused}");
            assert!(way(gateway, true).is_ok(), "{gateway}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_gateway_is_refused_and_not_shown() {
        let wrong = [
            "gateway",
            "gateway:8080",
            "ftp://gateway",
            "https://u:secret@gateway",
            "https://g/?secret",
            "https://g/#secret",
        ];
        for gateway in wrong {
            let refused = way(gateway, true).err().unwrap();
            assert!(matches!(refused, WayError::Address), "{gateway}: {refused}");
            assert!(!refused.to_string().contains("secret"), "{refused}");
        }
    }

    #[test]
    fn who_never_ends_an_answer_is_left() {
        for begun in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let gateway = format!("http://{}", listener.local_addr().unwrap());
            let held = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                // An answer before its question would be another fault.
                let _ = stream.read(&mut [0; 4096]);
                let _ = std::io::Write::write_all(&mut stream, begun.as_bytes());
                // Until the other side has gone.
                let _ = stream.read_to_end(&mut Vec::new());
            });
            let args = WayArgs { ca_file: None, insecure_http: false };
            let way = Way::within(&gateway, &args, Duration::from_millis(200)).ok().unwrap();
            let left = way.get("/").err().unwrap().to_string();
            assert!(left.ends_with("no whole answer in time"), "{begun:?}: {left}");
            drop(way);
            held.join().unwrap();
        }
    }

    #[test]
    fn who_speaks_tls_where_the_other_does_not_is_told_to_try_the_other_address() {
        let rows = [
            ("http", b"\x15\x03\x03\x00\x02\x02\x46".as_slice(), "is its address `https://`?"),
            ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "is its address `http://`?"),
        ];
        for (scheme, answer, want) in rows {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let gateway = format!("{scheme}://{}", listener.local_addr().unwrap());
            let held = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = std::io::Write::write_all(&mut stream, answer);
                let _ = stream.read_to_end(&mut Vec::new());
            });
            let told = way(&gateway, false).ok().unwrap().get("/").err().unwrap().to_string();
            assert!(told.ends_with(want), "{told}");
            held.join().unwrap();
        }
    }

    #[test]
    fn a_gateway_may_be_below_a_path() {
        let at = |gateway| way(gateway, false).ok().unwrap().at("/oauth/token").unwrap().to_string();
        assert_eq!(at("https://example.com/faas/"), "https://example.com/faas/oauth/token");
        assert_eq!(at("https://example.com"), "https://example.com/oauth/token");
    }
}
