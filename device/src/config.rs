//! What a device is told before it runs: by its vendor's program, by the command line, by the environment. The
//! environment is read here and nowhere else.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use gangway_protocol::device::Facts;
use gangway_protocol::enrolment::CODE_LIFE_SECS;
use gangway_protocol::permit::DevicePermit;
use url::{Host, Url};

use crate::enrolment::Accept;
use crate::facts;
use crate::key::{FileKeys, KeyProvider, KeyType};
use crate::mqtt::MqttSettings;
use crate::transport::Proxies;

/// How a device is to behave.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The panel.
    pub server: ServerUrl,
    /// What kind of key to make, where there is none yet.
    pub key_type: KeyType,
    /// Where keys are made and kept: in a file of the state directory, unless it is said otherwise.
    pub keys: Arc<dyn KeyProvider>,
    /// Who answers when an organisation wants the device.
    pub accept: Accept,
    /// What it joins with instead of a code, where nobody stands at the screen.
    pub permit: Option<DevicePermit>,
    /// How long a code lives, at most ten minutes.
    pub code_life: Duration,
    /// Which issuers to trust when connecting to the server.
    pub trust: Trust,
    /// PEM certificates of issuers to trust besides those.
    pub ca_file: Option<PathBuf>,
    /// How it speaks MQTT, where its credential names a broker.
    pub mqtt: MqttSettings,
    /// Proxies to go through.
    pub proxies: Proxies,
    /// What the device says about itself.
    pub facts: Facts,
    /// Software and platform, e.g. `gangway-device/0.1.0 (linux x86_64)`.
    pub agent: String,
}

impl Settings {
    /// Reasonable settings for `server`: facts from the system, proxies from the environment, a P-256 key, and a person
    /// who is asked.
    #[must_use]
    pub fn new(server: ServerUrl) -> Self {
        let facts = facts::collect();
        Self {
            server,
            key_type: KeyType::default(),
            keys: Arc::new(FileKeys),
            accept: Accept::default(),
            permit: None,
            code_life: Duration::from_secs(u64::from(CODE_LIFE_SECS)),
            trust: Trust::default(),
            ca_file: None,
            mqtt: MqttSettings::default(),
            proxies: proxies_from_environment(),
            agent: format!(
                "{}/{} ({} {})",
                facts.software, facts.software_version, facts.os, facts.arch
            ),
            facts,
        }
    }
}

/// Whose certificates a server may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// The public issuers that browsers trust, as they were when this software was built.
    #[default]
    Public,
    /// The issuers that the operating system trusts, as they are when the device starts.
    System,
}

/// The address of a panel: `https://panel.example`, or `http://localhost:8080` on the machine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    secure: bool,
    host: Host<String>,
    port: u16,
    origin: String,
}

impl ServerUrl {
    /// The origin (RFC 6454 §6.2) that goes into the proofs of sessions: `https://panel.example`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the connection is encrypted; if not, it must not leave the machine.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host name or address.
    #[must_use]
    pub fn host(&self) -> &Host<String> {
        &self.host
    }

    /// Port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, as CONNECT wants it.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// What goes into `Host` headers (RFC 9110 §7.2): like the origin it leaves default ports out.
    #[must_use]
    pub fn host_header(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, host)| host)
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        // Only https and http have an origin that the URL standard serialises (wss → https, ws → http).
        let web = match text.split_once("://") {
            Some(("wss", rest)) => format!("https://{rest}"),
            Some(("ws", rest)) => format!("http://{rest}"),
            Some(("https" | "http", _)) => text.to_owned(),
            _ => return Err(ServerUrlError::Scheme),
        };
        let url = Url::parse(&web).map_err(|error| ServerUrlError::Unreadable(error.to_string()))?;
        let plain_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !plain_origin || !url.username().is_empty() || url.password().is_some() {
            return Err(ServerUrlError::MoreThanAnOrigin);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(ServerUrlError::Scheme);
        };
        let secure = url.scheme() == "https";
        if !secure && !is_loopback(&host) {
            return Err(ServerUrlError::Unencrypted);
        }
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            origin: url.origin().ascii_serialization(),
        })
    }
}

impl std::fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.origin)
    }
}

/// Why a text is not the address of a panel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerUrlError {
    /// Another scheme, or none.
    #[error("the server has to be given as https://…, for example https://panel.example")]
    Scheme,
    /// Not a URL.
    #[error("the server's address could not be read: {0}; give it as https://panel.example")]
    Unreadable(String),
    /// A path, a query, a user.
    #[error(
        "give the server's address alone, without a path or anything else after it: https://panel.example"
    )]
    MoreThanAnOrigin,
    /// `http` or `ws` to another machine.
    #[error("an unencrypted connection is possible to this machine only (http://localhost:…); use https://")]
    Unencrypted,
}

/// RFC 6761 §6.3: names under `localhost` are this machine.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

/// `HTTPS_PROXY` or `ALL_PROXY`, and `NO_PROXY`, in capitals or small letters; small ones win, as in curl. `HTTP_PROXY` is
/// for unencrypted connections, which a device opens to its own machine only.
#[must_use]
pub fn proxies_from_environment() -> Proxies {
    let read = |name: &str| environment(&name.to_ascii_lowercase()).or_else(|| environment(name));
    Proxies {
        https: read("HTTPS_PROXY").or_else(|| read("ALL_PROXY")),
        none: read("NO_PROXY").unwrap_or_default(),
    }
}

/// The file of a credential that the service manager handed over (systemd.exec(5), `LoadCredential=`), if there is one.
#[must_use]
pub fn service_credential(name: &str) -> Option<PathBuf> {
    let file = PathBuf::from(environment("CREDENTIALS_DIRECTORY")?).join(name);
    file.is_file().then_some(file)
}

/// Variables by which libraries of tokens are told where the token is (tpm2-pkcs11, SoftHSM), with their values.
#[must_use]
pub fn token_environment() -> Vec<(&'static str, String)> {
    ["TPM2_PKCS11_STORE", "TPM2_PKCS11_TCTI", "SOFTHSM2_CONF"]
        .into_iter()
        .filter_map(|name| Some((name, environment(name)?)))
        .collect()
}

/// <https://no-color.org>: "when present and not an empty string (regardless of its value), prevents the addition of ANSI
/// color".
#[must_use]
pub fn wants_no_colour() -> bool {
    environment("NO_COLOR").is_some()
}

/// Whether the terminal says of itself that it can do nothing but print.
#[must_use]
pub fn is_terminal_dumb() -> bool {
    environment("TERM").as_deref() == Some("dumb")
}

/// A variable of the environment that is set and not empty.
pub(crate) fn environment(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    let value = std::env::var(name);
    value.ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_what_the_url_standard_says() {
        for (text, origin, host) in [
            ("https://panel.example", "https://panel.example", "panel.example"),
            (
                "wss://Panel.Example:443/",
                "https://panel.example",
                "panel.example",
            ),
            (
                "https://panel.example:8443",
                "https://panel.example:8443",
                "panel.example:8443",
            ),
            ("ws://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1"),
            (
                "http://localhost:8080/",
                "http://localhost:8080",
                "localhost:8080",
            ),
            ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080"),
            (
                "https://bücher.example",
                "https://xn--bcher-kva.example",
                "xn--bcher-kva.example",
            ),
        ] {
            let url: ServerUrl = text.parse().expect(text);
            assert_eq!((url.origin(), url.host_header()), (origin, host), "{text}");
        }
    }

    #[test]
    fn unencrypted_connections_stay_on_the_machine() {
        for text in [
            "http://panel.example",
            "ws://192.168.1.2:8080",
            "http://localhost.example",
            "ws://0.0.0.0:80",
        ] {
            assert_eq!(
                text.parse::<ServerUrl>(),
                Err(ServerUrlError::Unencrypted),
                "{text}"
            );
        }
        for text in ["ws://127.1.2.3", "http://panel.localhost:3000"] {
            assert!(text.parse::<ServerUrl>().is_ok(), "{text}");
        }
    }

    #[test]
    fn anything_but_an_origin_is_refused() {
        for text in [
            "https://panel.example/link",
            "https://a:b@panel.example",
            "https://panel.example?x",
            "https://panel.example#BCDF",
        ] {
            assert_eq!(
                text.parse::<ServerUrl>(),
                Err(ServerUrlError::MoreThanAnOrigin),
                "{text}"
            );
        }
        for text in ["panel.example", "ftp://panel.example", ""] {
            assert_eq!(text.parse::<ServerUrl>(), Err(ServerUrlError::Scheme), "{text}");
        }
    }
}
