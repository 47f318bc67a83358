//! What the process has from outside: its log, its signals, its host's name, the time, and chance.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::IsTerminal as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal as on};
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text for people.
    Text,
}

/// A text that is no log level.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no log level")]
pub struct LogLevelError(String);

/// Begins to log, to standard error.
///
/// # Errors
/// [`LogLevelError`].
pub fn init(format: LogFormat, level: &str) -> Result<(), LogLevelError> {
    let filter = EnvFilter::try_new(level).map_err(|_| LogLevelError(level.to_owned()))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process, as in a test, is no reason not to run.
    let _ = match format {
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    Ok(())
}

/// Hears SIGTERM and SIGINT from the call on, awaited or not, inside a runtime; ends with the first one, and never where
/// signals cannot be heard.
pub fn signal() -> impl Future<Output = ()> {
    let heard = (on(SignalKind::terminate()), on(SignalKind::interrupt()));
    async move {
        let (Ok(mut term), Ok(mut int)) = heard else { return std::future::pending().await };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}

/// The host's name, which in a Pod is the Pod's.
pub fn host() -> String {
    let named = std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME"));
    let kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    named
        .ok()
        .or_else(kernel)
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "faas-iam".to_owned())
}

/// A number between 0 and 1.
pub fn jitter() -> f64 {
    f64::from(u32::try_from(random() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

/// A number that nobody could have guessed. The standard library's hasher keys are random for each process and differ for each state.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The time since 1970; none where the clock stands before that.
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The same in seconds.
pub fn now() -> i64 {
    i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX)
}
