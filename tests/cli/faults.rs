//! `gateway` as a process that is killed, told to end, or given new certificates, while people use it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::certs::{Authority, Identity};
use crate::gateway::{Process, Running, command, folder, recording, upstream};
use crate::ports;

const ADMIN: &str = "Authorization: Basic YWRtaW46aHVudGVyMg==\r\n";

/// While it is killed and started again.
const BETWEEN: usize = 9;

/// The status of an answer; `None` where there was none.
fn status(address: &str, target: &str, headers: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.split(' ').nth(1)?.parse().ok()
}

/// A gateway that is started again and again, in one folder and at one address.
struct Again {
    folder: tempfile::TempDir,
    upstream: String,
    address: String,
    process: Option<Process>,
}

impl Again {
    fn start(&mut self) {
        let mut command = command(&self.folder, &self.upstream);
        self.process =
            Some(Process::unread(command.args(["--private-functions", "--listen", &self.address])));
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.process = None;
    }
}

#[test]
fn s29_killed_and_started_again_under_load_it_refuses_what_it_refused_and_allows_what_it_allowed() {
    let free = format!("127.0.0.1:{}", ports::free());
    let (url, asked) = recording();
    let mut gateway = Again { folder: folder(), upstream: url, address: free.clone(), process: None };
    let (phase, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let seen = Arc::<Mutex<Vec<(usize, &str, u16)>>>::default();
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (free, phase, over, seen) = (free.clone(), phase.clone(), over.clone(), seen.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    for (target, headers) in [("/system/info", ADMIN), ("/function/env", "")] {
                        let now = phase.load(Ordering::SeqCst);
                        let status = status(&free, target, headers);
                        // Who began before a restart may have been answered after it.
                        let still = phase.load(Ordering::SeqCst) == now;
                        if let Some(status) = status.filter(|_| still) {
                            seen.lock().unwrap().push((now, target, status));
                        }
                    }
                }
            })
        })
        .collect();
    let wait_for = |wanted: (usize, &str, u16)| {
        while seen.lock().unwrap().iter().filter(|seen| **seen == wanted).count() < 50 {
            std::thread::yield_now();
        }
    };
    gateway.start();
    wait_for((0, "/system/info", 200));
    phase.store(BETWEEN, Ordering::SeqCst);
    gateway.kill();
    let role = gateway.folder.path().join("iam/role.yaml");
    let text = fs::read_to_string(&role).unwrap();
    // The Policy alone, and no Role.
    fs::write(&role, text.split("---").next().unwrap()).unwrap();
    gateway.start();
    phase.store(1, Ordering::SeqCst);
    wait_for((1, "/system/info", 403));
    wait_for((1, "/function/env", 401));
    phase.store(BETWEEN, Ordering::SeqCst);
    gateway.kill();
    fs::write(&role, text).unwrap();
    gateway.start();
    phase.store(2, Ordering::SeqCst);
    wait_for((2, "/system/info", 200));
    wait_for((2, "/function/env", 401));
    over.store(true, Ordering::SeqCst);
    for thread in load {
        thread.join().unwrap();
    }
    let seen = seen.lock().unwrap();
    assert!(
        seen.iter().all(|(_, target, status)| *target == "/system/info" || *status == 401),
        "what is private"
    );
    let of =
        |wanted| seen.iter().filter(move |(phase, target, _)| (*phase, *target) == (wanted, "/system/info"));
    assert!(of(1).all(|(_, _, status)| *status == 403), "no Role, no access");
    assert!(of(2).all(|(_, _, status)| *status == 200), "what was allowed");
    assert!(asked.lock().unwrap().iter().all(|path| !path.starts_with("/function/")), "a private function");
}

#[test]
fn told_to_end_it_finishes_what_runs_takes_nothing_new_and_keeps_nobody_idle() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Each by itself: a connection on which nothing is asked keeps nobody waiting.
            let (mut stream, tell) = (stream.unwrap(), tell.clone());
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                let count = stream.read(&mut head).unwrap_or(0);
                if String::from_utf8_lossy(&head[..count]).contains("/function/") {
                    tell.send(stream).unwrap();
                } else {
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]");
                }
            });
        }
    });
    let mut running = Running::start_with(&url, &[]);
    let connect = || TcpStream::connect(&running.address).unwrap();
    let (mut idle, mut busy) = (connect(), connect());
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut bytes = [0; 4096];
    assert!(idle.read(&mut bytes).unwrap() > 0);
    busy.write_all(b"GET /function/env HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut function = told.recv_timeout(Duration::from_secs(30)).unwrap();
    running.tell_to_end();
    running.wait_for("\"message\":\"stopping\"");
    while TcpStream::connect(&running.address).is_ok() {
        std::thread::yield_now();
    }
    while idle.read(&mut bytes).unwrap() > 0 {}
    assert!(running.child.try_wait().unwrap().is_none(), "a request is running");
    function.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    running.wait_for("\"message\":\"ended\"");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

/// Writes a new pair of an authority into a folder.
fn certify(authority: &Authority, folder: &Path) {
    let Identity { certificate, key } = authority.server(&["localhost"]).unwrap();
    fs::write(folder.join("tls.crt"), certificate).unwrap();
    fs::write(folder.join("tls.key"), key).unwrap();
}

#[test]
fn certificates_change_under_load_and_nobody_notices() {
    let authorities = ["first", "second", "third", "fourth"].map(|name| Authority::new(name).unwrap());
    let roots = authorities.each_ref().map(|of| reqwest::Certificate::from_pem(of.pem().as_bytes()).unwrap());
    let tls = tempfile::tempdir().unwrap();
    certify(&authorities[0], tls.path());
    let file = |name: &str| tls.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (file("tls.crt"), file("tls.key"));
    let flags = ["--tls-cert-file", &certificate, "--tls-key-file", &key];
    let mut running = Running::start_with(&upstream(), &flags);
    let port = running.address.rsplit(':').next().unwrap().to_owned();
    let (over, runtime) = (Arc::new(AtomicBool::new(false)), tokio::runtime::Runtime::new().unwrap());
    let load: Vec<_> = [(true, 0), (true, 8), (false, 0), (false, 8)]
        .into_iter()
        .map(|(old, kept)| {
            // Some keep their connections, some make a new one for each request.
            let client =
                reqwest::Client::builder().tls_certs_only(roots.clone()).pool_max_idle_per_host(kept);
            let client = if old { client.http1_only() } else { client }.build().unwrap();
            let (url, over) = (format!("https://localhost:{port}/healthz"), over.clone());
            runtime.spawn(async move {
                let mut count = 0;
                while !over.load(Ordering::SeqCst) {
                    let answer = client.get(&url).send().await.unwrap();
                    assert_eq!(
                        (answer.status().as_u16(), answer.text().await.unwrap().as_str()),
                        (200, "ok\n")
                    );
                    count += 1;
                }
                count
            })
        })
        .collect();
    for (authority, root) in authorities.iter().zip(&roots).skip(1) {
        certify(authority, tls.path());
        running.wait_for("the certificate was read anew");
        let trusts_it_alone = reqwest::Client::builder().tls_certs_only([root.clone()]).build().unwrap();
        let asked = trusts_it_alone.get(format!("https://localhost:{port}/healthz")).send();
        assert_eq!(runtime.block_on(asked).unwrap().status(), 200);
        fs::write(tls.path().join("tls.crt"), "-----BEGIN CERT").unwrap();
        running.wait_for("the last good certificate serves");
    }
    over.store(true, Ordering::SeqCst);
    for task in load {
        assert!(runtime.block_on(task).unwrap() > 0);
    }
}
