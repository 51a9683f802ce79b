//! The way to the server: TLS at the right and at the wrong time, proxies, and what goes wrong in words.

mod faults;

use std::sync::Arc;

use gangway_protocol::path::ENROLMENT_SOCKET;
use gangway_protocol::time::UnixMillis;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Dialer, Proxies, TransportError};
use crate::clock::build_time;
use crate::config::Settings;
use crate::testing::{NOW, Relay, SetClock, TestCa, serve_self_signed, serve_tls};

/// A panel at `panel.example` with a certificate of its own CA, reached through a proxy that knows where it is.
struct Scene {
    relay: Arc<Relay>,
    settings: Settings,
    proxy: TcpListener,
    _directory: tempfile::TempDir,
}

const HOST: &str = "panel.example";
const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";

impl Scene {
    async fn new(certificate_for: &str) -> Self {
        let (ca, directory) = (TestCa::new(), tempfile::tempdir().expect("a directory"));
        let ca_file = directory.path().join("ca.pem");
        std::fs::write(&ca_file, ca.root_pem()).expect("written");
        let relay = Arc::new(Relay::start(Some(serve_tls(&ca, certificate_for))).await);
        let proxy = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let mut settings = Settings::new(format!("https://{HOST}").parse().expect("a server"));
        settings.ca_file = Some(ca_file);
        let address = proxy.local_addr().expect("an address");
        settings.proxies = Proxies {
            https: Some(format!("http://ship:w%40ter@{address}")),
            none: String::new(),
        };
        Self {
            relay,
            settings,
            proxy,
            _directory: directory,
        }
    }

    /// From now on the panel has a certificate that it signed itself, which is returned.
    async fn serve_self_signed(&mut self, marked_as_ca: bool, name: &str) -> String {
        let (acceptor, pem) = serve_self_signed(name, marked_as_ca);
        self.relay = Arc::new(Relay::start(Some(acceptor)).await);
        pem
    }

    fn trust(&self, pem: &str) {
        let path = self.settings.ca_file.as_ref().expect("a CA file");
        std::fs::write(path, pem).expect("written");
    }

    /// Connects at `time`, with `last_good` from earlier.
    async fn connect_at(
        &self,
        time: UnixMillis,
        last_good: Option<UnixMillis>,
    ) -> Result<(), TransportError> {
        let dialer = Dialer::new(&self.settings, Arc::new(SetClock::at(time))).expect("a dialer");
        if let Some(time) = last_good {
            dialer.trusted_time().remember(time);
        }
        let relay = Arc::clone(&self.relay);
        let served = tokio::spawn(async move { relay.accept().await.path });
        let opened = tokio::select! {
            opened = dialer.open(ENROLMENT_SOCKET, "gangway.enrolment.v1") => opened.map(drop),
            () = self.pass_on(ESTABLISHED) => unreachable!("the proxy goes on for ever"),
        };
        if opened.is_ok() {
            assert_eq!(served.await.expect("served"), ENROLMENT_SOCKET);
        } else {
            served.abort();
        }
        opened
    }

    /// Plays the proxy, which gives this answer.
    async fn pass_on(&self, answer: &str) {
        loop {
            let (mut down, _) = self.proxy.accept().await.expect("accepted");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(down.read_u8().await.expect("a head"));
            }
            let head = String::from_utf8(head).expect("text");
            assert!(
                head.starts_with("CONNECT panel.example:443 HTTP/1.1\r\nHost: panel.example:443\r\n"),
                "{head}"
            );
            assert!(
                head.contains("\r\nProxy-Authorization: Basic c2hpcDp3QHRlcg==\r\n"),
                "{head}"
            );
            down.write_all(answer.as_bytes()).await.expect("written");
            let address = self.relay.address();
            tokio::spawn(async move {
                let mut up = TcpStream::connect(address).await.expect("connected");
                drop(tokio::io::copy_bidirectional(&mut down, &mut up).await);
            });
        }
    }
}

impl Scene {
    /// Plays a proxy that opens no tunnel.
    async fn refuse(&self, answer: &str) {
        loop {
            let (mut down, _) = self.proxy.accept().await.expect("accepted");
            let mut request = [0; 1024];
            let _read = down.read(&mut request).await.expect("a request");
            down.write_all(answer.as_bytes()).await.expect("written");
        }
    }
}

#[tokio::test]
async fn a_panel_with_its_own_ca_is_reached_through_a_proxy() {
    let scene = Scene::new(HOST).await;
    assert_eq!(scene.connect_at(NOW, None).await, Ok(()));
}

#[tokio::test]
async fn a_wrong_clock_is_told_and_not_passed_over() {
    let scene = Scene::new(HOST).await;
    for time in [UnixMillis(0), NOW.plus(60 * UnixMillis::DAY)] {
        let Err(error) = scene.connect_at(time, None).await else {
            panic!("there is no bypass")
        };
        assert!(matches!(error, TransportError::Dates { .. }), "{error}");
        assert_eq!(error.trouble().code, "clock");
        assert!(error.to_string().contains("2029"), "{error}");
    }
}

#[tokio::test]
async fn the_last_good_time_helps_a_device_that_lost_the_date() {
    let scene = Scene::new(HOST).await;
    assert!(scene.connect_at(UnixMillis(0), None).await.is_err());
    assert_eq!(scene.connect_at(UnixMillis(0), Some(NOW)).await, Ok(()));
    // And it is only ever the latest that counts: a clock that runs ahead is not pulled back.
    assert!(
        scene
            .connect_at(NOW.plus(60 * UnixMillis::DAY), Some(NOW))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_wrong_name_or_issuer_is_never_blamed_on_the_clock() {
    let other_name = Scene::new("other.example").await;
    for time in [NOW, NOW.plus(60 * UnixMillis::DAY)] {
        let Err(error) = other_name.connect_at(time, None).await else {
            panic!("refused")
        };
        assert!(matches!(error, TransportError::Tls(_)), "{error}");
    }
    let mut unknown_issuer = Scene::new(HOST).await;
    unknown_issuer.settings.ca_file = None;
    let Err(error) = unknown_issuer.connect_at(NOW, None).await else {
        panic!("refused")
    };
    assert_eq!(error.trouble().code, "tls");
    assert!(error.trouble().remedy.contains("--ca-file"));
}

#[tokio::test]
async fn proxies_are_understood_as_they_write() {
    let scene = Scene::new(HOST).await;
    for answer in [
        "HTTP/1.0 200 OK\nVia: test\n\n",
        "HTTP/1.1 200 \r\n\r\n",
        "HTTP/1.1 201 Made\r\nProxy-Agent : old\r\nX-Long: a\r\n b\r\n\r\n",
    ] {
        let dialer = Dialer::new(&scene.settings, Arc::new(SetClock::at(NOW))).expect("a dialer");
        let opened = tokio::select! {
            opened = dialer.open(ENROLMENT_SOCKET, "x") => opened.map(drop),
            _peer = scene.relay.accept() => Ok(()),
            () = scene.pass_on(answer) => unreachable!("the proxy goes on for ever"),
        };
        assert_eq!(opened, Ok(()), "{answer:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_apart() {
    let mut scene = Scene::new(HOST).await;
    let refused = |head: &str| format!("HTTP/1.1 {head}\r\nContent-Length: 2\r\n\r\nno");
    let without = scene.settings.proxies.https.clone().expect("a proxy");
    let without = without.replace("ship:w%40ter@", "");
    for (given, answer, words) in [
        (true, "403 Forbidden", "status 403"),
        (
            true,
            "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"sea\"",
            "does not accept the user name and the password",
        ),
        (
            true,
            "407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM",
            "asks for Negotiate or NTLM",
        ),
        (
            false,
            "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"sea\"",
            "wants a user name and a password",
        ),
    ] {
        if !given {
            scene.settings.proxies.https = Some(without.clone());
        }
        let dialer = Dialer::new(&scene.settings, Arc::new(SetClock::at(NOW))).expect("a dialer");
        let answer = refused(answer);
        let opened = tokio::select! {
            opened = dialer.open(ENROLMENT_SOCKET, "x") => opened.map(drop),
            () = scene.refuse(&answer) => unreachable!("the proxy goes on for ever"),
        };
        let Err(TransportError::Proxy(text)) = opened else {
            panic!("{opened:?}")
        };
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_proxy_is_told() {
    let scene = Scene::new(HOST).await;
    let dialer = Dialer::new(&scene.settings, Arc::new(SetClock::at(NOW))).expect("a dialer");
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    for answer in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", &long] {
        let opened = tokio::select! {
            opened = dialer.open(ENROLMENT_SOCKET, "x") => opened.map(drop),
            () = scene.refuse(answer) => unreachable!("the proxy goes on for ever"),
        };
        assert!(matches!(opened, Err(TransportError::Proxy(_))), "{opened:?}");
    }
}

/// A reverse proxy before the panel adds words to `Connection`, and sends the first frame along with its head.
#[tokio::test]
async fn a_panel_behind_a_proxy_that_keeps_connections_alive_is_reached() {
    for line_end in ["\r\n", "\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let settings = Settings::new(url.parse().expect("a server"));
        let dialer = Dialer::new(&settings, Arc::new(SetClock::at(NOW))).expect("a dialer");
        let serve = async {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a head"));
            }
            let head = String::from_utf8(head).expect("text");
            let key = head
                .lines()
                .find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("sec-websocket-key").then_some(value)
                })
                .expect("a key");
            let accept = derive_accept_key(key.as_bytes());
            let lines = [
                "HTTP/1.1 101 Switching Protocols",
                "upgrade: WebSocket",
                "connection: keep-alive, Upgrade",
                "sec-websocket-protocol: x",
                &format!("sec-websocket-accept: {accept}"),
                "",
                "",
            ];
            let frame: &[u8] = &[0x81, 4, b'"', b'h', b'i', b'"'];
            let answer = [lines.join(line_end).as_bytes(), frame].concat();
            stream.write_all(&answer).await.expect("written");
            std::future::pending::<()>().await;
        };
        let said: String = tokio::select! {
            said = async { dialer.open(ENROLMENT_SOCKET, "x").await.expect("open").next().await } => said.expect("a frame"),
            () = serve => unreachable!("it waits for ever"),
        };
        assert_eq!(said, "hi");
    }
}

#[tokio::test]
async fn what_is_no_panel_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let settings = Settings::new(url.parse().expect("a server"));
    let dialer = Dialer::new(&settings, Arc::new(SetClock::at(NOW))).expect("a dialer");
    let answer = async {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut buffer = [0; 1024];
        let _read = stream.read(&mut buffer).await.expect("a request");
        let answer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.expect("written");
        std::future::pending::<()>().await;
    };
    let opened = tokio::select! {
        opened = dialer.open(ENROLMENT_SOCKET, "x") => opened.map(drop),
        () = answer => unreachable!("it waits for ever"),
    };
    assert_eq!(
        opened,
        Err(TransportError::Status {
            status: 503,
            retry_after_secs: Some(7)
        })
    );
    drop(listener);
    let Err(error) = dialer.open(ENROLMENT_SOCKET, "x").await.map(drop) else {
        panic!("nobody listens")
    };
    assert_eq!(error.trouble().code, "unreachable");
}

#[test]
fn a_ca_file_without_certificates_is_refused_at_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("ca.pem");
    let mut settings = Settings::new(format!("https://{HOST}").parse().expect("a server"));
    settings.ca_file = Some(path.clone());
    for content in [
        None,
        Some(""),
        Some("hello"),
        Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        if let Some(content) = content {
            std::fs::write(&path, content).expect("written");
        }
        let refused = Dialer::new(&settings, Arc::new(SetClock::at(NOW))).map(drop);
        assert!(
            matches!(refused, Err(TransportError::CaFile { .. })),
            "{content:?}"
        );
    }
}

#[test]
fn one_wrong_word_moves_the_time_by_a_month_at_most_and_never_to_the_end_of_the_certificate() {
    let time = super::TrustedTime::new(Arc::new(SetClock::at(UnixMillis(0))));
    let (start, far) = (build_time(), build_time().plus(3650 * UnixMillis::DAY));
    assert_eq!(time.now(), start);
    assert_eq!(time.learn(NOW, None), None, "without TLS nothing is believed");
    let month = start.plus(30 * UnixMillis::DAY);
    assert_eq!(time.learn(far, Some(far)), Some(month));
    assert_eq!(time.now(), month);
    let soon = month.plus(10 * UnixMillis::DAY);
    assert_eq!(time.learn(far, Some(soon)), Some(month.plus(5 * UnixMillis::DAY)));
    let present = time.now().plus(UnixMillis::DAY);
    assert_eq!(time.learn(present, Some(far)), Some(present), "an ordinary step");
    time.learn(start, Some(far));
    assert_eq!(time.now(), present, "never back");
    time.learn(far, Some(start));
    assert_eq!(time.now(), present, "a certificate that has ended moves nothing");
}

#[test]
fn a_lost_clock_comes_to_the_present_in_several_sessions() {
    let time = super::TrustedTime::new(Arc::new(SetClock::at(UnixMillis(0))));
    let present = build_time().plus(2 * 365 * UnixMillis::DAY);
    let sessions = (1..100).find(|_| {
        time.learn(present, Some(present.plus(3650 * UnixMillis::DAY)));
        time.now() == present
    });
    assert_eq!(sessions, Some(25));
}

#[tokio::test]
async fn a_certificate_that_is_marked_as_a_ca_is_good_where_it_is_itself_trusted() {
    let mut scene = Scene::new(HOST).await;
    let pinned = scene.serve_self_signed(true, HOST).await;
    scene.trust(&pinned);
    scene
        .connect_at(NOW, None)
        .await
        .expect("the very certificate is trusted");
    let late = NOW.plus(365 * UnixMillis::DAY);
    let expired = scene.connect_at(late, None).await.expect_err("its dates count");
    assert!(matches!(expired, TransportError::Dates { .. }), "{expired}");

    let other_name = scene.serve_self_signed(true, "other.example").await;
    scene.trust(&other_name);
    let refused = scene.connect_at(NOW, None).await.expect_err("its name counts");
    assert!(
        refused.to_string().contains("is not for panel.example"),
        "{refused}"
    );

    scene.serve_self_signed(true, HOST).await;
    let refused = scene
        .connect_at(NOW, None)
        .await
        .expect_err("it is another certificate");
    assert!(matches!(refused, TransportError::MarkedAsCa), "{refused}");
    assert!(refused.trouble().remedy.contains("CA:FALSE"));

    let ordinary = scene.serve_self_signed(false, HOST).await;
    scene.trust(&ordinary);
    scene
        .connect_at(NOW, None)
        .await
        .expect("so is one that is not marked");
}

#[tokio::test]
async fn one_bad_block_in_the_ca_file_is_left_out_and_told() {
    let scene = Scene::new(HOST).await;
    let path = scene.settings.ca_file.clone().expect("a CA file");
    let good = std::fs::read_to_string(&path).expect("the root");
    let bad = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    std::fs::write(&path, format!("# works\n{bad}{good}")).expect("written");
    scene.connect_at(NOW, None).await.expect("the good one is used");
    let dialer = Dialer::new(&scene.settings, Arc::new(SetClock::at(NOW))).expect("a dialer");
    let skipped = dialer.skipped_of_ca_file().expect("it is told");
    assert!(
        skipped.code == "ca_file_entry" && skipped.message.contains("line 2:"),
        "{}",
        skipped.message
    );
    std::fs::write(&path, &good).expect("written");
    let dialer = Dialer::new(&scene.settings, Arc::new(SetClock::at(NOW))).expect("a dialer");
    assert_eq!(dialer.skipped_of_ca_file(), None);
}
