//! What a command answers, and how it is printed: text for people, JSON or YAML for machines.
//!
//! Knows nothing of what the answers mean. A reader that has gone away is no error.

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use crate::causes::chain;
use crate::compile::is_hidden;

/// The exit code of a command, which scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, allowed, no problem.
    Yes,
    /// 1: denied, or problems were found.
    No,
    /// 2: the input is wrong, or there is no answer.
    Wrong,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::Wrong => 2,
        })
    }
}

/// The form of an answer for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON, indented.
    Json,
    /// YAML.
    Yaml,
}

/// The flag that every command with an answer has.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct OutputArgs {
    /// The answer's form; text for people without it
    #[arg(short, long, value_name = "FORMAT", env = "FAAS_IAM_OUTPUT")]
    pub output: Option<Format>,
}

/// An answer that cannot be written, which would be a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// As JSON.
    #[error("cannot write the answer as JSON")]
    Json(#[from] serde_json::Error),
    /// As YAML.
    #[error("cannot write the answer as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

impl Format {
    /// A value in this form, ending in a line feed.
    ///
    /// # Errors
    /// [`OutputError`], which would be a fault of ours.
    pub fn write(self, value: &impl Serialize) -> Result<String, OutputError> {
        let text = match self {
            Self::Json => serde_json::to_string_pretty(value)?,
            Self::Yaml => serde_saphyr::to_string(value)?,
        };
        Ok(format!("{}\n", text.trim_end()))
    }
}

/// Everything a command has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// For standard output.
    pub out: String,
    /// For standard error: problems, warnings, remarks, a line each.
    pub err: String,
    /// The exit code.
    pub exit: Exit,
}

impl Answer {
    /// An answer for machines, or a text of ours, as it is.
    pub fn new(exit: Exit, out: impl Into<String>) -> Self {
        Self { out: out.into(), err: String::new(), exit }
    }

    /// An answer for people. What others wrote into it cannot steer their terminal.
    pub fn text(exit: Exit, out: &str) -> Self {
        Self::new(exit, out.split_inclusive('\n').map(plain).collect::<String>())
    }

    /// No answer, and why: one line an error.
    pub fn failed<'a>(errors: impl IntoIterator<Item = &'a (dyn Error + 'static)>) -> Self {
        let lines = errors.into_iter().map(|error| format!("error: {}", chain(error)));
        Self::new(Exit::Wrong, "").remark(lines)
    }

    /// Adds lines for standard error, each of them one line whatever it holds, and without tokens.
    pub fn remark(mut self, lines: impl IntoIterator<Item = impl ToString>) -> Self {
        for line in lines {
            let line = line.to_string().replace('\n', " ");
            self.err.push_str(&plain(hide_tokens(&line).as_ref().unwrap_or(&line)));
            self.err.push('\n');
        }
        self
    }

    /// Prints remarks first, the answer last, and gives the exit code.
    pub fn print(self) -> ExitCode {
        let told = put(&mut io::stderr().lock(), &self.err);
        let Err(error) = told.and_then(|()| put(&mut io::stdout().lock(), &self.out)) else {
            return self.exit.into();
        };
        // Where standard error is what cannot be written, nobody is left to tell.
        let _ = put(&mut io::stderr().lock(), &format!("error: cannot write the answer: {error}\n"));
        Exit::Wrong.into()
    }
}

/// One line without characters that nobody sees, the line feed at its end aside: they steer terminals, or turn
/// around what stands behind them.
pub fn plain(line: &str) -> String {
    let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
    let shown = |c: char| if is_hidden(c) { c.escape_default().to_string() } else { c.to_string() };
    line.chars().map(shown).collect::<String>() + end
}

/// The text without what looks like a token, which people give in place of a file's name or among other words, and
/// which must not end up in a log; `None` where there is nothing of that kind.
pub fn hide_tokens(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_token = |word: &str| word.len() >= SHORTEST_TOKEN && word.contains(TOKEN_START);
    if !text.split(|c| !is_part(c)).any(is_token) {
        return None;
    }
    let mut shown = String::new();
    for piece in text.split_inclusive(|c| !is_part(c)) {
        let word = piece.trim_end_matches(|c| !is_part(c));
        shown.push_str(if is_token(word) { "(a token, not shown)" } else { word });
        shown.push_str(piece.strip_prefix(word).unwrap_or_default());
    }
    Some(shown)
}

/// `{"` in base64url, as every token's header and claims begin.
const TOKEN_START: &str = "eyJ";
/// A header without `kid` has this many bytes; what is shorter is no token, whatever it is called.
const SHORTEST_TOKEN: usize = 20;

/// Writes all of it; a closed pipe has read what it wanted.
fn put(stream: &mut impl Write, text: &str) -> io::Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn an_error_is_one_line_with_every_cause_once() {
        let cause = Layer("no such file", None);
        let again = Layer("no such file", Some(Box::new(cause)));
        let error = Layer("cannot read `x`", Some(Box::new(again)));
        let answer = Answer::failed([&error as &dyn Error]);
        assert_eq!(answer.err, "error: cannot read `x`: no such file\n");
        assert_eq!(answer.exit, Exit::Wrong);
    }

    #[test]
    fn what_a_stranger_wrote_cannot_steer_the_terminal_or_forge_a_line() {
        let answer = Answer::text(Exit::No, "denied\nby \u{1b}[2K`\u{202e}x`\n").remark(["a\nallowed\r"]);
        assert_eq!(answer.out, "denied\nby \\u{1b}[2K`\\u{202e}x`\n");
        assert_eq!(answer.err, "a allowed\\r\n");
    }

    #[test]
    fn s26_a_token_is_not_shown_wherever_it_stands() {
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl";
        let answer = Answer::failed([]).remark([format!("no `{token}` in /a/{token}: Bearer {token}")]);
        let hidden = "(a token, not shown)";
        assert_eq!(answer.err, format!("no `{hidden}` in /a/{hidden}: Bearer {hidden}\n"));
        assert_eq!(hide_tokens("eyJ is in `keyJar.json` of acme-objects-of-production"), None);
    }

    #[test]
    fn both_forms_end_in_one_line_feed() {
        let value = serde_json::json!({"allowed": true});
        assert_eq!(Format::Json.write(&value).unwrap(), "{\n  \"allowed\": true\n}\n");
        assert_eq!(Format::Yaml.write(&value).unwrap(), "allowed: true\n");
    }
}
