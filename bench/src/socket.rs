//! A lean WebSocket client: what it costs must not be counted against the server that is measured.

use anyhow::{Context as _, bail, ensure};
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use crate::tls::Tls;

/// An open WebSocket. A frame goes out in one write and comes in by one read, as it does for the raw connections that it is
/// compared with.
pub(crate) struct Socket {
    stream: Stream,
    /// What came and has not been taken.
    ahead: Vec<u8>,
}

impl Socket {
    /// Connects and upgrades.
    pub(crate) async fn open(
        address: SocketAddr,
        path: &str,
        subprotocol: &str,
        token: Option<&str>,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("connecting")?;
        Self::upgrade(stream, None, path, subprotocol, token).await
    }

    /// Connects from this address of the machine's own, and upgrades.
    pub(crate) async fn open_from(
        own: IpAddr,
        address: SocketAddr,
        path: &str,
        subprotocol: &str,
    ) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(own, 0))?;
        let stream = socket.connect(address).await.context("connecting")?;
        Self::upgrade(stream, None, path, subprotocol, None).await
    }

    /// Shakes hands over TLS if `tls` says so, and upgrades.
    pub(crate) async fn upgrade(
        stream: TcpStream,
        tls: Option<&Tls>,
        path: &str,
        subprotocol: &str,
        token: Option<&str>,
    ) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        let address = stream.peer_addr()?;
        let mut stream = match tls {
            None => Stream::Plain(stream),
            Some(tls) => {
                let name = rustls_pki_types::ServerName::try_from("localhost")?;
                Stream::Tls(Box::new(tls.connector.connect(name, stream).await?))
            }
        };
        let authorization = token
            .map(|t| format!("authorization: Bearer {t}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: {subprotocol}\r\n{authorization}\r\n",
            address.port()
        );
        stream.io().write_all(request.as_bytes()).await?;
        let mut socket = Self {
            stream,
            ahead: Vec::new(),
        };
        let head_len = loop {
            match socket.ahead.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(position) => break position + 4,
                None => socket
                    .read_on()
                    .await
                    .context("reading the answer to the upgrade")?,
            }
        };
        ensure!(
            socket.ahead.starts_with(b"HTTP/1.1 101"),
            "no upgrade: {}",
            String::from_utf8_lossy(&socket.ahead)
        );
        socket.take(head_len);
        Ok(socket)
    }

    /// Sends a text frame. The mask is zero: legal, and free.
    pub(crate) async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        let frame = frame(text)?;
        self.send_raw(&frame).await
    }

    /// Sends these bytes as they are.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stream.io().write_all(bytes).await.context("sending")
    }

    /// The next text message; answers pings on the way.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<String> {
        loop {
            let (opcode, payload) = self.receive_frame().await?;
            match opcode {
                1 => return String::from_utf8(payload).context("not UTF-8"),
                8 => bail!(
                    "closed: {}",
                    String::from_utf8_lossy(payload.get(2..).unwrap_or_default())
                ),
                9 => {
                    let len = u8::try_from(payload.len()).context("a ping is at most 125 bytes")?;
                    let pong = [&[0x8a, 0x80 | len, 0, 0, 0, 0], payload.as_slice()].concat();
                    self.send_raw(&pong).await?;
                }
                _ => {}
            }
        }
    }

    /// Whether the other end still holds the connection.
    pub(crate) fn is_open(&self) -> bool {
        match self.stream.tcp().try_read(&mut [0; 64]) {
            Ok(len) => len > 0,
            Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }

    async fn receive_frame(&mut self) -> anyhow::Result<(u8, Vec<u8>)> {
        loop {
            // The server masks nothing, and sends no message of 64 KiB or more.
            let (header_len, len) = match *self.ahead.as_slice() {
                [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
                [_, short @ 0..126, ..] => (2, usize::from(short)),
                _ => (0, 0),
            };
            if header_len > 0 && self.ahead.len() >= header_len + len {
                let frame = self.take(header_len + len);
                return Ok((frame[0] & 0x0f, frame[header_len..].to_vec()));
            }
            self.read_on().await.context("receiving")?;
        }
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let rest = self.ahead.split_off(len);
        std::mem::replace(&mut self.ahead, rest)
    }

    async fn read_on(&mut self) -> anyhow::Result<()> {
        self.ahead.reserve(1024);
        ensure!(
            self.stream.io().read_buf(&mut self.ahead).await? > 0,
            "the server closed the connection"
        );
        Ok(())
    }

    /// The next frame as JSON, which must be of this type.
    pub(crate) async fn receive_type(&mut self, kind: &str) -> anyhow::Result<serde_json::Value> {
        let text = self.receive().await?;
        let value: serde_json::Value = serde_json::from_str(&text)?;
        ensure!(value["type"] == kind, "expected {kind}, got {text}");
        Ok(value)
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

impl Stream {
    fn io(&mut self) -> &mut dyn Io {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream,
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// A masked text frame (RFC 6455 §5.2).
pub(crate) fn frame(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = vec![0x81];
    match text.len() {
        len @ 0..126 => bytes.push(0x80 | u8::try_from(len)?),
        len => {
            bytes.push(0x80 | 126);
            bytes.extend(
                u16::try_from(len)
                    .context("a frame of this bench is below 64 KiB")?
                    .to_be_bytes(),
            );
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(text.as_bytes());
    Ok(bytes)
}
