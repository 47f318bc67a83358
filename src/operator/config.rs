//! The operator's flags. Names and defaults are a contract that scripts use.

use std::net::SocketAddr;
use std::time::Duration;

use crate::flags::duration;
use crate::kubeconfig::ClusterArgs;
use crate::process::LogFormat;

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
    fn the_public_url_is_taken_as_it_is_written_and_has_a_scheme() {
        for text in ["https://gateway.example.com", "https://gw.example.com/", "http://127.0.0.1:8080", ""] {
            assert_eq!(public_url(text).as_deref(), Ok(text));
        }
        for text in ["gateway.example.com", "gateway.example.com:443", "https://", "ftp://x", "https"] {
            assert!(public_url(text).is_err(), "{text}");
        }
    }
}
