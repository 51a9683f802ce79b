//! Start-up time and memory at rest, on an empty data directory and on one that exists.

use crate::Options;
use crate::report::{Report, count, quantile};
use crate::server::Server;

const RUNS: usize = 7;

/// Takes `startup_ms` (process start to the first good `/readyz`, migrations and the making of the CA included) and `rss_at_rest_bytes`.
pub(crate) async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (mut times, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let server = Server::start(options).await?;
        times.push(server.ready_after.as_secs_f64() * 1e3);
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        resident.push(count(usize::try_from(server.rss()?)?));
    }
    report.figure("startup_ms", quantile(&mut times, 0.5), "ms", "≤ 300");
    report.figure("rss_at_rest_bytes", quantile(&mut resident, 0.5), "B", "");
    Ok(())
}
