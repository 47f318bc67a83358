//! Addresses that are never dialled, and those of this machine (`security-rules.md` 20).
//!
//! Judges a host as it is written, or an address after name resolution; resolves nothing. One list for
//! whoever validates and whoever connects.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Names under which clouds serve the metadata of their machines.
const METADATA_NAMES: &[&str] = &[
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.tencentyun.com",
];

/// Addresses of such services outside the link-local range: Azure, Alibaba, Oracle.
const METADATA_V4: &[Ipv4Addr] =
    &[Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];

/// The same in IPv6: AWS, its EKS Pod Identity, Google, Scaleway.
const METADATA_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0023),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042),
];

/// Whether the address is link-local or serves a machine's metadata, however an IPv4 address is wrapped
/// into an IPv6 one.
pub fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || METADATA_V6.contains(&v6)
                || wrapped(v6).is_some_and(|v4| is_forbidden(IpAddr::V4(v4)))
        }
    }
}

/// Whether the address is one that only this machine or its own network can reach: private (RFC 1918, RFC
/// 4193), shared (RFC 6598), loopback or unspecified, however an IPv4 address is wrapped.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            v4.is_private() || v4.is_loopback() || first == 0 || shared
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || wrapped(v6).is_some_and(|v4| is_private(IpAddr::V4(v4)))
        }
    }
}

/// Whether the host of a URL is one that is never dialled, by its name or its address. The `url` crate
/// has read decimal, octal and hexadecimal spellings of IPv4 addresses by then.
pub fn is_forbidden_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => METADATA_NAMES.contains(&normal(name).as_str()),
        Some(Host::Ipv4(v4)) => is_forbidden(IpAddr::V4(v4)),
        Some(Host::Ipv6(v6)) => is_forbidden(IpAddr::V6(v6)),
        None => false,
    }
}

/// Whether the host of a URL is this machine.
pub fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = normal(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(v4)) => v4.is_loopback(),
        Some(Host::Ipv6(v6)) => v6.is_loopback() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()),
        None => false,
    }
}

fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The IPv4 address inside an IPv6 one: mapped or compatible (RFC 4291), NAT64 (RFC 6052, RFC 8215),
/// 6to4 (RFC 3056).
fn wrapped(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let four = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(four(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str) -> Url {
        Url::parse(&format!("https://{host}/")).unwrap()
    }

    #[test]
    fn s20_link_local_and_metadata_hosts_are_known_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "[fe80::1]",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::169.254.169.254]",
            "[64:ff9b::169.254.169.254]",
            "[64:ff9b:1::169.254.169.254]",
            "[2002:a9fe:a9fe::1]",
            "[fd00:ec2::254]",
            "[fd00:ec2::23]",
            "[fd20:ce::254]",
            "[fd00:42::42]",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "METADATA.google.internal.",
            "metadata.goog",
            "instance-data",
        ] {
            assert!(is_forbidden_host(&url(host)), "{host}");
        }
    }

    #[test]
    fn s20_private_and_public_hosts_may_be_dialled() {
        for host in
            ["10.0.0.1", "192.168.1.1", "[fd00::1]", "keycloak.auth", "169.253.1.1", "example.com", "[::1]"]
        {
            assert!(!is_forbidden_host(&url(host)), "{host}");
        }
    }

    #[test]
    fn s20_which_addresses_are_private() {
        let is = |text: &str| is_private(text.parse().unwrap());
        for private in [
            "10.0.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "127.0.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "::",
            "fd00::1",
            "fc00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
        ] {
            assert!(is(private), "{private}");
        }
        for public in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "100.63.255.255", "2606:4700::1111", "::ffff:1.1.1.1"]
        {
            assert!(!is(public), "{public}");
        }
    }

    #[test]
    fn s20_loopback_is_known_by_name_and_address() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "2130706433",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback_host(&url(host)), "{host}");
        }
        for host in ["localhost.example.com", "10.0.0.1", "0.0.0.0", "[::]"] {
            assert!(!is_loopback_host(&url(host)), "{host}");
        }
    }
}
