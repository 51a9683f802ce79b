//! A fleet after a power cut: the server is killed and started again, and all devices come back at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::Options;
use crate::issuance::Enrolled;
use crate::memory::prove_on;
use crate::report::{Mark, Report, bytes, count};
use crate::server::Server;
use crate::socket::Socket;
use crate::tls::Tls;

/// Devices that come back over plain TCP, as behind a proxy: a process holds about 20,000 sockets.
const PLAIN: usize = 18_400;
/// Devices that come back over TLS.
const TLS: usize = 9_000;
/// What a device waits before it tries again whose connection was refused.
const REFUSED_PAUSE: Duration = Duration::from_millis(10);
/// After so long what a storm has brought up has come down again.
const SETTLE: Duration = Duration::from_secs(15);

/// Takes `reconnect_plain_s` and `reconnect_tls_s`, from the kill to the last `welcome`, and what the server keeps in memory
/// afterwards.
pub(crate) async fn measure(
    options: &Options,
    folder: tempfile::TempDir,
    enrolled: &[Arc<Enrolled>],
    report: &mut Report,
) -> anyhow::Result<()> {
    let tls = Tls::make(folder.path())?;
    let folder = storm(options, folder, None, enrolled, PLAIN, "plain", report).await?;
    storm(options, folder, Some(tls), enrolled, TLS, "tls", report).await?;
    Ok(())
}

async fn storm(
    options: &Options,
    folder: tempfile::TempDir,
    tls: Option<Tls>,
    enrolled: &[Arc<Enrolled>],
    many: usize,
    name: &str,
    report: &mut Report,
) -> anyhow::Result<tempfile::TempDir> {
    ensure!(enrolled.len() >= many, "too few devices");
    let fleet = enrolled.get(..many).context("too few devices")?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let server = Server::spawn_in(options, folder, address, tls.clone())?;
    let sessions = come(&server, fleet).await?.sessions;

    let started = Instant::now();
    let folder = server.kill().await?;
    drop(sessions);
    let server = Server::spawn_in(options, folder, address, tls)?;
    let Arrived {
        sessions,
        refused,
        empty,
    } = come(&server, fleet).await?;
    let elapsed = started.elapsed().as_secs_f64();
    let key = |what: &str| format!("reconnect_{name}_{what}");
    report.figure(&key("s"), elapsed, "s", Mark::AtMost(4.0));
    report.figure(&key("refused"), count(refused), "", Mark::None);
    let per_session = |now: u64| bytes(now.saturating_sub(empty)) / count(many);
    let peak = per_session(server.pss()?);
    report.figure(&key("peak_bytes"), peak, "B", Mark::None);
    tokio::time::sleep(SETTLE).await;
    let open = sessions.iter().filter(|socket| socket.is_open()).count();
    ensure!(open == many, "only {open} of {many} sessions are still open");
    report.figure(&key("bytes"), per_session(server.pss()?), "B", Mark::None);
    drop(sessions);
    server.stop().await
}

/// A fleet that has come.
struct Arrived {
    sessions: Vec<Socket>,
    /// How often a device was sent away in words.
    refused: usize,
    /// The server's memory before the first of them.
    empty: u64,
}

/// Where a device comes from: a hundred share an address. From one address, whose ports are mostly taken by the connections
/// that the killed server has left, the kernel would spend a quarter of all time looking for free ones.
fn source(number: usize) -> anyhow::Result<SocketAddr> {
    let group = u8::try_from(number / 100)?;
    Ok(SocketAddr::from(([127, 1, group, 1], 0)))
}

async fn connect(source: SocketAddr, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(source)?;
    socket.connect(address).await
}

/// The whole fleet connects at once, and each device tries until it is welcome.
async fn come(server: &Server, fleet: &[Arc<Enrolled>]) -> anyhow::Result<Arrived> {
    while TcpStream::connect(server.address).await.is_err() {
        tokio::time::sleep(REFUSED_PAUSE).await;
    }
    let empty = server.pss()?;
    let mut coming = JoinSet::new();
    for (number, device) in fleet.iter().enumerate() {
        let (address, origin, tls, device) =
            (server.address, server.url(), server.tls.clone(), device.clone());
        let source = source(number)?;
        coming.spawn(async move {
            let mut refused = 0_usize;
            loop {
                if let Ok(stream) = connect(source, address).await {
                    match prove_on(stream, &origin, tls.as_ref(), &device).await {
                        Ok(session) => return (session, refused),
                        Err(_) => refused += 1,
                    }
                }
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        });
    }
    let mut sessions = Vec::with_capacity(fleet.len());
    let mut refused = 0;
    while let Some(arrived) = coming.join_next().await {
        let (session, times) = arrived?;
        sessions.push(session);
        refused += times;
    }
    Ok(Arrived {
        sessions,
        refused,
        empty,
    })
}
