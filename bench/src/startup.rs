//! Start-up time and memory at rest, on an empty data directory and on one that exists.

use std::time::Duration;

use crate::Options;
use crate::report::{Mark, Report, bytes, quantile};
use crate::server::Server;

const RUNS: usize = 7;
/// By then whatever the start has put off is done.
const REST: Duration = Duration::from_millis(1500);

/// Takes `startup_ms` (start of the process to the first good `/readyz`, with the migrations and the making of the CA),
/// `startup_again_ms` (the same where both exist) and `rss_at_rest_bytes`.
pub(crate) async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (mut first, mut again, mut resident) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let server = Server::start(options).await?;
        first.push(server.ready_after.as_secs_f64() * 1e3);
        let server = Server::start_in(options, server.stop().await?).await?;
        again.push(server.ready_after.as_secs_f64() * 1e3);
        tokio::time::sleep(REST).await;
        resident.push(bytes(server.rss()?));
    }
    report.figure("startup_ms", quantile(&mut first, 0.5), "ms", Mark::AtMost(300.0));
    report.figure("startup_again_ms", quantile(&mut again, 0.5), "ms", Mark::None);
    report.figure("rss_at_rest_bytes", quantile(&mut resident, 0.5), "B", Mark::None);
    Ok(())
}
