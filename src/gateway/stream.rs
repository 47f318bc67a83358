//! The bytes of one connection, plain or encrypted. A client that reads nothing of what is written to it is
//! cut off after a while, whatever is spoken above: HTTP/1.1, HTTP/2, or what an upgrade led to. Looks at
//! no byte.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

use super::line::Line;

/// Plain or encrypted.
pub enum Wire {
    /// Plain.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

/// How a connection over HTTP/2 begins, so far that no method of HTTP/1.1 begins like it (RFC 9113 section 3.4).
const PREFACE: [u8; 4] = *b"PRI ";

impl Wire {
    /// Waits for the first bytes; whether they are HTTP/1.1 beyond doubt. Takes none of them.
    ///
    /// # Errors
    /// The system's.
    pub async fn is_http1(&self) -> Result<bool> {
        match self {
            Self::Tls(stream) => Ok(stream.get_ref().1.alpn_protocol() != Some(b"h2")),
            Self::Plain(stream) => {
                let mut first = [0; PREFACE.len()];
                let count = stream.peek(&mut first).await?;
                Ok(count == 0 || first.iter().zip(PREFACE).take(count).any(|(is, preface)| *is != preface))
            }
        }
    }
}

/// The bytes of a connection, which has its place for as long as they are there.
pub struct Stream {
    wire: Wire,
    line: Arc<Line>,
    /// Since when a write waits.
    waits: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    /// The bytes of this connection.
    pub fn new(wire: Wire, line: Arc<Line>) -> Self {
        Self { wire, line, waits: None }
    }

    /// Passes on how a write went, and ends it where it has waited for too long.
    fn went<T>(&mut self, context: &mut Context<'_>, poll: Poll<Result<T>>) -> Poll<Result<T>> {
        if poll.is_ready() {
            self.waits = None;
            return poll;
        }
        let within = self.line.times().read;
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(within)));
        ready!(waits.as_mut().poll(context));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client reads nothing")))
    }
}

/// Calls a method of the wire within.
macro_rules! wire {
    ($self:ident . $method:ident ( $($argument:expr),* )) => {
        match &mut $self.wire {
            Wire::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let poll = wire!(self.poll_read(context, buffer));
        if buffer.filled().len() > before {
            self.line.read();
        }
        poll
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let poll = wire!(self.poll_write(context, bytes));
        self.went(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let poll = wire!(self.poll_write_vectored(context, parts));
        self.went(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let poll = wire!(self.poll_flush(context));
        self.went(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let poll = wire!(self.poll_shutdown(context));
        self.went(context, poll)
    }
}
