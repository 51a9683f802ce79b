//! The accept loop: plain and TLS connections, each served by hyper until it ends or is upgraded.
//!
//! We own this loop, rather than leaving it to a framework, because an upgrade has to give back the raw stream
//! ([`take_stream`]): a waiting device then costs what its socket costs, and no router state hangs on to it.
//!
//! 1. Take a place among the connections, then accept. Without a free place the backlog of the system waits.
//! 2. Under TLS, shake hands in good time.
//! 3. Serve HTTP/1.1 or HTTP/2; every request learns the client's address.
//! 4. When [`Shutdown`] begins, stop accepting, let requests finish, and be gone when the last has.

mod address;
mod bind;
mod descriptors;
mod stream;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub use address::client_address;
pub use bind::{bind, bind_own};
pub use descriptors::raise_limit;
pub use stream::{Stream, take_stream};
pub use tls::{Tls, TlsError};

use crate::config::Network;
use crate::limits::ClientAddress;

/// A TLS handshake is three packets; who needs longer is not going to make it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// For the head of a request, and between requests on one connection. Longer than proxies keep idle connections (nginx: 60 s),
/// so that the proxy closes them, not we in the moment in which it sends the next request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// Room for the head of a request: cookies and tokens are short, a CSR comes in the body.
const HTTP1_BUFFER: usize = 16 * 1024;
/// As HTTP/1's, for HTTP/2.
const HTTP2_HEADERS: u32 = 16 * 1024;
/// A page fetches a dozen things at once; more serves nobody but a flood.
const HTTP2_STREAMS: u32 = 64;
/// How often a quiet HTTP/2 connection is asked whether it is still there.
const HTTP2_PING: Duration = Duration::from_secs(30);
/// Accepting fails when file descriptors are short: waiting a moment lets some be freed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener serves, and how.
#[derive(Clone)]
pub struct Service {
    /// What answers.
    pub router: Router,
    /// TLS, when the listener speaks it.
    pub tls: Option<Arc<Tls>>,
    /// The proxies that are believed about addresses.
    pub trusted_proxies: Arc<[Network]>,
    /// Places for connections that speak HTTP. Upgraded ones give theirs back; the relay counts those.
    pub places: Arc<Semaphore>,
}

/// The end of a server: begun once, awaited by who began it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    begun: CancellationToken,
    connections: TaskTracker,
}

impl Shutdown {
    /// Listeners stop accepting, connections finish what they are at.
    pub fn begin(&self) {
        self.begun.cancel();
        self.connections.close();
    }

    /// Resolves when the end has begun.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Resolves when the last connection has ended.
    pub async fn finished(&self) {
        self.connections.wait().await;
    }
}

/// Serves what comes in until the shutdown begins.
pub async fn serve(listener: TcpListener, service: Service, shutdown: Shutdown) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.begun() => return,
            accepted = accept(&listener, &service) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let connection = connection(stream, peer, service.clone(), shutdown.clone(), place);
                shutdown.connections.spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accept(
    listener: &TcpListener,
    service: &Service,
) -> std::io::Result<(TcpStream, SocketAddr, Option<OwnedSemaphorePermit>)> {
    // The semaphore is never closed, so there always is a place in the end.
    let place = service.places.clone().acquire_owned().await.ok();
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    service: Service,
    shutdown: Shutdown,
    place: Option<OwnedSemaphorePermit>,
) {
    let _open = OpenConnection::count();
    // Frames of the relay are small and somebody waits for each.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it was served");
        return;
    }
    let stream = match &service.tls {
        None => Stream::Plain(stream),
        Some(tls) => match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
            Ok(Err(error)) => return tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => return tracing::debug!("a TLS handshake took too long"),
        },
    };
    serve_http(stream, peer, service, shutdown).await;
    drop(place);
}

/// Shows in the metrics for as long as it lives.
struct OpenConnection;

impl OpenConnection {
    fn count() -> Self {
        metrics::gauge!("gangway_http_connections").increment(1);
        Self
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        metrics::gauge!("gangway_http_connections").decrement(1);
    }
}

async fn serve_http(stream: Stream, peer: SocketAddr, service: Service, shutdown: Shutdown) {
    let Service {
        router,
        trusted_proxies,
        ..
    } = service;
    let router = router.map_request(move |mut request: Request<Incoming>| {
        let address = client_address(peer.ip(), request.headers(), &trusted_proxies);
        request.extensions_mut().insert(ClientAddress(address));
        request
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HTTP1_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HTTP2_HEADERS)
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HANDSHAKE_TIMEOUT);
    let connection = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(router))
        .into_owned();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.begun() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended badly");
    }
}
