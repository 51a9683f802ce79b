//! A lean WebSocket client: what it costs must not be counted against the server that is measured.

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An open WebSocket. Frames go out in one write and come in without buffering beyond the frame.
pub(crate) struct Socket {
    stream: TcpStream,
}

impl Socket {
    /// Connects and upgrades.
    pub(crate) async fn open(
        address: std::net::SocketAddr,
        path: &str,
        subprotocol: &str,
        token: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address).await.context("connecting")?;
        stream.set_nodelay(true)?;
        let authorization = token
            .map(|t| format!("authorization: Bearer {t}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: {subprotocol}\r\n{authorization}\r\n",
            address.port()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::with_capacity(512);
        while !head.ends_with(b"\r\n\r\n") {
            ensure!(head.len() < 8192, "the answer to the upgrade does not end");
            head.push(
                stream
                    .read_u8()
                    .await
                    .context("reading the answer to the upgrade")?,
            );
        }
        ensure!(
            head.starts_with(b"HTTP/1.1 101"),
            "no upgrade: {}",
            String::from_utf8_lossy(&head)
        );
        Ok(Self { stream })
    }

    /// Sends a text frame. The mask is zero: legal, and free.
    pub(crate) async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        let frame = frame(text)?;
        self.stream.write_all(&frame).await.context("sending")
    }

    /// The next text frame; answers pings on the way.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<String> {
        loop {
            let mut head = [0_u8; 2];
            self.stream.read_exact(&mut head).await.context("receiving")?;
            let len = match head[1] & 0x7f {
                126 => u64::from(self.stream.read_u16().await?),
                127 => self.stream.read_u64().await?,
                small => u64::from(small),
            };
            let mut payload = vec![0_u8; usize::try_from(len)?];
            self.stream.read_exact(&mut payload).await?;
            match head[0] & 0x0f {
                1 => return String::from_utf8(payload).context("not UTF-8"),
                8 => bail!(
                    "closed: {}",
                    String::from_utf8_lossy(payload.get(2..).unwrap_or_default())
                ),
                9 => {
                    let len = u8::try_from(payload.len()).context("a ping is at most 125 bytes")?;
                    let pong = [&[0x8a, 0x80 | len, 0, 0, 0, 0], payload.as_slice()].concat();
                    self.stream.write_all(&pong).await?;
                }
                _ => {}
            }
        }
    }

    /// The next frame as JSON, which must be of this type.
    pub(crate) async fn receive_type(&mut self, kind: &str) -> anyhow::Result<serde_json::Value> {
        let text = self.receive().await?;
        let value: serde_json::Value = serde_json::from_str(&text)?;
        ensure!(value["type"] == kind, "expected {kind}, got {text}");
        Ok(value)
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
