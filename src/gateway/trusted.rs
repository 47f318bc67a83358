//! The front ends that are believed what they say of a client's address (`security-rules.md` 8, 9): nobody,
//! unless configured.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// The part that counts, and nothing behind it.
    prefix: u128,
    mask: u128,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor a network.
    #[error("`{0}` is no address or network such as `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`")]
    None(String),
    /// An address within a network, of which one cannot tell which was meant.
    #[error("`{given}` has bits behind its prefix; write `{meant}`")]
    Host {
        /// What was written.
        given: String,
        /// The network it lies in.
        meant: String,
    },
}

impl Network {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.prefix
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let none = || NetworkError::None(text.to_owned());
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().map_err(|_| none())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit());
        let length: u32 = match length {
            Some(length) if digits(length) => length.parse().map_err(|_| none())?,
            Some(_) => return Err(none()),
            None => most,
        };
        let behind = most.checked_sub(length).ok_or_else(none)?;
        let mask = u128::MAX.checked_shl(behind).unwrap_or(0);
        let prefix = bits(address) & mask;
        if prefix != bits(address) {
            let meant = format!("{}/{length}", shown(prefix, address));
            return Err(NetworkError::Host { given: text.to_owned(), meant });
        }
        Ok(Self { prefix, mask })
    }
}

/// An IPv4 address as IPv6 maps it, so that both spellings are one.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn shown(bits: u128, like: IpAddr) -> IpAddr {
    let v6 = Ipv6Addr::from_bits(bits);
    if like.is_ipv4() { v6.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED).into() } else { v6.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s8_a_network_has_the_addresses_that_begin_like_it_and_no_others() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.7", "10.0.0.7", "10.0.0.8"),
            ("10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1"),
            ("192.168.4.0/22", "192.168.7.255", "192.168.8.0"),
            ("fd00::/8", "fd12::1", "fe00::1"),
            ("::1", "::1", "::2"),
            ("0.0.0.0/0", "1.2.3.4", "::1"),
            ("::/0", "2001:db8::1", ""),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(outside.is_empty() || !parsed.contains(outside.parse().unwrap()), "{network} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused_and_what_may_be_meant_is_told() {
        for text in
            ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/a", "host", "/8"]
        {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::None(text.into())), "{text}");
        }
        let error = "10.1.0.0/8".parse::<Network>().unwrap_err();
        assert_eq!(error.to_string(), "`10.1.0.0/8` has bits behind its prefix; write `10.0.0.0/8`");
        let error = "fd00::1/8".parse::<Network>().unwrap_err();
        assert_eq!(error.to_string(), "`fd00::1/8` has bits behind its prefix; write `fd00::/8`");
    }
}
