//! What a person could type: each line is shown, run as it stands, and its result shown below. It is an error where the
//! result is not what was promised.

use std::path::Path;
use std::process::{Command, Output};

use super::support::{Failure, Result, product};

/// A shell in which `faas-iam` is found, and the variables that its lines have set.
pub struct Session {
    path: String,
    variables: Vec<(String, String)>,
    client: reqwest::Client,
}

/// One call of a gateway.
pub struct Call<'a> {
    /// Its method.
    pub method: &'a str,
    /// Where to.
    pub url: String,
    /// The variable with the token; nobody's without.
    pub token: Option<&'a str>,
    /// What is sent.
    pub body: Option<&'a str>,
}

impl Session {
    /// A new one. Says how another terminal gets there.
    ///
    /// # Errors
    /// When there is no binary.
    pub fn new() -> Result<Self> {
        let binary = product::binary()?;
        let folder = binary.parent().unwrap_or(Path::new(".")).display().to_string();
        println!(
            "The lines below can be pasted into another terminal, after this one:\n$ PATH={folder}:$PATH\n"
        );
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
        Ok(Self { path, variables: Vec::new(), client: reqwest::Client::builder().no_proxy().build()? })
    }

    /// Sets a variable to what a command prints.
    ///
    /// # Errors
    /// When the command fails.
    pub fn set(&mut self, variable: &str, command: &str) -> Result<()> {
        let line = format!("{variable}=$({command})");
        println!("$ {line}");
        let output = self.run(&format!("{line} && printf %s \"${variable}\""))?;
        if !output.status.success() {
            return Err(Failure::new(format!(
                "{}\n{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            )));
        }
        self.variables.push((variable.to_owned(), String::from_utf8(output.stdout)?));
        Ok(())
    }

    /// Runs a command that succeeds and says something.
    ///
    /// # Errors
    /// When it fails, or does not say this.
    pub fn command(&self, line: &str, says: &str) -> Result<()> {
        println!("$ {line}");
        let output = self.run(line)?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        println!("{said}");
        if output.status.success() && said.contains(says) {
            return Ok(());
        }
        Err(Failure::new(format!("{}, and `{says}` was promised", output.status)))
    }

    /// Makes a call, with curl where it is here.
    ///
    /// # Errors
    /// When the status is another, or the answer does not hold this.
    pub async fn call(&self, call: &Call<'_>, status: u16, says: &str) -> Result<()> {
        println!("$ {}", call.line());
        let told = match self.run(&call.line()) {
            Ok(output) if output.status.code() != Some(NO_COMMAND) => String::from_utf8(output.stdout)?,
            _ => self.without_curl(call).await?,
        };
        println!("{told}");
        let (body, code) = told.trim_end().rsplit_once('\n').unwrap_or(("", &told));
        if code == status.to_string() && body.contains(says) {
            return Ok(());
        }
        Err(Failure::new(format!("the answer is not what was promised: {status} with `{says}`")))
    }

    fn run(&self, line: &str) -> Result<Output> {
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        Ok(Command::new("sh").args(["-c", line]).env("PATH", &self.path).envs(variables).output()?)
    }

    /// The same as curl would do.
    async fn without_curl(&self, call: &Call<'_>) -> Result<String> {
        println!("(curl is not here; this is what it would show)");
        let mut request = self.client.request(call.method.parse()?, &call.url);
        let token = self.variables.iter().rfind(|(name, _)| Some(name.as_str()) == call.token);
        if let Some((_, token)) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = call.body {
            request = request.body(body.to_owned());
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok(format!("{}\n{status}\n", answer.text().await?))
    }
}

/// What a shell ends with where there is no such command.
const NO_COMMAND: i32 = 127;

impl Call<'_> {
    /// As curl takes it: prints the answer, then its status.
    fn line(&self) -> String {
        let mut line = r"curl -sS -w '\n%{http_code}\n'".to_owned();
        // What has a body is a POST by itself.
        if !matches!((self.method, self.body), ("GET", _) | ("POST", Some(_))) {
            line.push_str(&format!(" -X {}", self.method));
        }
        if let Some(token) = self.token {
            line.push_str(&format!(" -H \"Authorization: Bearer ${token}\""));
        }
        if let Some(body) = self.body {
            line.push_str(&format!(" -d '{body}'"));
        }
        format!("{line} '{}'", self.url)
    }
}
