//! Headers: which are never handed on, and what a function is told of its caller (`security-rules.md` 8–10).

use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::uri::Authority;

use super::service::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whether a header is of one connection alone (RFC 9110 section 7.6.1), or older proxies used it like that.
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// What those who believe a proxy believe: never taken from a client.
const BELIEVED: [&str; 4] = ["remote-user", "forwarded", "x-real-ip", "x-client-ip"];
const BELIEVED_BEGINNINGS: [&str; 5] =
    ["x-remote-", "x-forwarded-", "x-original-", "x-auth-request-", "remote-"];

/// Whether a header would be believed by what stands behind us. CGI and WSGI make one of `-`, `_` and `.`.
fn is_believed(name: &str) -> bool {
    let folded = |byte| if matches!(byte, b'_' | b'.') { b'-' } else { byte };
    let begins = |with: &str| {
        name.len() >= with.len()
            && name.bytes().map(folded).zip(with.bytes()).all(|(is, wanted)| is == wanted)
    };
    // How all of them begin: most headers of most requests are none, and this is asked of each.
    name.starts_with(['r', 'f', 'x'])
        && (BELIEVED.iter().any(|whole| name.len() == whole.len() && begins(whole))
            || BELIEVED_BEGINNINGS.into_iter().any(begins))
}

/// Takes off the headers of which this is said.
fn strip(headers: &mut HeaderMap, which: impl Fn(&str) -> bool) {
    // Hardly ever is there any, and a list of none allocates nothing.
    let found: Vec<HeaderName> = headers.keys().filter(|name| which(name.as_str())).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Takes off what belongs to one connection: the known headers and those that `Connection` names.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // It is for everybody, whatever a client says (RFC 9110 section 7.6.1).
        .filter(|name| *name != HOST)
        .collect();
    for name in named {
        headers.remove(name);
    }
    strip(headers, is_hop_by_hop);
}

/// Makes the headers of a client's request those that a function gets.
///
/// `Connection` may name nothing that is needed: credentials are judged before. What the client calls us is told, and is
/// no `Host` any more: a mesh on the way to the upstream may go by that.
pub fn for_function(headers: &mut HeaderMap, peer: &Peer) {
    strip_hop_by_hop(headers);
    let told = if peer.trusted { chain(headers) } else { Vec::new() };
    strip(headers, is_believed);
    if let Some(chain) = continued(&told, peer) {
        headers.insert(FORWARDED_FOR, chain);
    }
    if let Some(host) = headers.remove(HOST) {
        headers.insert(FORWARDED_HOST, host);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(if peer.tls { "https" } else { "http" }));
}

/// Whom the front end has had the request from, as it says.
fn chain(headers: &HeaderMap) -> Vec<HeaderValue> {
    headers.get_all(FORWARDED_FOR).iter().cloned().collect()
}

/// What was told, and behind it whom we have it from.
fn continued(told: &[HeaderValue], peer: &Peer) -> Option<HeaderValue> {
    if told.is_empty() {
        return Some(peer.shown.clone());
    }
    let mut chain: Vec<u8> = Vec::new();
    for value in told {
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    chain.extend_from_slice(peer.shown.as_bytes());
    HeaderValue::from_bytes(&chain).ok()
}

/// Names the host as HTTP/1.1 does; in HTTP/2 it stands in the target alone (RFC 9113 section 8.3.1).
pub fn name_host(headers: &mut HeaderMap, target: &Authority) {
    let host = HeaderValue::from_str(target.as_str()).ok();
    if let Some(host) = host.filter(|_| !headers.contains_key(HOST)) {
        headers.insert(HOST, host);
    }
}

/// The one protocol that a connection may go over to. Whoever goes over speaks with the upstream past us, and
/// in another one, HTTP/2 in clear above all, could ask it for anything (`security-rules.md` 10).
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// The protocol that a client wants to go over to, where it says so in both headers and it is WebSocket.
pub fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let wanted = headers.get_all(CONNECTION).iter().filter_map(|v| v.to_str().ok());
    let wants = wanted.flat_map(|v| v.split(',')).any(|token| token.trim().eq_ignore_ascii_case("upgrade"));
    let mut protocols = headers.get_all(UPGRADE).iter();
    let one = protocols.next().filter(|_| wants && protocols.next().is_none());
    one.filter(|protocol| protocol.as_bytes().eq_ignore_ascii_case(WEBSOCKET.as_bytes())).map(|_| WEBSOCKET)
}

/// Makes the headers of an answer those that the client gets; keeps those of an upgrade.
pub fn for_client(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        map
    }

    fn peer(tls: bool, trusted: bool) -> Peer {
        Peer::new([10, 0, 0, 1].into(), tls, trusted)
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn s9_what_a_proxy_would_be_believed_for_is_stripped_in_every_spelling() {
        let mut map = headers(&[
            ("Remote-User", "root"),
            ("remote_user", "root"),
            ("X-Remote-Group", "a"),
            ("x.remote.user", "a"),
            ("X_Forwarded_User", "a"),
            ("X-Forwarded-Email", "a"),
            ("X-Auth-Request-Groups", "a"),
            ("X-Original-URL", "/system"),
            ("X-Forwarded-For", "1.2.3.4"),
            ("X-Forwarded-Host", "evil"),
            ("Forwarded", "for=1.2.3.4"),
            ("X-Custom", "stays"),
            ("Host", "gw"),
        ]);
        for_function(&mut map, &peer(true, false));
        assert_eq!(names(&map), ["x-custom", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]);
        assert_eq!(map["x-forwarded-for"], "10.0.0.1");
        assert_eq!(map["x-forwarded-host"], "gw");
        assert_eq!(map["x-forwarded-proto"], "https");
    }

    #[test]
    fn s9_the_chain_of_a_front_end_that_is_trusted_is_continued_and_nothing_else_of_it_believed() {
        let mut map = headers(&[
            ("X-Forwarded-For", "1.2.3.4"),
            ("X-Forwarded-For", "5.6.7.8"),
            ("X_Forwarded_For", "9.9.9.9"),
            ("X-Forwarded-Host", "evil"),
            ("X-Forwarded-Proto", "https"),
            ("Host", "gw"),
        ]);
        for_function(&mut map, &peer(false, true));
        assert_eq!(names(&map), ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]);
        assert_eq!(map["x-forwarded-for"], "1.2.3.4, 5.6.7.8, 10.0.0.1");
        assert_eq!(
            (&map["x-forwarded-host"], &map["x-forwarded-proto"]),
            (&"gw".parse().unwrap(), &"http".parse().unwrap())
        );
    }

    #[test]
    fn s10_what_belongs_to_one_connection_goes_no_further_and_takes_nothing_of_ours_along() {
        let mut map = headers(&[
            ("Connection", "close, X-Custom, X-Forwarded-For, Host"),
            ("Host", "gw"),
            ("X-Custom", "x"),
            ("TE", "trailers"),
            ("Transfer-Encoding", "chunked"),
            ("Proxy-Authorization", "x"),
            ("Accept", "stays"),
        ]);
        for_function(&mut map, &peer(false, false));
        let kept = ["accept", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
        assert_eq!(names(&map), kept);
    }

    #[test]
    fn s10_an_upgrade_is_wanted_where_both_headers_say_so_and_to_nothing_but_websocket() {
        assert!(
            upgrade(&headers(&[("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket")])).is_some()
        );
        assert!(upgrade(&headers(&[("Connection", "Upgrade"), ("Upgrade", "WebSocket")])).is_some());
        assert!(upgrade(&headers(&[("Upgrade", "websocket")])).is_none());
        for other in ["h2c", "websocket, h2c", "TLS/1.0", ""] {
            assert!(upgrade(&headers(&[("Connection", "upgrade"), ("Upgrade", other)])).is_none(), "{other}");
        }
        let two = [("Connection", "upgrade"), ("Upgrade", "websocket"), ("Upgrade", "h2c")];
        assert!(upgrade(&headers(&two)).is_none());
        assert!(upgrade(&headers(&[("Connection", "upgrade")])).is_none());
    }
}
