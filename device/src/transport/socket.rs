//! An open WebSocket: JSON frames in and out, silence, and the reasons for which it ends.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use gangway_protocol::enrolment::MAX_FRAME_LEN;
use gangway_protocol::time::UnixMillis;
use http_body_util::Empty;
use hyper::http::{self, Request, header, response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::TransportError;
use super::exchange::{Exchange, exchange, says};
use super::stream::BoxedStream;
use crate::config::ServerUrl;

/// protocol.md, common rules: "a client that hears nothing for 120 s reconnects". The server pings every 45 s.
const SILENCE: Duration = Duration::from_secs(120);
/// A peer that does not take a frame for this long is gone.
const SEND_DUE: Duration = Duration::from_secs(30);
/// For the goodbye, which nobody waits for long.
const CLOSE_DUE: Duration = Duration::from_secs(1);
/// Most frames are below 2 KiB; tungstenite's own 128 KiB would be most of what a simulated device takes.
const BUFFER_LEN: usize = 4 * 1024;

/// A connection to the server.
pub(crate) struct Socket {
    stream: WebSocketStream<BoxedStream>,
    heard_at: Instant,
    expires_at: Option<UnixMillis>,
    /// How many pings went out, and the number of the last one that was answered.
    pings: u32,
    answered: u32,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Close 1001: come back after a random 0 to 30 s.
    GoingAway,
    /// The server closed it in order.
    Closed(String),
    /// Nothing was heard for two minutes.
    Silence,
    /// It broke.
    Broken(String),
    /// The server sent what is not a frame of this protocol.
    Malformed(String),
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::GoingAway => f.write_str("The server asks to connect again; it may be restarting."),
            Self::Closed(reason) if reason.is_empty() => f.write_str("The server closed the connection."),
            Self::Closed(reason) => write!(f, "The server closed the connection: {reason}."),
            Self::Silence => f.write_str("Nothing was heard from the server for two minutes."),
            Self::Broken(reason) => write!(f, "The connection broke: {reason}."),
            Self::Malformed(reason) => write!(
                f,
                "The server sent something that this version does not understand: {reason}."
            ),
        }
    }
}

/// Opens a WebSocket at `path` with one sub-protocol, on a stream that is connected to `server` (RFC 6455 §4.1).
pub(super) async fn upgrade(
    stream: BoxedStream,
    server: &ServerUrl,
    path: &str,
    subprotocol: &'static str,
    expires_at: Option<UnixMillis>,
) -> Result<Socket, TransportError> {
    let unreadable = |error: http::Error| TransportError::Handshake(error.to_string());
    let key = generate_key();
    let request = Request::get(path)
        .header(header::HOST, server.host_header())
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, &key)
        .header(header::SEC_WEBSOCKET_PROTOCOL, subprotocol)
        .body(Empty::new())
        .map_err(unreadable)?;
    let Exchange { head, opened, ahead } = exchange(stream, request).await?;
    let Some(stream) = opened else {
        let retry_after = head.headers.get(header::RETRY_AFTER);
        return Err(TransportError::Status {
            status: head.status.as_u16(),
            retry_after_secs: retry_after.and_then(|value| value.to_str().ok()?.parse().ok()),
        });
    };
    check(&head, &key, subprotocol)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_LEN)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * MAX_FRAME_LEN)
        .max_message_size(Some(MAX_FRAME_LEN))
        .max_frame_size(Some(MAX_FRAME_LEN));
    Ok(Socket {
        stream: WebSocketStream::from_partially_read(stream, ahead.into(), Role::Client, Some(config)).await,
        heard_at: Instant::now(),
        expires_at,
        pings: 0,
        answered: 0,
    })
}

/// RFC 6455 §4.1, items 2 to 6 of the server's answer. Proxies may add words to `Connection`.
fn check(head: &response::Parts, key: &str, subprotocol: &str) -> Result<(), TransportError> {
    let of_the_key = derive_accept_key(key.as_bytes());
    let accepted = head.headers.get(header::SEC_WEBSOCKET_ACCEPT);
    let wrong = if !says(head, header::UPGRADE, "websocket") || !says(head, header::CONNECTION, "upgrade") {
        "the answer opens something other than a WebSocket"
    } else if accepted.is_none_or(|value| value != of_the_key.as_str()) {
        "the answer belongs to another request; a proxy in between may keep answers"
    } else if !says(head, header::SEC_WEBSOCKET_PROTOCOL, subprotocol) {
        "it speaks another protocol over its WebSocket"
    } else if head.headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        "it wants an extension that nobody asked for"
    } else {
        return Ok(());
    };
    Err(TransportError::Handshake(wrong.to_owned()))
}

impl Socket {
    /// Until when the server's certificate is valid; `None` without TLS.
    pub(crate) fn expires_at(&self) -> Option<UnixMillis> {
        self.expires_at
    }

    /// Sends one frame.
    pub(crate) async fn send(&mut self, frame: &impl Serialize) -> Result<(), Lost> {
        let text = serde_json::to_string(frame).map_err(|error| Lost::Broken(error.to_string()))?;
        self.say(Message::text(text)).await
    }

    /// Asks for a sign that the server has read everything up to here (RFC 6455 §5.5.2).
    pub(crate) async fn ping(&mut self) -> Result<(), Lost> {
        self.pings = self.pings.wrapping_add(1);
        self.say(Message::Ping(self.pings.to_be_bytes().to_vec().into()))
            .await
    }

    /// Whether the server has given it. It is heard in [`Self::next`].
    pub(crate) fn is_answered(&self) -> bool {
        self.answered == self.pings
    }

    async fn say(&mut self, message: Message) -> Result<(), Lost> {
        match tokio::time::timeout(SEND_DUE, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(lost(error)),
            Err(_) => Err(Lost::Broken("the server takes nothing any more".to_owned())),
        }
    }

    /// The next frame. Pings are answered on the way. Cancel safe: nothing is lost when it is dropped and called again.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<T, Lost> {
        loop {
            let quiet = SILENCE.saturating_sub(self.heard_at.elapsed());
            let message = match tokio::time::timeout(quiet, self.stream.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return Err(lost(error)),
                Ok(None) => return Err(Lost::Broken("it ended without a goodbye".to_owned())),
                Err(_) => return Err(Lost::Silence),
            };
            self.heard_at = Instant::now();
            match message {
                Message::Text(text) => {
                    return serde_json::from_str(&text).map_err(|error| Lost::Malformed(error.to_string()));
                }
                Message::Binary(_) => return Err(Lost::Malformed("a binary frame".to_owned())),
                Message::Close(Some(frame)) if frame.code == CloseCode::Away => return Err(Lost::GoingAway),
                Message::Close(frame) => {
                    return Err(Lost::Closed(
                        frame.map(|frame| frame.reason.to_string()).unwrap_or_default(),
                    ));
                }
                Message::Pong(payload) => {
                    if let Ok(number) = <[u8; 4]>::try_from(&payload[..]) {
                        self.answered = u32::from_be_bytes(number);
                    }
                }
                Message::Ping(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Says goodbye.
    pub(crate) async fn close(mut self) {
        let goodbye = async {
            if self.stream.close(None).await.is_ok() {
                // The answer is enough; RFC 6455 §7.1.1 has the client wait for the server to end TCP, but not for long.
                while let Some(Ok(message)) = self.stream.next().await
                    && !message.is_close()
                {}
            }
        };
        // A server that does not answer the goodbye is left all the same.
        let _left = tokio::time::timeout(CLOSE_DUE, goodbye).await;
    }
}

fn lost(error: Error) -> Lost {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Lost::Closed(String::new()),
        Error::Capacity(_) => Lost::Malformed("a frame that is too large".to_owned()),
        Error::Io(error) => Lost::Broken(error.to_string()),
        other => Lost::Broken(other.to_string()),
    }
}
