//! What the relay is compared with: a process that joins TCP connections in pairs and copies their bytes.

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

/// Prints its port and joins each odd connection with the next even one.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut stdout = tokio::io::stdout();
    stdout
        .write_all(format!("{}\n", listener.local_addr()?.port()).as_bytes())
        .await?;
    stdout.flush().await?;
    loop {
        let (near, _) = listener.accept().await?;
        let (far, _) = listener.accept().await?;
        tokio::spawn(join(near, far));
    }
}

async fn join(mut near: TcpStream, mut far: TcpStream) {
    if near.set_nodelay(true).is_ok() && far.set_nodelay(true).is_ok() {
        // A broken pair is the benchmark's own ending.
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    }
}
