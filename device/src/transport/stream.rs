//! TCP: from a name to a connected stream. Addresses are tried one after another without waiting for one that is silent
//! ("happy eyeballs", RFC 8305).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use url::Host;

use super::TransportError;

/// RFC 8305 §5: "Connection Attempt Delay […] recommended […] 250 milliseconds".
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// More addresses than a panel has.
const MAX_ADDRESSES: usize = 8;
/// For all addresses together: TLS keeps its part of the thirty seconds that opening a connection may take.
const TCP_DUE: Duration = Duration::from_secs(16);

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

/// A connection to the first of `addresses` that answers, or why none does (RFC 8305 §5): the next one is tried when one fails
/// or is silent for a moment, and those that are silent go on being tried beside it.
async fn connect_to_any(addresses: Vec<SocketAddr>) -> Result<TcpStream, String> {
    let mut untried = by_turns(addresses).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut reason = "there is no address to try".to_owned();
    let connecting = async {
        loop {
            attempts.extend(untried.next().map(TcpStream::connect));
            tokio::select! {
                tried = attempts.next() => match tried {
                    Some(Ok(stream)) => return Ok(stream),
                    Some(Err(error)) => reason = error.to_string(),
                    None => return Err(reason),
                },
                () = tokio::time::sleep(ATTEMPT_DELAY), if untried.len() > 0 => {}
            }
        }
    };
    let stream = tokio::time::timeout(TCP_DUE, connecting)
        .await
        .unwrap_or_else(|_| Err("no answer".to_owned()))?;
    // Frames are small, and somebody waits for each.
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(stream)
}

/// RFC 8305 §4: the families take turns, beginning with that of the first address, which the system prefers.
fn by_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let prefers_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == prefers_ipv6);
    let mut other = other.into_iter();
    let mut ordered = Vec::with_capacity(preferred.len() + other.len());
    for address in preferred {
        ordered.push(address);
        ordered.extend(other.next());
    }
    ordered.extend(other);
    ordered
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

    /// A silent address is a listener whose backlog is full: Linux answers nothing then.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn silent_addresses_of_one_family_are_not_waited_for() {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("bound");
        let full = socket.listen(0).expect("it listens");
        let silent = full.local_addr().expect("an address");
        let _first = TcpStream::connect(silent).await.expect("there is room for one");
        let living = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let living = living.local_addr().expect("an address");
        let waited = tokio::time::timeout(ATTEMPT_DELAY, TcpStream::connect(silent)).await;
        assert!(waited.is_err(), "it is silent");
        let connecting = connect_to_any(vec![silent, silent, living]);
        let stream = tokio::time::timeout(Duration::from_secs(3), connecting).await;
        let stream = stream.expect("in time").expect("connected");
        assert_eq!(stream.peer_addr().expect("a peer"), living);
    }

    #[test]
    fn families_take_turns_beginning_with_the_preferred_one() {
        let six = |last: u16| SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, last], 1));
        let four = |last: u8| SocketAddr::from(([192, 0, 2, last], 1));
        assert_eq!(
            by_turns(vec![six(1), six(2), six(3), four(1)]),
            [six(1), four(1), six(2), six(3)]
        );
        assert_eq!(
            by_turns(vec![four(1), four(2), six(1)]),
            [four(1), six(1), four(2)]
        );
    }

    #[tokio::test]
    async fn unencrypted_connections_stay_on_the_machine_whatever_names_resolve_to() {
        let host = Host::Ipv4(std::net::Ipv4Addr::new(192, 0, 2, 1));
        let refused = connect(&host, 80, true).await.err();
        assert_eq!(refused, Some(TransportError::NotLoopback("192.0.2.1".to_owned())));
    }
}
