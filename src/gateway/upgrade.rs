//! Connections that go over to another protocol (RFC 9110 section 7.8), such as WebSocket: once both sides
//! have agreed, bytes pass both ways and nobody looks at them.

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{HeaderMap, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::connection::Passing;
use super::standing::Standing;

/// Asks for the upgrade in a request whose headers of one connection were taken off.
pub fn ask(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Where the upstream agreed, passes bytes both ways from now on, for as long as that stands; the answer keeps its two
/// headers.
pub fn follow(client: Option<OnUpgrade>, answer: &mut Response<Passing>, standing: &Standing) {
    let (Some(client), StatusCode::SWITCHING_PROTOCOLS) = (client, answer.status()) else { return };
    let (upstream, standing) = (hyper::upgrade::on(answer), standing.clone());
    tokio::spawn(async move {
        match tokio::try_join!(client, upstream) {
            Ok((client, upstream)) => {
                let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
                tokio::select! {
                    // Whoever ends it has ended it: an error here is a connection that was closed.
                    _ = tokio::io::copy_bidirectional(&mut client, &mut upstream) => {}
                    () = standing.over() => {}
                }
            }
            Err(error) => tracing::debug!(error = %error, "an upgrade did not come about"),
        }
    });
}
