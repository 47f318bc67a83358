//! The measure: a reverse proxy of hyper and hyper-util and nothing else. It takes off what belongs to one
//! connection, both ways, and puts the upstream's address into the target, as every honest one must; it has
//! no time limits, no metrics, and adds no header.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONNECTION, HeaderMap, HeaderName};
use hyper::http::uri::{Authority, Scheme};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::net::TcpListener;

/// RFC 9110 section 7.6.1.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

type Body = Either<Incoming, Empty<Bytes>>;

/// A key, where the proxy verifies the token of each request, and nothing else about it.
type Key = Option<Arc<DecodingKey>>;

/// Serves until it is ended; with a key (a JWK), it verifies the signature of each request's token.
#[tokio::main]
pub async fn run(listen: &str, to: &str, jwk: Option<&str>) {
    let key = jwk.map(|jwk| Arc::new(DecodingKey::from_jwk(&serde_json::from_str(jwk).unwrap()).unwrap()));
    let listener = TcpListener::bind(listen).await.unwrap();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector);
    let authority: Authority = to.parse().unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (client, authority, key) = (client.clone(), authority.clone(), key.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                verify(&key, &request);
                forward(client.clone(), authority.clone(), request)
            });
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn verify(key: &Key, request: &Request<Incoming>) {
    let Some(key) = key else { return };
    let token = request.headers()[AUTHORIZATION].to_str().unwrap();
    let (signed, signature) = token.strip_prefix("Bearer ").unwrap().rsplit_once('.').unwrap();
    assert!(jsonwebtoken::crypto::verify(signature, signed.as_bytes(), key, Algorithm::ES256).unwrap());
}

async fn forward(
    client: Client<HttpConnector, Incoming>,
    authority: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, hyper::Error> {
    strip(request.headers_mut());
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts).unwrap();
    match client.request(request).await {
        Ok(mut answer) => {
            strip(answer.headers_mut());
            Ok(answer.map(Either::Left))
        }
        Err(_) => {
            let mut answer = Response::new(Either::Right(Empty::new()));
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(answer)
        }
    }
}

fn strip(headers: &mut HeaderMap) {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<HeaderName> =
        named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}
