//! The port of metrics and probes: open to many, meant for few. One address has a handful of connections there and
//! no more, so that whoever opens others takes neither memory nor descriptors from clients, nor a place from probes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::serve::Listener;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::peers::{Limits, Place, Places};

/// How many there may be at once; a request is none of its own here.
const LIMITS: Limits =
    Limits { connections: FEW, connections_of_one: 16, requests: usize::MAX, requests_of_one: usize::MAX };
/// Connections altogether.
pub const FEW: usize = 128;

/// Who listens.
pub struct Few {
    listener: TcpListener,
    places: Arc<Places>,
}

/// A connection with its place.
pub struct Visit {
    stream: TcpStream,
    _place: Place,
}

impl Few {
    /// Here.
    pub fn new(listener: TcpListener) -> Self {
        Self { listener, places: Places::new(LIMITS, Gauge::default()) }
    }
}

impl Listener for Few {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        loop {
            let permit = self.places.free().await;
            let (stream, address) = Listener::accept(&mut self.listener).await;
            let place = permit.and_then(|permit| self.places.take(address.ip(), permit, true));
            if let Some(place) = place {
                return (Visit { stream, _place: place }, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for Visit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Visit {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpSocket;

    use super::*;
    use crate::endpoints::{Readyz, Served, serve};

    const GET: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

    struct Anything;

    impl Served for Anything {
        fn readyz(&self) -> Readyz {
            Readyz { ready: true, lines: Vec::new() }
        }

        fn measured(&self) -> Result<String, std::fmt::Error> {
            Ok("# EOF\n".to_owned())
        }
    }

    async fn connect(to: SocketAddr, from: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        socket.connect(to).await.unwrap()
    }

    /// Whether a request on this connection is answered.
    async fn is_served(stream: &mut TcpStream) -> bool {
        let _ = stream.write_all(GET).await;
        matches!(stream.read(&mut [0; 1024]).await, Ok(1..))
    }

    #[tokio::test]
    async fn s27_one_address_has_a_handful_of_connections_to_the_metrics() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Arc::new(Anything), Default::default()));
        let mut held = Vec::new();
        for _ in 0..LIMITS.connections_of_one {
            held.push(connect(address, "127.0.0.1").await);
            assert!(is_served(held.last_mut().unwrap()).await);
        }
        assert!(!is_served(&mut connect(address, "127.0.0.1").await).await);
        assert!(is_served(&mut connect(address, "127.0.0.2").await).await, "another one");
        held.clear();
        while !is_served(&mut connect(address, "127.0.0.1").await).await {}
    }
}
