//! Connections to the upstream that nobody uses now: some, for some time; and who waits for one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use tokio::time::sleep;

use super::connection::Connection;

/// How many are kept.
const IDLE: usize = 256;
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
    /// Who waits, the first to come at the front; some have left.
    waiting: VecDeque<oneshot::Sender<Connection>>,
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
    /// The one that was used last and still stands, as far as is known.
    pub fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = self.kept(|kept| kept.connections.pop_back())?.connection;
            if connection.is_free() {
                return Some(connection);
            }
        }
    }

    /// The next one that is given back.
    pub fn wait(&self) -> oneshot::Receiver<Connection> {
        let (give, given) = oneshot::channel();
        self.kept(|kept| {
            while kept.waiting.front().is_some_and(oneshot::Sender::is_closed) {
                kept.waiting.pop_front();
            }
            kept.waiting.push_back(give);
        });
        given
    }

    /// Keeps one, unless somebody waits for it, or there are enough.
    pub fn put(self: &Arc<Self>, mut connection: Connection) {
        while let Some(give) = self.kept(|kept| kept.waiting.pop_front()) {
            match give.send(connection) {
                Ok(()) => return,
                Err(again) => connection = again,
            }
        }
        let (over, watched) = self.kept(|kept| {
            let over = (kept.connections.len() >= IDLE).then(|| kept.connections.pop_front());
            kept.connections.push_back(Since { connection, look: kept.looks });
            (over, std::mem::replace(&mut kept.watched, true))
        });
        drop(over);
        if !watched && let Ok(runtime) = Handle::try_current() {
            runtime.spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Lets go of those that are closed or were kept for too long; whether there is anything left to look at.
    async fn look(&self) -> bool {
        let (mut all, looks) = self.kept(|kept| {
            kept.looks += 1;
            (std::mem::take(&mut kept.connections), kept.looks)
        });
        all.retain_mut(|since| looks - since.look <= LOOKS && since.connection.is_free());
        self.kept(|kept| {
            // Those that were kept meanwhile were used later.
            all.append(&mut kept.connections);
            kept.watched = !all.is_empty();
            kept.connections = all;
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
        let Some(idle) = idle.upgrade() else { return };
        // All of them are looked at, however many there are.
        if !unconstrained(idle.look()).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper_rustls::MaybeHttpsStream;
    use hyper_util::rt::TokioIo;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn connection(listener: &TcpListener) -> (Connection, TcpStream) {
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let connection = Connection::new(MaybeHttpsStream::Http(TokioIo::new(stream))).await.unwrap();
        (connection, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn what_is_given_back_goes_to_who_waits_longest_and_is_still_there() {
        let (idle, listener) = (Arc::new(Idle::default()), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (left, mut first, mut second) = (idle.wait(), idle.wait(), idle.wait());
        drop(left);
        let (given, _upstream) = connection(&listener).await;
        idle.put(given);
        assert!(first.try_recv().is_ok());
        assert!(second.try_recv().is_err());
        assert!(idle.take().is_none());
    }

    #[tokio::test]
    async fn of_too_many_the_one_that_was_used_last_is_kept() {
        let (idle, listener) = (Arc::new(Idle::default()), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let mut upstreams = Vec::new();
        for _ in 0..=IDLE {
            let (given, upstream) = connection(&listener).await;
            idle.put(given);
            upstreams.push(upstream);
        }
        drop(upstreams.split_off(IDLE));
        tokio::task::yield_now().await;
        let held = || idle.kept(|kept| kept.connections.len());
        assert_eq!(held(), IDLE);
        // The last one is looked at first, and found closed.
        assert!(idle.take().is_some());
        assert_eq!(held(), IDLE - 2);
    }
}
