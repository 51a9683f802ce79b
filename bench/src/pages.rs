//! What a visitor waits for: the server's rendering of the first page. `end2end/figures/` measures the rest in a browser.

use std::time::Instant;

use anyhow::ensure;

use crate::Options;
use crate::http;
use crate::report::{Mark, Report, quantile};
use crate::server::Server;

const RENDERINGS: usize = 300;

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
    report.figure(
        "first_page_ms",
        quantile(&mut times, 0.5),
        "ms",
        Mark::AtMost(0.6),
    );
    Ok(())
}
