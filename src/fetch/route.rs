//! Where an issuer's keys are asked for (design section 4, JwtIssuer). Pure: asks nobody.

use url::Url;

use super::Missed;
use crate::api::Reason;
use crate::model::KeySource;
use crate::model::address::is_loopback_host;

/// What stands behind every issuer's address (OpenID Connect Discovery 1.0, section 4).
pub(super) const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Whose keys are wanted, and what is known of the cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The issuer's name in its tokens.
    pub iss: &'a str,
    /// Where its keys come from.
    pub source: &'a KeySource,
    /// The address under which we reach the API server.
    pub api: Option<&'a Url>,
    /// What the API server calls its issuer.
    pub reported: Option<&'a str>,
}

/// Whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// The API server, over our own connection.
    Cluster {
        /// Whether its keys serve although it reports another issuer: it may accept several, and only
        /// `issInternal` says that this one is meant.
        any_issuer: bool,
    },
    /// Whoever serves this discovery document.
    Provider {
        /// Its address.
        document: Url,
        /// `issInternal`, where it is given.
        internal: Option<Url>,
    },
}

/// Decides whom to ask.
pub(super) fn plan(asked: &Asked<'_>) -> Result<Route, Missed> {
    let is_api = |url: &Url| asked.api.is_some_and(|api| api.origin() == url.origin());
    match asked.source {
        KeySource::Cluster(address) => Ok(Route::Cluster { any_issuer: **address != *asked.iss }),
        KeySource::Internal(address) => {
            let internal = parse(address)?;
            if is_api(&internal) {
                return Ok(Route::Cluster { any_issuer: true });
            }
            Ok(Route::Provider { document: discovery(address)?, internal: Some(internal) })
        }
        KeySource::Discovery if asked.reported == Some(asked.iss) => Ok(Route::Cluster { any_issuer: false }),
        KeySource::Discovery => {
            Ok(Route::Provider { document: secure(discovery(asked.iss)?)?, internal: None })
        }
        KeySource::System | KeySource::Inline | KeySource::Ref(_) => {
            Err(Missed::new(Reason::KeysNotFound, "its keys are given and not fetched"))
        }
    }
}

/// The address of the discovery document: without a double slash, whether or not `iss` ends with one.
fn discovery(issuer: &str) -> Result<Url, Missed> {
    parse(&format!("{}{WELL_KNOWN}", issuer.strip_suffix('/').unwrap_or(issuer)))
}

/// Https, or this machine: the validator says so first, and nothing is asked without it.
fn secure(url: Url) -> Result<Url, Missed> {
    let safe = url.scheme() == "https" || is_loopback_host(&url);
    if safe {
        Ok(url)
    } else {
        Err(Missed::new(Reason::AddressForbidden, "plain http is asked on loopback alone"))
    }
}

fn parse(address: &str) -> Result<Url, Missed> {
    let no_url =
        || Missed::new(Reason::AddressForbidden, "its keys have no http or https address without a user");
    Url::parse(address).ok().filter(is_plain_address).ok_or_else(no_url)
}

/// Http or https, and nobody's name or password in it.
pub(super) fn is_plain_address(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
}

/// An address for a message: no user, password or query, and not long.
pub(super) fn shown(url: &Url) -> String {
    let text = format!("{}{}", url.origin().ascii_serialization(), url.path());
    text.chars().take(256).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn provider(document: &str, internal: Option<&str>) -> Option<Route> {
        Some(Route::Provider { document: url(document), internal: internal.map(url) })
    }

    #[test]
    fn whom_to_ask_for_whose_keys() {
        use KeySource::{Cluster, Discovery, Inline, Internal};
        let svc = "https://kubernetes.default.svc";
        let rows = [
            (
                "https://idp.example.com",
                Discovery,
                provider("https://idp.example.com/.well-known/openid-configuration", None),
            ),
            (
                "https://idp.example.com/",
                Discovery,
                provider("https://idp.example.com/.well-known/openid-configuration", None),
            ),
            (
                "https://idp.example.com/realms/a/",
                Discovery,
                provider("https://idp.example.com/realms/a/.well-known/openid-configuration", None),
            ),
            ("https://cluster.example.com", Discovery, Some(Route::Cluster { any_issuer: false })),
            (
                "https://cluster.example.com/",
                Discovery,
                provider("https://cluster.example.com/.well-known/openid-configuration", None),
            ),
            (
                "https://idp.example.com",
                Internal("http://idp.auth:8080/realms/a".into()),
                provider(
                    "http://idp.auth:8080/realms/a/.well-known/openid-configuration",
                    Some("http://idp.auth:8080/realms/a"),
                ),
            ),
            (
                "https://old.example.com",
                Internal("https://10.0.0.1:6443".into()),
                Some(Route::Cluster { any_issuer: true }),
            ),
            (
                "https://old.example.com",
                Internal("https://10.0.0.1:6444".into()),
                provider(
                    "https://10.0.0.1:6444/.well-known/openid-configuration",
                    Some("https://10.0.0.1:6444"),
                ),
            ),
            (svc, Cluster(svc.into()), Some(Route::Cluster { any_issuer: false })),
            ("api", Cluster("api".into()), Some(Route::Cluster { any_issuer: false })),
            ("https://old.example.com", Cluster(svc.into()), Some(Route::Cluster { any_issuer: true })),
            ("https://idp.example.com", Inline, None),
            ("idp", Internal("idp".into()), None),
            ("http://idp.example.com", Discovery, None),
            ("https://u:p@idp.example.com", Discovery, None),
            ("ftp://idp.example.com", Discovery, None),
            ("https://idp.example.com", Internal("https://u@idp.auth".into()), None),
        ];
        for (iss, source, want) in rows {
            let api = url("https://10.0.0.1:6443/");
            let asked = Asked {
                iss,
                source: &source,
                api: Some(&api),
                reported: Some("https://cluster.example.com"),
            };
            assert_eq!(plan(&asked).ok(), want, "{iss} {source:?}");
        }
    }

    #[test]
    fn no_message_shows_a_password_or_a_query() {
        assert_eq!(shown(&url("https://u:p@idp.example.com/keys?token=x#y")), "https://idp.example.com/keys");
    }
}
