//! A client of the relay: tokio-tungstenite, JSON in and out.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{Server, Spawned};
use gangway_protocol::account::TokenScope;
use gangway_server::state::Gangway;

pub(crate) const ENROLMENT: (&str, &str) = ("/api/v1/enrolment", "gangway.enrolment.v1");
pub(crate) const SESSION: (&str, &str) = ("/api/v1/session", "gangway.session.v1");

pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Whether Pings are answered: tungstenite does so while it reads.
    closed: Option<u16>,
}

impl Socket {
    /// Opens a socket that has to come about.
    pub(crate) async fn open(server: &Spawned, (path, protocol): (&str, &str)) -> Self {
        Self::open_with(server, path, &[("sec-websocket-protocol", protocol)])
            .await
            .expect("the upgrade succeeds")
    }

    /// Opens a socket with these headers.
    ///
    /// # Errors
    /// The status of a refused upgrade.
    pub(crate) async fn open_with(
        server: &Spawned,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, StatusCode> {
        let mut request = format!("ws://{}{path}", server.address)
            .into_client_request()
            .expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(value).expect("a header's value"));
        }
        match connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream, closed: None }),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.stream.send(message).await.expect("it can be written");
    }

    /// Sends these bytes as they are.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        let MaybeTlsStream::Plain(stream) = self.stream.get_mut() else {
            panic!("these tests use no TLS")
        };
        stream.write_all(bytes).await.expect("it can be written");
    }

    /// The payload of the next Pong; no message comes before it.
    pub(crate) async fn hear_a_pong(&mut self) -> Vec<u8> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Pong(payload))) => return payload.to_vec(),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("{other:?} instead of a Pong"),
            }
        }
    }

    /// The next message.
    pub(crate) async fn hear(&mut self) -> Value {
        self.next().await.expect("a message, not the end")
    }

    /// The next message, which has this type.
    pub(crate) async fn hear_a(&mut self, kind: &str) -> Value {
        let message = self.hear().await;
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The problem that ends the connection, by its code; the close code is 1008.
    pub(crate) async fn problem(&mut self) -> Value {
        let problem = self.hear_a("problem").await;
        assert_eq!(self.end().await, Some(1008));
        problem
    }

    /// The close code with which the server ends the connection without another message.
    pub(crate) async fn end(&mut self) -> Option<u16> {
        assert_eq!(self.next().await, None);
        self.closed
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            match self.stream.next().await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(frame)) => self.closed = frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// A waiting device and its `nameplate` message.
    pub(crate) async fn wait(server: &Spawned) -> (Self, Value) {
        let mut device = Self::open(server, ENROLMENT).await;
        device.say(json!({"type": "hello", "agent": "test"})).await;
        let nameplate = device.hear_a("nameplate").await;
        (device, nameplate)
    }

    /// The claim socket of a program with this token.
    pub(crate) async fn claim(server: &Spawned, token: &str, nameplate: &str) -> Self {
        let bearer = format!("Bearer {token}");
        Claims::open(server, &[("authorization", &bearer)], nameplate)
            .await
            .expect("the upgrade succeeds")
    }

    /// Leaves properly.
    pub(crate) async fn close(mut self) {
        self.send(Message::Close(None)).await;
        while self.next().await.is_some() {}
    }

    /// Leaves without a word.
    pub(crate) fn vanish(self) {
        drop(self.stream);
    }
}

/// A client's frame (RFC 6455 §5.2); the mask is zero, which is legal.
pub(crate) fn masked(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).expect("short frames are enough here");
    assert!(len < 126, "short frames are enough here");
    let mut frame = vec![(u8::from(fin) << 7) | opcode, 0x80 | len, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

/// Claim sockets.
pub(crate) struct Claims;

impl Claims {
    /// Opens one.
    ///
    /// # Errors
    /// The status of a refused upgrade.
    pub(crate) async fn open(
        server: &Spawned,
        headers: &[(&str, &str)],
        nameplate: &str,
    ) -> Result<Socket, StatusCode> {
        let path = gangway_protocol::path::claim_socket(nameplate);
        let protocol = [("sec-websocket-protocol", "gangway.claim.v1")];
        Socket::open_with(server, &path, &[headers, &protocol].concat()).await
    }
}

impl Server {
    /// A token of the first organisation with these scopes.
    pub(crate) async fn token(&self, scopes: &[TokenScope]) -> String {
        self.new_token(None, scopes).await.expose().to_owned()
    }

    /// A token that may enrol and see.
    pub(crate) async fn all_token(&self) -> String {
        self.token(&[TokenScope::Enrol, TokenScope::FleetRead]).await
    }

    /// Another process on the same database, such as the command line's.
    pub(crate) async fn second_process(&self) -> Arc<Gangway> {
        let own = &self.gangway;
        Gangway::open(own.config.clone(), own.clock.clone(), own.random.clone())
            .await
            .expect("a second process opens")
    }

    /// A token that may enrol.
    pub(crate) async fn enrol_token(&self) -> String {
        self.token(&[TokenScope::Enrol]).await
    }
}
