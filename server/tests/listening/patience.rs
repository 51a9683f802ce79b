//! For how long and for how many the accept loop waits: heads, handshakes, idle connections, bodies, readers, addresses.

use std::time::Duration;

use axum::body::Body;
use axum::routing::post;
use gangway_server::api::request::{BODY_TIMEOUT, JsonBody};
use gangway_server::listen::patience::{HEAD_TIMEOUT, IDLE_TIMEOUT, WRITE_TIMEOUT};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::time::Instant;

use super::*;

/// A look at the deadlines comes this much after them at the latest; a friendly close takes as long again.
const SLACK: Duration = Duration::from_secs(11);

/// Waits for the end of a connection on which nothing more is sent; what came until then.
async fn end_of(mut stream: impl AsyncRead + Unpin) -> String {
    let mut reply = Vec::new();
    // A connection that is closed on unread bytes is reset, which is an end too.
    let _ = stream.read_to_end(&mut reply).await;
    String::from_utf8_lossy(&reply).into_owned()
}

#[track_caller]
fn assert_about(began: Instant, timeout: Duration) {
    let took = began.elapsed();
    assert!(
        took >= timeout && took <= timeout + SLACK,
        "it took {took:?} where {timeout:?} was meant"
    );
}

/// Threat model: WEB-9.
#[tokio::test(start_paused = true)]
async fn who_sends_no_byte_is_not_waited_for() {
    let listening = Listening::start(echo_address());
    let (client, began) = (listening.connect().await, Instant::now());
    assert_eq!(end_of(client).await, "");
    assert_about(began, HEAD_TIMEOUT);
}

/// Threat model: WEB-9.
#[tokio::test(start_paused = true)]
async fn who_sends_no_byte_under_tls_is_not_waited_for_before_or_after_the_handshake() {
    let certificate = Certificate::make();
    let tls = tls(&certificate);
    let listening = Listening::start_with(echo_address(), |service| service.tls = Some(tls.handshake()));
    let (client, began) = (listening.connect().await, Instant::now());
    end_of(client).await;
    assert_about(began, HEAD_TIMEOUT);

    for protocol in ["http/1.1", "h2"] {
        let (client, began) = (listening.connect().await, Instant::now());
        let client = certificate
            .handshake(client, &[protocol])
            .await
            .expect("it is trusted");
        end_of(client).await;
        assert_about(began, HEAD_TIMEOUT);
    }
}

#[tokio::test(start_paused = true)]
async fn who_sends_half_a_request_is_not_waited_for() {
    let listening = Listening::start(echo_address());
    let (mut client, began) = (listening.connect().await, Instant::now());
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: loc")
        .await
        .expect("it can be written");
    assert_eq!(end_of(client).await, "");
    assert_about(began, HEAD_TIMEOUT);
}

/// Threat model: WEB-9.
#[tokio::test(start_paused = true)]
async fn a_head_that_drips_ends_by_its_total_time_on_a_connection_that_was_used_before_too() {
    let listening = Listening::start(echo_address());
    let mut client = listening.connect().await;
    for head in [&b""[..], b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
        client.write_all(head).await.expect("it can be written");
    }
    let mut reply = [0; 64];
    let _ = client.read(&mut reply).await.expect("it answers");
    let began = Instant::now();
    let (reader, mut writer) = client.into_split();
    let drip = tokio::spawn(async move {
        for byte in b"GET / HTTP/1.1\r\nhost: localhost\r\nx-drip: "
            .iter()
            .chain([b'a'; 1000].iter())
        {
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    end_of(reader).await;
    assert_about(began, HEAD_TIMEOUT);
    drip.abort();
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_fit_is_refused() {
    let listening = Listening::start(echo_address());
    let mut client = listening.connect().await;
    let head = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {}",
        "a".repeat(17 * 1024)
    );
    client
        .write_all(head.as_bytes())
        .await
        .expect("it can be written");
    let mut status = [0; 12];
    client.read_exact(&mut status).await.expect("it answers");
    assert_eq!(&status, b"HTTP/1.1 431");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let listening = Listening::start(echo_address());
    let (mut client, began) = (listening.connect().await, Instant::now());
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("it can be written");
    assert!(end_of(client).await.starts_with("HTTP/1.1 200"));
    assert_about(began, IDLE_TIMEOUT);
}

/// Threat model: WEB-9.
#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_closed() {
    let listening = Listening::start(echo_address());
    let (client, began) = (listening.connect().await, Instant::now());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client))
            .await
            .expect("it speaks HTTP/2");
    let connection = tokio::spawn(connection);
    let request = http::Request::get("http://localhost/")
        .body(Empty::<bytes::Bytes>::new())
        .expect("a request");
    let response = sender.send_request(request).await.expect("it answers");
    assert_eq!(response.status(), StatusCode::OK);
    drop(response);
    let _ = connection.await.expect("no panic");
    assert_about(began, IDLE_TIMEOUT);
}

/// Threat model: WEB-5.
#[tokio::test(start_paused = true)]
async fn a_body_that_drips_ends_by_its_total_time() {
    let router = Router::new().route("/", post(|JsonBody(_): JsonBody<Value>| async { "read" }));
    let listening = Listening::start(router);
    for every in [Duration::from_secs(1), BODY_TIMEOUT * 2] {
        let (mut client, began) = (listening.connect().await, Instant::now());
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
        client
            .write_all(head.as_bytes())
            .await
            .expect("it can be written");
        let (mut reader, mut writer) = client.into_split();
        let drip = tokio::spawn(async move {
            while writer.write_all(b" ").await.is_ok() {
                tokio::time::sleep(every).await;
            }
        });
        let mut status = [0; 12];
        reader.read_exact(&mut status).await.expect("it answers");
        assert_eq!(&status, b"HTTP/1.1 408");
        assert_about(began, BODY_TIMEOUT);
        drip.abort();
    }
}

/// Threat model: WEB-9.
#[tokio::test(start_paused = true)]
async fn who_reads_nothing_is_not_written_to_for_ever() {
    let endless = || async {
        let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 64 * 1024]));
        Body::from_stream(chunks)
    };
    let listening = Listening::start(Router::new().route("/", get(endless)));
    let mut client = listening.connect().await;
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("it can be written");
    let mut status = [0; 12];
    client.read_exact(&mut status).await.expect("it begins to answer");
    let began = Instant::now();
    listening.shutdown.begin();
    listening.shutdown.finished().await;
    assert_about(began, WRITE_TIMEOUT);
}

/// Threat model: WEB-9.
#[tokio::test(start_paused = true)]
async fn who_fetches_no_answer_over_http2_is_not_waited_for_for_ever() {
    let listening = Listening::start(echo_address());
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake(TokioIo::new(listening.connect().await))
        .await
        .expect("it speaks HTTP/2");
    let connection = tokio::spawn(connection);
    let request = http::Request::get("http://localhost/")
        .body(Empty::<bytes::Bytes>::new())
        .expect("a request");
    let response = sender.send_request(request).await.expect("it answers");
    assert_eq!(response.status(), StatusCode::OK);
    let began = Instant::now();
    let _ = connection.await.expect("no panic");
    assert_about(began, WRITE_TIMEOUT);
    drop(response);
}

/// Threat model: WEB-9.
#[tokio::test(start_paused = true)]
async fn an_address_has_so_many_connections_and_its_quietest_makes_room() {
    let (asked, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let listening = Listening::start_with(answer_when_told(asked.clone(), told.clone()), |service| {
        service.connection_limit = ConnectionLimit::new(2);
    });
    let busy = tokio::spawn(ask(listening.connect().await, ""));
    asked.notified().await;
    let quiet = listening.connect().await;
    // Nobody has been quiet for long enough: the new one goes.
    assert_eq!(end_of(listening.connect().await).await, "");
    tokio::time::sleep(Duration::from_secs(6)).await;
    let began = Instant::now();
    let second = tokio::spawn(ask(listening.connect().await, ""));
    assert_eq!(end_of(quiet).await, "");
    assert!(began.elapsed() < Duration::from_secs(1), "it made room at once");
    asked.notified().await;
    told.notify_one();
    told.notify_one();
    let answers = (busy.await.expect("no panic"), second);
    told.notify_one();
    assert!(answers.0.ends_with("answered"));
    assert!(answers.1.await.expect("no panic").ends_with("answered"));
}

#[tokio::test(start_paused = true)]
async fn a_trusted_proxy_has_as_many_connections_as_it_needs() {
    let listening = Listening::start_with(echo_address(), |service| {
        service.connection_limit = ConnectionLimit::new(1);
        service.trusted_proxies = Arc::new(["127.0.0.0/8".parse().expect("a network")]);
    });
    let first = listening.connect().await;
    for _ in 0..3 {
        assert!(
            ask(listening.connect().await, "")
                .await
                .starts_with("HTTP/1.1 200")
        );
    }
    drop(first);
}
