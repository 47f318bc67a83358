//! Logins are tried on a registry in this process that says what a test wants, by TLS.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Request, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::task::JoinHandle;

use super::*;
use crate::fetch::Options;
use crate::model::{Check, Registry};
use crate::trust::TrustBundle;
use crate::trust::testing::{Authority, Tls};

const HOST: &str = "registry.test";
const ELSEWHERE: &str = "elsewhere.test";
const PASSWORD: &str = "canary-of-a-password";
/// `robot:` and the password.
const BASIC: &str = "Basic cm9ib3Q6Y2FuYXJ5LW9mLWEtcGFzc3dvcmQ=";
const TOKEN: &str = "canary-of-a-token";

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new("test root").unwrap());

/// A registry and its token service; it ends when this is dropped.
struct Server {
    port: u16,
    /// How long who asks waits for an answer.
    patience: Duration,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: JoinHandle<()>,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    path: String,
    authorization: Option<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    /// Answers by this, which is told the origin.
    async fn start(answer: impl Fn(&str, &Parts) -> Response<Body> + Clone + Send + Sync + 'static) -> Self {
        let tls = Tls::bind(&AUTHORITY.server(&[HOST, ELSEWHERE]).unwrap()).await.unwrap();
        let port = tls.port().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let router = Router::new().fallback(move |request: Request<Body>| {
            let (parts, _) = request.into_parts();
            seen.lock().unwrap().push(Asked::of(&parts));
            let answer = answer(&format!(":{port}"), &parts);
            async { answer }
        });
        let serving = tokio::spawn(async move {
            let _ = axum::serve(tls, router).await;
        });
        Self { port, patience: Options::default().timeout, asked, serving }
    }

    async fn verify(&self, check: &Check) -> Outcome {
        self.verify_at(HOST, check, &[]).await
    }

    async fn verify_at(&self, host: &str, check: &Check, token_hosts: &[&str]) -> Outcome {
        let bundle = TrustBundle::read(AUTHORITY.pem().as_bytes(), 1_800_000_000).unwrap();
        let roots = TrustRoots::none().with(&bundle);
        let options = Options { timeout: self.patience, ..Options::default() };
        let hosts = TokenHosts::parse(token_hosts.iter().copied()).unwrap();
        let verifier = Verifier::new(SecretAsker::with_resolver(options, Arc::new(Names)), hosts);
        let registry = Registry::parse(&format!("{host}:{}", self.port)).unwrap();
        let outcome = verifier.verify(Trial::of(&registry, check).unwrap(), &login(), &roots).await;
        assert!(!format!("{outcome:?}").contains("canary"), "{outcome:?}");
        outcome
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Whether anybody was told the password.
    fn was_told(&self) -> bool {
        self.asked().iter().any(|asked| asked.authorization.is_some())
    }
}

impl Asked {
    fn of(parts: &Parts) -> Self {
        let authorization =
            parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        Self { path: parts.uri.to_string(), authorization }
    }
}

/// The names of this module lead to this machine, `metadata.test` to its metadata.
struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let address: IpAddr =
            if name.as_str() == "metadata.test" { [169, 254, 169, 254] } else { [127, 0, 0, 1] }.into();
        let addresses: Addrs = Box::new([SocketAddr::new(address, 0)].into_iter());
        Box::pin(async { Ok(addresses) })
    }
}

fn login() -> Login {
    Login::new("robot", PASSWORD).unwrap()
}

fn pull() -> Check {
    Check::Pull("team/app".into())
}

fn status(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

fn with(code: u16, header: &str, value: &str) -> Response<Body> {
    Response::builder().status(code).header(header, value).body(Body::empty()).unwrap()
}

fn is(parts: &Parts, authorization: &str) -> bool {
    parts.headers.get("authorization").is_some_and(|value| value == authorization)
}

/// A registry that takes tokens of the service at a host, where `service` answers.
fn by_tokens(
    host: &'static str,
    service: impl Fn(&Parts) -> Response<Body> + Clone + Send + Sync + 'static,
) -> impl Fn(&str, &Parts) -> Response<Body> + Clone + Send + Sync + 'static {
    move |port, parts| match parts.uri.path() {
        "/token" => service(parts),
        _ if is(parts, &format!("Bearer {TOKEN}")) => status(200),
        _ => with(
            401,
            "www-authenticate",
            &format!(r#"Bearer realm="https://{host}{port}/token",service="s""#),
        ),
    }
}

fn gives_tokens(parts: &Parts) -> Response<Body> {
    if is(parts, BASIC) { Response::new(format!(r#"{{"token": "{TOKEN}"}}"#).into()) } else { status(401) }
}

fn unknown(outcome: Outcome) -> (String, Option<Duration>) {
    match outcome {
        Outcome::Unknown { why, after } => (why, after),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_login_is_tried_as_nobody_first_and_then_by_password() {
    let by_password = |_: &str, parts: &Parts| match is(parts, BASIC) {
        true => status(200),
        false => with(401, "www-authenticate", "Basic realm=x"),
    };
    let server = Server::start(by_password).await;
    assert_eq!(server.verify(&Check::Login).await, Outcome::Verified);
    let asked = |authorization: Option<&str>| Asked {
        path: "/v2/".into(),
        authorization: authorization.map(Into::into),
    };
    assert_eq!(server.asked(), [asked(None), asked(Some(BASIC))]);
}

#[tokio::test]
async fn a_pull_is_tried_by_a_token_for_the_repository() {
    let server = Server::start(by_tokens(HOST, gives_tokens)).await;
    assert_eq!(server.verify(&pull()).await, Outcome::Verified);
    let asked = server.asked();
    assert_eq!(asked[1].path, "/token?service=s&scope=repository%3Ateam%2Fapp%3Apull");
    assert_eq!(asked[1].authorization.as_deref(), Some(BASIC));
    assert_eq!((asked[2].path.as_str(), asked.len()), ("/v2/team/app/tags/list?n=1", 3));
}

#[tokio::test]
async fn a_definite_no_is_told_from_trouble() {
    let refused = Server::start(by_tokens(HOST, |_| status(403))).await;
    assert!(matches!(refused.verify(&Check::Login).await, Outcome::Refused(why) if why.contains(HOST)));
    let busy = Server::start(by_tokens(HOST, |_| with(429, "retry-after", "60"))).await;
    assert_eq!(unknown(busy.verify(&Check::Login).await).1, Some(Duration::from_secs(60)));
    let broken = Server::start(|_, _| status(500)).await;
    assert_eq!(unknown(broken.verify(&Check::Login).await).0, "it answers with status 500");
    let open = Server::start(|_, _| status(200)).await;
    assert!(unknown(open.verify(&Check::Login).await).0.contains("asks nobody for a login"));
    let pattern = open.verify_at("*.test", &Check::Login, &[]).await;
    assert!(unknown(pattern).0.contains("is a pattern"));
}

#[tokio::test]
async fn s22_a_token_service_elsewhere_gets_the_password_only_where_its_host_is_allowed() {
    let server = Server::start(by_tokens(ELSEWHERE, gives_tokens)).await;
    let outcome = server.verify(&Check::Login).await;
    assert!(matches!(outcome, Outcome::Forbidden(why) if why.contains(ELSEWHERE)));
    assert!(!server.was_told());
    assert_eq!(server.verify_at(HOST, &Check::Login, &[ELSEWHERE]).await, Outcome::Verified);
}

#[tokio::test]
async fn s22_no_redirect_is_followed_with_a_password_or_without() {
    let other = Server::start(|_, _| status(200)).await;
    for host in [HOST, ELSEWHERE] {
        let to = format!("https://{host}:{}/v2/", other.port);
        let by_service = to.clone();
        let service = Server::start(by_tokens(HOST, move |_| with(307, "location", &by_service))).await;
        assert!(unknown(service.verify(&Check::Login).await).0.contains("redirects"));
        let registry = Server::start(move |_, parts: &Parts| match is(parts, BASIC) {
            true => with(307, "location", &to),
            false => with(401, "www-authenticate", "Basic realm=x"),
        });
        assert!(unknown(registry.await.verify(&Check::Login).await).0.contains("redirects"));
    }
    let within = Server::start(|_, parts: &Parts| match parts.uri.path() {
        "/v2/" => with(302, "location", "/"),
        _ => status(200),
    });
    assert!(unknown(within.await.verify(&Check::Login).await).0.contains("redirects"));
    assert_eq!(other.asked(), []);
}

#[tokio::test]
async fn s20_a_registry_on_a_forbidden_address_is_not_dialled() {
    let server = Server::start(|_, _| status(200)).await;
    for host in ["metadata.test", "169.254.169.254", "metadata.google.internal"] {
        let outcome = server.verify_at(host, &Check::Login, &[]).await;
        assert!(matches!(&outcome, Outcome::Forbidden(why) if why.contains("never asked")), "{outcome:?}");
    }
    assert_eq!(server.asked(), []);
}

#[tokio::test]
async fn s20_a_token_service_on_a_forbidden_address_is_not_dialled() {
    let server = Server::start(by_tokens("metadata.test", gives_tokens)).await;
    let outcome = server.verify_at(HOST, &Check::Login, &["metadata.test"]).await;
    assert!(matches!(&outcome, Outcome::Forbidden(why) if why.contains("never asked")), "{outcome:?}");
}

#[tokio::test]
async fn s20_a_token_without_end_or_that_never_comes_is_left() {
    let endless = |_: &Parts| {
        let bytes = futures::stream::repeat_with(|| Ok::<_, std::convert::Infallible>(vec![b' '; 64 * 1024]));
        Response::new(Body::from_stream(bytes))
    };
    let server = Server::start(by_tokens(HOST, endless)).await;
    assert!(unknown(server.verify(&Check::Login).await).0.contains("more than 1048576 bytes"));
    let never = |_: &Parts| {
        let nothing = futures::stream::pending::<Result<Vec<u8>, std::convert::Infallible>>();
        Response::new(Body::from_stream(nothing))
    };
    let mut server = Server::start(by_tokens(HOST, never)).await;
    server.patience = Duration::from_millis(300);
    assert!(unknown(server.verify(&Check::Login).await).0.contains("in time"));
}

#[tokio::test]
async fn who_is_not_trusted_gets_nothing_and_the_cure_is_told() {
    let server = Server::start(by_tokens(HOST, gives_tokens)).await;
    let verifier =
        Verifier::new(SecretAsker::with_resolver(Options::default(), Arc::new(Names)), TokenHosts::default());
    let registry = Registry::parse(&format!("{HOST}:{}", server.port)).unwrap();
    let trial = Trial::of(&registry, &Check::Login).unwrap();
    let outcome = verifier.verify(trial, &login(), &TrustRoots::system()).await;
    assert!(unknown(outcome).0.contains("`ca-bundle`"));
    assert_eq!(server.asked(), []);
}
