//! The service that gives tokens for a registry, by the protocol of distribution's `auth: token`
//! (<https://distribution.github.io/distribution/spec/auth/token/>), by TLS. It tells who asked it for what with which
//! credentials, and misbehaves as a test wants.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Response, Uri, header::AUTHORIZATION},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use k8s_openapi::jiff::Timestamp;
use rcgen::KeyPair;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{Result, certs::Authority, tls::Tls};

/// What its tokens are for, and who gives them: the registry's configuration says the same.
pub const NAME: &str = "registry of the tests";
const KEY: &str = "k";

/// What it answers.
#[derive(Clone, Debug, Default)]
pub enum Answer {
    /// A token for what the user may do of what was asked; 401 to whom it does not know.
    #[default]
    Honest,
    /// This status; with 429 and 503 that one may ask again in seven seconds.
    Status(u16),
    /// A redirect to this address.
    Redirect(String),
    /// This text, as 200.
    Text(String),
    /// Nothing, ever.
    Silence,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its query, decoded, in its order.
    pub query: Vec<(String, String)>,
    /// Its `Authorization`.
    pub authorization: Option<String>,
}

/// Makes tokens that the registry believes.
#[derive(Clone)]
pub struct Signer(Arc<KeyPair>);

impl Signer {
    /// The key set that the registry reads.
    pub fn jwks(&self) -> Value {
        let point = self.0.public_key_raw().split_at_checked(33).unwrap_or_default();
        let (x, y) = (point.0.get(1..).unwrap_or_default(), point.1);
        let number = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "keys": [{ "kid": KEY, "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "x": number(x), "y": number(y) }] })
    }

    /// A token by which `user` may do this with these repositories.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn token(&self, user: &str, repositories: &[String], actions: &[&str]) -> Result<String> {
        let now = Timestamp::now().as_second();
        let access = |name: &String| json!({ "type": "repository", "name": name, "actions": actions });
        let claims = json!({
            "iss": NAME, "aud": NAME, "sub": user, "iat": now, "nbf": now - 60, "exp": now + 300, "jti": "1",
            "access": repositories.iter().map(access).collect::<Vec<_>>(),
        });
        let header = Header { kid: Some(KEY.into()), ..Header::new(Algorithm::ES256) };
        Ok(encode(&header, &claims, &EncodingKey::from_ec_pem(self.0.serialize_pem().as_bytes())?)?)
    }
}

struct User {
    password: String,
    /// What it may pull.
    repositories: Vec<String>,
}

#[derive(Default)]
struct Told {
    users: BTreeMap<String, User>,
    answer: Answer,
    asked: Vec<Asked>,
}

/// A running service; dropping it ends it.
pub struct TokenService {
    port: u16,
    signer: Signer,
    told: Arc<Mutex<Told>>,
    serving: JoinHandle<()>,
}

impl Drop for TokenService {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TokenService {
    /// Starts one that knows nobody, on a free port of 127.0.0.1, which is `localhost` too.
    ///
    /// # Errors
    /// When nothing can be listened on.
    pub async fn start(authority: &Authority) -> Result<Self> {
        let tls = Tls::bind(&authority.server(&["localhost", "127.0.0.1"])?).await?;
        let port = tls.port()?;
        let signer = Signer(Arc::new(KeyPair::generate()?));
        let told = Arc::new(Mutex::new(Told::default()));
        let (by, states) = (signer.clone(), told.clone());
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap| {
            let (by, states) = (by.clone(), states.clone());
            async move { answer(&by, &states, &uri, &headers).await }
        });
        let serving = tokio::spawn(async move {
            let _ = axum::serve(tls, router).await;
        });
        Ok(Self { port, signer, told, serving })
    }

    /// Its address under this host, which is `localhost` or `127.0.0.1`.
    pub fn realm_at(&self, host: &str) -> String {
        format!("https://{host}:{}/token", self.port)
    }

    /// Who signs its tokens.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Knows this user, with this password alone, who may pull these repositories alone.
    pub fn knows(&self, name: &str, password: &str, repositories: &[&str]) {
        let repositories = repositories.iter().map(ToString::to_string).collect();
        lock(&self.told).users.insert(name.into(), User { password: password.into(), repositories });
    }

    /// Answers like this from now on.
    pub fn answers(&self, answer: Answer) {
        lock(&self.told).answer = answer;
    }

    /// What it was asked, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.told).asked.clone()
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(signer: &Signer, told: &Mutex<Told>, uri: &Uri, headers: &HeaderMap) -> Response<Body> {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked { query: query.into_owned().collect(), authorization };
    let how = {
        let mut told = lock(told);
        told.asked.push(asked.clone());
        told.answer.clone()
    };
    let response = Response::builder();
    let response = match how {
        Answer::Honest => match token(signer, &lock(told), &asked) {
            Some(token) => response.body(json!({ "token": token, "expires_in": 300 }).to_string().into()),
            None => response.status(401).body(r#"{"details": "incorrect username or password"}"#.into()),
        },
        Answer::Status(status @ (429 | 503)) => {
            response.status(status).header("retry-after", "7").body(Body::empty())
        }
        Answer::Status(status) => response.status(status).body(Body::empty()),
        Answer::Redirect(to) => response.status(307).header("location", to).body(Body::empty()),
        Answer::Text(text) => response.body(text.into()),
        Answer::Silence => std::future::pending().await,
    };
    response.unwrap_or_default()
}

/// A token for as much as the user may of what was asked, where the service knows who it is.
fn token(signer: &Signer, told: &Told, asked: &Asked) -> Option<String> {
    let pair = asked.authorization.as_deref()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(pair).ok()?).ok()?;
    let (name, password) = pair.split_once(':')?;
    let user = told.users.get(name).filter(|user| user.password == password)?;
    let scopes = asked.query.iter().filter(|(key, _)| key == "scope").flat_map(|(_, all)| all.split(' '));
    let wanted = scopes.filter_map(|scope| {
        let (repository, actions) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
        actions.split(',').any(|action| action == "pull").then(|| repository.to_owned())
    });
    let granted: Vec<_> = wanted.filter(|repository| user.repositories.contains(repository)).collect();
    signer.token(name, &granted, &["pull"]).ok()
}
