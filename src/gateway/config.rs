//! The gateway's flags. Names and defaults are a contract that scripts use.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::audit::AuditArgs;
use super::callback::CallbackHost;
use super::guard::SecretName;
use super::trusted::Network;
use crate::flags::{DurationError, duration};
use crate::kubeconfig::ClusterArgs;
use crate::process::LogFormat;

/// What becomes of the administrator's basic credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum BasicAuth {
    /// Nobody gets in by it.
    #[default]
    Deny,
    /// It is a principal that Roles bind (`iss` `urn:faas-iam:basic-auth`).
    Migrate,
}

/// Stands in front of an OpenFaaS gateway: exchanges tokens, authorises, forwards
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES, args_override_self = true)]
pub struct Config {
    /// A folder of manifests to work from, without any Kubernetes; it is watched. Without it the cluster's bundle decides
    #[arg(
        long,
        env = "FAAS_IAM_MANIFESTS",
        value_name = "DIR",
        requires = "signing_key_file",
        conflicts_with_all = ["kubeconfig", "context"]
    )]
    pub manifests: Option<PathBuf>,

    /// The cluster, and the IAM namespace in it, whose Secrets of ours nobody replaces through the gateway
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// Where clients are listened to
    #[arg(long, env = "FAAS_IAM_LISTEN", default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// A file with the certificate of this gateway and its chain, PEM; read again when it changes. Without it everything is plain
    #[arg(long, env = "FAAS_IAM_TLS_CERT_FILE", value_name = "FILE", requires = "tls_key_file")]
    pub tls_cert_file: Option<PathBuf>,

    /// A file with the certificate's private key, PEM
    #[arg(long, env = "FAAS_IAM_TLS_KEY_FILE", value_name = "FILE", requires = "tls_cert_file")]
    pub tls_key_file: Option<PathBuf>,

    /// Front ends whose X-Forwarded-For is continued, such as 10.0.0.7,fd00::/8; without them it is begun anew
    #[arg(long, env = "FAAS_IAM_TRUSTED_PROXIES", value_name = "NETWORK", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,

    /// The OpenFaaS gateway or provider that is forwarded to, such as http://gateway-upstream:8080
    #[arg(long, env = "FAAS_IAM_UPSTREAM", value_name = "URL")]
    pub upstream: String,

    /// A file with trust roots for the upstream and for issuers, PEM, besides the system's
    #[arg(long, env = "FAAS_IAM_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// How long a function may take until its answer begins, such as 5m; 0 leaves that to the upstream
    #[arg(long, env = "FAAS_IAM_FUNCTION_TIMEOUT", default_value = "0", value_parser = at_most, value_name = "DURATION")]
    pub function_timeout: AtMost,

    /// The URL by which clients know this gateway: `iss` and `aud` of its tokens
    #[arg(long, env = "FAAS_IAM_PUBLIC_URL", value_name = "URL")]
    pub public_url: String,

    /// A file with the user of the upstream's basic auth
    #[arg(long, env = "FAAS_IAM_ADMIN_USER_FILE", value_name = "FILE", requires = "admin_password_file")]
    pub admin_user_file: Option<PathBuf>,

    /// A file with the password of the upstream's basic auth
    #[arg(long, env = "FAAS_IAM_ADMIN_PASSWORD_FILE", value_name = "FILE", requires = "admin_user_file")]
    pub admin_password_file: Option<PathBuf>,

    /// A file with the signing key: a PEM with an EC key on P-256. Without it the Secret `issuer-key` has it
    #[arg(long, env = "FAAS_IAM_SIGNING_KEY_FILE", value_name = "FILE")]
    pub signing_key_file: Option<PathBuf>,

    /// The namespace of functions whose caller names none
    #[arg(long, env = "FAAS_IAM_DEFAULT_NAMESPACE", default_value = "openfaas-fn", value_name = "NS")]
    pub default_namespace: String,

    /// What becomes of the administrator's basic credential
    #[arg(long, env = "FAAS_IAM_BASIC_AUTH", value_enum, default_value = "deny")]
    pub basic_auth: BasicAuth,

    /// Whether functions are private where nothing says otherwise
    #[arg(long, env = "FAAS_IAM_PRIVATE_FUNCTIONS")]
    pub private_functions: bool,

    /// Secrets of the IAM namespace, besides those with names of ours, that nobody replaces through the gateway and no function is given, such as that of `--admin-password-file`
    #[arg(long, env = "FAAS_IAM_GUARDED_SECRETS", value_delimiter = ',', value_name = "NAME")]
    pub guarded_secrets: Vec<SecretName>,

    /// Hosts that results of queued calls may be sent to (`X-Callback-Url`), such as hooks.example.com; without it any
    #[arg(long, env = "FAAS_IAM_CALLBACK_HOSTS", value_delimiter = ',', value_name = "HOST")]
    pub callback_hosts: Vec<CallbackHost>,

    /// Who is told of decisions
    #[command(flatten)]
    pub audit: AuditArgs,

    /// Where /metrics, /livez and /readyz are served
    #[arg(long, env = "FAAS_IAM_METRICS_LISTEN", default_value = "0.0.0.0:9091", value_name = "ADDRESS")]
    pub metrics_listen: SocketAddr,

    /// How log lines are written
    #[arg(long, env = "FAAS_IAM_LOG_FORMAT", value_enum, default_value = "json")]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug, trace, or directives such as `faas_iam=debug`
    #[arg(long, env = "FAAS_IAM_LOG_LEVEL", default_value = "info", value_name = "LEVEL")]
    pub log_level: String,
}

/// A time, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtMost(pub Option<Duration>);

/// Reads whole seconds, minutes or hours; 0 is no bound.
fn at_most(text: &str) -> Result<AtMost, DurationError> {
    if text == "0" { Ok(AtMost(None)) } else { duration(text).map(|time| AtMost(Some(time))) }
}

const EXAMPLES: &str = "\
Examples:
  faas-iam gateway -n openfaas --public-url https://gateway.example.com \\
    --tls-cert-file /tls/tls.crt --tls-key-file /tls/tls.key --audit-file - \\
    --upstream http://gateway-upstream:8080 --callback-hosts hooks.example.com \\
    --admin-user-file /secrets/basic-auth-user --admin-password-file /secrets/basic-auth-password

  openssl ecparam -genkey -name prime256v1 -noout -out issuer.key
  faas-iam gateway --manifests ./iam --signing-key-file issuer.key \\
    --listen 127.0.0.1:8080 --public-url http://127.0.0.1:8080 \\
    --upstream http://127.0.0.1:8081 --function-timeout 5m";
