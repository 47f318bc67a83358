//! Bodies of clients on their way to a function. A client that stops in the middle of its body is left after
//! a while; once the answer has begun it may be silent, since then the two may be talking. A body that nobody
//! takes from us is not the client's fault.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::fetch::causes;

/// Pieces of nothing in which a body may end that says it is empty.
const EMPTY: usize = 16;

/// Why a body ends before its time.
#[derive(Debug, thiserror::Error)]
pub enum Unsteady {
    /// Nothing came for too long.
    #[error("nothing came of the body for too long")]
    Slow,
    /// It is broken, or the client is gone.
    #[error("the body ends too soon")]
    Broken(#[source] hyper::Error),
}

impl Unsteady {
    /// The one behind an error of whoever sent the body on.
    pub fn behind<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        causes(error).find_map(|cause| cause.downcast_ref())
    }
}

/// A body that has to go on.
pub struct Steady {
    body: Incoming,
    within: Duration,
    waits: Option<Pin<Box<Sleep>>>,
    /// Whether the answer has begun; `None` where there is no body.
    answered: Option<Arc<AtomicBool>>,
}

/// The course that a body takes, for who sends it.
#[derive(Default)]
pub struct Course(Option<Arc<AtomicBool>>);

impl Course {
    /// Tells the body that its answer has begun.
    pub fn answered(&self) {
        if let Some(answered) = &self.0 {
            answered.store(true, Ordering::Relaxed);
        }
    }

    /// Whether nobody reads the body any more.
    pub fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(|body| Arc::strong_count(body) == 1)
    }
}

impl Steady {
    /// Some of it has to come each so often.
    pub fn new(body: Incoming, within: Duration) -> Self {
        let answered = (!body.is_end_stream()).then(Arc::default);
        Self { body, within, waits: None, answered }
    }

    /// Waits for the end of a body that says it is empty and is still open: over HTTP/2 that it is longer shows only
    /// then, and by that it is no request (RFC 9113 section 8.1.1).
    ///
    /// # Errors
    /// [`Unsteady`].
    pub async fn settle(&mut self) -> Result<(), Unsteady> {
        for _ in 0..EMPTY {
            if self.body.is_end_stream() || self.body.size_hint().exact() != Some(0) {
                return Ok(());
            }
            match self.frame().await {
                Some(frame) => drop(frame?),
                None => return Ok(()),
            }
        }
        Err(Unsteady::Slow)
    }

    /// The course it takes.
    pub fn course(&self) -> Course {
        Course(self.answered.clone())
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Unsteady> {
        if self.answered.as_ref().is_none_or(|answered| answered.load(Ordering::Relaxed)) {
            return Poll::Pending;
        }
        let within = self.within;
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(within)));
        waits.as_mut().poll(context).map(|()| Unsteady::Slow)
    }
}

impl Body for Steady {
    type Data = Bytes;
    type Error = Unsteady;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unsteady>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending => self.wait(context).map(|slow| Some(Err(slow))),
            Poll::Ready(frame) => {
                self.waits = None;
                Poll::Ready(frame.map(|frame| frame.map_err(Unsteady::Broken)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
