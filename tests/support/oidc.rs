//! A real OpenID provider (`tests/oidc`) behind TLS with an authority of its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{Failure, Result, certs::Authority, scratch::Scratch, tools};

/// What a test may choose about the provider.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The path below which the issuer is served, such as `/realms/acme`; empty for none.
    pub path: String,
    /// The issuer's text where it is not the address that is served, as a liar's or behind a proxy.
    pub issuer: Option<String>,
    /// `RS256` (where empty) or `ES256`.
    pub algorithm: String,
}

/// A running provider; dropping it ends it.
pub struct Provider {
    issuer: String,
    address: String,
    authority: Authority,
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    claims: PathBuf,
    scratch: Scratch,
}

impl Provider {
    /// Starts one on a free port of `localhost`; when it returns, it answers.
    ///
    /// # Errors
    /// When it cannot be built or started.
    pub fn start(options: &Options) -> Result<Self> {
        let scratch = Scratch::new()?;
        let authority = Authority::new("faas-iam test provider")?;
        let server = authority.server(&["localhost", "127.0.0.1"])?;
        let port = super::ports::free();
        let claims = scratch.write("claims.json", "{}")?;
        let mut command = Command::new(tools::tool("oidc")?);
        command
            .arg(format!("--listen=127.0.0.1:{port}"))
            .arg(format!("--path={}", options.path))
            .arg(format!("--claims={}", claims.display()))
            .arg(format!("--tls-cert={}", scratch.write("tls.crt", &server.certificate)?.display()))
            .arg(format!("--tls-key={}", scratch.write("tls.key", &server.key)?.display()))
            .arg(format!(
                "--alg={}",
                if options.algorithm.is_empty() { "RS256" } else { &options.algorithm }
            ));
        if let Some(issuer) = &options.issuer {
            command.arg(format!("--issuer={issuer}"));
        }
        let log = std::fs::File::create(scratch.path().join("oidc.err"))?;
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let commands = process.stdin.take();
        let pipe = process.stdout.take().ok_or_else(|| Failure::new("the provider has no output"))?;
        let address = format!("https://localhost:{port}{}", options.path);
        let answers = BufReader::new(pipe);
        let mut provider =
            Self { issuer: String::new(), address, authority, process, commands, answers, claims, scratch };
        provider.issuer = provider.answer()?;
        Ok(provider)
    }

    /// The issuer's text, as in `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where it is served, which is not the issuer's text where a test chose another.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The authority that signed its certificate, PEM.
    pub fn ca(&self) -> String {
        self.authority.pem()
    }

    /// Makes a new signing key (the one before stays published) and gives its `kid`.
    ///
    /// # Errors
    /// When the provider has ended.
    pub fn rotate(&mut self) -> Result<String> {
        let commands = self.commands.as_mut().ok_or_else(|| Failure::new("the provider has ended"))?;
        commands.write_all(b"rotate\n")?;
        self.answer()
    }

    /// A JWT for the service `sid1`, by client credentials, with `claims` besides the standard ones (`sub` and `aud`
    /// are `sid1` where `claims` has no other text for them).
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn token(&self, claims: &serde_json::Value) -> Result<String> {
        std::fs::write(&self.claims, claims.to_string())?;
        let answer: serde_json::Value = self
            .client()?
            .post(format!("{}/oauth/token", self.address))
            .basic_auth("sid1", Some("verysecret"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials&scope=openid")
            .send()
            .await?
            .error_for_status()?
            .text()
            .await
            .map(|text| serde_json::from_str(&text))??;
        let token = answer.get("access_token").and_then(serde_json::Value::as_str);
        token.map(str::to_owned).ok_or_else(|| Failure::new("the provider gave no access token"))
    }

    /// An HTTP client that trusts the provider's authority and no other.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn client(&self) -> Result<reqwest::Client> {
        let root = reqwest::Certificate::from_pem(self.ca().as_bytes())?;
        Ok(reqwest::Client::builder().tls_certs_only([root]).no_proxy().build()?)
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            let log = std::fs::read_to_string(self.scratch.path().join("oidc.err")).unwrap_or_default();
            return Err(Failure::new(format!("the OpenID provider ended: {log}")));
        }
        Ok(line.trim().to_owned())
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.process.wait();
    }
}
