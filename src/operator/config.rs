//! The operator's flags. Names and defaults are a contract that scripts use.

use std::net::SocketAddr;
use std::time::Duration;

use crate::flags::duration;
use crate::kubeconfig::ClusterArgs;
use crate::process::LogFormat;
use crate::registry::TokenHosts;

/// Watches the custom resources, keeps the bundle, reports on each object
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:\n  faas-iam operator -n openfaas --public-url https://gateway.example.com")]
pub struct Config {
    /// The cluster, and the IAM namespace in it
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// Where /metrics, /livez and /readyz are served
    #[arg(long, env = "FAAS_IAM_METRICS_LISTEN", default_value = "0.0.0.0:9090", value_name = "ADDRESS")]
    pub metrics_listen: SocketAddr,

    /// How log lines are written
    #[arg(long, env = "FAAS_IAM_LOG_FORMAT", value_enum, default_value = "json")]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug, trace, or directives such as `faas_iam=debug`
    #[arg(long, env = "FAAS_IAM_LOG_LEVEL", default_value = "info", value_name = "LEVEL")]
    pub log_level: String,

    /// The public URL of the gateway; the JwtIssuer `system` must have it as its iss
    #[arg(long, env = "FAAS_IAM_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,

    /// Whether a Lease decides which of several operators writes
    #[arg(
        long,
        env = "FAAS_IAM_LEADER_ELECT",
        default_value_t = true,
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "BOOL"
    )]
    pub leader_elect: bool,

    /// The name under which the Lease is held; the same one after a restart takes it back at once
    #[arg(long, env = "FAAS_IAM_IDENTITY", value_name = "NAME")]
    pub identity: Option<String>,

    /// How long a Lease lasts that is not renewed
    #[arg(long, env = "FAAS_IAM_LEASE_DURATION", default_value = "15s", value_parser = duration, value_name = "DURATION")]
    pub lease_duration: Duration,

    /// How long shards of earlier bundles are kept for gateways that still read them
    #[arg(long, env = "FAAS_IAM_KEEP_SHARDS_FOR", default_value = "10m", value_parser = duration, value_name = "DURATION")]
    pub keep_shards_for: Duration,

    /// The most bytes that the bundle may have; what does not fit is refused, the newest first
    #[arg(long, env = "FAAS_IAM_BUNDLE_LIMIT", default_value_t = crate::bundle::DEFAULT_LIMIT, value_name = "BYTES")]
    pub bundle_limit: usize,

    /// How long keys serve that cannot be read anew
    #[arg(long, env = "FAAS_IAM_STALE_KEYS_FOR", default_value = "24h", value_parser = duration, value_name = "DURATION")]
    pub stale_keys_for: Duration,

    /// Whether issuers at private addresses are never dialled
    #[arg(long, env = "FAAS_IAM_FORBID_PRIVATE_ISSUERS")]
    pub forbid_private_issuers: bool,

    /// Whether RegistryCredentials become pull secrets
    #[arg(long, env = "FAAS_IAM_REGISTRY_CREDENTIALS")]
    pub registry_credentials: bool,

    /// The name of the pull secret that all logins of a namespace share
    #[arg(long, env = "FAAS_IAM_PULL_SECRET", default_value = "faas-iam-pull", value_parser = secret, value_name = "NAME")]
    pub pull_secret: Box<str>,

    /// The function namespace that needs no annotation
    #[arg(long, env = "FAAS_IAM_FUNCTION_NAMESPACE", default_value = "openfaas-fn", value_name = "NS")]
    pub function_namespace: Box<str>,

    /// A Secret of a single RegistryCredential that may be written, as NAMESPACE/NAME; several by commas
    #[arg(
        long,
        env = "FAAS_IAM_DEDICATED_PULL_SECRETS",
        value_parser = dedicated,
        value_delimiter = ',',
        value_name = "NS/NAME"
    )]
    pub dedicated_pull_secrets: Vec<(Box<str>, Box<str>)>,

    /// A host whose token service may be told the passwords of registries that name it; several by commas
    #[arg(
        long,
        env = "FAAS_IAM_REGISTRY_TOKEN_HOSTS",
        value_parser = token_host,
        value_delimiter = ',',
        value_name = "HOST"
    )]
    pub registry_token_hosts: Vec<String>,

    /// Whether Pods of functions are watched for those that were made too early to pull
    #[arg(long, env = "FAAS_IAM_STUCK_PODS")]
    pub stuck_pods: bool,
}

/// A text that is no Secret's name, or does not name one in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretNameError {
    /// No name.
    #[error("`{0}` is no name of a Secret: lower-case letters, digits, `-` and `.`")]
    Name(String),
    /// No pair.
    #[error("`{0}` is no Secret in a namespace, such as `team-a/team-a-pull`")]
    Pair(String),
}

/// A DNS-1123 subdomain (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>).
fn secret(text: &str) -> Result<Box<str>, SecretNameError> {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(is_end) && part.ends_with(is_end) && part.chars().all(|c| is_end(c) || c == '-')
    };
    let is = text.len() <= 253 && text.split('.').all(part);
    if is { Ok(text.into()) } else { Err(SecretNameError::Name(text.to_owned())) }
}

fn token_host(text: &str) -> Result<String, crate::model::AddressError> {
    TokenHosts::parse([text]).map(|_| text.to_owned())
}

fn dedicated(text: &str) -> Result<(Box<str>, Box<str>), SecretNameError> {
    let pair = text.split_once('/').filter(|(namespace, _)| !namespace.is_empty());
    let (namespace, name) = pair.ok_or_else(|| SecretNameError::Pair(text.to_owned()))?;
    Ok((namespace.into(), secret(name)?))
}

/// A text that is no address of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no URL such as `https://gateway.example.com`")]
pub struct PublicUrlError(String);

/// Takes the URL as it is written, since tokens carry it byte by byte; empty stands for none, as the chart has it.
fn public_url(text: &str) -> Result<String, PublicUrlError> {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    let given = text.is_empty() || url.is_some_and(|url| url.has_host());
    if given { Ok(text.to_owned()) } else { Err(PublicUrlError(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_secret_has_a_secrets_name_and_a_dedicated_one_its_namespace() {
        for (text, is) in [
            ("faas-iam-pull", true),
            ("a.b", true),
            ("", false),
            ("A", false),
            ("-a", false),
            ("a..b", false),
        ] {
            assert_eq!(secret(text).is_ok(), is, "{text}");
        }
        assert_eq!(dedicated("dev/own"), Ok(("dev".into(), "own".into())));
        for text in ["own", "/own", "dev/", "dev/A"] {
            assert!(dedicated(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_public_url_is_taken_as_it_is_written_and_has_a_scheme() {
        for text in ["https://gateway.example.com", "https://gw.example.com/", "http://127.0.0.1:8080", ""] {
            assert_eq!(public_url(text).as_deref(), Ok(text));
        }
        for text in ["gateway.example.com", "gateway.example.com:443", "https://", "ftp://x", "https"] {
            assert!(public_url(text).is_err(), "{text}");
        }
    }
}
