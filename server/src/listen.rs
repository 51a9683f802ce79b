//! The accept loop: plain and TLS connections, each served by hyper until it ends or is upgraded.
//!
//! We own this loop, rather than leaving it to a framework, because an upgrade has to give back the raw stream
//! ([`take_stream`]): a waiting device then costs what its socket costs, and no router state hangs on to it.
//!
//! 1. Take a place among the connections, then accept. Without a free place the backlog of the system waits.
//! 2. Take a place among the connections of the address ([`ConnectionLimit`]), unless it is a trusted proxy's.
//! 3. Under TLS, shake hands; serve HTTP/1.1 or HTTP/2; every request learns the client's address, with the certificate that
//!    the client has shown ([`ClientCertificate`]). Who keeps the server waiting is closed ([`patience`]).
//! 4. When [`Shutdown`] begins, stop accepting, let requests finish, and be gone when the last has.

mod address;
mod bind;
mod client_certificate;
mod connection_limit;
mod descriptors;
mod handshake;
pub mod patience;
mod stream;
mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub use address::client_address;
pub use bind::{bind, bind_own};
pub use client_certificate::{ClientCertificate, Screen, no_client_certificates, taking_client_certificates};
pub use connection_limit::ConnectionLimit;
pub use descriptors::raise_limit;
pub use handshake::TlsHandshake;
pub use stream::{Stream, take_stream};
pub use tls::{CertificateFault, Tls, TlsError};

use crate::config::Network;
use crate::limits::ClientAddress;
use patience::{AnswerBody, IDLE_TIMEOUT, RunOut, Watch};
use stream::Watched;

/// Room for the head of a request, and all that a client can make us keep by half of one: cookies and tokens are short, a
/// CSR comes in the body.
const HTTP1_BUFFER: usize = 16 * 1024;
/// As HTTP/1's, for HTTP/2.
const HTTP2_HEADERS: u32 = 16 * 1024;
/// A page fetches a dozen things at once; more serves nobody but a flood.
const HTTP2_STREAMS: u32 = 64;
/// What a client may send ahead on one HTTP/2 stream: as much as the largest body has.
const HTTP2_STREAM_WINDOW: u32 = 64 * 1024;
/// What a client may send ahead on all streams of a connection: some bodies at once.
const HTTP2_CONNECTION_WINDOW: u32 = 256 * 1024;
/// How often a quiet HTTP/2 connection is asked whether it is still there.
const HTTP2_PING: Duration = Duration::from_secs(30);
/// For the answer to that.
const HTTP2_PONG_TIMEOUT: Duration = Duration::from_secs(10);
/// Accepting fails when file descriptors are short: waiting a moment lets some be freed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener serves, and how.
#[derive(Clone)]
pub struct Service {
    /// What answers.
    pub router: Router,
    /// TLS, when the listener speaks it.
    pub tls: Option<Arc<TlsHandshake>>,
    /// Which certificates of clients are looked at that a proxy passes on.
    pub screen: Arc<Screen>,
    /// The proxies that are believed about certificates of clients.
    pub certificate_proxies: Arc<[Network]>,
    /// The proxies that are believed about addresses.
    pub trusted_proxies: Arc<[Network]>,
    /// Places for connections that speak HTTP. Upgraded ones give theirs back; the relay counts those.
    pub places: Arc<Semaphore>,
    /// Places of each address.
    pub connection_limit: Arc<ConnectionLimit>,
}

impl Service {
    fn is_proxy(&self, peer: SocketAddr) -> bool {
        names(&self.trusted_proxies, peer)
    }

    fn passes_certificates(&self, peer: SocketAddr) -> bool {
        names(&self.certificate_proxies, peer)
    }
}

fn names(networks: &[Network], peer: SocketAddr) -> bool {
    let peer = peer.ip().to_canonical();
    networks.iter().any(|network| network.contains(peer))
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
///
/// It accepts until nobody waits, without giving way to other tasks in between: in a storm there are thousands of them, and the
/// system drops who finds its backlog full, who then comes again after one, three and seven seconds.
pub async fn serve(listener: TcpListener, service: Service, shutdown: Shutdown) {
    tokio::task::unconstrained(accept_all(listener, service, shutdown)).await;
}

async fn accept_all(listener: TcpListener, service: Service, shutdown: Shutdown) {
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
    // A proxy's connections are those of many clients; it bounds them itself.
    let slot = if service.is_proxy(peer) {
        None
    } else if let Some(slot) = service.connection_limit.admit(peer.ip().into()) {
        Some(slot)
    } else {
        metrics::counter!("gangway_http_connections_refused_total").increment(1);
        return tracing::debug!(peer = %peer.ip(), "an address has too many connections; a new one was closed");
    };
    let watch = slot
        .as_ref()
        .map_or_else(Watch::begin, |slot| Arc::clone(&slot.watch));
    // Frames of the relay are small and somebody waits for each.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it was served");
        return;
    }
    let stream = match &service.tls {
        None => Stream::Plain(stream),
        Some(tls) => tokio::select! {
            stream = tls.accept(stream) => match stream {
                Ok(stream) => Stream::Tls(Box::new(stream)),
                Err(error) => return tracing::debug!(%error, "a TLS handshake failed"),
            },
            _ = watch.run_out() => return tracing::debug!("a TLS handshake took too long"),
        },
    };
    serve_http(stream, peer, service, shutdown, watch).await;
    drop((place, slot));
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

async fn serve_http(
    stream: Stream,
    peer: SocketAddr,
    service: Service,
    shutdown: Shutdown,
    watch: Arc<Watch>,
) {
    let passes_certificates = service.passes_certificates(peer);
    let Service {
        router,
        trusted_proxies,
        screen,
        ..
    } = service;
    let certificate = stream.client_certificate();
    let watched = Watched::new(stream, Arc::clone(&watch));
    let answer = {
        let watch = Arc::clone(&watch);
        service_fn(move |mut request: Request<Incoming>| {
            let answering = watch.answer(request.version());
            let address = client_address(peer.ip(), request.headers(), &trusted_proxies);
            request.extensions_mut().insert(ClientAddress(address));
            // Threat model: PRE-9. Whoever is no such proxy says nothing of certificates but by its handshake, and a proxy nothing by its own.
            let shown = match passes_certificates {
                true => client_certificate::from_proxy(request.headers(), &*screen),
                false => certificate.clone(),
            };
            if let Some(certificate) = shown {
                request.extensions_mut().insert(certificate);
            }
            let router = router.clone();
            async move {
                let response = router.oneshot(request).await?;
                Ok::<_, Infallible>(response.map(|body| AnswerBody::new(body, answering)))
            }
        })
    };
    let connection = http_builder()
        .serve_connection_with_upgrades(TokioIo::new(watched), answer)
        .into_owned();
    let mut connection = std::pin::pin!(connection);
    let mut is_closing = false;
    let result = loop {
        let is_idle = tokio::select! {
            result = connection.as_mut() => break result,
            () = shutdown.begun(), if !is_closing => false,
            run_out = watch.run_out() => match run_out {
                RunOut::Friendly => true,
                RunOut::AtOnce => return tracing::debug!("a connection kept the server waiting"),
            },
        };
        is_closing = true;
        if is_idle {
            watch.close();
        }
        connection.as_mut().graceful_shutdown();
    };
    if let Err(error) = result {
        let hint = match error.downcast_ref::<hyper::Error>() {
            Some(error) if error.is_parse() => {
                "; if it was TLS: it is spoken with tls_certificate and tls_key alone"
            }
            _ => "",
        };
        tracing::debug!("a connection ended badly: {error}{hint}");
    }
}

fn http_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // A second net below the watch's: hyper's own limit counts from the last answer.
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(HTTP1_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HTTP2_HEADERS)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PONG_TIMEOUT);
    builder
}
