//! One bounded GET: no other host, no long answer, no long wait, no proxy; with a password, by https and nowhere but where
//! it was sent. Decides nothing about the content.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Response, StatusCode};
use url::Url;

use super::Missed;
use super::guard::{Forbidden, Guard};
use super::roots::TrustRoots;
use super::route::shown;
use crate::api::Reason;

/// Bytes of an answer.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// Redirects within one host that are followed.
const MAX_REDIRECTS: usize = 3;
/// Sets of trust roots for which a client is kept.
const MAX_CLIENTS: usize = 64;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    /// Its address is never dialled.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It sends us elsewhere.
    #[error("it redirects to another host or too often, which is not followed")]
    Redirect,
    /// It does not do what was asked.
    #[error("it answers with status {0}")]
    Status(u16),
    /// It does not end.
    #[error("its answer has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// It takes too long.
    #[error("no whole answer came in time")]
    Timeout,
    /// Nobody knows whether it is who it says.
    #[error("its certificate is not trusted")]
    Untrusted,
    /// Nobody knows where it is.
    #[error("its name cannot be resolved")]
    Name,
    /// There is no way to it.
    #[error("it cannot be reached")]
    Unreachable,
    /// There can be no trust in anybody.
    #[error("no connection can be made with these trust roots")]
    Roots,
}

impl GetError {
    /// What to tell about the question to this address of an issuer.
    pub(super) fn at(self, url: &Url) -> Missed {
        let reason = match self {
            Self::Forbidden(_) => Reason::AddressForbidden,
            Self::Roots => Reason::CaBundleInvalid,
            _ => Reason::IssuerUnreachable,
        };
        Missed::new(reason, format!("{}: {self}{}", shown(url), self.cure_of_issuer()))
    }

    fn cure_of_issuer(self) -> &'static str {
        match self {
            Self::Untrusted => "; put its root into the Secret `ca-bundle` or name it in `caBundleRef`",
            Self::Name => "; correct it, or give an address that the cluster knows in `issInternal`",
            Self::Unreachable => {
                "; let NetworkPolicies allow it, or give an address that the cluster reaches in `issInternal`"
            }
            _ => "",
        }
    }
}

/// How questions are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// What everybody may know; redirects within a host are followed.
    Openly,
    /// With a password: by https alone, and no redirect is followed.
    Secretly,
}

/// A client for each set of trust roots.
pub(super) struct Clients {
    guard: Guard,
    timeout: Duration,
    manner: Manner,
    known: Mutex<BTreeMap<TrustRoots, reqwest::Client>>,
}

/// A client that trusts one set of roots.
pub(super) struct Client<'a> {
    guard: &'a Guard,
    inner: reqwest::Client,
}

impl Clients {
    pub fn new(guard: Guard, timeout: Duration, manner: Manner) -> Self {
        Self { guard, timeout, manner, known: Mutex::default() }
    }

    /// The client for these roots, built where there is none yet.
    pub fn with(&self, roots: &TrustRoots) -> Result<Client<'_>, GetError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = known.get(roots) {
            return Ok(Client { guard: &self.guard, inner: inner.clone() });
        }
        let inner = self.build(roots).map_err(|_| GetError::Roots)?;
        if known.len() >= MAX_CLIENTS {
            known.clear();
        }
        known.insert(roots.clone(), inner.clone());
        Ok(Client { guard: &self.guard, inner })
    }

    fn build(&self, roots: &TrustRoots) -> reqwest::Result<reqwest::Client> {
        let builder = reqwest::Client::builder()
            // A proxy would resolve names by itself, past the guard.
            .no_proxy()
            .referer(false)
            .timeout(self.timeout)
            .redirect(match self.manner {
                Manner::Openly => Policy::custom(within_origin),
                Manner::Secretly => Policy::none(),
            })
            .https_only(self.manner == Manner::Secretly)
            .dns_resolver(self.guard.clone())
            .user_agent(concat!("faas-iam/", env!("CARGO_PKG_VERSION")));
        roots.apply(builder)?.build()
    }
}

impl Client<'_> {
    /// The answer, whatever it is.
    pub async fn ask(&self, url: &Url, authorization: Option<HeaderValue>) -> Result<Response, GetError> {
        self.guard.check_host(url)?;
        let question = self.inner.get(url.clone()).header(ACCEPT, "application/json");
        let question =
            authorization.into_iter().fold(question, |asked, who| asked.header(AUTHORIZATION, who));
        question.send().await.map_err(classify)
    }

    /// The body of a 200.
    pub async fn get(&self, url: &Url) -> Result<Vec<u8>, GetError> {
        let response = self.ask(url, None).await?;
        match response.status() {
            StatusCode::OK => body(response).await,
            status if status.is_redirection() => Err(GetError::Redirect),
            status => Err(GetError::Status(status.as_u16())),
        }
    }
}

/// The body, where it is none too large.
pub(super) async fn body(mut response: Response) -> Result<Vec<u8>, GetError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(GetError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Follows where scheme, host and port stay; elsewhere the redirect itself is the answer.
fn within_origin(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let stays = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
    if stays && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

fn classify(error: reqwest::Error) -> GetError {
    // An address may hold a secret in its query.
    let error = error.without_url();
    tracing::debug!(error = %chain(&error), "a question has no answer");
    if let Some(forbidden) = causes(&error).find_map(|cause| cause.downcast_ref::<Forbidden>()) {
        return GetError::Forbidden(*forbidden);
    }
    if error.is_timeout() {
        return GetError::Timeout;
    }
    if distrusted(&error).is_some() {
        return GetError::Untrusted;
    }
    if error.is_dns() { GetError::Name } else { GetError::Unreachable }
}

/// Why the other side's certificate is not trusted, where a request came to nothing because of that.
pub(crate) fn distrusted(error: &reqwest::Error) -> Option<String> {
    causes(error).find_map(|cause| match cause.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(why)) => Some(why.to_string()),
        _ => None,
    })
}

/// An error and all that is behind it; what an IO error carries is not its source, and counts, too.
pub(crate) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| behind(*error))
}

fn behind<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(carried) => Some(carried),
        None => error.source(),
    }
}

fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
