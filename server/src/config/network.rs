//! A range of addresses in CIDR notation (RFC 4632), e.g. `10.0.0.0/8` or `fd00::/8`; an address alone is a range of one.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// An address, or all that share its first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether `address` lies in this range. An IPv4 address written as IPv6 (RFC 4291 §2.5.5.2) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let one = || text.parse::<IpAddr>().ok().map(IpNet::from);
        let network = text.parse().ok().or_else(one);
        network
            .map(Self)
            .ok_or("which is not an address or a network such as 10.0.0.0/8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_shares_their_first_bits() {
        let network: Network = "10.1.0.0/16".parse().expect("a network");
        assert!(network.contains("10.1.255.3".parse().expect("an address")));
        assert!(network.contains("::ffff:10.1.0.9".parse().expect("an address")));
        assert!(!network.contains("10.2.0.1".parse().expect("an address")));
        let one: Network = "fd00::1".parse().expect("a network");
        assert!(one.contains("fd00::1".parse().expect("an address")));
        assert!(!one.contains("fd00::2".parse().expect("an address")));
        let all: Network = "0.0.0.0/0".parse().expect("a network");
        assert!(all.contains("203.0.113.7".parse().expect("an address")));
        assert!(!all.contains("2001:db8::1".parse().expect("an address")));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "10.0.0.0/33", "proxy.example", "10.0.0.0/", "::/129"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
