//! The command lines of the control plane's three programs. Pure: paths and numbers in, flags out.

use std::path::Path;

use super::certs::TokenKeys;

/// What a test may choose about a control plane; the default is what most tests want.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The kind of the service-account keys.
    pub token_keys: TokenKeys,
    /// Service-account issuers, the first of which mints; none means the address inside a cluster.
    pub issuers: Vec<String>,
    /// More flags for kube-apiserver.
    pub apiserver_flags: Vec<String>,
    /// More flags for kube-controller-manager.
    pub controller_flags: Vec<String>,
    /// Whether etcd waits for the disk, as a test about losing power needs.
    pub durable: bool,
    /// Whether the audit log has what was sent and answered, too.
    pub audit_bodies: bool,
}

/// The ports of one control plane, all on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// etcd for clients, plain HTTP.
    pub etcd: u16,
    /// etcd for its peers, of which there are none.
    pub peer: u16,
    /// kube-apiserver, HTTPS.
    pub apiserver: u16,
    /// kube-controller-manager's health, HTTPS.
    pub controllers: u16,
}

/// The issuer where a test asks for no other.
pub const DEFAULT_ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// etcd's flags; its data is `etcd` in `folder`.
pub fn etcd(folder: &Path, ports: Ports, options: &Options) -> Vec<String> {
    let client = format!("http://127.0.0.1:{}", ports.etcd);
    let peer = format!("http://127.0.0.1:{}", ports.peer);
    let mut flags = vec![
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        String::from("--log-level=warn"),
    ];
    if !options.durable {
        flags.push(String::from("--unsafe-no-fsync"));
    }
    flags
}

/// kube-apiserver's flags; its certificates, keys and audit log are in `folder`.
pub fn apiserver(folder: &Path, ports: Ports, options: &Options) -> Vec<String> {
    let file = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
    let mut flags = vec![
        format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd),
        format!("--secure-port={}", ports.apiserver),
        String::from("--bind-address=127.0.0.1"),
        String::from("--advertise-address=127.0.0.1"),
        file("tls-cert-file", "server.crt"),
        file("tls-private-key-file", "server.key"),
        file("client-ca-file", "ca.crt"),
        file("service-account-key-file", "token.pub"),
        file("service-account-signing-key-file", "token.key"),
        String::from("--authorization-mode=RBAC"),
        String::from("--service-cluster-ip-range=10.0.0.0/24"),
        String::from("--allow-privileged"),
        file("audit-policy-file", "audit-policy.json"),
        file("audit-log-path", "audit.log"),
        // Never rotated, so that the log is one list of requests.
        String::from("--audit-log-maxsize=100000"),
    ];
    if options.issuers.is_empty() {
        flags.push(format!("--service-account-issuer={DEFAULT_ISSUER}"));
    }
    flags.extend(options.issuers.iter().map(|issuer| format!("--service-account-issuer={issuer}")));
    flags.extend(options.apiserver_flags.iter().cloned());
    flags
}

/// kube-controller-manager's flags. There are no nodes, so the controllers that look after them stay off.
pub fn controllers(folder: &Path, ports: Ports, options: &Options) -> Vec<String> {
    let file = |flag: &str, name: &str| format!("--{flag}={}", folder.join(name).display());
    let mut flags = vec![
        file("kubeconfig", "controllers.kubeconfig"),
        file("service-account-private-key-file", "token.key"),
        file("root-ca-file", "ca.crt"),
        file("tls-cert-file", "server.crt"),
        file("tls-private-key-file", "server.key"),
        format!("--secure-port={}", ports.controllers),
        String::from("--bind-address=127.0.0.1"),
        String::from("--use-service-account-credentials"),
        String::from("--leader-elect=false"),
        String::from("--controllers=*,-nodeipam,-nodelifecycle"),
        // The default of 20 requests a second takes a minute for a thousand ServiceAccounts.
        String::from("--kube-api-qps=500"),
        String::from("--kube-api-burst=1000"),
    ];
    flags.extend(options.controller_flags.iter().cloned());
    flags
}

/// The audit policy: every request once it has been answered (a watch: once it has begun), without bodies where nobody asks
/// for them.
pub fn audit_policy(options: &Options) -> String {
    let level = if options.audit_bodies { "RequestResponse" } else { "Metadata" };
    serde_json::json!({
        "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
        "rules": [{ "level": level }],
    })
    .to_string()
}
