//! What a visitor waits for: the bytes of the first load, and the server's rendering of the first page.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::ensure;

use crate::Options;
use crate::http;
use crate::report::{Mark, Report, count, quantile};
use crate::server::Server;

const RENDERINGS: usize = 300;

/// Takes `first_load_raw_bytes` and `first_load_brotli_bytes`, what the start page names of wasm, JavaScript and CSS, as the
/// server sends it to a browser that takes nothing, and to one that takes brotli; and the latter for pages with code of their own.
pub(crate) async fn first_load(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let raw = load(&server, "/", "identity").await?;
    report.figure("first_load_raw_bytes", raw, "B", Mark::None);
    let brotli = load(&server, "/", "br").await?;
    let mark = Mark::AtMost(240.0 * 1024.0);
    report.figure("first_load_brotli_bytes", brotli, "B", mark);
    for page in ["link", "fleet", "setup"] {
        let brotli = load(&server, &format!("/{page}"), "br").await?;
        report.figure(
            &format!("first_load_{page}_brotli_bytes"),
            brotli,
            "B",
            Mark::None,
        );
    }
    Ok(())
}

/// The bytes of everything that a page names.
async fn load(server: &Server, page: &str, accept_encoding: &str) -> anyhow::Result<f64> {
    let text = String::from_utf8(http::get(server.address, page, "identity").await?)?;
    let files: BTreeSet<&str> = text
        .split(['"', '\''])
        .filter(|text| text.starts_with("/pkg/"))
        .filter(|text| {
            [".wasm", ".js", ".css"]
                .iter()
                .any(|ending| text.ends_with(ending))
        })
        .collect();
    ensure!(
        files.len() >= 3,
        "{page} names {files:?}: was the server built with the panel (make build)?"
    );
    let mut sum = 0;
    for file in files {
        sum += http::get(server.address, file, accept_encoding).await?.len();
    }
    Ok(count(sum))
}

/// Takes `first_page_ms`: the median time from connecting to the last byte of the first page.
pub(crate) async fn rendered(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let mut times = Vec::with_capacity(RENDERINGS);
    for _ in 0..RENDERINGS {
        let started = Instant::now();
        let page = http::get(server.address, "/", "identity").await?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        ensure!(
            page.windows(7).any(|window| window == b"</html>"),
            "the page is not whole"
        );
    }
    report.figure("first_page_ms", quantile(&mut times, 0.5), "ms", Mark::None);
    Ok(())
}
