//! Where the result of a queued call may be sent: one address, http or https, and no link-local or metadata
//! one in any spelling; with `--callback-hosts` to these hosts alone. Names are not resolved: whoever calls
//! back does that.

use http::header::{HeaderMap, HeaderName};
use url::{Host, Url};

use super::answer::Denial;
use super::credential::single;
use crate::model::address;

const CALLBACK: HeaderName = HeaderName::from_static("x-callback-url");

/// A host that results may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackHost(Host);

/// A text that names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host, such as hooks.example.com or 10.0.0.7: no port, no wildcard")]
pub struct NoHost(String);

impl std::str::FromStr for CallbackHost {
    type Err = NoHost;

    /// Reads a host as it stands in a URL.
    ///
    /// # Errors
    /// [`NoHost`] for what is more or less than a host.
    fn from_str(text: &str) -> Result<Self, NoHost> {
        let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '[' | ']' | ':'));
        let port = text.contains(':') && !text.starts_with('[');
        let host = Host::parse(text).ok().filter(|_| !text.contains(odd) && !port);
        host.map(|host| Self(normal(host))).ok_or_else(|| NoHost(text.to_owned()))
    }
}

/// A name without the dot at its end, which says the same.
fn normal(host: Host) -> Host {
    match host {
        Host::Domain(name) => Host::Domain(name.trim_end_matches('.').to_owned()),
        address => address,
    }
}

/// Judges `X-Callback-Url`, where there is one; `hosts` are those that it may name, any if there is none.
///
/// # Errors
/// [`Denial`]: 400 for what is no such address, 403 for a host that is not listed.
pub fn callback(headers: &HeaderMap, hosts: &[CallbackHost]) -> Result<(), Denial> {
    let Some(text) = single(headers, &CALLBACK)? else { return Ok(()) };
    let bad = |why: &str| Denial::bad("callback", format!("`X-Callback-Url` {why}"));
    // What one reader of URLs takes for a slash, or leaves out, another one does not.
    if text.bytes().any(|b| b == b'\\' || !b.is_ascii_graphic()) {
        return Err(bad("has a backslash, or a character that is none of a URL"));
    }
    let url = Url::parse(text).map_err(|_| bad("is no URL"))?;
    let behind = text.split_once("://").map(|(_, behind)| behind);
    if !matches!(url.scheme(), "http" | "https") || behind.is_none_or(|rest| rest.starts_with('/')) {
        return Err(bad("is no `http://` or `https://` and a host"));
    }
    if address::is_forbidden_host(&url) {
        return Err(bad("names a link-local or metadata address"));
    }
    let host = url.host().map(|host| normal(host.to_owned()));
    if hosts.is_empty() || hosts.iter().any(|listed| Some(&listed.0) == host.as_ref()) {
        return Ok(());
    }
    let text = "`X-Callback-Url` names a host to which no results are sent from here";
    Err(Denial::forbidden("callback_host", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status of a refusal; 200 where there is none.
    fn judged(hosts: &[&str], url: &str) -> u16 {
        let hosts: Vec<_> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(CALLBACK, http::HeaderValue::from_bytes(url.as_bytes()).unwrap());
        callback(&headers, &hosts).map_or_else(|denial| denial.status.as_u16(), |()| 200)
    }

    #[test]
    fn every_spelling_of_a_metadata_address_is_refused() {
        for host in [
            "169.254.169.254",
            "169.254.0.1",
            "2852039166",
            "0xa9fea9fe",
            "0xA9.0xFE.0xA9.0xFE",
            "0251.0376.0251.0376",
            "025177524776",
            "0000251.254.0xa9.0376",
            "169.254.43518",
            "169.16689662",
            "169.254.169.254.",
            "0xa9fea9fe.",
            "%31%36%39.254.169.254",
            "169%2E254%2E169%2E254",
            "user@169.254.169.254",
            "user:pass@169.254.169.254:80",
            "example.com@169.254.169.254",
            "example.com:80@2852039166",
            "[::ffff:169.254.169.254]",
            "[::FFFF:A9FE:A9FE]",
            "[0:0:0:0:0:ffff:a9fe:a9fe]",
            "[::169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::]",
            "[fe80::1]",
            "[FE80:0::1]:8080",
            "[fe80::1%25eth0]",
            "[fd00:ec2::254]",
            "metadata.google.internal",
            "METADATA.Google.Internal",
            "metadata.google.internal.",
            "metadata",
            "168.63.129.16",
            "100.100.100.200",
            "１６９.254.169.254",
            "１６９．２５４．１６９．２５４",
            "169。254。169。254",
            "①⑥⑨.254.169.254",
        ] {
            for url in [
                format!("http://{host}/"),
                format!("HTTPS://{host}/latest/meta-data?x#y"),
                format!("http:{host}"),
            ] {
                assert_eq!(judged(&[], &url), 400, "{url}");
                assert_eq!(
                    judged(&["169.254.169.254", "metadata", "metadata.google.internal"], &url),
                    400,
                    "{url}"
                );
            }
        }
    }

    #[test]
    fn what_two_readers_would_read_differently_is_no_address() {
        for url in [
            "",
            "//example.com/",
            "/function/x",
            "example.com",
            "http://",
            "http:///x",
            "http://example.com\\@169.254.169.254/",
            "http:\\\\example.com/",
            "http://exa\tmple.com/",
            " http://example.com/",
            "http://example.com/a b",
            "file:///etc/passwd",
            "gopher://example.com/",
            "unix:/run/x",
            "http://[::1",
            "http://exa mple/",
            "http://example.com:99999/",
            "http://%00/",
        ] {
            assert_eq!(judged(&[], url), 400, "{url}");
        }
    }

    #[test]
    fn any_other_address_passes_unless_hosts_are_listed() {
        for url in [
            "http://gateway.openfaas:8080/function/x",
            "https://hooks.example.com/?a=b",
            "http://10.0.0.7/",
            "http://[fd00::1]/",
        ] {
            assert_eq!(judged(&[], url), 200, "{url}");
        }
        let hosts = &["hooks.example.com", "10.0.0.7", "[fd00::1]"];
        for url in [
            "https://hooks.example.com/x",
            "http://HOOKS.example.com.:8443/",
            "http://user@hooks.example.com/",
            "http://10.0.0.7:9/",
            "http://167772167/",
            "http://[FD00:0::1]/",
        ] {
            assert_eq!(judged(hosts, url), 200, "{url}");
        }
        for url in [
            "https://example.com/",
            "https://a.hooks.example.com/",
            "https://hooks.example.com.evil.org/",
            "https://evilhooks.example.com/",
            "https://hooks.example.com@evil.org/",
            "https://evil.org/hooks.example.com",
            "https://evil.org#hooks.example.com",
            "https://evil.org?hooks.example.com",
            "http://10.0.0.70/",
        ] {
            assert_eq!(judged(hosts, url), 403, "{url}");
        }
    }

    #[test]
    fn what_is_listed_is_a_whole_host() {
        for wrong in [
            "",
            "*",
            "*.example.com",
            "example.com:80",
            "https://example.com",
            "a/b",
            "user@a",
            "a b",
            "[::1",
        ] {
            assert!(wrong.parse::<CallbackHost>().is_err(), "{wrong}");
        }
        assert_eq!("Example.COM.".parse::<CallbackHost>(), "example.com".parse());
    }
}
