//! HTTP proxies: which one, if any, and the tunnel through it (CONNECT, RFC 9110 §9.3.6).

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::secret::SecretString;
use http_body_util::Empty;
use hyper::StatusCode;
use hyper::http::{HeaderValue, Request, header, response};
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::TransportError;
use super::exchange::exchange;
use super::stream::BoxedStream;
use crate::config::ServerUrl;

/// Proxies as the environment names them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For encrypted connections, e.g. `http://proxy.example:3128`. Unencrypted ones never leave the machine.
    pub https: Option<String>,
    /// Hosts that are reached without: `example.com,.internal,10.0.0.0/8,*`.
    pub none: String,
}

/// Without the address, which may hold a password.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxies")
            .field("https", &self.https.as_ref().map(|_| "…"))
            .field("none", &self.none)
            .finish()
    }
}

/// A proxy to connect through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: Host<String>,
    pub(super) port: u16,
    /// Whether the connection to the proxy itself is encrypted.
    pub(super) secure: bool,
    /// `user:password` in base64.
    credentials: Option<SecretString>,
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
    /// Reads `http://user:password@proxy:3128`. Passwords are taken as people write them, with `#`, `$`, `/` or `@` in
    /// them, and as the URL standard wants them, with `%23`.
    fn read(text: &str) -> Result<Self, TransportError> {
        let refused =
            |what: &str| TransportError::Proxy(format!("{what}; give it as http://proxy.example:3128"));
        // curl and others take a bare `host:port`.
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(refused("only HTTP proxies are supported")),
        };
        let (credentials, address) = match rest.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials), address),
            None => (None, rest),
        };
        let plain = format!("{}://{address}", if secure { "https" } else { "http" });
        let url = Url::parse(&plain).map_err(|_| refused("the proxy's address could not be read"))?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(refused("the proxy's address has no host"));
        };
        let credentials = credentials.map(|pair| {
            let (user, password) = pair.split_once(':').unwrap_or((pair, ""));
            let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
            let pair = [decoded(user), decoded(password)].join(&b':');
            SecretString::new(STANDARD.encode(pair))
        });
        Ok(Self {
            host: host.to_owned(),
            port,
            secure,
            credentials,
        })
    }

    /// Host and port, without the password.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The error of a connection to this proxy, so that nobody looks for the fault at the server.
    pub(super) fn at(&self, error: TransportError) -> TransportError {
        let address = self.address();
        TransportError::Proxy(match error {
            TransportError::Proxy(text) => text,
            TransportError::Resolution { host, reason } => {
                format!("the name of the proxy, {host}, could not be resolved: {reason}")
            }
            TransportError::Connection { reason, .. } => {
                format!("the proxy {address} cannot be reached: {reason}")
            }
            TransportError::NotTls => format!(
                "the proxy {address} does not speak TLS; write its address with http:// where HTTPS_PROXY has https://"
            ),
            TransportError::Io(reason) => {
                format!("the proxy {address} broke the connection off: {reason}")
            }
            TransportError::Handshake(_) => format!("the answer of the proxy {address} is not HTTP"),
            other => format!("the proxy {address} was not accepted: {other}"),
        })
    }

    /// Opens the tunnel to `server` through `stream`, which is connected to this proxy.
    pub(super) async fn tunnel(
        &self,
        stream: BoxedStream,
        server: &ServerUrl,
    ) -> Result<BoxedStream, TransportError> {
        let authority = server.authority();
        let mut request = Request::connect(&authority).header(header::HOST, &authority);
        if let Some(pair) = &self.credentials {
            let mut value = HeaderValue::try_from(format!("Basic {}", pair.expose()))
                .map_err(|error| TransportError::Proxy(error.to_string()))?;
            value.set_sensitive(true);
            request = request.header(header::PROXY_AUTHORIZATION, value);
        }
        let request = request
            .body(Empty::new())
            .map_err(|error| TransportError::Proxy(error.to_string()))?;
        let exchange = exchange(stream, request).await.map_err(|error| self.at(error))?;
        match exchange.opened {
            // RFC 9110 §9.3.6: the tunnel's bytes follow the head, and the server speaks only when spoken to.
            Some(stream) if exchange.ahead.is_empty() => Ok(stream),
            Some(_) => Err(TransportError::Proxy(
                "the proxy sent something of its own into the tunnel".to_owned(),
            )),
            None => Err(TransportError::Proxy(self.refusal(&exchange.head, &authority))),
        }
    }

    /// Why there is no tunnel, and what to do.
    fn refusal(&self, head: &response::Parts, authority: &str) -> String {
        // RFC 9110 §15.6.3 to §15.6.5: what a gateway says of those behind it.
        if matches!(
            head.status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ) {
            return format!(
                "the proxy {} does not reach {authority} (status {}): the server is away, or its name means nothing there",
                self.address(),
                head.status.as_u16()
            );
        }
        if head.status != StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return format!(
                "the proxy refused to connect to {authority} (status {}); allow that address in the proxy, or name it in \
                 NO_PROXY",
                head.status.as_u16()
            );
        }
        let schemes: Vec<&str> = head
            .headers
            .get_all(header::PROXY_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok()?.split_whitespace().next())
            .collect();
        if !schemes.is_empty() && !schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic")) {
            return format!(
                "the proxy asks for {}, and this device can only give a user name and a password (Basic); allow this \
                 device in the proxy without, or name {authority} in NO_PROXY",
                schemes.join(" or ")
            );
        }
        if self.credentials.is_some() {
            return "the proxy does not accept the user name and the password that HTTPS_PROXY gives; correct them \
                    (special characters may be written as they are or as %23)"
                .to_owned();
        }
        "the proxy wants a user name and a password; put them into HTTPS_PROXY (http://user:password@proxy:3128)"
            .to_owned()
    }
}

/// `NO_PROXY` as curl and Go read it: `*`, names with all names below them, addresses, networks; a port may be added.
fn is_excepted(none: &str, host: &Host<String>, port: u16) -> bool {
    none.split([',', ' '])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            // The colons of an IPv6 address are no port's, unless it stands in brackets.
            let with_port = entry
                .rsplit_once(':')
                .filter(|(name, _)| !name.contains(':') || name.ends_with(']'));
            let (entry, fits) = match with_port {
                Some((name, text)) => (name, text.parse() == Ok(port)),
                None => (entry, true),
            };
            fits && (entry == "*" || excepts(entry, host))
        })
}

fn excepts(entry: &str, host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => {
            let entry = entry
                .trim_start_matches("*")
                .trim_matches('.')
                .to_ascii_lowercase();
            *name == entry || name.ends_with(&format!(".{entry}"))
        }
        Host::Ipv4(address) => in_network(entry, IpAddr::V4(*address)),
        Host::Ipv6(address) => in_network(entry, IpAddr::V6(*address)),
    }
}

fn in_network(entry: &str, address: IpAddr) -> bool {
    let entry = entry.replace(['[', ']'], "");
    let network = entry.parse::<IpNet>();
    network
        .or_else(|_| entry.parse::<IpAddr>().map(IpNet::from))
        .is_ok_and(|network| network.contains(&address))
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
        assert!(!goes_through("[fd00::]/8", "https://[fd00::1]"));
        assert!(!goes_through("[fd00::1]:7443", "https://[fd00::1]:7443"));
        assert!(goes_through("[fd00::1]:7443", "https://[fd00::1]"));
        assert!(!goes_through("panel.example.", "https://panel.example"));
    }

    #[test]
    fn a_proxys_password_is_not_printed() {
        let proxies = Proxies {
            https: Some("http://ship:s3cret@proxy:3128".to_owned()),
            none: String::new(),
        };
        let proxy = via("http://ship:s3cret@proxy:3128", "", "https://panel.example");
        let printed = format!("{proxies:?} {proxy:?}");
        assert!(!printed.contains("s3cret") && !printed.contains(&STANDARD.encode("ship:s3cret")));
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
        for (text, pair) in [
            ("https://us%40er:p%3Aw@proxy.example", "us@er:p:w"),
            ("https://user:pa#ss$wo/rd?@proxy.example", "user:pa#ss$wo/rd?"),
            ("https://user:p@ss@proxy.example/", "user:p@ss"),
            ("https://user:100%@proxy.example", "user:100%"),
            (r"https://DOMAIN\user:a:b@proxy.example", r"DOMAIN\user:a:b"),
            ("https://user@proxy.example", "user:"),
            ("HTTPS://üser:pä55@proxy.example", "üser:pä55"),
        ] {
            let proxy = via(text, "", "https://panel.example").expect("a proxy");
            assert_eq!((proxy.port, proxy.secure), (443, true), "{text}");
            assert_eq!(
                proxy.credentials,
                Some(SecretString::new(STANDARD.encode(pair))),
                "{text}"
            );
        }
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
