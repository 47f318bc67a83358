//! Processes that end with this one, however it ends, and what the kernel says of them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

/// Files that a process here may have open: 10,000 connections and what else there is.
const FILES: &str = "65536";
/// With so many there is room for 10,000 connections, two of three descriptors of the gateway's.
const ENOUGH: u64 = 16_000;

/// A running process.
pub struct Process {
    guard: Child,
    /// Its id.
    pub pid: u32,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Starts a command.
pub fn start<S: AsRef<str>>(command: &[S]) -> Process {
    let words = command.iter().map(AsRef::as_ref);
    let mut guard = Command::new(std::env::current_exe().unwrap())
        .arg("guard")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(guard.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Process { guard, pid: line.trim().parse().unwrap() }
}

/// Starts this program once more, in another role.
pub fn again(role: &[&str]) -> Process {
    let own = std::env::current_exe().unwrap();
    start(&[&[own.to_str().unwrap()], role].concat())
}

/// The role of the guard: runs a command until it is told nothing any more.
pub fn run(command: &[&str]) {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    println!("{}", child.id());
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read(&mut [0]);
    // nginx ends its workers where it is asked to.
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let _ = child.wait();
}

/// Raises the limit of open files where that is allowed, for this process and those that it starts.
pub fn allow_many_files() {
    let own = std::process::id().to_string();
    let raised = Command::new("prlimit")
        .args(["--pid", &own, &format!("--nofile={FILES}")])
        .stderr(Stdio::null())
        .status();
    if !raised.is_ok_and(|status| status.success()) && limit() < ENOUGH {
        eprintln!("the limit of open files stays below {ENOUGH}: there are fewer than 10,000 connections");
    }
}

/// Files that this process and those it starts may have open.
pub fn limit() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap_or(u64::MAX)
}

/// Seconds of one tick of the kernel's accounts.
static TICK: LazyLock<f64> = LazyLock::new(|| {
    let said = Command::new("getconf").arg("CLK_TCK").output().unwrap().stdout;
    1.0 / String::from_utf8(said).unwrap().trim().parse::<f64>().unwrap()
});

impl Process {
    /// CPU time that it and its children have used (user and system).
    pub fn cpu(&self) -> Duration {
        family(self.pid).into_iter().map(ticks).map(|ticks| Duration::from_secs_f64(ticks * *TICK)).sum()
    }

    /// Resident memory of it and its children, KiB.
    pub fn resident(&self) -> u64 {
        family(self.pid).into_iter().map(resident).sum()
    }
}

fn family(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    let children = children.split_whitespace().map(|word| word.parse().unwrap());
    std::iter::once(pid).chain(children.flat_map(family)).collect()
}

/// Fields 14 and 15 of `/proc/PID/stat`, user and system time; the name before them may hold anything.
fn ticks(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let behind = stat.rsplit_once(") ").unwrap().1;
    behind.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().unwrap()).sum()
}

fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// CPU time of the calling thread.
pub fn own_cpu() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}
