//! A WebSocket of native programs, with the same address, token and trust as the transport: what the terminal claim speaks.
//! Text frames in and out; everything else is the library's business.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use gangway_protocol::enrolment::MAX_FRAME_LEN;
use reqwest::header::{
    AUTHORIZATION, CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::{Native, of_source};
use crate::transport::TransportError;

/// An open WebSocket.
#[derive(Debug)]
pub struct NativeSocket {
    stream: WebSocketStream<Upgraded>,
}

/// What came over a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// A text frame.
    Text(String),
    /// It is closed; nothing more will come.
    Closed,
}

/// A WebSocket could not be opened or written to. `Display` is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// No connection.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Something other than a Gangway server answered.
    #[error(
        "the server's address answered with HTTP status {status} instead of opening a WebSocket; a proxy in between may not support them"
    )]
    Refused {
        /// The HTTP status.
        status: u16,
    },
}

impl Native {
    /// Opens a WebSocket at `path` (`/api/v1/…`) with one sub-protocol (RFC 6455 §4.1).
    ///
    /// The handshake is a request of the transport, so that trust, token and proxies are the same for both.
    ///
    /// # Errors
    /// When there is no connection or no upgrade.
    pub async fn open_socket(
        &self,
        path: &str,
        subprotocol: &'static str,
    ) -> Result<NativeSocket, SocketError> {
        let key = generate_key();
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
        headers.insert(
            SEC_WEBSOCKET_KEY,
            HeaderValue::try_from(&key).map_err(|_| no_websocket())?,
        );
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let request = self.client.get(self.url(path)?).headers(headers);
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(SocketError::Refused {
                status: response.status().as_u16(),
            });
        }
        let says = |name, expected: &str| {
            response
                .headers()
                .get(name)
                .is_some_and(|value| value == expected)
        };
        if !says(SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key.as_bytes()))
            || !says(SEC_WEBSOCKET_PROTOCOL, subprotocol)
        {
            return Err(no_websocket().into());
        }
        let stream = response.upgrade().await.map_err(|error| self.failed(&error))?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME_LEN))
            .max_frame_size(Some(MAX_FRAME_LEN))
            .read_buffer_size(READ_BUFFER_LEN);
        Ok(NativeSocket {
            stream: WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await,
        })
    }
}

/// One claim at a time exchanges a dozen frames: a page is plenty.
const READ_BUFFER_LEN: usize = 4 * 1024;

fn no_websocket() -> TransportError {
    TransportError::Unreachable {
        detail: "what answers there does not speak this protocol over WebSocket".to_owned(),
    }
}

impl NativeSocket {
    /// Sends one text frame.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn send(&mut self, text: String) -> Result<(), SocketError> {
        let sent = self.stream.send(Message::text(text)).await;
        sent.map_err(|error| SocketError::Transport(of_source(&error)))
    }

    /// Waits for the next text frame or the end. Cancel safe.
    pub async fn next(&mut self) -> SocketEvent {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return SocketEvent::Text(text.as_str().to_owned()),
                // Pings are answered by the library; binary frames are no part of any of our protocols.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return SocketEvent::Closed,
            }
        }
    }

    /// Closes it properly, waiting no longer than a second for the other side.
    pub async fn close(mut self) {
        let closing = async {
            if self.stream.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        // A server that has gone is no reason to keep a person waiting.
        let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
    }
}
