//! What may stand where a gateway should: a server on loopback that keeps what it is sent and gives one answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A server that answers everything alike.
pub struct Stranger {
    pub url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Stranger {
    /// Answers with a status line's end (`200 OK`), further header lines, and a body.
    pub fn new(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::saying(format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    }

    /// The same, byte for byte.
    pub fn saying(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                kept.lock().unwrap().push(serve(stream.unwrap(), &answer));
            }
        });
        Self { url, seen }
    }

    /// The requests so far, each as it came.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Reads one request and answers it; gives the request.
pub fn serve(mut stream: impl Read + Write, answer: &str) -> String {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&String::from_utf8_lossy(&request)) {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(read) => request.extend_from_slice(&piece[..read]),
        }
    }
    let request = String::from_utf8(request).unwrap();
    // A client that has seen enough is gone.
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
    request
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head
        .to_lowercase()
        .split("content-length: ")
        .nth(1)
        .map(|rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
    body.len() >= length.unwrap_or_default()
}

/// An address where nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(TcpStream::connect(url.trim_start_matches("http://")).is_err());
    url
}
