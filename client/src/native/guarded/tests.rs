//! What the guard lets through, against receivers on loopback and a resolver that answers as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};

use gangway_protocol::certificate::file::TrustAnchors;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A resolver that says one thing after the other, and counts how often it was asked.
fn saying(answers: &'static [&'static [&'static str]]) -> (Lookup, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        let turn = counter.fetch_add(1, Ordering::SeqCst);
        let answer = answers[turn.min(answers.len() - 1)];
        Box::pin(async move { Ok(answer.iter().map(|text| address(text)).collect()) })
    });
    (lookup, asked)
}

fn way(lookup: Lookup, allowed: &'static [&'static str]) -> Guarded {
    let allowed: Allowed = Arc::new(move |candidate| allowed.iter().any(|one| address(one) == candidate));
    Guarded::new(None, lookup, allowed).expect("a way")
}

fn to(url: &str) -> http::Request<Vec<u8>> {
    http::Request::post(url)
        .body(b"an event".to_vec())
        .expect("a request")
}

/// Answers every connection with this, and says how many there were.
async fn answering(listener: TcpListener, answer: &'static [u8]) -> usize {
    let mut connections = 0;
    while let Ok(Ok((mut stream, _))) =
        tokio::time::timeout(Duration::from_millis(300), listener.accept()).await
    {
        connections += 1;
        let mut seen = [0; 1024];
        let _ = stream.read(&mut seen).await;
        let _ = stream.write_all(answer).await;
    }
    connections
}

/// Threat model: WHK-1.
#[test]
fn only_what_is_public_is_public() {
    for inside in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(address(inside)), "{inside}");
    }
    for outside in [
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.255.255",
        "198.20.0.1",
        "223.255.255.255",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2001:200::1",
        "2606:4700:4700::1111",
        "2a00:1450::1",
    ] {
        assert!(is_public(address(outside)), "{outside}");
    }
}

/// Threat model: WHK-1.
///
/// However an address is spelled, and whether or not anybody listens there.
#[tokio::test]
async fn an_address_inside_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answering = tokio::spawn(answering(
        listener,
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ));
    let (lookup, asked) = saying(&[&["1.1.1.1"]]);
    let way = way(lookup, &[]);
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
    ] {
        let sent = way.send(to(&format!("http://{host}:{port}/"))).await;
        assert_eq!(sent, Err(GuardedError::NotPublic), "{host}");
    }
    assert_eq!(answering.await.expect("it ends"), 0);
    assert_eq!(asked.load(Ordering::SeqCst), 0, "addresses are not looked up");
}

/// Threat model: WHK-1.
#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answering = tokio::spawn(answering(
        listener,
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ));
    for answer in [
        &["127.0.0.1"][..],
        &["::1", "127.0.0.1"],
        &["::ffff:127.0.0.1"],
        &[],
    ] {
        let lookup: Lookup = Arc::new(move |_| {
            let found = answer.iter().map(|text| address(text)).collect();
            Box::pin(async move { Ok(found) })
        });
        let sent = way(lookup, &[])
            .send(to(&format!("http://inside.example:{port}/")))
            .await;
        assert_eq!(sent, Err(GuardedError::NotPublic), "{answer:?}");
    }
    assert_eq!(answering.await.expect("it ends"), 0);
}

/// Threat model: WHK-2.
///
/// Who answers otherwise the second time is not asked a second time. The allowed address stands for a public one here.
#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
    let checked = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = checked.local_addr().expect("an address").port();
    let inside = TcpListener::bind(("127.0.0.2", port))
        .await
        .expect("the same port");
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (checked, inside) = (
        tokio::spawn(answering(checked, answer)),
        tokio::spawn(answering(inside, answer)),
    );
    let (lookup, asked) = saying(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let way = way(lookup, &["127.0.0.1"]);
    let first = way.send(to(&format!("http://rebinding.example:{port}/"))).await;
    assert_eq!(first.expect("an answer").status, 200);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // The next request looks for itself.
    let second = way.send(to(&format!("http://rebinding.example:{port}/"))).await;
    assert_eq!(second, Err(GuardedError::NotPublic));
    assert_eq!(
        (
            checked.await.expect("it ends"),
            inside.await.expect("it ends"),
            asked.load(Ordering::SeqCst)
        ),
        (1, 0, 2)
    );
}

/// Threat model: WHK-2.
#[tokio::test]
async fn a_redirect_is_an_answer_and_not_a_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let answering = tokio::spawn(answering(
        listener,
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.2/\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n",
    ));
    let (lookup, _) = saying(&[&["1.1.1.1"]]);
    let answer = way(lookup, &["127.0.0.1", "127.0.0.2"]).send(to(&url)).await;
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.retry_after_secs), (307, Some(120)));
    assert_eq!(answering.await.expect("it ends"), 1);
}

#[tokio::test]
async fn of_an_answer_without_end_the_beginning_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut seen = [0; 1024];
        let _ = stream.read(&mut seen).await;
        let head = b"HTTP/1.1 500 Oops\r\ncontent-length: 900000000\r\n\r\n";
        stream.write_all(head).await.expect("the head");
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    let (lookup, _) = saying(&[&["1.1.1.1"]]);
    let answer = way(lookup, &["127.0.0.1"])
        .send(to(&url))
        .await
        .expect("an answer");
    assert_eq!(answer.status, 500);
    serving.await.expect("it is let go");
}

/// Threat model: WHK-1.
#[test]
fn of_what_is_inside_nothing_is_shown() {
    assert_eq!(excerpt(Some(address("1.1.1.1")), b"out of order"), "out of order");
    for inside in ["10.0.0.1", "127.0.0.1", "::ffff:10.0.0.1", "fd00::1"] {
        assert_eq!(excerpt(Some(address(inside)), b"a secret"), "", "{inside}");
    }
    assert_eq!(excerpt(None, b"a secret"), "");
}

/// Time is advanced by itself while nothing happens.
#[tokio::test(start_paused = true)]
async fn who_never_answers_is_waited_for_a_bounded_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", silent.local_addr().expect("an address"));
    let (lookup, _) = saying(&[&["1.1.1.1"]]);
    let sent = way(lookup, &["127.0.0.1"]).send(to(&url)).await;
    assert_eq!(
        sent,
        Err(GuardedError::Silent("no answer within 10 seconds".to_owned()))
    );
}

/// A receiver with a certificate of this name and its issuer.
async fn over_tls(name: &str) -> (u16, TrustAnchors) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let anchors = super::super::read_trust_anchors(certificate.pem().as_bytes()).expect("an anchor");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("a certificate");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = stream.into_std() else { return };
            let config = Arc::new(config.clone());
            std::thread::spawn(move || {
                use std::io::{Read as _, Write as _};
                stream.set_nonblocking(false).expect("it can block");
                let mut session = rustls::ServerConnection::new(config).expect("a session");
                let mut tls = rustls::Stream::new(&mut session, &mut stream);
                let mut seen = [0; 1024];
                // A client that does not believe the certificate goes away.
                let _ = tls.read(&mut seen);
                let _ = tls.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            });
        }
    });
    (port, anchors)
}

/// Threat model: WHK-2.
///
/// The address comes from the look-up, the name in the certificate from the URL.
#[tokio::test]
async fn over_tls_the_receiver_has_to_be_the_one_that_is_named() {
    let (port, anchors) = over_tls("receiver.example").await;
    let (lookup, _) = saying(&[&["127.0.0.1"]]);
    let allowed: Allowed = Arc::new(|address| address.is_loopback());
    let way = Guarded::new(Some(&anchors), lookup.clone(), allowed.clone()).expect("a way");
    let answer = way.send(to(&format!("https://receiver.example:{port}/"))).await;
    assert_eq!(answer.expect("an answer").status, 204);
    for (way, name) in [
        (&way, "other.example"),
        (
            &Guarded::new(None, lookup, allowed).expect("a way"),
            "receiver.example",
        ),
    ] {
        let sent = way.send(to(&format!("https://{name}:{port}/"))).await;
        assert!(
            matches!(&sent, Err(GuardedError::Silent(why)) if why.starts_with("its TLS certificate was not accepted")),
            "{name}: {sent:?}"
        );
    }
}
