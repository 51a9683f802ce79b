//! HTTP proxies: which one, if any, and the tunnel through it (CONNECT, RFC 9110 §9.3.6).

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::{Host, Url};

use super::TransportError;
use super::stream::BoxedStream;
use crate::config::ServerUrl;

/// Longest head of a proxy's answer. Proxies add a handful of headers; a page about an error is not read.
const MAX_HEAD_LEN: usize = 8 * 1024;

/// Proxies as the environment names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For encrypted connections, e.g. `http://proxy.example:3128`. Unencrypted ones never leave the machine.
    pub https: Option<String>,
    /// Hosts that are reached without: `example.com,.internal,10.0.0.0/8,*`.
    pub none: String,
}

/// A proxy to connect through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: Host<String>,
    pub(super) port: u16,
    /// Whether the connection to the proxy itself is encrypted.
    pub(super) secure: bool,
    credentials: Option<String>,
}

impl Proxies {
    /// The proxy on the way to `server`, if any.
    pub(super) fn on_the_way_to(&self, server: &ServerUrl) -> Result<Option<Proxy>, TransportError> {
        let named = if server.is_secure() {
            self.https.as_ref()
        } else {
            None
        };
        match named {
            Some(text) if !is_excepted(&self.none, server.host(), server.port()) => {
                Proxy::read(text).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl Proxy {
    fn read(text: &str) -> Result<Self, TransportError> {
        let refused =
            |what: &str| TransportError::Proxy(format!("{what}; give it as http://proxy.example:3128"));
        // curl and others take a bare `host:port`.
        let text = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&text).map_err(|_| refused("the proxy's address could not be read"))?;
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(refused("only HTTP proxies are supported")),
        };
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(refused("the proxy's address has no host"));
        };
        let credentials = (!url.username().is_empty()).then(|| {
            let pair = format!("{}:{}", url.username(), url.password().unwrap_or_default());
            STANDARD.encode(percent_decoded(&pair))
        });
        Ok(Self {
            host: host.to_owned(),
            port,
            secure,
            credentials,
        })
    }

    /// Opens the tunnel to `server` through `stream`, which is connected to this proxy.
    pub(super) async fn tunnel(
        &self,
        stream: &mut BoxedStream,
        server: &ServerUrl,
    ) -> Result<(), TransportError> {
        let authority = server.authority();
        let credentials = self.credentials.as_ref();
        let authorization = credentials
            .map(|pair| format!("Proxy-Authorization: Basic {pair}\r\n"))
            .unwrap_or_default();
        let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n");
        stream
            .write_all(request.as_bytes())
            .await
            .map_err(|error| TransportError::from_io(&error))?;
        stream
            .flush()
            .await
            .map_err(|error| TransportError::from_io(&error))?;

        // Byte by byte: what follows the head belongs to the tunnel and must not be read here.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= MAX_HEAD_LEN {
                return Err(TransportError::Proxy("the proxy's answer is not HTTP".to_owned()));
            }
            head.push(
                stream
                    .read_u8()
                    .await
                    .map_err(|error| TransportError::from_io(&error))?,
            );
        }
        let head = String::from_utf8_lossy(&head);
        let status = head
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5))
            .unwrap_or_default();
        match status {
            "200" => Ok(()),
            "407" => Err(TransportError::Proxy(
                "the proxy wants a user name and a password; put them into HTTPS_PROXY (http://user:password@proxy:3128)"
                    .to_owned(),
            )),
            other => Err(TransportError::Proxy(format!(
                "the proxy refused to connect to {authority} (status {other}); allow that address in the proxy, or name \
                 it in NO_PROXY"
            ))),
        }
    }
}

/// RFC 3986 §2.1, for user names and passwords with reserved characters.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| *first == b'%');
        match escaped.and_then(|pair| data_encoding::HEXLOWER_PERMISSIVE.decode(pair).ok()) {
            Some(byte) => {
                decoded.extend(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    decoded
}

/// `NO_PROXY` as curl and Go read it: `*`, names with all names below them, addresses, networks; a port may be added.
fn is_excepted(none: &str, host: &Host<String>, port: u16) -> bool {
    none.split([',', ' '])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let (entry, fits) = match entry.rsplit_once(':') {
                Some((name, text)) if !name.contains(':') && text.parse() == Ok(port) => (name, true),
                Some((name, _)) if !name.contains(':') => (name, false),
                _ => (entry, true),
            };
            fits && (entry == "*" || excepts(entry, host))
        })
}

fn excepts(entry: &str, host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => {
            let entry = entry
                .trim_start_matches("*")
                .trim_start_matches('.')
                .to_ascii_lowercase();
            *name == entry || name.ends_with(&format!(".{entry}"))
        }
        Host::Ipv4(address) => in_network(entry, IpAddr::V4(*address)),
        Host::Ipv6(address) => in_network(entry, IpAddr::V6(*address)),
    }
}

fn in_network(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (entry, Some(128)),
    };
    let network: Result<IpAddr, _> = network.trim_matches(['[', ']']).parse();
    match (network, address, bits) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address), Some(bits)) => {
            let ignored = 32_u32.saturating_sub(bits);
            network.to_bits().checked_shr(ignored) == address.to_bits().checked_shr(ignored)
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address), Some(bits)) => {
            let ignored = 128_u32.saturating_sub(bits);
            network.to_bits().checked_shr(ignored) == address.to_bits().checked_shr(ignored)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(https: &str, none: &str, server: &str) -> Option<Proxy> {
        let proxies = Proxies {
            https: Some(https.to_owned()),
            none: none.to_owned(),
        };
        proxies
            .on_the_way_to(&server.parse().expect("a server"))
            .expect("a proxy or none")
    }

    #[test]
    fn exceptions_are_read_as_curl_reads_them() {
        let goes_through = |none: &str, server: &str| via("http://proxy:3128", none, server).is_some();
        assert!(goes_through("", "https://panel.example"));
        for none in [
            "*",
            "panel.example",
            ".example",
            "example",
            "*.example",
            "a.b, panel.example",
            "panel.example:443",
        ] {
            assert!(!goes_through(none, "https://panel.example"), "{none}");
        }
        for none in ["nel.example", "other.example", "panel.example:80"] {
            assert!(goes_through(none, "https://panel.example"), "{none}");
        }
        for none in ["10.1.2.3", "10.0.0.0/8", "0.0.0.0/0", "10.1.2.2/31"] {
            assert!(!goes_through(none, "https://10.1.2.3"), "{none}");
        }
        assert!(goes_through("10.0.0.0/16,::/0", "https://10.1.2.3"));
        assert!(!goes_through("[fd00::1],10.0.0.1", "https://[fd00::1]"));
        assert!(!goes_through("fd00::/8", "https://[fd00::1]"));
    }

    #[test]
    fn what_stays_on_the_machine_goes_through_no_proxy() {
        assert_eq!(via("http://proxy:3128", "", "http://localhost:8080"), None);
    }

    #[test]
    fn proxies_are_read_with_and_without_a_scheme_a_port_and_a_user() {
        let proxy = via("proxy.example:3128", "", "https://panel.example").expect("a proxy");
        assert_eq!(
            (proxy.port, proxy.secure, proxy.credentials.is_some()),
            (3128, false, false)
        );
        let proxy = via("https://us%40er:p%3Aw@proxy.example", "", "https://panel.example").expect("a proxy");
        assert_eq!((proxy.port, proxy.secure), (443, true));
        assert_eq!(proxy.credentials, Some(STANDARD.encode("us@er:p:w")));
        let proxies = Proxies {
            https: Some("socks5://proxy:1080".to_owned()),
            ..Proxies::default()
        };
        assert!(
            proxies
                .on_the_way_to(&"https://panel.example".parse().expect("a server"))
                .is_err()
        );
    }
}
