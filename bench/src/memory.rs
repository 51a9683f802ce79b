//! User-space bytes of a waiting session: the slope of the server's memory between two crowds.

use crate::Options;
use crate::claims::wait;
use crate::report::{Report, count};
use crate::server::Server;

/// The smaller crowd, large enough that one-time buffers are paid for.
pub(crate) const FEW: usize = 2_000;
/// The larger crowd; a process holds about 20,000 sockets.
pub(crate) const MANY: usize = 15_000;

/// Takes `bytes_per_waiting_session`.
pub(crate) async fn waiting(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let mut crowd = Vec::with_capacity(MANY);
    let mut at_few = 0;
    for n in 1..=MANY {
        crowd.push(wait(&server).await?);
        if n == FEW {
            at_few = server.pss()?;
        }
    }
    let slope = slope(at_few, server.pss()?)?;
    report.figure("bytes_per_waiting_session", slope, "B", "≤ 2,048");
    Ok(())
}

/// Bytes per session between [`FEW`] and [`MANY`].
pub(crate) fn slope(at_few: u64, at_many: u64) -> anyhow::Result<f64> {
    Ok(count(usize::try_from(at_many.saturating_sub(at_few))?) / count(MANY - FEW))
}
