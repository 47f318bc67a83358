//! The upstream: answers at once, a function with 64 bytes and `/system/functions` with a list. Without a
//! proxy before it, it is also what a bare server costs that reads a body and answers.

use std::convert::Infallible;
use std::sync::LazyLock;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;

/// Functions in the list: half of them where the caller may look.
const FUNCTIONS: usize = 20;

static LIST: LazyLock<Bytes> = LazyLock::new(|| {
    let one = |at: usize| {
        let namespace = if at.is_multiple_of(2) { "dev" } else { "prod" };
        serde_json::json!({
            "name": format!("function-{at}"), "namespace": namespace, "image": "registry.example.com/team/function:1.2.3",
            "replicas": 1, "availableReplicas": 1, "invocationCount": 12_345, "labels": {"team": "a", "tier": "b"},
            "annotations": {"topic": "payments"}, "createdAt": "2026-01-02T03:04:05Z", "secrets": ["api-key"],
        })
    };
    serde_json::to_vec(&(0..FUNCTIONS).map(one).collect::<Vec<_>>()).unwrap().into()
});

/// Serves until it is ended.
#[tokio::main]
pub async fn run(listen: &str) {
    let listener = TcpListener::bind(listen).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            let serving = Builder::new(TokioExecutor::new());
            let _ = serving.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let list = match request.uri().path() {
        "/system/functions" => Some(LIST.clone()),
        // The gateway asks which there are, to know all functions.
        "/system/namespaces" => Some(Bytes::from_static(br#"["dev"]"#)),
        _ => None,
    };
    let _ = request.into_body().collect().await;
    let kind = if list.is_some() { "application/json" } else { "text/plain" };
    let mut answer = Response::new(Full::new(list.unwrap_or(Bytes::from_static(&[b'x'; 64]))));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(answer)
}
