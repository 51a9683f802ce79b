//! The way to the server: TCP or a proxy's tunnel, TLS, WebSocket, in that order, and the errors of each in words that say
//! what to do. What goes over it is the business of the machines.

mod backoff;
mod exchange;
mod identified;
mod proxy;
mod socket;
mod stream;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gangway_protocol::certificate::tls::HandshakeFault;
use gangway_protocol::time::UnixMillis;
use rustls_pki_types::ServerName;
use url::Host;

use crate::clock::Clock;
use crate::config::{ServerUrl, Settings};
use crate::event::Trouble;

pub(crate) use backoff::{Backoff, after_going_away, not_before};
pub(crate) use identified::Identified;
pub use proxy::Proxies;
pub(crate) use socket::{Lost, Socket};
pub(crate) use stream::BoxedStream;
pub(crate) use tls::TrustedTime;

/// From the first packet to the accepted upgrade, through proxies and over slow links.
const CONNECT_DUE: Duration = Duration::from_secs(30);

/// Entries of a CA file that are told one by one; bundles of operating systems have hundreds.
const MAX_SKIPPED_TOLD: usize = 5;

/// Opens WebSockets to one server.
pub(crate) struct Dialer {
    server: ServerUrl,
    proxies: Proxies,
    tls: tls::Verification,
    trusted_time: Arc<TrustedTime>,
}

impl Dialer {
    /// Reads the CA file and builds the TLS configuration.
    pub(crate) fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, TransportError> {
        let trusted_time = Arc::new(TrustedTime::new(clock));
        let tls = tls::verification(
            settings.trust,
            settings.ca_file.as_deref(),
            Arc::clone(&trusted_time),
        )?;
        Ok(Self {
            server: settings.server.clone(),
            proxies: settings.proxies.clone(),
            tls,
            trusted_time,
        })
    }

    /// The time by which servers are verified; what a verified server says moves it on.
    pub(crate) fn trusted_time(&self) -> &TrustedTime {
        &self.trusted_time
    }

    /// What of the CA file was left out, if anything was.
    pub(crate) fn skipped_of_ca_file(&self) -> Option<Trouble> {
        let skipped: Vec<String> = self.tls.skipped.iter().map(ToString::to_string).collect();
        let first = skipped.iter().take(MAX_SKIPPED_TOLD).map(String::as_str);
        let more = match skipped.len().saturating_sub(MAX_SKIPPED_TOLD) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        (!skipped.is_empty()).then(|| {
            Trouble::new(
                "ca_file_entry",
                format!(
                    "The CA file is used without what cannot be used of it: {}{more}.",
                    first.collect::<Vec<_>>().join("; ")
                ),
                "Correct or remove these entries.",
            )
        })
    }

    /// Opens the WebSocket at `path` with the sub-protocol `subprotocol`.
    pub(crate) async fn open(&self, path: &str, subprotocol: &'static str) -> Result<Socket, TransportError> {
        let opening = async {
            let (stream, expires_at) = self.connect().await?;
            socket::upgrade(stream, &self.server, path, subprotocol, expires_at).await
        };
        self.in_time(&self.server, opening).await
    }

    /// Opens TLS to another place, in which this device identifies itself. `trust_anchors` are PEM blocks; without them the
    /// device's own list counts.
    pub(crate) async fn open_identified(
        &self,
        place: &ServerUrl,
        identified: Identified,
        trust_anchors: Option<&str>,
        alpn: Option<&[u8]>,
    ) -> Result<BoxedStream, TransportError> {
        let is_slow = identified.is_slow;
        let config = self.tls.identified(identified, trust_anchors, alpn)?;
        let opening = async {
            let stream = self.reach(place).await?;
            let host = place.host().clone();
            let handshake = async move { Ok(encrypt(config, stream, &host).await?.0) };
            if !is_slow {
                return handshake.await;
            }
            // The key signs within the handshake: other tasks go on meanwhile.
            let runtime = tokio::runtime::Handle::current();
            let done = tokio::task::spawn_blocking(move || runtime.block_on(handshake)).await;
            done.unwrap_or_else(|error| Err(TransportError::Identity(error.to_string())))
        };
        self.in_time(place, opening).await
    }

    async fn in_time<T>(
        &self,
        place: &ServerUrl,
        opening: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        match tokio::time::timeout(CONNECT_DUE, opening).await {
            Ok(result) => result,
            Err(_) => Err(match self.proxies.on_the_way_to(place)? {
                None => TransportError::TooSlow,
                Some(proxy) => TransportError::Proxy(format!(
                    "no connection within 30 seconds through the proxy {}: it is away, or does not reach the server",
                    proxy.address()
                )),
            }),
        }
    }

    /// A connection over which the server speaks HTTP, and until when its certificate is valid.
    async fn connect(&self) -> Result<(BoxedStream, Option<UnixMillis>), TransportError> {
        let stream = self.reach(&self.server).await?;
        if self.server.is_secure() {
            let (stream, expires_at) = self.encrypt(stream, self.server.host()).await?;
            Ok((stream, expires_at))
        } else {
            Ok((stream, None))
        }
    }

    /// TCP, or a proxy's tunnel.
    async fn reach(&self, place: &ServerUrl) -> Result<BoxedStream, TransportError> {
        match self.proxies.on_the_way_to(place)? {
            None => {
                let loopback_only = !place.is_secure();
                stream::connect(place.host(), place.port(), loopback_only).await
            }
            Some(proxy) => {
                let reached = async {
                    let stream = stream::connect(&proxy.host, proxy.port, false).await?;
                    if !proxy.secure {
                        return Ok(stream);
                    }
                    Ok(self.encrypt(stream, &proxy.host).await?.0)
                };
                let stream = reached.await.map_err(|error| proxy.at(error))?;
                proxy.tunnel(stream, place).await
            }
        }
    }

    async fn encrypt(
        &self,
        stream: BoxedStream,
        host: &Host<String>,
    ) -> Result<(BoxedStream, Option<UnixMillis>), TransportError> {
        encrypt(Arc::clone(&self.tls.config), stream, host).await
    }
}

/// TLS to `host`, and until when its certificate is valid.
async fn encrypt(
    config: Arc<rustls::ClientConfig>,
    stream: BoxedStream,
    host: &Host<String>,
) -> Result<(BoxedStream, Option<UnixMillis>), TransportError> {
    let name = match host {
        Host::Domain(name) => {
            ServerName::try_from(name.clone()).map_err(|_| TransportError::Name(name.clone()))?
        }
        Host::Ipv4(address) => ServerName::IpAddress(std::net::IpAddr::V4(*address).into()),
        Host::Ipv6(address) => ServerName::IpAddress(std::net::IpAddr::V6(*address).into()),
    };
    let connector = tokio_rustls::TlsConnector::from(config);
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| TransportError::from_io(&error))?;
    let expires_at = tls::peer_expires_at(stream.get_ref().1);
    Ok((Box::new(stream), expires_at))
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// `--ca-file`.
    #[error("the CA file {path} cannot be used: {reason}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `--trust system`.
    #[error("the operating system's list of trusted issuers cannot be used: {0}")]
    SystemTrust(String),
    /// The host name is no host name.
    #[error("“{0}” is not a host name")]
    Name(String),
    /// Name resolution.
    #[error("the name {host} could not be resolved: {reason}")]
    Resolution {
        /// The host.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// An unencrypted connection would have left the machine.
    #[error("{0} is not this machine, and the connection would not be encrypted")]
    NotLoopback(String),
    /// TCP.
    #[error("no connection to {address}: {reason}")]
    Connection {
        /// Host and port.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The proxy.
    #[error("{0}")]
    Proxy(String),
    /// TLS, and it would have been good at another time.
    #[error(
        "the server's certificate is good but for its dates: it is valid from {not_before} to {not_after}, and by this \
         device's clock it is {now}"
    )]
    Dates {
        /// Start of validity.
        not_before: String,
        /// End of validity.
        not_after: String,
        /// The present, as far as this device knows.
        now: String,
    },
    /// TLS: the certificate is not one for servers.
    #[error(
        "the server's certificate is marked as a CA (basicConstraints CA:TRUE), as `openssl req -x509` makes it, and is not \
         itself in the file of trusted certificates"
    )]
    MarkedAsCa,
    /// TLS: a trusted name with another key.
    #[error(
        "the server's identity could not be verified: {}",
        HandshakeFault::OtherIssuerKey
    )]
    OtherIssuerKey,
    /// TLS: there is none.
    #[error("{}", HandshakeFault::NotTls)]
    NotTls,
    /// TLS.
    #[error("the server's identity could not be verified: {0}")]
    Tls(String),
    /// The certificate by which this device would identify itself.
    #[error("this device cannot identify itself: {0}")]
    Identity(String),
    /// HTTP: the server answered, but not with a WebSocket.
    #[error("the server answered with status {status} instead of opening the connection")]
    Status {
        /// HTTP status.
        status: u16,
        /// `Retry-After`, in seconds.
        retry_after_secs: Option<u64>,
    },
    /// HTTP: not a WebSocket of ours.
    #[error("the server did not open a Gangway connection: {0}")]
    Handshake(String),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(String),
    /// Thirty seconds are over.
    #[error("no connection within 30 seconds")]
    TooSlow,
}

impl TransportError {
    /// The stable name, what happened, and what to do.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        let (code, remedy) = match self {
            Self::CaFile { .. } => ("ca_file", "Give a file of PEM certificates with --ca-file."),
            Self::SystemTrust(_) => (
                "trust",
                "Leave out --trust system, or give an issuer with --ca-file.",
            ),
            Self::Name(_) | Self::Resolution { .. } => (
                "name_not_resolved",
                "Check the server's address and the device's DNS settings.",
            ),
            Self::NotLoopback(_) => ("unencrypted", "Use https://."),
            Self::Connection { .. } | Self::Io(_) | Self::TooSlow => (
                "unreachable",
                "Check the network, the address and the firewall; the device keeps trying.",
            ),
            Self::Proxy(_) => ("proxy", "Check HTTPS_PROXY and NO_PROXY."),
            Self::Dates { .. } => (
                "clock",
                "Set this device's clock (for example with NTP), or renew the server's certificate if it has expired.",
            ),
            Self::MarkedAsCa => (
                "tls",
                "Give this very certificate with --ca-file, or make the server's certificate with \
                 `-addext basicConstraints=critical,CA:FALSE`.",
            ),
            Self::OtherIssuerKey => (
                "tls",
                "If that CA has made itself a new key, add its new certificate to the file of --ca-file; otherwise somebody \
                 may be in between.",
            ),
            Self::NotTls => (
                "tls",
                "Check host and port of the address; a panel without TLS is for this machine alone, and its address begins \
                 with http://.",
            ),
            Self::Tls(_) => (
                "tls",
                "If the panel has a certificate of your own CA, give that CA with --ca-file; otherwise somebody may be \
                 in between.",
            ),
            Self::Identity(_) => ("identity", "Enrol the device again."),
            Self::Status { .. } | Self::Handshake(_) => (
                "not_a_panel",
                "Check that the address is that of a Gangway panel (with https:// where it speaks TLS) and that the proxy before \
                 it passes WebSockets.",
            ),
        };
        // An error's text goes on after a colon in logs; here it begins a sentence.
        let text = self.to_string();
        let mut rest = text.chars();
        let first = rest
            .next()
            .map(|first| first.to_uppercase().to_string())
            .unwrap_or_default();
        Trouble::new(code, format!("{first}{}.", rest.as_str()), remedy)
    }

    /// TLS errors travel as IO errors.
    fn from_io(error: &std::io::Error) -> Self {
        match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            Some(error) => tls::describe(error),
            None => Self::Io(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
