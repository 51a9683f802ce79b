//! The TLS handshake of new connections, with a configuration that can be exchanged while the listener goes on.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// HTTP/2 first: pages fetch many small things. WebSockets come over HTTP/1.1 connections of their own.
pub(super) const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// As much of a request without TLS as is taken before it is answered.
const PLAIN_HEAD: usize = 4096;
/// What whoever speaks HTTP to this port is told, as problem details (RFC 9457).
const PLAIN_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/problem+json\r\n\
    content-length: 142\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"code\":\"malformed\",\
    \"detail\":\"This port speaks TLS: write the address with https://.\"}";

/// What shakes hands on new connections.
pub struct TlsHandshake(RwLock<Arc<ServerConfig>>);

impl TlsHandshake {
    /// Begins with this configuration.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(RwLock::new(config))
    }

    /// Connections that come from now on get this configuration.
    pub fn go_on_with(&self, config: Arc<ServerConfig>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Shakes hands on a new connection.
    pub(super) async fn accept(&self, mut stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        // RFC 8446 §5.1: TLS begins with the byte 22; methods of HTTP are capital letters.
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
            // What was not read would have the system reset the connection, and the answer with it.
            let _head = stream.read_buf(&mut Vec::<u8>::with_capacity(PLAIN_HEAD)).await?;
            stream.write_all(PLAIN_ANSWER.as_bytes()).await?;
            stream.shutdown().await?;
            return Err(std::io::Error::other("HTTP was spoken to it, without TLS"));
        }
        let config = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(config).accept(stream).await
    }
}
