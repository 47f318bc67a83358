//! The host that a request names: one, and the same wherever it is named (RFC 9112 section 3.2, RFC 9113
//! section 8.3.1). Nothing is decided by it; but a function is told it, and whoever reads an ambiguous one may
//! read another than we do.

use http::header::{HOST, HeaderValue};
use http::{Request, Version};

use super::answer::Denial;

/// Whether the request names its host as it has to.
///
/// # Errors
/// [`Denial`] with 400.
pub fn check<B>(request: &Request<B>) -> Result<(), Denial> {
    let target = request.uri().authority().map(|authority| authority.as_str());
    let mut named = request.headers().get_all(HOST).iter();
    match (named.next(), named.next()) {
        (_, Some(_)) => Err(bad("is there more than once")),
        (None, None) if target.is_none() && request.version() >= Version::HTTP_11 => Err(bad("is missing")),
        (None, None) => agrees(None, target),
        (Some(host), None) => agrees(Some(host), target),
    }
}

fn agrees(host: Option<&HeaderValue>, target: Option<&str>) -> Result<(), Denial> {
    let texts = [host.map(HeaderValue::as_bytes), target.map(str::as_bytes)];
    if !texts.into_iter().flatten().all(is_host) {
        return Err(bad("is no host"));
    }
    match texts {
        [Some(host), Some(target)] if !host.eq_ignore_ascii_case(target) => {
            Err(bad("is another than the target's"))
        }
        _ => Ok(()),
    }
}

/// A name or address, and perhaps a port (RFC 3986 section 3.2.2), as far as its characters go; no user.
fn is_host(text: &[u8]) -> bool {
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+,;=".contains(b);
    !text.is_empty() && text.iter().all(fits)
}

fn bad(why: &str) -> Denial {
    Denial::bad("host", format!("`Host` {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(version: Version, target: &str, hosts: &[&str]) -> String {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        check(&request.body(()).unwrap()).map_or_else(|denial| denial.text, |()| "fine".to_owned())
    }

    #[test]
    fn s10_a_host_is_named_once_and_the_same_everywhere() {
        for (version, target, hosts, want) in [
            (Version::HTTP_11, "/a", &["gw"][..], "fine"),
            (Version::HTTP_11, "/a", &["gw.example.com:8080"], "fine"),
            (Version::HTTP_11, "/a", &["[::1]:8080"], "fine"),
            (Version::HTTP_11, "/a", &["fn_1"], "fine"),
            (Version::HTTP_11, "/a", &[], "`Host` is missing"),
            (Version::HTTP_10, "/a", &[], "fine"),
            (Version::HTTP_10, "/a", &["gw", "gw"], "`Host` is there more than once"),
            (Version::HTTP_11, "/a", &["gw", "gw"], "`Host` is there more than once"),
            (Version::HTTP_11, "/a", &[""], "`Host` is no host"),
            (Version::HTTP_11, "/a", &["gw other"], "`Host` is no host"),
            (Version::HTTP_11, "/a", &["gw/path"], "`Host` is no host"),
            (Version::HTTP_11, "/a", &["user@gw"], "`Host` is no host"),
            (Version::HTTP_11, "http://gw/a", &["GW"], "fine"),
            (Version::HTTP_11, "http://gw/a", &["other"], "`Host` is another than the target's"),
            (Version::HTTP_11, "http://user@gw/a", &["gw"], "`Host` is no host"),
            (Version::HTTP_2, "http://gw/a", &[], "fine"),
            (Version::HTTP_2, "http://gw/a", &["other"], "`Host` is another than the target's"),
            (Version::HTTP_2, "/a", &[], "`Host` is missing"),
        ] {
            assert_eq!(told(version, target, hosts), want, "{version:?} {target} {hosts:?}");
        }
    }
}
