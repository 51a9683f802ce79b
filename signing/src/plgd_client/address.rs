//! Where a plgd client is: typed by a person or preset by a link, so that it is checked before it gets into a content security
//! policy, and before anything is sent there.

use gangway_protocol::signer::{host_of, is_address, origin_of};
use serde::{Deserialize, Serialize};

/// The origin of a client that a browser can reach from a page with https: https anywhere, http on this machine alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientAddress(String);

/// Why an address is not taken. `Display` is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitClientAddress {
    /// No address at all, or more than one: a path, a wildcard, an IPv6 literal, which no policy can name.
    #[error("an address is https, a host and perhaps a port, like https://client.example:8443")]
    NotAnOrigin,
    /// `https://somebody@client.example`: what stands before the @ deceives, and no request carries it.
    #[error("an address with a name or a password before the host is not taken")]
    Credentials,
    /// `http://` to another machine: browsers block it on a page with https (W3C Mixed Content §4.4).
    #[error("browsers block http to other machines: the client needs https, or has to run on this machine")]
    MixedContent,
    /// Gangway itself: its server is to see nothing of what a client gets.
    #[error("this is the address of Gangway, not of a client")]
    Panel,
}

impl ClientAddress {
    /// Reads what a person typed. `panel` is the origin of Gangway.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn read(text: &str, panel: &str) -> Result<Self, UnfitClientAddress> {
        let text = text.trim();
        let typed = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let typed = without_default_port(&typed);
        let origin = origin_of(typed);
        if host_of(typed).contains('@') {
            return Err(UnfitClientAddress::Credentials);
        }
        if origin != typed {
            return Err(UnfitClientAddress::NotAnOrigin);
        }
        if origin == panel {
            return Err(UnfitClientAddress::Panel);
        }
        if is_address(origin) {
            return Ok(Self(origin.to_owned()));
        }
        // With https it would be one: that alone is wrong with it.
        match origin.strip_prefix("http://") {
            Some(host) if is_address(&format!("https://{host}")) => Err(UnfitClientAddress::MixedContent),
            _ => Err(UnfitClientAddress::NotAnOrigin),
        }
    }

    /// The origin, e.g. `https://client.example:8443`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0
    }

    /// Host and port, for people.
    #[must_use]
    pub fn host(&self) -> &str {
        host_of(&self.0)
    }
}

/// RFC 6454 §6.2: an origin has no port where that is the scheme's own.
fn without_default_port(typed: &str) -> &str {
    let port = if typed.starts_with("https://") {
        ":443"
    } else {
        ":80"
    };
    typed.strip_suffix(port).unwrap_or(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANEL: &str = "https://panel.example";

    /// Threat model: ENR-31.
    #[test]
    fn an_address_is_an_origin_that_a_browser_reaches_and_nothing_else() {
        for (typed, origin) in [
            ("https://client.example", "https://client.example"),
            (" https://Client.Example:8443/ ", "https://client.example:8443"),
            ("https://client.example:443", "https://client.example"),
            ("http://localhost:80", "http://localhost"),
            ("https://192.168.1.5:8443", "https://192.168.1.5:8443"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ] {
            let read = ClientAddress::read(typed, PANEL).expect(typed);
            assert_eq!(read.origin(), origin);
        }
        let refused = |typed: &str| ClientAddress::read(typed, PANEL).expect_err(typed);
        for typed in [
            "",
            "client.example",
            "*",
            "https://*",
            "https://*.example",
            "https://client.example/ui",
            "https://client.example?x",
            "https://client.example//",
            "https://client.example; script-src *",
            "https://client.example https://evil.example",
            "https://client.example\r\nx: y",
            "https://[::1]:8080",
            "http://[::1]:8080",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://client.example:0",
            "https://clіent.example",
        ] {
            assert_eq!(refused(typed), UnfitClientAddress::NotAnOrigin, "{typed}");
        }
        for typed in [
            "https://ada@client.example",
            "https://ada:secret@localhost:8080",
            "http://localhost:8080@evil.example",
        ] {
            assert_eq!(refused(typed), UnfitClientAddress::Credentials, "{typed}");
        }
        for typed in [
            "http://client.example",
            "http://192.168.1.5:8080",
            "http://localhost.evil.example",
        ] {
            assert_eq!(refused(typed), UnfitClientAddress::MixedContent, "{typed}");
        }
        for panel in ["https://PANEL.example/", "https://panel.example:443"] {
            assert_eq!(refused(panel), UnfitClientAddress::Panel);
        }
    }
}
