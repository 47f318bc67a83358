//! Connections to the upstream that nobody uses now: some, for some time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::sleep;

use super::connection::Connection;

/// How many are kept.
pub const IDLE: usize = 256;
/// How often is looked for those that the upstream has closed, or that were kept for too long.
const LOOK: Duration = Duration::from_secs(30);
/// For how many looks one is kept.
const LOOKS: u64 = 3;

/// The idle connections, those that were used last at the back.
#[derive(Default)]
pub struct Idle(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    connections: VecDeque<Since>,
    /// Looks so far.
    looks: u64,
    /// Whether somebody looks.
    watched: bool,
}

/// A connection, and the look before it was kept.
struct Since {
    connection: Connection,
    look: u64,
}

impl Idle {
    /// The one that was used last, which the upstream may have closed.
    pub fn take(&self) -> Option<Connection> {
        self.kept(|kept| kept.connections.pop_back()).map(|since| since.connection)
    }

    /// Keeps one, unless there are enough.
    pub fn put(self: &Arc<Self>, connection: Connection) {
        let watched = self.kept(|kept| {
            if kept.connections.len() < IDLE {
                kept.connections.push_back(Since { connection, look: kept.looks });
            }
            std::mem::replace(&mut kept.watched, true)
        });
        if !watched {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Lets go of those that are closed or were kept for too long; whether there is anything left to look at.
    fn look(&self) -> bool {
        let mut all = self.kept(|kept| {
            kept.looks += 1;
            let looks = kept.looks;
            kept.connections.retain(|since| looks - since.look <= LOOKS);
            std::mem::take(&mut kept.connections)
        });
        all.retain_mut(|since| since.connection.is_free());
        self.kept(|kept| {
            // Those that were kept meanwhile were used later.
            all.append(&mut kept.connections);
            all.truncate(IDLE);
            kept.connections = all;
            kept.watched = !kept.connections.is_empty();
            kept.watched
        })
    }

    fn kept<T>(&self, with: impl FnOnce(&mut Kept) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Looks for as long as there are any.
async fn watch(idle: Weak<Idle>) {
    loop {
        sleep(LOOK).await;
        if !idle.upgrade().is_some_and(|idle| idle.look()) {
            return;
        }
    }
}
