//! The round trip of a 512-byte sealed frame, device → relay → claimant and back, against the raw forwarder; idle, then with
//! ten thousand devices waiting beside it. Samples of both alternate, so that the machine's moods fall on both.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Instant;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::Options;
use crate::claims::{Claim, redeem, sealed_frame, wait};
use crate::report::{Mark, Report, quantile};
use crate::server::Server;
use crate::socket::{Socket, frame};

/// Claims per measurement; each carries [`TRIPS`] round trips (a claim's budget is 64 sealed frames each way).
const CLAIMS: usize = 200;
const TRIPS: usize = 60;
/// The first trips of a connection pay for what later ones find warm; they are not counted, on either side.
const WARM_UP: usize = 5;
/// Bytes of a sealed frame's whole JSON text.
const FRAME_LEN: usize = 512;
/// Devices that wait beside the measured claim.
const CROWD: usize = 10_000;

/// Takes `relay_p50_ratio` and `relay_p99_ratio`, and the same with a crowd.
pub(crate) async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let token = server.token().await?;
    let mut forwarder = tokio::process::Command::new(std::env::current_exe()?)
        .arg("forward")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut line = String::new();
    BufReader::new(forwarder.stdout.take().context("no output")?)
        .read_line(&mut line)
        .await?;
    let raw: SocketAddr = ([127, 0, 0, 1], line.trim().parse::<u16>()?).into();

    compare(&server, &token, raw, "", report).await?;
    let mut crowd = Vec::with_capacity(CROWD);
    for _ in 0..CROWD {
        crowd.push(wait(&server).await?);
    }
    compare(&server, &token, raw, "_crowded", report).await
}

async fn compare(
    server: &Server,
    token: &str,
    raw: SocketAddr,
    suffix: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (mut relayed, mut forwarded) = (Vec::new(), Vec::new());
    for _ in 0..CLAIMS {
        let claim = redeem(server, token).await?;
        trips_relayed(claim, &mut relayed).await?;
        trips_raw(raw, &mut forwarded).await?;
    }
    for (name, q, mark) in [("p50", 0.5, Mark::AtMost(1.25)), ("p99", 0.99, Mark::None)] {
        let (through, bare) = (quantile(&mut relayed, q), quantile(&mut forwarded, q));
        report.figure(&format!("relay_{name}{suffix}_us"), through, "µs", Mark::None);
        report.figure(&format!("raw_{name}{suffix}_us"), bare, "µs", Mark::None);
        report.figure(&format!("relay_{name}_ratio{suffix}"), through / bare, "×", mark);
    }
    Ok(())
}

async fn trips_relayed(mut claim: Claim, samples: &mut Vec<f64>) -> anyhow::Result<()> {
    let empty = sealed_frame(&claim.id, "\"\"").len();
    let text = sealed_frame(
        &claim.id,
        &format!("\"{}\"", "A".repeat((FRAME_LEN - empty) / 4 * 4)),
    );
    for trip in 0..TRIPS {
        let started = Instant::now();
        hop(&mut claim.device, &mut claim.claimant, &text).await?;
        hop(&mut claim.claimant, &mut claim.device, &text).await?;
        if trip >= WARM_UP {
            samples.push(started.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(())
}

async fn hop(from: &mut Socket, to: &mut Socket, text: &str) -> anyhow::Result<()> {
    from.send(text).await?;
    to.receive().await?;
    Ok(())
}

async fn trips_raw(forwarder: SocketAddr, samples: &mut Vec<f64>) -> anyhow::Result<()> {
    let (mut near, mut far) = (
        TcpStream::connect(forwarder).await?,
        TcpStream::connect(forwarder).await?,
    );
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let bytes = frame(&"A".repeat(FRAME_LEN))?;
    let mut buffer = vec![0_u8; bytes.len()];
    for trip in 0..TRIPS {
        let started = Instant::now();
        near.write_all(&bytes).await?;
        far.read_exact(&mut buffer).await?;
        far.write_all(&bytes).await?;
        near.read_exact(&mut buffer).await?;
        if trip >= WARM_UP {
            samples.push(started.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(())
}
