//! The client's address: the socket's, or the one a trusted proxy reports.

use std::net::IpAddr;

use http::HeaderMap;

use crate::config::Network;

/// Goes through `X-Forwarded-For` from the nearest hop outwards and stops at the first that is not a trusted proxy: what
/// stands further left was written by who knows whom.
#[must_use]
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer.to_canonical();
    let reported = headers.get_all("x-forwarded-for");
    // Several headers count as one list (RFC 9110 §5.3); the last entry of the last one is the nearest hop.
    let lines: Vec<&str> = reported
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_trusted(address) {
            break;
        }
        match parse_hop(hop.trim()) {
            Some(next) => address = next.to_canonical(),
            None => break,
        }
    }
    address
}

/// An address, some proxies add the port: `203.0.113.7:4711`, `[2001:db8::1]:4711`.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    hop.parse()
        .or_else(|_| hop.parse::<std::net::SocketAddr>().map(|address| address.ip()))
        .or_else(|_| hop.trim_start_matches('[').trim_end_matches(']').parse())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().expect("a header"));
        }
        let trusted: Vec<Network> = trusted
            .iter()
            .map(|text| text.parse().expect("a network"))
            .collect();
        client_address(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(address("192.0.2.1", &["203.0.113.7"], &[]), "192.0.2.1");
        assert_eq!(
            address("192.0.2.1", &["203.0.113.7"], &["10.0.0.0/8"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn a_trusted_proxy_is_believed_about_its_own_hop_only() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(address("10.0.0.1", &["203.0.113.7"], &trusted), "203.0.113.7");
        assert_eq!(
            address("10.0.0.1", &["198.51.100.1, 203.0.113.7"], &trusted),
            "203.0.113.7"
        );
        assert_eq!(
            address("10.0.0.1", &["203.0.113.7, 10.0.0.2"], &trusted),
            "203.0.113.7"
        );
        assert_eq!(
            address("10.0.0.1", &["198.51.100.1", "203.0.113.7"], &trusted),
            "203.0.113.7"
        );
    }

    #[test]
    fn nonsense_stops_the_search_at_what_is_known() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(
            address("10.0.0.1", &["203.0.113.7, unknown"], &trusted),
            "10.0.0.1"
        );
        assert_eq!(address("10.0.0.1", &[], &trusted), "10.0.0.1");
    }

    #[test]
    fn ports_brackets_and_mapped_addresses_are_understood() {
        let trusted = ["10.0.0.0/8", "::1"];
        assert_eq!(
            address("::ffff:10.0.0.1", &["203.0.113.7:4711"], &trusted),
            "203.0.113.7"
        );
        assert_eq!(address("::1", &["[2001:db8::1]:4711"], &trusted), "2001:db8::1");
        assert_eq!(address("::1", &["[2001:db8::1]"], &trusted), "2001:db8::1");
    }
}
