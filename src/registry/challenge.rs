//! How a registry wants to know who asks (`WWW-Authenticate`, RFC 9110), and to whom a password goes for that: to the
//! registry itself, or to the service that it names where that is on the registry's host, is known to be the registry's,
//! or is allowed (`security-rules.md` 22). Asks nobody.

use std::collections::BTreeSet;

use http_auth::{ChallengeRef, ParamValue};
use serde::Deserialize;
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::model::{AddressError, host_name};

/// Bytes of a token that is shown again.
const MAX_TOKEN: usize = 64 * 1024;
/// Registries whose token service is known to be on another host of the same owner's.
const KNOWN: [(&str, &str); 7] = [
    ("registry-1.docker.io", "auth.docker.io"),
    ("registry.gitlab.com", "gitlab.com"),
    ("registry.digitalocean.com", "api.digitalocean.com"),
    ("docker.elastic.co", "docker-auth.elastic.co"),
    ("rg.fr-par.scw.cloud", "api.scaleway.com"),
    ("rg.nl-ams.scw.cloud", "api.scaleway.com"),
    ("rg.pl-waw.scw.cloud", "api.scaleway.com"),
];

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// User and password (RFC 7617).
    Basic,
    /// A token of a service.
    Bearer(Bearer),
}

/// A token of a service (<https://distribution.github.io/distribution/spec/auth/token/>). Which scope the registry names
/// does not matter: what is asked for is what is to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    realm: String,
    service: Option<String>,
    error: Option<String>,
}

/// Why no password goes to the service that a registry names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RealmError {
    /// No address that could be asked.
    #[error("it names a token service whose address is none of https without a user")]
    NoAddress,
    /// Somebody else's host, for all that we know.
    #[error(
        "it names a token service at `{0}`, which gets no password as long as `--registry-token-hosts` does not allow it"
    )]
    Host(String),
}

/// Hosts whose token services may be told a password for any registry that names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenHosts(BTreeSet<Box<str>>);

impl TokenHosts {
    /// Reads names of hosts, without ports.
    ///
    /// # Errors
    /// [`AddressError`] of the first that is none.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, AddressError> {
        texts.into_iter().map(|text| host_name(text).map(Into::into)).collect::<Result<_, _>>().map(Self)
    }

    fn allow(&self, registry: &str, service: &str) -> bool {
        registry == service || KNOWN.contains(&(registry, service)) || self.0.contains(service)
    }
}

impl Challenge {
    /// What is asked for by these headers, each of which may hold several challenges: a token where one will do.
    pub fn read<'h>(headers: impl IntoIterator<Item = &'h str>) -> Option<Self> {
        let all = headers.into_iter().filter_map(|header| http_auth::parse_challenges(header).ok()).flatten();
        let known: Vec<_> = all.filter_map(|challenge| Self::of(&challenge)).collect();
        known.iter().find(|one| matches!(one, Self::Bearer(_))).or(known.first()).cloned()
    }

    fn of(challenge: &ChallengeRef<'_>) -> Option<Self> {
        let find = |name: &str| challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = |name| find(name).map(|(_, value): &(_, ParamValue<'_>)| value.to_unescaped());
        match challenge.scheme.to_ascii_lowercase().as_str() {
            "basic" => Some(Self::Basic),
            "bearer" => Some(Self::Bearer(Bearer {
                realm: value("realm")?,
                service: value("service"),
                error: value("error"),
            })),
            _ => None,
        }
    }

    /// Whether it was the token that was refused, whatever it was for.
    pub fn distrusts_token(&self) -> bool {
        matches!(self, Self::Bearer(bearer) if bearer.error.as_deref() == Some("invalid_token"))
    }
}

impl Bearer {
    /// Where a token for this scope is asked for.
    ///
    /// # Errors
    /// [`RealmError`].
    pub fn address(
        &self,
        registry: &Url,
        allowed: &TokenHosts,
        scope: Option<&str>,
    ) -> Result<Url, RealmError> {
        let plain =
            |url: &Url| url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
        let mut url = Url::parse(&self.realm).ok().filter(plain).ok_or(RealmError::NoAddress)?;
        let service = url.host_str().ok_or(RealmError::NoAddress)?;
        if !registry.host_str().is_some_and(|registry| allowed.allow(registry, service)) {
            return Err(RealmError::Host(service.chars().take(253).collect()));
        }
        url.set_fragment(None);
        let asked = [("service", self.service.as_deref()), ("scope", scope)];
        url.query_pairs_mut().extend_pairs(asked.iter().filter_map(|(key, value)| Some((key, (*value)?))));
        Ok(url)
    }
}

/// What a token service answers. Has no `Debug`: it is a secret.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

/// The token in a service's answer.
pub fn token(answer: &[u8]) -> Option<Zeroizing<String>> {
    let mut answer: Answer = serde_json::from_slice(answer).ok()?;
    let token = Zeroizing::new(answer.token.take().or_else(|| answer.access_token.take())?);
    let fits = (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(token)
}

#[cfg(test)]
mod tests;
