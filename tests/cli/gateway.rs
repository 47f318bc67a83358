//! `gateway` as a process: from a folder that changes, until it is told to end.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::{Deref, DerefMut};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::run::{binary, finish};

/// A key for these tests alone.
const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\n\
MHcCAQEEIOFeTmM7yWCV0hZGXEtxkov0JHr3bwh3eMynGQpNZogToAoGCCqGSM49\n\
AwEHoUQDQgAE47K8ggOaFkKe4F9DIIB5DXsoI8nJtMnT4QeiKjg6CEIdZoHc/HMX\n\
FPqjWzCK6aGrnWitmoM6aeDVhQa935m93w==\n\
-----END EC PRIVATE KEY-----\n";

const ROLE: &str = "\
apiVersion: iam.openfaas.com/v1
kind: Policy
metadata: {name: look, namespace: openfaas}
spec: {statement: [{sid: s, effect: Allow, action: [\"System:Info\"], resource: [\"*\"]}]}
---
apiVersion: iam.openfaas.com/v1
kind: Role
metadata: {name: admin, namespace: openfaas}
spec:
  policy: [look]
  principal: {\"jwt:sub\": [admin]}
  condition: {StringEqual: {\"jwt:iss\": [\"urn:faas-iam:basic-auth\"]}}
";

/// A gateway that listens, and is killed where a test ends before it.
pub struct Process {
    pub child: Child,
    log: Option<BufReader<ChildStderr>>,
    pub address: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts it, and waits until it listens.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = child.stderr.take().map(BufReader::new);
        let mut process = Self { child, log, address: String::new() };
        let line = process.wait_for("\"message\":\"listening\"");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        process.address = line["address"].as_str().unwrap().to_owned();
        process
    }

    /// One whose log nobody reads any further: what it says later must not hold it up.
    pub fn unread(command: &mut Command) -> Self {
        let mut process = Self::start(command);
        let mut log = process.log.take();
        std::thread::spawn(move || log.as_mut().map(|log| std::io::copy(log, &mut std::io::sink())));
        process
    }

    /// Reads the log up to a line with this in it.
    pub fn wait_for(&mut self, text: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let log = self.log.as_mut().expect("somebody reads it");
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the log ends without {text:?}:\n{all}");
            if line.contains(text) {
                return line;
            }
            all.push_str(&line);
        }
    }
}

/// One in a folder of its own, in front of something.
pub struct Running {
    process: Process,
    pub folder: tempfile::TempDir,
}

impl Deref for Running {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("iam")).unwrap();
    for (name, text) in [
        ("issuer.key", KEY),
        ("user", "admin\n"),
        ("password", "hunter2\n"),
        ("empty", "\n"),
        ("iam/role.yaml", ROLE),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

pub fn command(folder: &tempfile::TempDir, upstream: &str) -> Command {
    let mut command = binary();
    command.current_dir(folder.path()).args([
        "gateway",
        "--manifests",
        "iam",
        "--signing-key-file",
        "issuer.key",
    ]);
    command.args([
        "--admin-user-file",
        "user",
        "--admin-password-file",
        "password",
        "--basic-auth",
        "migrate",
    ]);
    command.args(["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--upstream", upstream]);
    command.args(["--public-url", "http://127.0.0.1:8080", "--log-format", "json"]);
    command
}

impl Running {
    fn start(upstream: &str) -> Self {
        Self::start_with(upstream, &[])
    }

    /// One with more arguments.
    pub fn start_with(upstream: &str, more: &[&str]) -> Self {
        let folder = folder();
        Self { process: Process::start(command(&folder, upstream).args(more)), folder }
    }

    /// Tells it to end.
    pub fn tell_to_end(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Tells it to end, and waits until it has.
    pub fn end(&mut self) {
        self.tell_to_end();
        self.wait_for("\"message\":\"ended\"");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }

    /// The status of `GET /system/info` as the administrator.
    pub fn info(&self) -> u16 {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let request = "GET /system/info HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Basic YWRtaW46aHVudGVyMg==\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// An upstream that answers everything with 200 and an empty list.
pub fn upstream() -> String {
    recording().0
}

/// The same, and which paths it was asked for.
pub fn recording() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, asked) =
        (format!("http://{}", listener.local_addr().unwrap()), Arc::<Mutex<Vec<_>>>::default());
    let told = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut head) = (stream.unwrap(), [0; 4096]);
            let count = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..count]).into_owned();
            told.lock().unwrap().push(head.split(' ').nth(1).unwrap_or_default().to_owned());
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]");
        }
    });
    (url, asked)
}

#[test]
fn what_the_folder_says_holds_as_soon_as_it_is_read_and_what_cannot_be_read_changes_nothing() {
    let mut running = Running::start(&upstream());
    let role = running.folder.path().join("iam/role.yaml");
    assert_eq!(running.info(), 200);
    fs::write(&role, "kind: [").unwrap();
    running.wait_for("the last good manifests stay in force");
    assert_eq!(running.info(), 200);
    fs::write(&role, ROLE.replace("[admin]", "[somebody]")).unwrap();
    running.wait_for("the manifests were read anew");
    assert_eq!(running.info(), 403);
    fs::remove_file(&role).unwrap();
    fs::write(running.folder.path().join("iam/new.yaml"), ROLE).unwrap();
    running.wait_for("the manifests were read anew");
    assert_eq!(running.info(), 200);
}

#[test]
fn it_ends_when_it_is_told_to() {
    Running::start(&upstream()).end();
}

#[test]
fn what_it_cannot_begin_with_is_named() {
    for (flag, value, want) in [
        ("--signing-key-file", "user", "`user` holds no private key in PEM"),
        ("--signing-key-file", "gone", "`gone` cannot be read"),
        ("--admin-user-file", "empty", "`empty` is empty"),
        ("--admin-password-file", "empty", "`empty` is empty"),
        ("--manifests", "gone", "`gone` cannot be read: No such file"),
        ("--upstream", "gateway:8080", "`gateway:8080` is no address of an upstream"),
        ("--upstream", "http://user:secret@gateway:8080", "is no address of an upstream"),
        ("--ca-file", "gone", "`gone` cannot be read"),
        ("--ca-file", "user", "`user` cannot be used: there is no certificate in it"),
        ("--trusted-proxies", "10.1.0.0/8", "write `10.0.0.0/8`"),
        ("--function-timeout", "5", "`5` is no duration"),
        ("--tls-cert-file", "user", "--tls-key-file <FILE>"),
        ("--public-url", "gateway.example.com", "`gateway.example.com` is no public URL"),
        ("--default-namespace", "Dev", "`Dev` is no namespace"),
    ] {
        let folder = folder();
        let mut command = command(&folder, "http://127.0.0.1:1");
        // The last one of a flag counts.
        let told = finish(command.args([flag, value]), "");
        assert_eq!(told.code, 2, "{told}");
        assert!(told.err.contains(want) && !told.err.contains("secret"), "{told}");
    }
}
