//! What a visitor waits for: the bytes of the first load, and the server's rendering of the first page.

use std::time::Instant;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::Options;
use crate::report::{Report, count, quantile};
use crate::server::Server;

const RENDERINGS: usize = 300;

/// Takes the sizes of wasm, JavaScript and CSS, raw and compressed.
pub(crate) fn first_load(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (mut raw, mut brotli) = (0, 0);
    for name in ["app_bg.wasm", "app.js", "app.css"] {
        let len = |suffix: &str| -> anyhow::Result<u64> {
            let path = options.panel.join(format!("{name}{suffix}"));
            Ok(std::fs::metadata(&path)
                .with_context(|| format!("{} is missing: make build", path.display()))?
                .len())
        };
        raw += len("")?;
        brotli += len(".br")?;
    }
    report.figure("first_load_raw_bytes", count(usize::try_from(raw)?), "B", "");
    report.figure(
        "first_load_brotli_bytes",
        count(usize::try_from(brotli)?),
        "B",
        "≤ 245,760",
    );
    Ok(())
}

/// Takes the median time of the whole first page over one kept connection.
pub(crate) async fn rendered(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let mut stream = tokio::net::TcpStream::connect(server.address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET / HTTP/1.1\r\nhost: localhost:{}\r\n\r\n",
        server.address.port()
    );
    let mut times = Vec::with_capacity(RENDERINGS);
    let mut buffer = vec![0_u8; 256 * 1024];
    for _ in 0..RENDERINGS {
        let started = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        let mut page = Vec::new();
        while !page.windows(7).any(|w| w == b"</html>") {
            let n = stream.read(&mut buffer).await?;
            anyhow::ensure!(n > 0, "the server closed the connection before the page ended");
            page.extend_from_slice(&buffer[..n]);
        }
        // A chunked body ends with an empty chunk: read on to it, so that the next answer begins clean.
        while !page.ends_with(b"0\r\n\r\n") && !page.ends_with(b"</html>") {
            let n = stream.read(&mut buffer).await?;
            anyhow::ensure!(n > 0, "the server closed the connection within a page");
            page.extend_from_slice(&buffer[..n]);
        }
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    report.figure(
        "first_page_ms",
        quantile(&mut times, 0.5),
        "ms",
        "rendered on the server",
    );
    Ok(())
}
