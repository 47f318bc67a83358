//! The token check of a function's watchdog: the stand-in of the tests (`tests/watchdog`), or a real of-watchdog.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use super::{
    Failure, Result,
    child::{Leashed, Spec},
    ports, tools,
};

/// A running check; dropping it ends it.
pub struct Watchdog {
    address: String,
    _process: Process,
}

enum Process {
    StandIn(Child, Option<ChildStdin>),
    Real(#[expect(dead_code, reason = "held so that it goes on")] Leashed),
}

impl Watchdog {
    /// The stand-in in front of a function; `authority` is the gateway's URL.
    ///
    /// # Errors
    /// When it cannot be built or started, or the gateway tells it no keys.
    pub fn stand_in(authority: &str, namespace: &str, name: &str) -> Result<Self> {
        let mut command = Command::new(tools::tool("watchdog")?);
        command.args(["--authority", authority, "--namespace", namespace, "--name", name]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let line = process.stdin.take();
        let pipe = process.stdout.take().ok_or_else(|| Failure::new("the watchdog has no output"))?;
        let mut url = String::new();
        if BufReader::new(pipe).read_line(&mut url)? == 0 {
            return Err(Failure::new("the watchdog ended, see standard error"));
        }
        let address = url.trim().trim_start_matches("http://").to_owned();
        Ok(Self { address, _process: Process::StandIn(process, line) })
    }

    /// A real one, which asks for keys at 127.0.0.1:8000 and wants port 8081 for itself: one at a time.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn real(program: &Path, folder: &Path, namespace: &str, name: &str) -> Result<Self> {
        let port = ports::free();
        let env = [
            ("mode", "streaming"),
            ("fprocess", "cat"),
            // There it writes the file by which it is healthy.
            ("TMPDIR", &folder.display().to_string()),
            ("jwt_auth", "true"),
            ("jwt_auth_local", "true"),
            ("OPENFAAS_NAME", name),
            ("OPENFAAS_NAMESPACE", namespace),
            ("port", &port.to_string()),
        ];
        let env = env.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let (name, command) = (format!("watchdog-{port}"), vec![PathBuf::from(program)]);
        let mut process = Leashed::start(Spec { name, command, env, folder: folder.to_owned() })?;
        let url = format!("http://127.0.0.1:{port}/_/health");
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
        process.answers(&client, &url, std::time::Duration::from_secs(30)).await?;
        Ok(Self { address: format!("127.0.0.1:{port}"), _process: Process::Real(process) })
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::StandIn(process, line) = self {
            drop(line.take());
            let _ = process.wait();
        }
    }
}
