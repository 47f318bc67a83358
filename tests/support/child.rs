//! A process that cannot outlive this one: it runs on the leash of `tests/leash`, however this one ends.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;

use super::{Failure, Result, tools, wait::eventually};

/// How long a process may take to end by itself after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(20);

/// What to run, and where its words go.
pub struct Spec {
    /// The name for messages and for the log files.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<PathBuf>,
    /// Environment variables besides the inherited ones.
    pub env: Vec<(String, String)>,
    /// The folder in which `NAME.out` and `NAME.err` are; they are appended to.
    pub folder: PathBuf,
}

/// A signal that a test sends; the leash delivers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Please end.
    Term,
    /// As Ctrl-C.
    Int,
    /// End now; the whole process group.
    Kill,
    /// Stand still, as a machine that hangs.
    Stop,
    /// Go on.
    Cont,
}

/// A running process; dropping it kills it.
pub struct Leashed {
    name: String,
    folder: PathBuf,
    leash: Child,
    line: Option<ChildStdin>,
}

impl Leashed {
    /// Starts it.
    ///
    /// # Errors
    /// When the leash cannot be built or started. A program that cannot be started shows as exit code 127.
    pub fn start(spec: Spec) -> Result<Self> {
        fs::create_dir_all(&spec.folder)?;
        let mut command = Command::new(tools::tool("leash")?);
        command
            .arg("--stdout")
            .arg(spec.folder.join(format!("{}.out", spec.name)))
            .arg("--stderr")
            .arg(spec.folder.join(format!("{}.err", spec.name)))
            .stdin(Stdio::piped())
            .process_group(0)
            .envs(spec.env);
        let mut leash = command.arg("--").args(spec.command).spawn()?;
        let line = leash.stdin.take();
        Ok(Self { name: spec.name, folder: spec.folder, leash, line })
    }

    /// Sends a signal; a process that has ended already does not mind.
    pub fn signal(&mut self, signal: Signal) {
        let word = format!("{signal:?}\n").to_uppercase();
        if let Some(line) = &mut self.line {
            // A broken pipe means that it has ended, which the next question about it shows.
            let _ = line.write_all(word.as_bytes()).and_then(|()| line.flush());
        }
    }

    /// The exit code if it has ended, 128 + n for signal n.
    pub fn exited(&mut self) -> Option<i32> {
        self.leash.try_wait().ok().flatten().map(|status| status.code().unwrap_or(128))
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When it has not after `within`.
    pub async fn wait(&mut self, within: Duration) -> Result<i32> {
        let what = format!("`{}` to end", self.name);
        eventually(&what, within, || {
            let code = self.exited();
            async move { Ok(code) }
        })
        .await
    }

    /// SIGTERM, a while to end, then SIGKILL; gives the exit code.
    ///
    /// # Errors
    /// When even SIGKILL does not end it.
    pub async fn stop(&mut self) -> Result<i32> {
        self.signal(Signal::Term);
        match self.wait(GRACE).await {
            Ok(code) => Ok(code),
            Err(_) => self.kill().await,
        }
    }

    /// SIGKILL; returns when the process is gone.
    ///
    /// # Errors
    /// When it is still there after a while.
    pub async fn kill(&mut self) -> Result<i32> {
        self.signal(Signal::Kill);
        self.wait(GRACE).await
    }

    /// The most memory that it has had so far, KiB. On Linux alone.
    ///
    /// # Errors
    /// When it has ended, or the system does not tell.
    pub fn peak_memory(&self) -> Result<u64> {
        self.status("VmHWM")
    }

    /// The memory that it has now, KiB. On Linux alone.
    ///
    /// # Errors
    /// As [`Self::peak_memory`].
    pub fn memory(&self) -> Result<u64> {
        self.status("VmRSS")
    }

    /// How many files and connections it has open. On Linux alone.
    ///
    /// # Errors
    /// As [`Self::peak_memory`].
    pub fn open_files(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid()?))?.count())
    }

    fn status(&self, field: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kib.ok_or_else(|| self.blame(&format!("has no {field}")))
    }

    fn pid(&self) -> Result<String> {
        // It is a child of the leash, started by any of its threads.
        let mut children = fs::read_dir(format!("/proc/{}/task", self.leash.id()))?
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
        let pid = children.find_map(|text| text.split_whitespace().next().map(str::to_owned));
        pid.ok_or_else(|| self.blame("has no process"))
    }

    /// Everything it has written to standard output so far.
    pub fn stdout(&self) -> String {
        self.read("out")
    }

    /// Everything it has written to standard error so far.
    pub fn stderr(&self) -> String {
        self.read("err")
    }

    /// Waits for a line, on standard output or standard error, that contains `text`; gives that line.
    ///
    /// # Errors
    /// When the time is up or the process has ended without it; the message has the log's tail.
    pub async fn line_with(&mut self, text: &str, within: Duration) -> Result<String> {
        let found = eventually(&format!("`{text}` in the log of `{}`", self.name), within, || {
            let ended = self.exited();
            let log = self.stdout() + &self.stderr();
            async move {
                match (log.lines().find(|line| line.contains(text)), ended) {
                    (Some(line), _) => Ok(Some(Ok(line.to_owned()))),
                    (None, Some(code)) => Ok(Some(Err(code))),
                    (None, None) => Ok(None),
                }
            }
        })
        .await;
        match found {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(code)) => Err(self.blame(&format!("ended with code {code} before saying `{text}`"))),
            Err(failure) => Err(self.blame(&failure.to_string())),
        }
    }

    /// Waits until `url` answers with success, as a readiness endpoint does.
    ///
    /// # Errors
    /// When the time is up or the process has ended without it; the message has the log's tail.
    pub async fn answers(&mut self, client: &reqwest::Client, url: &str, within: Duration) -> Result<()> {
        let answer = eventually(&format!("an answer from {url}"), within, || {
            let (ended, asked) = (self.exited(), client.get(url).send());
            async move {
                if let Some(code) = ended {
                    return Ok(Some(Err(code)));
                }
                asked.await?.error_for_status()?;
                Ok(Some(Ok(())))
            }
        })
        .await;
        match answer {
            Ok(Ok(())) => Ok(()),
            Ok(Err(code)) => Err(self.blame(&format!("ended with code {code} before it answered"))),
            Err(failure) => Err(self.blame(&failure.to_string())),
        }
    }

    /// A failure of this process, with the last lines of its log.
    pub fn blame(&self, trouble: &str) -> Failure {
        Failure::new(format!(
            "{}: {trouble}\n--- last lines of its output\n{}\n--- and of its errors\n{}",
            self.name,
            tail(&self.stdout()),
            tail(&self.stderr()),
        ))
    }

    fn read(&self, kind: &str) -> String {
        let bytes = fs::read(self.folder.join(format!("{}.{kind}", self.name))).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        drop(self.line.take());
        // The leash kills at once and has nothing else to wait for.
        let _ = self.leash.wait();
    }
}

/// The last lines of what every process with this folder has said so far.
pub fn logs(folder: &Path) -> String {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    let logs = files.filter(|path| path.extension().is_some_and(|kind| kind == "out" || kind == "err"));
    let told = logs.filter_map(|path| {
        let text = fs::read_to_string(&path).ok().filter(|text| !text.is_empty())?;
        Some(format!("\n--- last lines of {}\n{}", path.file_name()?.display(), tail(&text)))
    });
    told.collect()
}

/// The last 20 lines.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(20)).copied().collect::<Vec<_>>().join("\n")
}
