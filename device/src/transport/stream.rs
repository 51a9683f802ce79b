//! TCP: from a name to a connected stream. hyper-util tries the addresses: both families race, those of one family in turn
//! (RFC 6555).

use std::convert::Infallible;
use std::error::Error as _;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_service::Service;
use url::Host;

use super::TransportError;

/// RFC 8305 §5: "Connection Attempt Delay […] recommended […] 250 milliseconds".
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// More addresses than a panel has.
const MAX_ADDRESSES: usize = 8;
/// For all addresses of a family together, who share it: a dead one leaves the others and TLS their part of the thirty
/// seconds that opening a connection may take.
const FAMILY_DUE: Duration = Duration::from_secs(16);

/// TCP, TLS, or TLS within TLS.
pub(crate) type BoxedStream = Box<dyn Stream>;

/// What WebSockets run over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to `host`. With `loopback_only`, what is not this machine is refused after resolution too: a hosts file can
/// say what it likes about `localhost`.
pub(super) async fn connect(
    host: &Host<String>,
    port: u16,
    loopback_only: bool,
) -> Result<BoxedStream, TransportError> {
    let mut addresses = resolve(host, port).await?;
    if loopback_only {
        addresses.retain(|address| address.ip().is_loopback());
        if addresses.is_empty() {
            return Err(TransportError::NotLoopback(host.to_string()));
        }
    }
    let stream = connect_to_any(addresses)
        .await
        .map_err(|reason| TransportError::Connection {
            address: format!("{host}:{port}"),
            reason,
        })?;
    Ok(Box::new(stream))
}

async fn resolve(host: &Host<String>, port: u16) -> Result<Vec<SocketAddr>, TransportError> {
    match host {
        Host::Ipv4(address) => Ok(vec![SocketAddr::from((*address, port))]),
        Host::Ipv6(address) => Ok(vec![SocketAddr::from((*address, port))]),
        Host::Domain(name) => {
            let failed = |error: io::Error| TransportError::Resolution {
                host: name.clone(),
                reason: error.to_string(),
            };
            let found = tokio::net::lookup_host((name.as_str(), port))
                .await
                .map_err(failed)?;
            let found: Vec<_> = found.take(MAX_ADDRESSES).collect();
            if found.is_empty() {
                return Err(failed(io::Error::other("the name has no address")));
            }
            Ok(found)
        }
    }
}

/// A connection to the first of `addresses` that answers, or why none does.
async fn connect_to_any(addresses: Vec<SocketAddr>) -> Result<TcpStream, String> {
    let mut connector = HttpConnector::new_with_resolver(Resolved(addresses));
    connector.set_happy_eyeballs_timeout(Some(ATTEMPT_DELAY));
    connector.set_connect_timeout(Some(FAMILY_DUE));
    connector.set_nodelay(true);
    // The connector asks for a name to resolve; what it connects to are the addresses with their ports.
    let connected = connector.call(Uri::from_static("http://resolved")).await;
    connected
        .map(hyper_util::rt::TokioIo::into_inner)
        .map_err(|error| match error.source() {
            Some(cause) if is_timeout(cause) => "no answer".to_owned(),
            Some(cause) => cause.to_string(),
            None => error.to_string(),
        })
}

fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// Addresses that are resolved already, as the connector asks for them.
#[derive(Clone)]
struct Resolved(Vec<SocketAddr>);

impl Service<Name> for Resolved {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_living_one() {
        let living = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let addresses = vec![
            dead.local_addr().expect("an address"),
            living.local_addr().expect("an address"),
        ];
        drop(dead);
        let stream = connect_to_any(addresses.clone()).await.expect("connected");
        assert_eq!(
            stream.peer_addr().expect("a peer"),
            living.local_addr().expect("an address")
        );
        drop(living);
        let refused = connect_to_any(addresses).await.expect_err("nobody listens");
        assert!(refused.contains("refused"), "{refused}");
    }

    /// 192.0.2.0/24 is for documentation (RFC 5737): nothing answers there, or the system knows no way to it.
    #[tokio::test]
    async fn a_silent_address_does_not_hold_up_the_other_family() {
        let Ok(living) = tokio::net::TcpListener::bind("[::1]:0").await else {
            // A machine without IPv6 has no other family.
            return;
        };
        let living = living.local_addr().expect("an address");
        let silent = SocketAddr::from(([192, 0, 2, 1], 80));
        let connecting = connect_to_any(vec![silent, living]);
        let stream = tokio::time::timeout(Duration::from_secs(5), connecting).await;
        let stream = stream.expect("in time").expect("connected");
        assert_eq!(stream.peer_addr().expect("a peer"), living);
    }

    #[tokio::test]
    async fn unencrypted_connections_stay_on_the_machine_whatever_names_resolve_to() {
        let host = Host::Ipv4(std::net::Ipv4Addr::new(192, 0, 2, 1));
        let refused = connect(&host, 80, true).await.err();
        assert_eq!(refused, Some(TransportError::NotLoopback("192.0.2.1".to_owned())));
    }
}
