//! Asks a registry whether a login is good, as the kubelet would use it. Decides nothing: what is asked, who may be told
//! the password and what the answers mean is `registry`'s; where nobody is dialled, `fetch`'s. When to ask is for who calls.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use url::Url;
use zeroize::Zeroizing;

use crate::fetch::{Answer, GetError, SecretAsker, TrustRoots};
use crate::registry::{Answered, Bearer, Challenge, Login, Outcome, TokenHosts, Trial, token};

/// Tries logins.
pub struct Verifier {
    asker: SecretAsker,
    token_hosts: TokenHosts,
}

/// One try.
struct Try<'a> {
    verifier: &'a Verifier,
    trial: Trial<'a>,
    login: &'a Login,
    roots: &'a TrustRoots,
}

impl Verifier {
    /// One that asks by this asker, and has registries' passwords told to these token services besides their own.
    pub fn new(asker: SecretAsker, token_hosts: TokenHosts) -> Self {
        Self { asker, token_hosts }
    }

    /// Tries a login; `roots` are whom the installation trusts.
    pub async fn verify(&self, trial: Trial<'_>, login: &Login, roots: &TrustRoots) -> Outcome {
        let one = Try { verifier: self, trial, login, roots };
        one.outcome().await.unwrap_or_else(|ended| ended)
    }
}

impl Try<'_> {
    /// First as nobody, which tells how to say who asks; then as the login.
    async fn outcome(&self) -> Result<Outcome, Outcome> {
        let url = self.trial.address()?;
        let first = self.ask(&url, None).await?;
        let authorization = match self.trial.challenge(answered(&first))? {
            Challenge::Basic => said("Basic", &self.login.basic()),
            Challenge::Bearer(bearer) => said("Bearer", &self.token(&url, &bearer).await?),
        };
        Ok(self.trial.outcome(&answered(&self.ask(&url, authorization).await?)))
    }

    /// The token of the service that the registry names.
    async fn token(&self, registry: &Url, bearer: &Bearer) -> Result<Zeroizing<String>, Outcome> {
        let scope = self.trial.scope();
        let url = bearer.address(registry, &self.verifier.token_hosts, scope.as_deref())?;
        let answer = self.ask(&url, said("Basic", &self.login.basic())).await?;
        let (met, host) = (answered(&answer), url.host_str().unwrap_or_default());
        let body = match met.status {
            200 => Zeroizing::new(answer.body().await.map_err(|why| missed(&url, why))?),
            _ => Zeroizing::default(),
        };
        token(&body).ok_or_else(|| self.trial.without_token(host, &met))
    }

    async fn ask(&self, url: &Url, authorization: Option<HeaderValue>) -> Result<Answer, Outcome> {
        self.verifier.asker.ask(url, authorization, self.roots).await.map_err(|why| missed(url, why))
    }
}

/// What stands in `Authorization`; kept out of logs.
fn said(scheme: &str, secret: &str) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("{scheme} {secret}"));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn answered(answer: &Answer) -> Answered {
    let texts = |headers: &HeaderMap, name| -> Vec<String> {
        headers.get_all(name).iter().filter_map(|value| Some(value.to_str().ok()?.to_owned())).collect()
    };
    let after = texts(answer.headers(), RETRY_AFTER).first().and_then(|text| text.parse().ok());
    Answered {
        status: answer.status(),
        challenge: Challenge::read(texts(answer.headers(), WWW_AUTHENTICATE).iter().map(String::as_str)),
        after: after.map(Duration::from_secs),
    }
}

/// What it means that somebody gives no answer.
fn missed(url: &Url, why: GetError) -> Outcome {
    let host = url.host_str().unwrap_or_default();
    let cure = match why {
        GetError::Untrusted => "; put its root into the Secret `ca-bundle`",
        GetError::Unreachable | GetError::Timeout => "; let NetworkPolicies allow it",
        _ => "",
    };
    let text = format!("`{host}`: {why}{cure}");
    match why {
        GetError::Forbidden(_) => Outcome::Forbidden(text),
        _ => Outcome::Unknown { why: text, after: None },
    }
}

#[cfg(test)]
mod tests;
