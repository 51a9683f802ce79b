//! As much of an HTTP client as a benchmark needs: one request a connection, HTTP/1.0, so that the body ends with the connection.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The body of a good answer.
pub(crate) async fn get(address: SocketAddr, path: &str, accept_encoding: &str) -> anyhow::Result<Vec<u8>> {
    get_with(address, path, &format!("accept-encoding: {accept_encoding}")).await
}

/// The body of a good answer to somebody with this cookie.
pub(crate) async fn get_as(address: SocketAddr, path: &str, cookie: &str) -> anyhow::Result<Vec<u8>> {
    get_with(address, path, &format!("cookie: {cookie}")).await
}

async fn get_with(address: SocketAddr, path: &str, header: &str) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.0\r\nhost: localhost:{}\r\n{header}\r\n\r\n",
        address.port()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    let head = reply
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .context("the answer has no end of its head")?;
    let status = reply.get(9..12).unwrap_or_default();
    ensure!(
        status == b"200",
        "GET {path} was answered with {}",
        String::from_utf8_lossy(status)
    );
    Ok(reply.split_off(head + 4))
}
