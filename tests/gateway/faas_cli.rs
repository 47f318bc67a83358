//! What faas-cli sends, byte for byte: recorded from the real one (`faas-cli/*.http`, its version at the head of each
//! file), sent again with tokens that were exchanged. And the real one itself, where there is one.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use tokio::sync::{Mutex, MutexGuard};

use crate::judged::{Ask, compare};
use crate::support::{Failure, Result, scratch::Scratch, skip, tools};
use crate::wire::{self, Answer};
use crate::world::{World, shared};

/// What a command's requests come to, for root, who may do everything, and for eve, who may list, see and invoke
/// `dev:env` and nothing else: the status, and what is forwarded. In this order, since later ones find what earlier ones
/// made.
const COMMANDS: &[(&str, &[&str], &[&str])] = &[
    ("list", &["200 GET /system/functions?namespace=dev"], &["200 GET /system/functions?namespace=dev"]),
    ("list-default", &["200 GET /system/functions?namespace=openfaas-fn"], &["403"]),
    (
        "describe",
        &["200 GET /system/function/env?namespace=dev&usage=1", "200 GET /system/functions?namespace=dev"],
        &["200 GET /system/function/env?namespace=dev&usage=1", "200 GET /system/functions?namespace=dev"],
    ),
    ("secret-create", &["202 POST /system/secrets?namespace=dev"], &["403"]),
    ("secret-create-default", &["202 POST /system/secrets?namespace=openfaas-fn"], &["403"]),
    ("secret-list", &["200 GET /system/secrets?namespace=dev"], &["403"]),
    ("secret-update", &["202 PUT /system/secrets?namespace=dev"], &["403"]),
    (
        "deploy",
        &["404 PUT /system/functions?namespace=dev", "202 POST /system/functions?namespace=dev"],
        &["403", "403"],
    ),
    ("deploy-default", &["404 PUT /system/functions?namespace=openfaas-fn"], &["403"]),
    ("deploy-update", &["202 PUT /system/functions?namespace=dev"], &["403"]),
    (
        "deploy-replace",
        &["202 DELETE /system/functions?namespace=dev", "202 POST /system/functions?namespace=dev"],
        &["403", "403"],
    ),
    (
        "ready",
        &["200 GET /system/function/env?namespace=dev&usage=1"],
        &["200 GET /system/function/env?namespace=dev&usage=1"],
    ),
    ("remove", &["202 DELETE /system/functions?namespace=dev"], &["403"]),
    ("remove-default", &["404 DELETE /system/functions?namespace=openfaas-fn"], &["403"]),
    ("secret-remove", &["202 DELETE /system/secrets?namespace=dev"], &["403"]),
    ("logs", &["200 GET /system/logs?follow=false&name=env&namespace=dev&tail=3"], &["403"]),
    ("logs-follow", &["200 GET /system/logs?follow=true&name=env&namespace=dev&since="], &["403"]),
    ("namespace-list", &["200 GET /system/namespaces"], &["403"]),
    ("namespace-get", &["200 GET /system/namespace/dev"], &["403"]),
    ("namespace-create", &["201 POST /system/namespace/staging"], &["403"]),
    ("namespace-update", &["202 PUT /system/namespace/dev"], &["403"]),
    ("namespace-remove", &["202 DELETE /system/namespace/staging"], &["403"]),
    ("version", &["200 GET /system/info"], &["403"]),
    (
        "invoke",
        &["401", "200", "200 POST /function/env.dev?a=b"],
        &["401", "200", "200 POST /function/env.dev?a=b"],
    ),
    (
        "invoke-async",
        &["401", "200", "202 POST /async-function/env.dev"],
        &["401", "200", "202 POST /async-function/env.dev"],
    ),
];

/// What the gateway's answers here are known by at the provider is faas-cli's own `User-Agent`: one at a time.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

fn folder() -> PathBuf {
    tools::root().join("tests/gateway/faas-cli")
}

/// The requests of a recorded command.
fn recorded(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.http"))).expect(name);
    let (head, requests) = text.split_once("###\n").expect(name);
    assert!(head.starts_with("# recorded from faas-cli "), "{name} does not say what it was recorded from");
    requests.split("###\n").map(|request| request.strip_suffix('\n').unwrap_or(request).to_owned()).collect()
}

/// The request with these tokens, as it goes over the wire and as it is to be judged.
fn filled(recorded: &str, api: &str, function: &str) -> (Vec<u8>, Ask) {
    let text = recorded.replace("{{api_token}}", api).replace("{{function_token}}", function);
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let head = head.replace("{{length}}", &body.len().to_string());
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut ask = Ask::new(first.next().unwrap_or_default(), first.next().unwrap_or_default(), body);
    for line in lines {
        let (name, value) = line.split_once(": ").expect(line);
        ask = ask.with(name, value);
    }
    (format!("{}\r\n\r\n{body}", head.replace('\n', "\r\n")).into_bytes(), ask)
}

/// Sends a command's requests again; for each its status with what was forwarded, and the answer.
async fn replay(world: &World, name: &str, api: &str) -> Result<Vec<(String, Answer)>> {
    let mut function = String::new();
    let mut came = Vec::new();
    for request in recorded(name) {
        let (bytes, ask) = filled(&request, api, &function);
        let agent = ask.header("User-Agent").unwrap_or_default().to_owned();
        let before = world.provider.records_of(&agent).await?.last().map_or(0, |record| record.n);
        let answer = wire::ask(&world.deny.address, &bytes, |answer| answer.body.contains(&b'\n')).await?;
        if let Ok(token) = serde_json::from_slice::<serde_json::Value>(&answer.body) {
            function = token["access_token"].as_str().unwrap_or(&function).to_owned();
        }
        let mut records = world.provider.records_of(&agent).await?;
        records.retain(|record| record.n > before);
        let forwarded = compare(&ask, records).map(|record| format!(" {} {}", record.method, record.target));
        came.push((format!("{}{}", answer.status, forwarded.unwrap_or_default()), answer));
    }
    Ok(came)
}

fn check(name: &str, came: &[(String, Answer)], want: &[&str]) {
    assert_eq!(came.len(), want.len(), "{name}");
    for ((line, answer), want) in came.iter().zip(want) {
        let text = answer.text();
        // A time of the recording follows.
        let same = if want.ends_with('=') { line.starts_with(want) } else { line == want };
        assert!(same, "{name}: {line} instead of {want}: {text}");
        if *want == "403" {
            assert!(
                text.contains(" may not ") && text.contains("(decision "),
                "{name} tells no reason: {text}"
            );
        }
        if *want == "401" {
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=IAM function invoke"), "{name}");
        }
    }
}

#[tokio::test]
async fn what_faas_cli_sends_is_answered_and_forwarded_as_it_was_judged() -> Result<()> {
    let world = shared().await?;
    let _alone = alone().await;
    let (root, eve) = (world.api_token("root").await?, world.api_token("eve").await?);
    for (name, allowed, some) in COMMANDS {
        // First the one that changes nothing.
        check(name, &replay(world, name, &eve).await?, some);
        check(name, &replay(world, name, &root).await?, allowed);
    }
    Ok(())
}

#[test]
fn every_recorded_command_has_what_must_come_of_it() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut known: Vec<_> = COMMANDS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    files.sort();
    known.sort();
    assert_eq!(files, known);
}

#[tokio::test]
async fn who_may_not_invoke_is_told_so_when_the_token_is_exchanged() -> Result<()> {
    let world = shared().await?;
    let _alone = alone().await;
    let alice = world.api_token("alice").await?;
    let (_, ask) = filled(&recorded("invoke")[1].replace("dev%3Aenv", "prod%3Aenv"), &alice, "");
    let refused =
        world.deny.exchange(&alice, &[("scope", "function"), ("audience", "prod:env")]).await.unwrap_err();
    assert!(refused.to_string().contains("prod:env"), "{refused}");
    let answer = world.send(&world.deny, &ask.without("User-Agent").without("Host")).await?.answer;
    assert_eq!(answer.status, 400);
    let told: serde_json::Value = serde_json::from_slice(&answer.body)?;
    assert!(
        told["error"].is_string() && told["error_description"].as_str().unwrap().contains("prod:env"),
        "{told}"
    );
    Ok(())
}

/// A real faas-cli, and a folder in which it keeps its token.
struct Real {
    program: PathBuf,
    home: Scratch,
    gateway: String,
}

impl Real {
    fn find(gateway: &str) -> Result<Option<Self>> {
        let named = std::env::var_os("FAAS_CLI").map(PathBuf::from);
        let Some(program) = named.or_else(|| on_path("faas-cli")) else { return Ok(None) };
        Ok(Some(Self { program, home: Scratch::new()?, gateway: gateway.to_owned() }))
    }

    fn log_in(&self, token: &str) -> Result<()> {
        let auth = format!("auths:\n- gateway: {}\n  auth: oauth2\n  token: {token}\n", self.gateway);
        self.home.write("config.yml", &auth).map(drop)
    }

    /// Runs a command; what it says on both outputs, and whether it succeeded.
    fn run(&self, arguments: &[&str]) -> Result<(String, bool)> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("OPENFAAS_CONFIG", self.home.path()).env("HOME", self.home.path());
        command.env("OPENFAAS_URL", &self.gateway).stdin(Stdio::null());
        let output =
            command.output().map_err(|error| Failure::new(format!("{}: {error}", self.program.display())))?;
        let said = [output.stdout, output.stderr].concat();
        Ok((String::from_utf8_lossy(&said).into_owned(), output.status.success()))
    }
}

/// A program on PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[tokio::test]
async fn the_real_faas_cli_does_its_work_and_prints_why_it_may_not() -> Result<()> {
    let world = shared().await?;
    let _alone = alone().await;
    let Some(cli) = Real::find(&world.public_url)? else {
        return skip::allowed("no faas-cli: name one in FAAS_CLI, or have it on PATH");
    };
    cli.log_in(&world.api_token("root").await?)?;
    let image = "--image=ghcr.io/openfaas/alpine:latest";
    for (arguments, says) in [
        (&["list", "-n", "dev"][..], "env"),
        (&["deploy", image, "--name=real", "-n", "dev"], "Deployed. 202 Accepted."),
        (&["describe", "real", "-n", "dev"], "Ready"),
        (&["invoke", "real", "-n", "dev"], "\"function\":\"real\""),
        (&["invoke", "real", "-n", "dev", "--async"], "submitted asynchronously"),
        (&["logs", "real", "-n", "dev", "--tail=false", "--lines=2"], "line 1"),
        (&["remove", "real", "-n", "dev"], "Removing old function."),
        (&["secret", "create", "real", "-n", "dev", "--from-literal=v"], "Created: 202 Accepted"),
        (&["secret", "list", "-n", "dev"], "real"),
        (&["secret", "update", "real", "-n", "dev", "--from-literal=w"], "Updated: 202 Accepted"),
        (&["secret", "remove", "real", "-n", "dev"], "OK."),
        (&["namespace", "create", "real"], "Namespace Created: real"),
        (&["namespace", "list"], " - real"),
        (&["namespace", "get", "real"], "Name: real"),
        (&["namespace", "update", "real", "--label", "a=b"], "Namespace Updated: real"),
        (&["namespace", "remove", "real"], "Namespace Removed: real"),
    ] {
        let (said, well) = cli.run(arguments)?;
        assert!(well && said.contains(says), "faas-cli {}: {said}", arguments.join(" "));
    }
    cli.log_in(&world.api_token("eve").await?)?;
    let (said, _) = cli.run(&["deploy", image, "--name=real", "-n", "dev"])?;
    assert!(said.contains("`eve` may not Function:Update dev:real"), "{said}");
    let (said, _) = cli.run(&["logs", "env", "-n", "dev", "--tail=false"])?;
    assert!(said.contains("`eve` may not Function:Logs dev:env"), "{said}");
    let (said, well) = cli.run(&["invoke", "env", "-n", "dev"])?;
    assert!(well && said.contains("\"function\":\"env\""), "{said}");
    Ok(())
}
