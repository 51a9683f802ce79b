//! A WebSocket of native programs, with the same address, token and trust as the transport: what the terminal claim speaks.
//! Text frames in and out; everything else is the library's business.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use gangway_protocol::enrolment::MAX_FRAME_LEN;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::{Native, of_source};
use crate::transport::{REQUEST_TIMEOUT_SECS, TransportError};

/// An open WebSocket.
#[derive(Debug)]
pub struct NativeSocket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
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
    /// Opens a WebSocket at `path` (`/api/v1/…`) with one sub-protocol.
    ///
    /// # Errors
    /// When there is no connection or no upgrade.
    pub async fn open_socket(
        &self,
        path: &str,
        subprotocol: &'static str,
    ) -> Result<NativeSocket, SocketError> {
        let mut url = self.server.clone();
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        let broken = |detail: String| TransportError::Unreachable { detail };
        url.set_scheme(scheme)
            .map_err(|()| broken("not a WebSocket address".to_owned()))?;
        let url = url.join(path).map_err(|error| broken(error.to_string()))?;
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|error| broken(error.to_string()))?;
        let headers = request.headers_mut();
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(subprotocol),
        );
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME_LEN))
            .max_frame_size(Some(MAX_FRAME_LEN))
            .read_buffer_size(4 * 1024);
        let connector = Connector::Rustls(self.tls.clone());
        let opening = connect_async_tls_with_config(request, Some(config), true, Some(connector));
        match tokio::time::timeout(Duration::from_secs(REQUEST_TIMEOUT_SECS.into()), opening).await {
            Ok(Ok((stream, _response))) => Ok(NativeSocket { stream }),
            Ok(Err(Error::Http(response))) => Err(SocketError::Refused {
                status: response.status().as_u16(),
            }),
            Ok(Err(error)) => Err(of_source(&error).into()),
            Err(_elapsed) => Err(TransportError::TimedOut {
                secs: REQUEST_TIMEOUT_SECS,
            }
            .into()),
        }
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
