//! An OpenFaaS gateway with its provider (`tests/provider`), which tells what it received, byte for byte.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer};

use super::{Failure, Result, scratch::Scratch, tools};

/// What a test may choose about the provider.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Functions that are there from the start, `NAME` or `NAME.NS`.
    pub functions: Vec<String>,
    /// Namespaces that are there besides those of the functions.
    pub namespaces: Vec<String>,
    /// The user and password that it asks for; nobody is asked where there is none.
    pub admin: Option<(String, String)>,
}

/// A request as it arrived.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// Counts up from 1.
    pub n: u64,
    /// Which connection, counted from 1.
    pub connection: u64,
    /// Its `User-Agent`.
    pub agent: String,
    /// Its method; empty for a leftover.
    pub method: String,
    /// Path and query as they arrived.
    pub target: String,
    /// All of it as it was on the wire.
    #[serde(deserialize_with = "bytes")]
    pub raw: Vec<u8>,
    /// Its request line and headers, with the empty line.
    #[serde(deserialize_with = "bytes")]
    pub head: Vec<u8>,
    /// Its body, chunks put together.
    #[serde(deserialize_with = "bytes")]
    pub body: Vec<u8>,
    /// The length of its body.
    #[serde(rename = "bytes")]
    pub length: u64,
    /// Whether `raw` and `body` are its beginning alone.
    pub cut: bool,
    /// The namespace on which the provider acts; empty for a call that is about none.
    pub namespace: String,
    /// The name of what it acts on.
    pub name: String,
    /// Every namespace that query, path and body named.
    pub named: Vec<String>,
    /// Whether these are bytes that never became a request.
    pub leftover: bool,
}

impl Record {
    /// The values of a header, in their order.
    pub fn header(&self, name: &str) -> Vec<String> {
        let head = String::from_utf8_lossy(&self.head).into_owned();
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().into())
            .collect()
    }
}

fn bytes<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(from)?.unwrap_or_default();
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

/// A running provider; dropping it ends it.
pub struct Provider {
    url: String,
    control: String,
    process: Child,
    line: Option<ChildStdin>,
    client: reqwest::Client,
    _scratch: Scratch,
}

impl Provider {
    /// Starts one on free ports of 127.0.0.1; when it returns, it answers.
    ///
    /// # Errors
    /// When it cannot be built or started.
    pub fn start(options: &Options) -> Result<Self> {
        let scratch = Scratch::new()?;
        let mut command = Command::new(tools::tool("provider")?);
        command.arg(format!("--functions={}", options.functions.join(",")));
        command.arg(format!("--namespaces={}", options.namespaces.join(",")));
        if let Some((user, password)) = &options.admin {
            command.arg("--user-file").arg(scratch.write("user", user)?);
            command.arg("--password-file").arg(scratch.write("password", password)?);
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let line = process.stdin.take();
        let pipe = process.stdout.take().ok_or_else(|| Failure::new("the provider has no output"))?;
        let mut answers = BufReader::new(pipe);
        let (mut url, mut control) = (String::new(), String::new());
        if answers.read_line(&mut url)? == 0 || answers.read_line(&mut control)? == 0 {
            return Err(Failure::new("the provider ended, see standard error"));
        }
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
        let trimmed = |text: &str| text.trim().to_owned();
        let (url, control) = (trimmed(&url), trimmed(&control));
        Ok(Self { url, control, process, line, client, _scratch: scratch })
    }

    /// Where it serves, for `--upstream`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same as it stands in `Host`.
    pub fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Everything that arrived, oldest first.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn records(&self) -> Result<Vec<Record>> {
        self.asked("").await
    }

    /// What arrived with this `User-Agent`, oldest first.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn records_of(&self, agent: &str) -> Result<Vec<Record>> {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("agent", agent).finish();
        self.asked(&format!("?{query}")).await
    }

    /// Forgets what arrived.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn forget(&self) -> Result<()> {
        self.client.delete(format!("{}/records", self.control)).send().await?.error_for_status()?;
        Ok(())
    }

    /// Deploys functions, `NAME` or `NAME.NS`, with their namespaces.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn deploy(&self, names: &[&str]) -> Result<()> {
        let url = format!("{}/functions?names={}", self.control, names.join(","));
        self.client.post(url).send().await?.error_for_status()?;
        Ok(())
    }

    async fn asked(&self, query: &str) -> Result<Vec<Record>> {
        let answer = self.client.get(format!("{}/records{query}", self.control)).send().await?;
        Ok(serde_json::from_str(&answer.error_for_status()?.text().await?)?)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.line.take());
        let _ = self.process.wait();
    }
}
