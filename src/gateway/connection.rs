//! One HTTP/1.1 connection to the upstream, driven by whoever waits for its answer: it has no task of its own
//! that would have to be woken, and nobody else's. Is used again once a request and its answer are over, and
//! for nothing else.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::unconstrained;
use tokio::time::timeout;

use super::dial::Dialled;
use super::forward::Sent;
use super::idle::Idle;
use super::steady::Course;

/// Bytes of an answer that are read ahead, and of its head.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// A connection.
pub struct Connection {
    sender: SendRequest<Sent>,
    /// What reads and writes; `None` once it has ended.
    driver: Option<Driver>,
}

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

impl Connection {
    /// Speaks HTTP/1.1 on what was dialled. An answer has 100 headers at most, which is what hyper has room for
    /// without asking for memory.
    ///
    /// # Errors
    /// None in practice: nothing is sent yet.
    pub async fn new(dialled: Dialled) -> hyper::Result<Self> {
        let (sender, driver) =
            Builder::new().max_buf_size(MAX_HEAD_BYTES).handshake::<_, Sent>(dialled).await?;
        Ok(Self { sender, driver: Some(Box::pin(driver.with_upgrades())) })
    }

    /// The answer to a request whose body tells of itself by `course`; the answer's body brings the connection
    /// back to the idle ones.
    ///
    /// # Errors
    /// With the request where nothing of it was sent, since the connection had ended before.
    pub async fn ask(
        mut self,
        request: Box<Request<Sent>>,
        course: &Course,
        idle: &Arc<Idle>,
    ) -> Result<Response<Passing>, TrySendError<Request<Sent>>> {
        let answer = self.answer(*request).await?;
        // A client may go on sending while it does not read, and what was agreed on goes on by itself.
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS || !course.is_over() {
            self.driver.take().map(tokio::spawn);
        }
        Ok(answer.map(|body| Passing::new(body, self, idle)))
    }

    async fn answer(
        &mut self,
        request: Request<Sent>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Sent>>> {
        // Comes while the connection is driven and never else, so nobody needs to be woken for it; and it must
        // not be put off by tokio's budget, of which nobody would be told.
        let mut answer = pin!(unconstrained(self.sender.try_send_request(request)));
        let driver = &mut self.driver;
        let answer = std::future::poll_fn(|context| {
            drive(driver, context);
            answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        });
        answer.await
    }

    /// Whether it can be used for the next request, as far as is known without waiting.
    pub fn is_free(&mut self) -> bool {
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// Reads and writes what there is.
fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready()) {
        // Whoever waits for something of it has the error.
        *driver = None;
    }
}

/// The body of an answer.
pub struct Passing {
    body: Incoming,
    connection: Option<Connection>,
    idle: Arc<Idle>,
    ended: bool,
    broken: Option<hyper::Error>,
}

impl Passing {
    fn new(body: Incoming, connection: Connection, idle: &Arc<Idle>) -> Self {
        Self { body, connection: Some(connection), idle: idle.clone(), ended: false, broken: None }
    }

    /// Has the connection never used again.
    pub fn never_again(&mut self) {
        self.connection = None;
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let mut body = Pin::new(&mut self.body);
        let driver = self.connection.as_mut().map(|connection| &mut connection.driver);
        let Some(driver) = driver.filter(|driver| driver.is_some()) else { return body.poll_frame(context) };
        // As with the answer: what comes of it comes while the connection is driven.
        let nobody = &mut Context::from_waker(Waker::noop());
        if let Poll::Ready(frame) = body.as_mut().poll_frame(nobody) {
            return Poll::Ready(frame);
        }
        drive(driver, context);
        body.poll_frame(nobody)
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(self.next(context)) {
            Some(Err(error)) => {
                // Told in the next turn: what came before it may wait to be written, and an error ends all.
                self.broken = Some(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            frame => {
                self.ended = frame.is_none();
                Poll::Ready(frame)
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

/// How long what is left of a request may take that was answered before all of it was sent.
const REST: Duration = Duration::from_secs(30);
/// Of so many at once: no place is taken for it any more, and who never reads is a function somebody may call.
static RESTS: Semaphore = Semaphore::const_new(256);

impl Drop for Passing {
    fn drop(&mut self) {
        // A driver that panicked is not polled once more.
        let Some(mut connection) = self.connection.take().filter(|_| !std::thread::panicking()) else {
            return;
        };
        // Most are ready by now; the others may have read the end of the answer and not come to it.
        let is_ready = connection.driver.is_some() && connection.sender.is_ready();
        if is_ready || connection.is_free() {
            self.idle.put(connection);
        } else if let (true, Some(driver), Ok(runtime), Ok(place)) = (
            self.body.is_end_stream() || self.ended,
            connection.driver.take(),
            Handle::try_current(),
            RESTS.try_acquire(),
        ) {
            runtime.spawn(async move {
                let _place = place;
                let _ = timeout(REST, driver).await;
            });
        }
    }
}
