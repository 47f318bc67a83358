//! Runs the binary in the folder of the fixtures, so that messages name the same files everywhere.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run has left behind.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}\n--- standard output\n{}--- standard error\n{}", self.code, self.out, self.err)
    }
}

impl Run {
    /// The answer for machines.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}\n{self}"))
    }
}

/// The folder in which the binary runs.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/fixtures")
}

/// The binary, with nothing of this machine's environment, so that no cluster is in reach.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faas-iam"));
    command.env_clear().env("HOME", "/nonexistent").current_dir(fixtures());
    command
}

/// Runs the command line, split at spaces.
pub fn run(line: &str) -> Run {
    run_args(&line.split_whitespace().collect::<Vec<_>>(), "")
}

/// Runs with arguments and a standard input.
pub fn run_args(args: &[&str], stdin: &str) -> Run {
    finish(binary().args(args), stdin)
}

/// Runs a command that was made ready by hand.
pub fn finish(command: &mut Command, stdin: &str) -> Run {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // A command that needs no input may have ended already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}
