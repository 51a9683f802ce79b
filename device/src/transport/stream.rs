//! TCP: from a name to a connected stream, trying all addresses without waiting for a dead one to time out.

use std::net::SocketAddr;
use std::pin::Pin;
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
    let stream = race(interleaved(addresses))
        .await
        .map_err(|error| TransportError::Connection {
            address: format!("{host}:{port}"),
            reason: error.to_string(),
        })?;
    stream
        .set_nodelay(true)
        .map_err(|error| TransportError::from_io(&error))?;
    Ok(Box::new(stream))
}

async fn resolve(host: &Host<String>, port: u16) -> Result<Vec<SocketAddr>, TransportError> {
    match host {
        Host::Ipv4(address) => Ok(vec![SocketAddr::from((*address, port))]),
        Host::Ipv6(address) => Ok(vec![SocketAddr::from((*address, port))]),
        Host::Domain(name) => {
            let failed = |error: std::io::Error| TransportError::Resolution {
                host: name.clone(),
                reason: error.to_string(),
            };
            let found = tokio::net::lookup_host((name.as_str(), port))
                .await
                .map_err(failed)?;
            Ok(found.take(MAX_ADDRESSES).collect())
        }
    }
}

/// RFC 8305 §4: the families take turns, in the order in which the resolver put them.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (ours, theirs): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut theirs = theirs.into_iter();
    let mut all = Vec::new();
    for address in ours {
        all.push(address);
        all.extend(theirs.next());
    }
    all.extend(theirs);
    all
}

/// Starts an attempt every 250 ms until one succeeds; an attempt that fails starts the next at once.
async fn race(addresses: Vec<SocketAddr>) -> std::io::Result<TcpStream> {
    type Attempt = Pin<Box<dyn Future<Output = std::io::Result<TcpStream>> + Send>>;
    let mut waiting = addresses.into_iter();
    let mut running: FuturesUnordered<Attempt> = FuturesUnordered::new();
    let mut last = std::io::Error::other("the name has no address");
    loop {
        match waiting.next() {
            Some(address) => running.push(Box::pin(TcpStream::connect(address))),
            None if running.is_empty() => return Err(last),
            None => {}
        }
        let more = waiting.len() > 0;
        tokio::select! {
            Some(result) = running.next() => match result {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            },
            () = tokio::time::sleep(ATTEMPT_DELAY), if more => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |list: &[&str]| {
            list.iter()
                .map(|text| text.parse().expect("an address"))
                .collect::<Vec<SocketAddr>>()
        };
        let mixed = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(
            interleaved(mixed),
            parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"])
        );
        assert_eq!(interleaved(Vec::new()), []);
    }

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_living_one() {
        let living = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let addresses = vec![
            dead.local_addr().expect("an address"),
            living.local_addr().expect("an address"),
        ];
        drop(dead);
        let stream = race(addresses).await.expect("connected");
        assert_eq!(
            stream.peer_addr().expect("a peer"),
            living.local_addr().expect("an address")
        );
        assert!(race(Vec::new()).await.is_err());
    }

    #[tokio::test]
    async fn unencrypted_connections_stay_on_the_machine_whatever_names_resolve_to() {
        let host = Host::Ipv4(std::net::Ipv4Addr::new(192, 0, 2, 1));
        let refused = connect(&host, 80, true).await.err();
        assert_eq!(refused, Some(TransportError::NotLoopback("192.0.2.1".to_owned())));
    }
}
