//! Floods over HTTP: what one address may ask, and how many bodies of it are read at a time.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use gangway_protocol::path;
use gangway_server::limits::ClientAddress;
use http::{Request, StatusCode, header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Engine, Server, Spawned};

/// Threat model: WEB-11.
#[tokio::test]
async fn an_address_that_asks_too_much_is_refused_and_closed_and_no_other_is() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.caps.requests_per_second_per_address = 1;
    })
    .await;
    let ask = async |place: &'static str, from: [u8; 4]| {
        let mut request = Request::get(place).body(Body::empty()).expect("a request");
        request.extensions_mut().insert(ClientAddress(IpAddr::from(from)));
        server.send(request).await
    };
    let flooder = [192, 0, 2, 1];
    // A page costs as much as ten requests, and twenty seconds' worth may come at once.
    assert_eq!(ask("/", flooder).await.status(), StatusCode::OK);
    for _ in 0..10 {
        assert_eq!(ask(path::LIVEZ, flooder).await.status(), StatusCode::OK);
    }
    let refused = ask(path::LIVEZ, flooder).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(refused.headers()[header::CONNECTION], "close");
    assert_eq!(ask(path::LIVEZ, [192, 0, 2, 2]).await.status(), StatusCode::OK);
    server.clock.advance(2_000);
    assert_eq!(ask(path::LIVEZ, flooder).await.status(), StatusCode::OK);
}

/// Threat model: WEB-11.
#[tokio::test]
async fn half_bodies_of_one_address_take_a_bounded_number_of_places() {
    let server = Server::start(Engine::Sqlite).await;
    let spawned = server.spawn();
    let mut halves = Vec::new();
    for _ in 0..64 {
        halves.push(post(&spawned, 60_000, b"{").await);
    }
    let refused = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let mut whole = post(&spawned, 2, b"{}").await;
            let mut status = [0; 12];
            whole.read_exact(&mut status).await.expect("it answers");
            if &status == b"HTTP/1.1 429" {
                return;
            }
        }
    });
    refused.await.expect("the halves take every place");
    drop(halves);
}

async fn post(server: &Spawned, length: usize, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.expect("it accepts");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: same-origin\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n",
        path::LINK_INSPECTION
    );
    stream
        .write_all(head.as_bytes())
        .await
        .expect("it can be written");
    stream.write_all(body).await.expect("it can be written");
    stream
}
