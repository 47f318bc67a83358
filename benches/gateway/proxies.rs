//! The processes under measure, and who asks them: the upstream, the bare proxy, nginx where it can be had,
//! and the gateway as it is shipped. All with two threads for their work.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::guard::{Process, again, start};
use super::http;
use super::tokens::{World, form};

/// A process that listens.
pub struct Server {
    pub process: Process,
    pub port: u16,
}

/// All of them.
pub struct Proxies {
    pub world: World,
    pub upstream: Server,
    pub bare: Server,
    pub verifying: Server,
    pub nginx: Option<Server>,
    pub gateway: Server,
    pub metrics: u16,
    folder: TempDir,
}

impl Proxies {
    pub fn start() -> Self {
        let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
        world.write(folder.path());
        let upstream = listening(|port| again(&["upstream", &loopback(port)]));
        let to = loopback(upstream.port);
        let bare = listening(|port| again(&["bare", &loopback(port), &to]));
        let jwk = Value::Object(world.signing.public().to_jwk()).to_string();
        let verifying = listening(|port| again(&["verifying", &loopback(port), &to, &jwk]));
        let nginx = nginx(&folder, &to);
        let metrics = free();
        let gateway = listening(|port| gateway(&program(), &folder, port, metrics, &to));
        Self { world, upstream, bare, verifying, nginx, gateway, metrics, folder }
    }

    /// One more gateway, of another build.
    pub fn other(&self, program: &str) -> Server {
        listening(|port| gateway(program, &self.folder, port, free(), &loopback(self.upstream.port)))
    }

    /// A token of ours for the person of the installation.
    pub fn token(&self, function: bool) -> String {
        let answer = ask(self.gateway.port, &exchange(&form(&self.world.subject_token(), function)));
        let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// What the gateway counted.
    pub fn counted(&self, name: &str) -> u64 {
        let text = ask(self.metrics, &http::request("GET", "/metrics", &[], ""));
        let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
        line.map_or(0, |line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
    }
}

/// An exchange, as a request.
pub fn exchange(form: &str) -> Vec<u8> {
    http::request("POST", "/oauth/token", &[("Content-Type", "application/x-www-form-urlencoded")], form)
}

/// A request with a token.
pub fn bearing(target: &str, token: &str) -> Vec<u8> {
    http::request("GET", target, &[("Authorization", &format!("Bearer {token}"))], "")
}

/// The whole answer to one request.
pub fn ask(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request).unwrap();
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    while http::end(&bytes).is_none() {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&bytes));
        bytes.extend(&piece[..read]);
    }
    String::from_utf8(bytes).unwrap()
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts what listens, and waits until it does.
fn listening(start: impl FnOnce(u16) -> Process) -> Server {
    let port = free();
    let process = start(port);
    let mut tries = 0;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        tries += 1;
        assert!(tries < 1_000, "nobody listens");
        std::thread::sleep(Duration::from_millis(20));
    }
    Server { process, port }
}

/// The gateway of this checkout, or another build that `GATEWAY` names.
fn program() -> String {
    std::env::var("GATEWAY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_faas-iam").to_owned())
}

fn gateway(program: &str, folder: &TempDir, port: u16, metrics: u16, to: &str) -> Process {
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    start(&[
        program,
        "gateway",
        "--manifests",
        &file("iam"),
        "--signing-key-file",
        &file("issuer.key"),
        "--admin-user-file",
        &file("user"),
        "--admin-password-file",
        &file("password"),
        "--listen",
        &loopback(port),
        "--metrics-listen",
        &loopback(metrics),
        "--upstream",
        &format!("http://{to}"),
        "--public-url",
        super::tokens::US,
        "--private-functions",
        "--log-level",
        "warn",
    ])
}

/// nginx with a keep-alive pool to the upstream and nothing else that costs.
fn nginx(folder: &TempDir, to: &str) -> Option<Server> {
    let setup = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/setup/setup.sh");
    let found = Command::new(setup).arg("nginx").stdin(Stdio::null()).output().unwrap();
    if !found.status.success() {
        eprintln!("nginx cannot be had, so its row is missing: {}", String::from_utf8_lossy(&found.stderr));
        return None;
    }
    let program = String::from_utf8(found.stdout).unwrap();
    let place = folder.path().to_str().unwrap().to_owned();
    Some(listening(move |port| {
        let config = format!("{place}/nginx.conf");
        std::fs::write(&config, nginx_config(&place, port, to)).unwrap();
        start(&[program.trim(), "-p", &place, "-c", &config, "-e", "stderr"])
    }))
}

fn nginx_config(place: &str, port: u16, to: &str) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {place}/nginx-{name};\n"))
        .concat();
    format!(
        "daemon off; worker_processes 2; pid {place}/nginx.pid; error_log stderr crit;\n\
         events {{ worker_connections 16384; }}\n\
         http {{\n\
         access_log off; keepalive_requests 1000000000; keepalive_timeout 3600s; tcp_nodelay on;\n\
         {temporary}\
         upstream up {{ server {to}; keepalive 256; keepalive_requests 1000000000; }}\n\
         server {{ listen 127.0.0.1:{port};\n\
         location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}\n\
         }}\n"
    )
}
