//! OPA through its Go module, in a process of its own that is asked over pipes and measures itself: a prepared query,
//! inputs parsed beforehand.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::contender::Contender;
use crate::installation::Installation;
use crate::rego::{ALLOW, input, module};

pub struct Opa {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    answers: Vec<bool>,
}

#[derive(Deserialize)]
struct Ready {
    compile_ns: u64,
    answers: Vec<bool>,
}

/// The program, built beside this one; `None`, and why on standard error, where Go is not here.
pub fn build() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.with_file_name("opa");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("opa");
    let built = Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(source).status();
    let built = built.is_ok_and(|status| status.success());
    if !built {
        eprintln!("OPA is left out: `go build` did not build it");
    }
    built.then_some(program)
}

impl Opa {
    pub fn new(program: &Path, installation: &Installation) -> (Self, Duration) {
        let mut child =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("OPA");
        let to = child.stdin.take().expect("a pipe to OPA");
        let from = BufReader::new(child.stdout.take().expect("a pipe from OPA"));
        let mut opa = Self { child, to, from, answers: Vec::new() };
        let inputs: Vec<Value> = installation.questions.iter().map(input).collect();
        let told = json!({"module": module(installation), "allow": ALLOW, "inputs": inputs});
        let ready: Ready = serde_json::from_str(&opa.ask(&told.to_string())).expect("an answer of OPA");
        opa.answers = ready.answers;
        (opa, Duration::from_nanos(ready.compile_ns))
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.to, "{line}").expect("OPA listens");
        let mut answer = String::new();
        self.from.read_line(&mut answer).expect("OPA answers");
        answer
    }
}

impl Contender for Opa {
    fn allows(&mut self, question: usize) -> bool {
        self.answers[question]
    }

    fn time(&mut self, _: usize, times: u64) -> Duration {
        let took = self.ask(&times.to_string());
        Duration::from_nanos(took.trim().parse().expect("nanoseconds"))
    }
}

impl Drop for Opa {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
