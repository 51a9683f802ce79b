//! The accept loop on real sockets: addresses, TLS and its reloading, upgrades, places, and an orderly end.

mod nginx;
mod patience;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::FutureExt as _;
use gangway_server::config::TlsFiles;
use gangway_server::limits::ClientAddress;
use gangway_server::listen::{self, ClientCertificate, ConnectionLimit, Service, Shutdown, Stream, Tls};
use http::{StatusCode, header};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc};

/// An accept loop with something to serve.
struct Listening {
    address: SocketAddr,
    service: Service,
    shutdown: Shutdown,
}

impl Listening {
    fn start(router: Router) -> Self {
        Self::start_with(router, |_| {})
    }

    fn start_with(router: Router, change: impl FnOnce(&mut Service)) -> Self {
        let listener = listen::bind_own(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let places = Arc::new(Semaphore::new(100));
        let mut service = Service {
            router,
            tls: None,
            screen: listen::no_client_certificates(),
            certificate_proxies: Arc::new([]),
            trusted_proxies: Arc::new([]),
            places,
            connection_limit: ConnectionLimit::new(100),
        };
        change(&mut service);
        let shutdown = Shutdown::default();
        tokio::spawn(listen::serve(listener, service.clone(), shutdown.clone()));
        Self {
            address,
            service,
            shutdown,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it accepts")
    }
}

/// Sends a request and reads the reply to the end of the connection.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{head}\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it can be written");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.expect("it can be read");
    reply
}

fn echo_address() -> Router {
    Router::new().route(
        "/",
        get(|request: Request| async move {
            let address = request.extensions().get::<ClientAddress>().copied();
            address.map(|address| address.0.to_string()).unwrap_or_default()
        }),
    )
}

/// Threat model: ENR-6.
#[tokio::test]
async fn only_trusted_proxies_are_believed_about_addresses() {
    let listening = Listening::start(echo_address());
    let reply = ask(listening.connect().await, "x-forwarded-for: 203.0.113.7\r\n").await;
    assert!(reply.ends_with("\r\n\r\n127.0.0.1"), "{reply}");

    let behind = Listening::start_with(echo_address(), |service| {
        service.trusted_proxies = Arc::new(["127.0.0.0/8".parse().expect("a network")]);
    });
    let reply = ask(
        behind.connect().await,
        "x-forwarded-for: 198.51.100.1, 203.0.113.7\r\n",
    )
    .await;
    assert!(reply.ends_with("\r\n\r\n203.0.113.7"), "{reply}");
}

/// Threat model: PRE-9.
#[tokio::test]
async fn a_certificate_in_a_header_counts_from_proxies_that_are_named_for_it() {
    let echo = || {
        let show = get(|request: Request| async move {
            let shown = request.extensions().get::<ClientCertificate>().cloned();
            shown.map_or_else(|| "none".to_owned(), |shown| format!("{:?}", shown.0))
        });
        Router::new().route("/", show)
    };
    let take_all = |service: &mut Service| {
        service.screen = Arc::new(|der: &[u8]| match der {
            [] => Err(rustls::CertificateError::BadEncoding),
            _ => Ok(()),
        });
    };
    // A proxy that is trusted about addresses passes on whatever clients send.
    let stranger = Listening::start_with(echo(), |service| {
        take_all(service);
        service.trusted_proxies = Arc::new(["127.0.0.0/8".parse().expect("a network")]);
    });
    let head = "client-cert: :AQID:\r\n";
    let reply = ask(stranger.connect().await, head).await;
    assert!(reply.ends_with("none"), "{reply}");

    let proxy = Listening::start_with(echo(), |service| {
        take_all(service);
        service.certificate_proxies = Arc::new(["127.0.0.0/8".parse().expect("a network")]);
    });
    let reply = ask(proxy.connect().await, head).await;
    assert!(reply.ends_with("[1, 2, 3]"), "{reply}");
    for unclear in [
        "client-cert: AQID\r\n",
        "client-cert: ::\r\n",
        "client-cert: :AQID:\r\nclient-cert: :BAUG:\r\n",
    ] {
        let reply = ask(proxy.connect().await, unclear).await;
        assert!(reply.ends_with("none"), "{unclear}: {reply}");
    }
}

/// A certificate for `localhost` in files, whose names tests can give new contents.
struct Certificate {
    folder: tempfile::TempDir,
    der: CertificateDer<'static>,
}

impl Certificate {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut certificate = Self {
            folder,
            der: CertificateDer::from(Vec::new()),
        };
        certificate.renew();
        certificate
    }

    fn renew(&mut self) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let files = self.files();
        std::fs::write(files.certificate, made.cert.pem()).expect("it can be written");
        std::fs::write(files.key, made.signing_key.serialize_pem()).expect("it can be written");
        self.der = made.cert.der().clone();
        self.touch();
    }

    /// Gives the files a time of change that none of them had before, however coarse the file system's clock is.
    fn touch(&self) {
        let files = self.files();
        for file in [files.certificate, files.key] {
            let file = std::fs::File::options()
                .write(true)
                .open(file)
                .expect("it is there");
            let before = file
                .metadata()
                .and_then(|data| data.modified())
                .expect("it has a time");
            file.set_modified(before + Duration::from_secs(1))
                .expect("it can be set");
        }
    }

    fn files(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.folder.path().join("certificate.pem"),
            key: self.folder.path().join("key.pem"),
        }
    }

    /// Shakes hands trusting this certificate alone.
    async fn handshake(
        &self,
        stream: TcpStream,
        protocols: &[&str],
    ) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.der.clone()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the versions fit")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        tokio_rustls::TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }
}

fn tls(certificate: &Certificate) -> Arc<Tls> {
    Arc::new(Tls::load(certificate.files()).expect("the files are fine"))
}

#[tokio::test]
async fn tls_serves_and_reads_changed_files_again() {
    let mut certificate = Certificate::make();
    let tls = tls(&certificate);
    let listening = Listening::start_with(echo_address(), |service| service.tls = Some(tls.handshake()));
    let stream = certificate
        .handshake(listening.connect().await, &["h2", "http/1.1"])
        .await
        .expect("it is trusted");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let stream = certificate
        .handshake(listening.connect().await, &["http/1.1"])
        .await
        .expect("it is trusted");
    assert!(ask(stream, "").await.starts_with("HTTP/1.1 200"));

    certificate.renew();
    assert!(
        certificate
            .handshake(listening.connect().await, &[])
            .await
            .is_err(),
        "the former certificate is served still"
    );
    tls.reload_if_changed();
    assert!(
        certificate
            .handshake(listening.connect().await, &[])
            .await
            .is_ok()
    );

    std::fs::write(certificate.files().key, "not a key").expect("it can be written");
    certificate.touch();
    tls.reload_if_changed();
    assert!(
        certificate
            .handshake(listening.connect().await, &[])
            .await
            .is_ok(),
        "what is broken does not replace what works"
    );
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused_at_start() {
    let certificate = Certificate::make();
    let other = Certificate::make();
    std::fs::copy(other.files().key, certificate.files().key).expect("it can be copied");
    let error = Tls::load(certificate.files()).err().expect("it is refused");
    assert!(
        error
            .to_string()
            .contains("does not belong to the first certificate"),
        "{error}"
    );
    std::fs::remove_file(certificate.files().certificate).expect("it can be removed");
    let error = Tls::load(certificate.files()).err().expect("it is refused");
    assert!(error.to_string().contains("certificate.pem"), "{error}");
}

/// Upgrades every request and sends the raw stream to the test.
fn upgrade_to(streams: mpsc::Sender<Stream>) -> Router {
    Router::new().route(
        "/",
        get(move |mut request: Request| async move {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let upgraded = upgrade.await.expect("the client upgrades");
                let (stream, ahead) = listen::take_stream(upgraded).expect("it comes from our accept loop");
                assert_eq!(ahead.as_ref(), b"ahead");
                streams.send(stream).await.expect("the test waits");
            });
            let headers = [(header::UPGRADE, "test"), (header::CONNECTION, "upgrade")];
            (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
        }),
    )
}

async fn upgrade(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: test\r\n\r\nahead";
    stream.write_all(request).await.expect("it can be written");
    let mut reply = Vec::new();
    while !reply.ends_with(b"\r\n\r\n") {
        reply.push(stream.read_u8().await.expect("the head comes whole"));
    }
    assert!(reply.starts_with(b"HTTP/1.1 101"));
}

#[tokio::test]
async fn an_upgrade_gives_the_raw_stream_back_and_frees_its_place() {
    let (sender, mut streams) = mpsc::channel(1);
    let listening = Listening::start_with(upgrade_to(sender), |service| {
        service.places = Arc::new(Semaphore::new(1));
    });
    let mut client = listening.connect().await;
    upgrade(&mut client).await;
    let Some(Stream::Plain(mut raw)) = streams.recv().await else {
        panic!("a plain stream")
    };
    raw.write_all(b"hello").await.expect("it can be written");
    let mut hello = [0; 5];
    client.read_exact(&mut hello).await.expect("it can be read");
    assert_eq!(&hello, b"hello");
    // The one place is free again although the upgraded connection lives on.
    let mut second = listening.connect().await;
    upgrade(&mut second).await;
    drop(client);
}

#[tokio::test]
async fn an_upgrade_under_tls_gives_the_tls_stream_back() {
    let certificate = Certificate::make();
    let (sender, mut streams) = mpsc::channel(1);
    let tls = tls(&certificate);
    let listening = Listening::start_with(upgrade_to(sender), |service| service.tls = Some(tls.handshake()));
    let mut client = certificate
        .handshake(listening.connect().await, &["http/1.1"])
        .await
        .expect("it is trusted");
    upgrade(&mut client).await;
    let Some(Stream::Tls(mut raw)) = streams.recv().await else {
        panic!("a TLS stream")
    };
    client.write_all(b"hello").await.expect("it can be written");
    client.flush().await.expect("it can be flushed");
    let mut hello = [0; 5];
    raw.read_exact(&mut hello).await.expect("it can be read");
    assert_eq!(&hello, b"hello");
}

/// Answers when told, and says when it was asked.
fn answer_when_told(asked: Arc<Notify>, told: Arc<Notify>) -> Router {
    Router::new().route(
        "/",
        get(move || async move {
            asked.notify_one();
            told.notified().await;
            Response::new("answered".to_owned())
        }),
    )
}

#[tokio::test]
async fn a_shutdown_lets_requests_finish_and_accepts_no_more() {
    let (asked, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let listening = Listening::start(answer_when_told(asked.clone(), told.clone()));
    let busy = tokio::spawn(ask(listening.connect().await, ""));
    // An idle connection does not hold the end up.
    let idle = listening.connect().await;
    asked.notified().await;
    listening.shutdown.begin();
    tokio::task::yield_now().await;
    told.notify_one();
    assert!(busy.await.expect("no panic").ends_with("answered"));
    listening.shutdown.finished().await;
    assert!(TcpStream::connect(listening.address).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn without_a_free_place_connections_wait() {
    let (asked, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = answer_when_told(asked.clone(), told.clone());
    let listening = Listening::start_with(router, |service| service.places = Arc::new(Semaphore::new(1)));
    let first = tokio::spawn(ask(listening.connect().await, ""));
    asked.notified().await;
    let second = tokio::spawn(ask(listening.connect().await, ""));
    assert_eq!(listening.service.places.available_permits(), 0);
    // Whoever comes later to another listener of this thread is answered: so would the second be, had it a place.
    let elsewhere = Listening::start(echo_address());
    for _ in 0..3 {
        assert!(
            ask(elsewhere.connect().await, "")
                .await
                .starts_with("HTTP/1.1 200")
        );
    }
    assert_eq!(asked.notified().now_or_never(), None, "the second waits");
    told.notify_one();
    assert!(first.await.expect("no panic").ends_with("answered"));
    asked.notified().await;
    told.notify_one();
    assert!(second.await.expect("no panic").ends_with("answered"));
}

#[tokio::test]
async fn who_speaks_http_to_a_port_with_tls_is_told_so() {
    let certificate = Certificate::make();
    let tls = Arc::new(Tls::load(certificate.files()).expect("the files are fine"));
    let listening = Listening::start_with(echo_address(), |service| service.tls = Some(tls.handshake()));
    let reply = ask(listening.connect().await, "").await;
    let (head, body) = reply.split_once("\r\n\r\n").expect("an answer of HTTP");
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{head}"
    );
    let problem: gangway_protocol::error::ProblemDetails =
        serde_json::from_str(body).expect("problem details");
    let detail = problem.detail.expect("words");
    assert!(detail.contains("https://"), "{detail}");
}
