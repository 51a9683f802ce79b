//! The native transport against a server of a few lines: what is on the wire, and how failures are told apart.

use std::sync::{Arc, Mutex};

use gangway_client::{
    Api, ApiError, IdempotencyKey, Native, NativeOptions, SocketError, SocketEvent, TransportError,
};
use gangway_protocol::account::{TokenRequest, TokenScope};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::page::PageQuery;
use gangway_protocol::secret::SecretString;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

type Heard = Arc<Mutex<String>>;

/// A server that answers every connection with the same bytes and keeps what it was asked.
async fn answering(answer: &'static str) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let heard = Heard::default();
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream, answer, &kept).await;
        }
    });
    (url, heard)
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str, heard: &Heard) {
    let mut request = vec![0; 8 * 1024];
    let mut len = 0;
    while let Ok(more @ 1..) = stream.read(&mut request[len..]).await {
        len += more;
        if is_whole(&request[..len]) {
            break;
        }
    }
    heard
        .lock()
        .expect("nobody panics with it")
        .push_str(&String::from_utf8_lossy(&request[..len]));
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Head and, by its length, body.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let len = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= len.unwrap_or(0)
}

fn native(server: &str, trust_anchors: Option<String>) -> Native {
    Native::new(&NativeOptions {
        server: server.to_owned(),
        token: Some(SecretString::new("gw_pat_0123".to_owned())),
        trust_anchors: trust_anchors.map(String::into_bytes),
    })
    .expect("good options")
}

fn api(server: &str) -> Api {
    Api::new(Arc::new(native(server, None)))
}

#[tokio::test]
async fn a_creation_carries_token_key_and_json() {
    let body = r#"{"id":"tok_0000000001zzzzzzzzzzzzzzzz","name":"ci","scopes":["enrol"],"organisation":"org_0000000001zzzzzzzzzzzzzzzz","created_at":1,"expires_at":2,"secret":"gw_pat_new"}"#;
    let answer: &'static str = Box::leak(
        format!(
            "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_boxed_str(),
    );
    let (url, heard) = answering(answer).await;
    let request = TokenRequest {
        name: "ci".to_owned(),
        scopes: vec![TokenScope::Enrol],
        organisation: "org_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
        valid_days: 30,
    };
    let token = api(&url)
        .create_token(&request, &IdempotencyKey::new([0xab; 16]))
        .await
        .expect("a token");
    assert_eq!(token.secret.expect("this once").expose(), "gw_pat_new");
    let heard = heard.lock().expect("nobody panics with it").clone();
    let (head, body) = heard.split_once("\r\n\r\n").expect("a head and a body");
    assert!(
        head.starts_with("POST /api/v1/account/tokens HTTP/1.1\r\n"),
        "{head}"
    );
    for line in [
        "authorization: Bearer gw_pat_0123",
        "idempotency-key: abababababababababababababababab",
        "content-type: application/json",
        "accept: application/json",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    assert_eq!(
        body,
        r#"{"name":"ci","scopes":["enrol"],"organisation":"org_0000000001zzzzzzzzzzzzzzzz","valid_days":30}"#
    );
}

#[tokio::test]
async fn problems_pages_and_silence_are_told_apart() {
    let (url, _) = answering("HTTP/1.1 429 Too Many Requests\r\nretry-after: 42\r\ncontent-length: 72\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Slow\",\"status\":429,\"code\":\"rate_limited\"}").await;
    let error = api(&url).account().await.expect_err("a problem");
    assert_eq!(error.code(), Some(ProblemCode::RateLimited));
    assert_eq!(error.retry_after_secs(), Some(42));

    let (url, _) = answering("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 5\r\n\r\nsorry").await;
    let error = api(&url)
        .organisations(&PageQuery::default())
        .await
        .expect_err("a page");
    assert!(matches!(error, ApiError::Unexplained { status: 502, .. }));

    let (url, _) = answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    assert!(matches!(
        api(&url).account().await,
        Err(ApiError::Malformed { .. })
    ));

    let unused = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", unused.local_addr().expect("an address"));
    drop(unused);
    assert!(matches!(
        api(&url).account().await,
        Err(ApiError::Offline(TransportError::Unreachable { .. }))
    ));
}

#[tokio::test]
async fn redirects_are_not_followed_with_the_token() {
    let (elsewhere, heard) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let answer: &'static str = Box::leak(
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {elsewhere}/\r\ncontent-length: 0\r\n\r\n")
            .into_boxed_str(),
    );
    let (url, _) = answering(answer).await;
    assert!(matches!(
        api(&url).account().await,
        Err(ApiError::Unexplained { status: 307, .. })
    ));
    assert_eq!(*heard.lock().expect("nobody panics with it"), "");
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let config =
        ServerConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![cert.der().clone()],
                PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key"),
            )
            .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().expect("an address").port()
    );
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
                serve(stream, answer, &Heard::default()).await;
            }
        }
    });

    let unknown = native(&url, None);
    let error = Api::new(Arc::new(unknown.clone()))
        .account()
        .await
        .expect_err("unknown authority");
    assert!(
        matches!(error, ApiError::Offline(TransportError::Untrusted { .. })),
        "{error:?}"
    );
    assert!(matches!(
        unknown.open_socket("/x", "gangway.claim.v1").await,
        Err(SocketError::Transport(TransportError::Untrusted { .. }))
    ));

    let known = native(&url, Some(cert.pem()));
    assert!(matches!(
        Api::new(Arc::new(known.clone())).account().await,
        Err(ApiError::Unexplained { status: 404, .. })
    ));
    assert!(matches!(
        known.open_socket("/x", "gangway.claim.v1").await,
        Err(SocketError::Refused { status: 404 })
    ));
}

#[tokio::test]
async fn sockets_speak_the_sub_protocol_with_the_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        #[expect(clippy::result_large_err, reason = "the library's callback")]
        let answer = |request: &Request, mut response: Response| {
            assert_eq!(request.uri().path(), "/api/v1/enrolment/BCDF/claim");
            assert_eq!(request.headers()["authorization"], "Bearer gw_pat_0123");
            let protocol = request.headers()["sec-websocket-protocol"].clone();
            assert_eq!(protocol, "gangway.claim.v1");
            response.headers_mut().insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, answer)
            .await
            .expect("an upgrade");
        use futures_util::{SinkExt as _, StreamExt as _};
        let said = socket.next().await.expect("a frame").expect("a good one");
        socket.send(Message::Ping(vec![1].into())).await.expect("sent");
        socket.send(said).await.expect("sent");
        socket.close(None).await.expect("closed");
    });
    let mut socket = native(&url, None)
        .open_socket("/api/v1/enrolment/BCDF/claim", "gangway.claim.v1")
        .await
        .expect("a socket");
    socket.send("hello".to_owned()).await.expect("sent");
    assert_eq!(socket.next().await, SocketEvent::Text("hello".to_owned()));
    assert_eq!(socket.next().await, SocketEvent::Closed);
    server.await.expect("the server is content");
}
