//! The log of one test, to be read by it.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::Value;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

/// What this thread logs while it is held; a test's tasks all run in its thread.
pub struct Log {
    written: Written,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// While there is but one subscriber, `tracing` asks the thread that comes to a line of the log first whether
/// anybody wants it, and remembers that for all threads. With these there never is but one.
static OTHERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [Dispatch::new(NoSubscriber::new()), Dispatch::new(NoSubscriber::new())]);

impl Log {
    /// Begins, with everything that our own code says.
    pub fn of_everything() -> Self {
        LazyLock::force(&OTHERS);
        let written = Written::default();
        let to = written.clone();
        let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || to.clone());
        let log = log.with_env_filter("faas_iam=trace").finish();
        Self { written, _guard: tracing::subscriber::set_default(log) }
    }

    /// All of it.
    pub fn text(&self) -> String {
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }

    /// Its lines.
    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
