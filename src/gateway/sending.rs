//! Answers on their way to a client: in pieces, and no longer than the client takes them. What is streamed
//! may be silent for as long as the function is; what we hold whole has an end.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;

use http_body_util::Either;
use hyper::body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use tokio::time::{Instant, Sleep, sleep};

use super::answer;
use super::line::Begun;

/// Bytes that are handed over at once.
const PIECE: usize = 64 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The client takes too long for an answer that we hold.
#[derive(Debug, thiserror::Error)]
#[error("the answer was not fetched in time")]
struct TooSlow;

/// The body of an answer; its request has its place until it is dropped.
pub struct Sending {
    body: answer::Body,
    /// What of a large piece is still to be handed over.
    rest: Bytes,
    until: Option<Instant>,
    fetch: Duration,
    _begun: Option<Begun>,
}

impl Sending {
    /// Sends this body, which is to be fetched within a time where we hold it whole.
    pub fn new(body: answer::Body, begun: Option<Begun>, fetch: Duration) -> Self {
        Self { body, rest: Bytes::new(), until: None, fetch, _begun: begun }
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.rest.is_empty() {
            let fetch = self.fetch;
            let until = *self.until.get_or_insert_with(|| Instant::now() + fetch);
            let held = matches!(self.body, Either::Right(_));
            if held && Instant::now() > until {
                return Poll::Ready(Some(Err(TooSlow.into())));
            }
            return Poll::Ready(Some(Ok(self.piece())));
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) if frame.data_ref().is_some_and(|data| data.len() > PIECE) => {
                self.rest = frame.into_data().unwrap_or_default();
                Poll::Ready(Some(Ok(self.piece())))
            }
            other => other,
        }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        Frame::data(self.rest.split_to(self.rest.len().min(PIECE)))
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let poll = self.next(context);
        HANDED.set(poll.is_ready().then(|| HANDED.get().unwrap_or_default().wrapping_add(1)));
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.size_hint();
        match (self.rest.is_empty(), body.exact()) {
            (true, _) => body,
            (false, Some(more)) => SizeHint::with_exact(more.saturating_add(self.rest.len() as u64)),
            (false, None) => SizeHint::new(),
        }
    }
}

thread_local! {
    /// Pieces that were handed over by the stream that is polled now; `None` while it waits for the next one,
    /// which is nobody's fault.
    static HANDED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Runs the streams of HTTP/2 connections, each for as long as its client takes what there is: a client
/// that opens no window for it would otherwise keep it for ever.
#[derive(Debug, Clone, Copy)]
pub struct Streams {
    /// How long it may take nothing.
    pub read: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(Taken { stream: Box::pin(stream), read: self.read, handed: None, waits: None });
    }
}

/// A stream that ends where its client takes nothing.
struct Taken<F> {
    stream: Pin<Box<F>>,
    read: Duration,
    handed: Option<u64>,
    waits: Option<Pin<Box<Sleep>>>,
}

impl<F: Future<Output = ()>> Future for Taken<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        HANDED.set(self.handed);
        let poll = self.stream.as_mut().poll(context);
        let handed = HANDED.take();
        if poll.is_ready() {
            return poll;
        }
        if handed.is_none() || handed != self.handed {
            self.handed = handed;
            self.waits = None;
        }
        let read = self.read;
        match (handed, &mut self.waits) {
            (None, _) => Poll::Pending,
            (Some(_), Some(waits)) => waits.as_mut().poll(context),
            (Some(_), none) => none.insert(Box::pin(sleep(read))).as_mut().poll(context),
        }
    }
}
