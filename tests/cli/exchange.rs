//! `token exchange`: against the gateway itself, and against what may stand in its place.

use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::gateway::Process;
use crate::run::{Run, binary, finish};
use crate::stranger::{Stranger, nobody, serve};
use crate::tokens::{ISS, Issuer, claims};

/// A gateway in front of nothing.
pub struct Gateway {
    _process: Process,
    pub url: String,
    pub issuer: Issuer,
}

impl Gateway {
    /// One in which the subject `robot` may look at functions of `dev` and invoke some.
    pub fn start() -> Self {
        let issuer = Issuer::new();
        let folder = issuer.folder.path();
        // No two of them sign alike.
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        std::fs::write(folder.join("issuer.key"), key).unwrap();
        std::fs::write(folder.join("invoke.yaml"), INVOKE).unwrap();
        let mut command = binary();
        command.args(["gateway", "--signing-key-file"]).arg(folder.join("issuer.key"));
        command.arg("--manifests").arg(folder).args(["--upstream", "http://127.0.0.1:1"]);
        command.args(["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--public-url", US]);
        let process = Process::unread(&mut command);
        Self { url: format!("http://{}", process.address), _process: process, issuer }
    }
}

/// The gateway's name, which is not where these tests find it: as behind a forwarded port.
pub const US: &str = "https://gateway.example.com";

const INVOKE: &str = r#"
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: system }
spec: { iss: "https://gateway.example.com", aud: ["https://gateway.example.com"] }
---
apiVersion: iam.openfaas.com/v1
kind: Policy
metadata: { name: invoke }
spec: { statement: [{ sid: a, effect: Allow, action: ["Function:Invoke"], resource: ["dev:*"] }] }
---
apiVersion: iam.openfaas.com/v1
kind: Role
metadata: { name: robot-invokes }
spec: { policy: [invoke], principal: { "jwt:sub": [robot] } }
"#;

/// `token exchange` of what comes on standard input.
fn exchange(gateway: &str, token: &str, more: &[&str]) -> Run {
    let args = [&["token", "exchange", "--gateway", gateway, "--token", "-"], more].concat();
    finish(binary().args(args), token)
}

/// A token that is none of these tests' business but that it must not be seen.
fn subject() -> String {
    Issuer::new().token(&claims(ISS))
}

#[test]
fn an_exchanged_token_stands_alone_on_standard_output() {
    let gateway = Gateway::start();
    let subject = gateway.issuer.token(&claims(ISS));
    let told = exchange(&gateway.url, &format!("{subject}\n"), &[]);
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told}");
    let token = told.out.strip_suffix('\n').unwrap();
    assert_eq!(token.split('.').count(), 3);
    assert!(token.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{told}");
    assert_ne!(token, subject);
    let function = exchange(&gateway.url, &told.out, &["--scope", "function", "--audience", "dev:env"]);
    assert_eq!(function.code, 0, "{function}");
}

#[test]
fn the_whole_answer_is_there_for_machines() {
    let gateway = Gateway::start();
    let subject = gateway.issuer.token(&claims(ISS));
    let answer = exchange(&gateway.url, &subject, &["--scope", "function", "-o", "json"]).json();
    assert_eq!((&answer["token_type"], &answer["scope"]), (&json!("Bearer"), &json!("function")));
    assert!(answer["access_token"].is_string() && answer["expires_in"].is_u64(), "{answer}");
}

#[test]
fn a_refusal_is_the_gateways_words_and_exit_code_1() {
    let gateway = Gateway::start();
    let stranger =
        gateway.issuer.token(&json!({ "iss": ISS, "sub": "guest", "aud": "gw", "exp": 4_000_000_000_u64 }));
    let told = exchange(&gateway.url, &stranger, &[]);
    assert_eq!((told.code, told.out.as_str()), (1, ""), "{told}");
    assert!(told.err.starts_with("No policies found for subject: guest"), "{told}");
    let told = exchange(&gateway.url, &stranger, &["-o", "json"]);
    assert_eq!((told.code, &told.json()["error"]), (1, &json!("invalid_request")), "{told}");
    let other = exchange(
        &gateway.url,
        &gateway.issuer.token(&claims(ISS)),
        &["--scope", "function", "--audience", "prod:x"],
    );
    assert_eq!(other.code, 1, "{other}");
}

#[test]
fn what_is_sent_is_a_form_as_the_standard_has_it() {
    let stranger = Stranger::new("400 Bad Request", "", r#"{"error":"invalid_request"}"#);
    let audiences =
        ["--scope", "function", "--audience", "dev:a", "--audience", "dev:b,prod:*", "--token-type", "jwt"];
    exchange(&stranger.url, "a.b.c", &audiences);
    let seen = stranger.seen();
    let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /oauth/token HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/x-www-form-urlencoded\r\n"), "{head}");
    let pairs: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let want = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("scope", "function"),
        ("audience", "dev:a"),
        ("audience", "dev:b"),
        ("audience", "prod:*"),
        ("subject_token", "a.b.c"),
    ];
    assert_eq!(pairs, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn s26_where_no_gateway_answers_it_is_said_and_the_token_is_not() {
    let rows = [
        (Stranger::new("404 Not Found", "", "no such page"), "answers with status 404"),
        (Stranger::new("200 OK", "", "{}"), "without an access token"),
        (Stranger::new("200 OK", "", r#"{"access_token":"a b\u001b[2K"}"#), "without an access token"),
        (Stranger::new("503 Service Unavailable", "", "away"), "cannot answer now (status 503)"),
        (Stranger::new("500 Oh", "", r#"{"error":"x","error_description":"oh no"}"#), "oh no"),
        (Stranger::new("400 Bad Request", "", r#"{"message":"x"}"#), "without a reason"),
        (Stranger::saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}".to_owned()), "cannot ask"),
        (Stranger::saying("garbage\r\n\r\n".to_owned()), "cannot ask"),
        (Stranger::new("200 OK", "", &" ".repeat(2 << 20)), "with more than"),
    ];
    for (stranger, want) in rows {
        let told = exchange(&stranger.url, &subject(), &[]);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{told}");
        assert!(
            told.err.contains(want) && !told.err.contains("eyJ") && !told.err.contains('\u{1b}'),
            "{told}"
        );
    }
    let told = exchange(&nobody(), &subject(), &[]);
    assert_eq!(told.code, 2, "{told}");
    assert!(told.err.contains("cannot ask `http://127.0.0.1:") && !told.err.contains("eyJ"), "{told}");
}

#[test]
fn s26_no_token_follows_a_redirect() {
    let second = Stranger::new("200 OK", "", r#"{"access_token":"x"}"#);
    for status in ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let first = Stranger::new(status, &format!("Location: {}/login?secret\r\n", second.url), "");
        let told = exchange(&first.url, &subject(), &[]);
        assert_eq!(told.code, 2, "{told}");
        assert!(told.err.contains(&second.url) && !told.err.contains("secret"), "{told}");
    }
    assert_eq!(second.seen(), Vec::<String>::new());
}

#[test]
fn s26_a_token_goes_to_another_machine_by_tls_alone() {
    let told = exchange("http://gateway.openfaas:8080", &subject(), &[]);
    assert_eq!(told.code, 2, "{told}");
    assert!(told.err.contains("plain http") && told.err.contains("--insecure-http"), "{told}");
    // With the flag it is tried, and a name that cannot be resolved is another trouble.
    let told = exchange("http://gateway.invalid:8080", &subject(), &["--insecure-http"]);
    assert!(told.code == 2 && told.err.contains("cannot ask"), "{told}");
}

#[test]
fn s26_a_proxy_of_the_environment_reads_no_token() {
    let proxy = Stranger::new("400 Bad Request", "", r#"{"error":"x"}"#);
    let gateway = nobody();
    let mut command = binary();
    command.args(["token", "exchange", "--gateway", &gateway, "--token", "-"]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, &proxy.url);
    }
    assert_eq!(finish(&mut command, &subject()).code, 2);
    assert_eq!(proxy.seen(), Vec::<String>::new());
}

/// A gateway that shows this certificate.
fn behind_tls(certificate: &rcgen::Certificate, key: &rcgen::KeyPair) -> String {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream.unwrap());
            serve(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: 22\r\nConnection: close\r\n\r\n{\"access_token\":\"a.b\"}",
            );
        }
    });
    url
}

#[test]
fn a_private_authority_is_trusted_where_it_is_named() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let url = behind_tls(&made.cert, &made.signing_key);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let told = exchange(&url, &subject(), &[]);
    assert_eq!(told.code, 2, "{told}");
    assert!(told.err.contains("is not trusted; `--ca-file`"), "{told}");
    let told = exchange(&url, &subject(), &["--ca-file", file.to_str().unwrap()]);
    assert_eq!((told.code, told.out.as_str()), (0, "a.b\n"), "{told}");
    std::fs::write(&file, "no certificate").unwrap();
    let told = exchange(&url, &subject(), &["--ca-file", file.to_str().unwrap()]);
    assert!(told.code == 2 && told.err.contains("there is no certificate in it"), "{told}");
}

#[test]
fn who_shows_an_authoritys_own_certificate_is_told_to_make_another() {
    let mut of_authority = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    of_authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = of_authority.self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, made.pem()).unwrap();
    let told = exchange(&behind_tls(&made, &key), &subject(), &["--ca-file", file.to_str().unwrap()]);
    assert!(told.code == 2 && told.err.contains("basicConstraints=CA:FALSE"), "{told}");
}

#[test]
fn what_is_asked_wrongly_is_wrong_input() {
    let token = subject();
    let rows = [
        (vec!["--audience", "dev:env"], "--scope"),
        (vec!["--scope", "api"], "function"),
        (vec!["--token-type", "saml2"], "id_token"),
        (vec!["--ca-file", "nowhere.pem"], "`nowhere.pem` cannot be read"),
    ];
    for (more, want) in rows {
        let told = exchange("http://127.0.0.1:1", &token, &more);
        assert!(told.code == 2 && told.err.contains(want), "{told}");
    }
    let told = finish(
        binary().args(["token", "exchange", "--gateway", "http://127.0.0.1:1", "--token", &token]),
        "",
    );
    assert!(told.code == 2 && told.err.contains("is a token itself") && !told.err.contains("eyJ"), "{told}");
}
