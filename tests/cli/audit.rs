//! The audit trail of `gateway` as a process: nothing that was decided is missing when it has ended.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::gateway::{Running, command, folder, upstream};
use crate::run::{binary, finish};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until a file has so many lines.
fn wait_for_lines(path: &Path, count: usize) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= count && text.ends_with('\n') {
            return lines(&text);
        }
        assert!(Instant::now() < until, "{}: {text}", path.display());
        std::thread::yield_now();
    }
}

#[test]
fn what_was_decided_is_written_before_the_gateway_has_ended_though_its_reader_is_late() {
    let mut running = Running::start_with(&upstream(), &["--audit-file", "-"]);
    // More than a pipe holds.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..100).for_each(|_| assert_eq!(running.info(), 200)));
        }
    });
    running.tell_to_end();
    while TcpStream::connect(&running.address).is_ok() {
        std::thread::yield_now();
    }
    let mut output = String::new();
    running.child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    let lines = lines(&output);
    assert_eq!(lines.len(), 800);
    assert!(lines.iter().all(|line| line["actor"]["sub"] == "admin" && line["response_code"] == 200));
}

#[test]
fn a_file_that_is_rotated_away_is_begun_anew_and_loses_nothing() {
    let mut running = Running::start_with(&upstream(), &["--audit-file", "audit"]);
    let (file, old) = (running.folder.path().join("audit"), running.folder.path().join("audit.1"));
    running.info();
    wait_for_lines(&file, 1);
    fs::rename(&file, &old).unwrap();
    running.info();
    running.end();
    assert_eq!((wait_for_lines(&old, 1).len(), wait_for_lines(&file, 1).len()), (1, 1));
}

#[test]
fn standard_output_has_the_audit_trail_and_nothing_else() {
    let mut running = Running::start_with(&upstream(), &["--audit-file", "-"]);
    running.info();
    running.end();
    let mut output = String::new();
    running.child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    let lines = lines(&output);
    assert_eq!((lines.len(), &lines[0]["actions"][0]), (1, &"System:Info".into()));
}

#[test]
fn s8_whom_a_front_end_names_as_its_client_is_told_where_it_is_configured_alone() {
    let ask =
        "GET /system/info HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n";
    for (more, want) in
        [(&["--trusted-proxies", "127.0.0.0/8"][..], Value::from("192.0.2.7")), (&[], Value::Null)]
    {
        let arguments = [&["--audit-file", "audit"], more].concat();
        let mut running = Running::start_with(&upstream(), &arguments);
        let mut stream = TcpStream::connect(&running.address).unwrap();
        stream.write_all(ask.as_bytes()).unwrap();
        stream.read_to_string(&mut String::new()).unwrap();
        running.end();
        let line = &wait_for_lines(&running.folder.path().join("audit"), 1)[0];
        assert_eq!((&line["forwarded_for"], &line["peer"]), (&want, &"127.0.0.1".into()));
    }
}

#[test]
fn an_audit_trail_that_cannot_begin_is_named_and_its_secrets_are_not_shown() {
    for (arguments, want) in [
        (&["--audit-file", "gone/audit"][..], "`gone/audit` cannot be opened"),
        (
            &["--audit-webhook-url", "https://canary", "--audit-webhook-secret-file", "empty"],
            "`empty` is empty",
        ),
        (
            &["--audit-webhook-url", "https://canary", "--audit-webhook-secret-file", "gone"],
            "`gone` cannot be read",
        ),
        (
            &["--audit-webhook-url", "ftp://canary", "--audit-webhook-secret-file", "user"],
            "is no URL of a webhook",
        ),
        (&["--audit-webhook-url", "https://canary"], "--audit-webhook-secret-file"),
        (&["--audit-webhook-secret-file", "user"], "--audit-webhook-url"),
    ] {
        let folder = folder();
        let told = finish(command(&folder, "http://127.0.0.1:1").args(arguments), "");
        assert_eq!(told.code, 2, "{told}");
        assert!(told.err.contains(want) && !told.err.contains("canary"), "{told}");
    }
    let mut help = binary();
    let told =
        finish(help.args(["gateway", "--help"]).env("FAAS_IAM_AUDIT_WEBHOOK_URL", "https://canary"), "");
    assert!(told.out.contains("--audit-webhook-url") && !told.out.contains("canary"), "{told}");
}
