//! The key of a registry: one for all the spellings that mean the same to the kubelet.

use std::fmt;
use std::net::Ipv6Addr;

/// The one key of Docker Hub, which Docker's own client made so.
const HUB: &str = "https://index.docker.io/v1/";
/// What Docker Hub is called.
const HUBS: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];
/// Bytes of an address.
const MAX_BYTES: usize = 512;

/// A registry, or a part of one below a path, as the key under which the kubelet looks for a login: the longest that an
/// image's name begins with wins
/// (<https://kubernetes.io/docs/concepts/containers/images/#config-json>).
///
/// Scheme, `/v1/` or `/v2/` and a slash at the end are cut, the host is lower-cased, a port stays as it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Registry(Box<str>);

/// A text that is no registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing is left of it.
    #[error("a registry has a host; write `registry.example.com` or `registry.example.com/team`")]
    NoHost,
    /// More than 512 bytes.
    #[error("a registry has at most {MAX_BYTES} bytes, and this one has {0}")]
    TooLong(usize),
    /// A scheme that no registry is spoken to by.
    #[error("`{0}://` is no scheme of a registry; write the host alone")]
    Scheme(String),
    /// A user, a query or a fragment.
    #[error("a registry has no `{0}`; a user goes into `username` or the Secret")]
    Part(char),
    /// A host that is none.
    #[error("`{0}` is no host; `*` may stand for one part of a name between dots")]
    Host(String),
    /// A port that is none.
    #[error("`{0}` is no port; it is a number from 1 to 65535")]
    Port(String),
    /// The host where a path of images is asked for.
    #[error("`{0}` is the registry itself; write the path behind it alone")]
    Repeated(String),
    /// A path that no image's name has.
    #[error(
        "`{0}` is no path of images: parts of lower-case letters, digits, `.`, `_` and `-`, each of which begins with a \
         letter or digit, joined by `/`"
    )]
    Path(String),
}

impl Registry {
    /// Reads an address as people, `docker login` and cloud consoles write it.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > MAX_BYTES {
            return Err(AddressError::TooLong(text.len()));
        }
        let rest = without_scheme(text)?;
        if let Some(part) = rest.chars().find(|c| matches!(c, '@' | '?' | '#')) {
            return Err(AddressError::Part(part));
        }
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority(host)?;
        if HUBS.contains(&&*host) {
            return Ok(Self(HUB.into()));
        }
        let path = images(path)?;
        Ok(Self(if path.is_empty() { host.into() } else { format!("{host}/{path}").into() }))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is Docker Hub.
    pub fn is_docker_hub(&self) -> bool {
        &*self.0 == HUB
    }

    /// Where it is spoken to: host and port alone. Docker Hub answers at a host of another name.
    pub fn host(&self) -> &str {
        match &*self.0 {
            HUB => "registry-1.docker.io",
            key => key.split_once('/').map_or(key, |(host, _)| host),
        }
    }

    /// The path below which its images are; empty for a whole host.
    fn path(&self) -> &str {
        match &*self.0 {
            HUB => "",
            key => key.split_once('/').map_or("", |(_, path)| path),
        }
    }

    /// The whole path, at its host, of images that are below it under this one.
    ///
    /// # Errors
    /// [`AddressError`] for what is no such path, as one with a tag or with the host once more.
    pub fn images(&self, below: &str) -> Result<String, AddressError> {
        let first = below.split_once('/').map_or(below, |(first, _)| first);
        let is_host = first.contains(['.', ':']);
        if is_host && Self::parse(first).is_ok_and(|named| named.host() == self.host()) {
            return Err(AddressError::Repeated(first.to_owned()));
        }
        if !is_path(below) {
            return Err(AddressError::Path(below.to_owned()));
        }
        Ok([self.path(), below].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"))
    }

    /// Whether a path begins with its own, which is not empty.
    pub fn names_itself(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.path()).filter(|_| !self.path().is_empty());
        rest.is_some_and(|rest| rest.starts_with('/'))
    }
}

/// A host that is spoken to, as it stands in an address: in small letters, without a port, and no pattern.
///
/// # Errors
/// [`AddressError`].
pub fn host_name(text: &str) -> Result<String, AddressError> {
    let host = authority(text)?;
    match host.rsplit_once(']').map_or(&*host, |(_, port)| port).contains([':', '*']) {
        true => Err(AddressError::Host(text.to_owned())),
        false => Ok(host),
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn without_scheme(text: &str) -> Result<&str, AddressError> {
    match text.split_once("://") {
        Some((scheme, rest)) if ["https", "http"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) => Ok(rest),
        Some((scheme, _)) => Err(AddressError::Scheme(scheme.chars().take(16).collect())),
        None => Ok(text),
    }
}

/// Host and port.
fn authority(text: &str) -> Result<String, AddressError> {
    let end = if text.starts_with('[') { text.find(']').map_or(text.len(), |at| at + 1) } else { 0 };
    let colon = text.get(end..).and_then(|rest| rest.find(':')).map(|at| at + end);
    let (host, port) = colon.and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    if !is_host(host) {
        return Err(AddressError::Host(host.to_owned()));
    }
    let number = port.strip_prefix(':').unwrap_or("443");
    if !number.bytes().all(|b| b.is_ascii_digit()) || !number.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(AddressError::Port(number.to_owned()));
    }
    Ok(format!("{}{port}", host.to_ascii_lowercase()))
}

fn is_host(text: &str) -> bool {
    if let Some(v6) = text.strip_prefix('[') {
        return v6.strip_suffix(']').is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok());
    }
    let is_label = |label: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'*');
        (1..=63).contains(&label.len()) && label.bytes().all(fits)
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// The path below which images are, without what only the protocol has (`/v1/`, `/v2/`).
fn images(path: &str) -> Result<&str, AddressError> {
    let version = ["v1", "v2"].into_iter().find_map(|version| path.strip_prefix(version));
    // Again, so that a key is its own key.
    match version.map(|rest| rest.strip_prefix('/').unwrap_or(rest)) {
        Some(rest) if rest.is_empty() || path.get(2..3) == Some("/") => return images(rest),
        _ => {}
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    match path.is_empty() || is_path(path) {
        true => Ok(path),
        false => Err(AddressError::Path(path.to_owned())),
    }
}

/// Segments begin as those of an image's name do, so that none of them is `.` or `..`
/// (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>).
fn is_path(path: &str) -> bool {
    path.split('/').all(|segment| {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        segment.starts_with(|c: char| c.is_ascii_alphanumeric()) && segment.bytes().all(fits)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn images_have_their_whole_path_at_the_host_of_the_registry() {
        for (registry, below, want) in [
            ("ghcr.io", "acme/app", Ok("acme/app")),
            ("ghcr.io/acme", "app", Ok("acme/app")),
            ("docker.io", "library/alpine", Ok("library/alpine")),
            ("localhost:5000", "localhost", Ok("localhost")),
            ("ghcr.io/acme", "ghcr.io/acme/app", Err(AddressError::Repeated("ghcr.io".into()))),
            ("docker.io", "index.docker.io/a", Err(AddressError::Repeated("index.docker.io".into()))),
            ("ghcr.io", "acme/app:1.0", Err(AddressError::Path("acme/app:1.0".into()))),
            ("ghcr.io", "acme/App", Err(AddressError::Path("acme/App".into()))),
            ("ghcr.io", "acme//app", Err(AddressError::Path("acme//app".into()))),
            ("ghcr.io", "../catalog", Err(AddressError::Path("../catalog".into()))),
            ("ghcr.io", "acme/.", Err(AddressError::Path("acme/.".into()))),
            ("ghcr.io", "", Err(AddressError::Path(String::new()))),
        ] {
            let found = Registry::parse(registry).unwrap().images(below);
            assert_eq!(found, want.map(str::to_owned), "{registry} {below}");
        }
    }

    fn key(text: &str) -> String {
        Registry::parse(text).map_or_else(|error| error.to_string(), |registry| registry.to_string())
    }

    #[test]
    fn every_spelling_of_docker_hub_is_one_key() {
        for host in ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"] {
            for scheme in ["", "https://", "http://", "HTTPS://"] {
                for path in ["", "/", "/v1/", "/v2/", "/v1", "/team"] {
                    assert_eq!(key(&format!("{scheme}{host}{path}")), HUB);
                    assert_eq!(key(&format!("{scheme}{}{path}", host.to_uppercase())), HUB);
                }
            }
        }
    }

    #[test]
    fn a_registry_has_one_key_however_it_is_written() {
        for (text, want) in [
            ("ghcr.io", "ghcr.io"),
            ("https://ghcr.io", "ghcr.io"),
            ("https://GHCR.io/", "ghcr.io"),
            ("http://reg.example.com/v2/", "reg.example.com"),
            ("reg.example.com/v1/", "reg.example.com"),
            ("reg.example.com/v2", "reg.example.com"),
            ("reg.example.com/v2/team", "reg.example.com/team"),
            ("reg.example.com/v2team", "reg.example.com/v2team"),
            ("reg.example.com/team/", "reg.example.com/team"),
            ("Reg.example.com:5000/team/app", "reg.example.com:5000/team/app"),
            ("reg.example.com:443", "reg.example.com:443"),
            ("docker.io:443", "docker.io:443"),
            ("localhost:5000", "localhost:5000"),
            ("[::1]:5000", "[::1]:5000"),
            ("*.example.com", "*.example.com"),
        ] {
            assert_eq!(key(text), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_registry_is_told_why() {
        for (text, want) in [
            ("", "a registry has a host"),
            ("https://", "a registry has a host"),
            ("https:///team", "a registry has a host"),
            ("oci://ghcr.io", "`oci://` is no scheme"),
            ("user@ghcr.io", "no `@`"),
            ("ghcr.io?x", "no `?`"),
            ("ghcr.io#x", "no `#`"),
            ("ghcr .io", "`ghcr .io` is no host"),
            ("ghcr..io", "`ghcr..io` is no host"),
            ("[::1", "`[::1` is no host"),
            ("ghcr.io:", "`` is no port"),
            ("ghcr.io:0", "`0` is no port"),
            ("ghcr.io:65536", "`65536` is no port"),
            ("ghcr.io:+80", "`+80` is no port"),
            ("ghcr.io/Team", "`Team` is no path"),
            ("ghcr.io/a//b", "`a//b` is no path"),
            ("ghcr.io/*", "`*` is no path"),
        ] {
            assert!(key(text).contains(want), "{text}: {}", key(text));
        }
        assert!(key(&"a".repeat(MAX_BYTES + 1)).contains("at most 512 bytes"));
    }

    #[test]
    fn it_is_spoken_to_at_its_host_and_docker_hub_elsewhere() {
        let host = |text| Registry::parse(text).unwrap().host().to_owned();
        assert_eq!(host("ghcr.io/team"), "ghcr.io");
        assert_eq!(host("reg:5000/team"), "reg:5000");
        assert_eq!(host("docker.io"), "registry-1.docker.io");
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "(https://)?[a-zA-Z.:0-9*-]{1,12}(/[a-z0-9./_-]{0,12})?") {
            if let Ok(registry) = Registry::parse(&text) {
                prop_assert_eq!(Registry::parse(registry.as_str()), Ok(registry));
            }
        }
    }
}
