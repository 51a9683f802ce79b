//! User-space bytes of a socket at rest: the slope of the server's memory between two crowds, each after a real hello.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use gangway_device::key::DeviceKey as _;
use gangway_protocol::encoding::Base64;
use gangway_protocol::path;
use gangway_protocol::session::{SESSION_SUBPROTOCOL, proof_message};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Options;
use crate::claims::wait;
use crate::issuance::Enrolled;
use crate::report::{Mark, Report, bytes, count};
use crate::server::Server;
use crate::socket::Socket;
use crate::tls::Tls;

/// The smaller crowd, large enough that one-time buffers are paid for.
const FEW: usize = 2_000;
/// The larger crowd; a process holds about 20,000 sockets.
pub(crate) const MANY: usize = 18_400;
/// Sessions that begin at a time.
const SIDE_BY_SIDE: usize = 64;
/// Counters of proofs grow from one to the next; every device may have any of them.
static NEXT_COUNTER: AtomicU64 = AtomicU64::new(1);
/// What is written once a second, nameplates and presence, has been written and forgotten by then.
const SETTLE: Duration = Duration::from_millis(2500);

/// Takes `bytes_per_waiting_session`.
pub(crate) async fn waiting(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let mut crowd = Vec::with_capacity(MANY);
    let mut sizes = Vec::new();
    for many in [FEW, MANY] {
        while crowd.len() < many {
            crowd.push(wait(&server).await?.0);
        }
        sizes.push(size(&server, &crowd).await?);
    }
    report.figure(
        "bytes_per_waiting_session",
        slope(&sizes),
        "B",
        Mark::AtMost(2048.0),
    );
    Ok(())
}

/// Takes `bytes_per_enrolled_session`: devices with certificates prove themselves to a server that has just started.
pub(crate) async fn sessions(
    options: &Options,
    folder: tempfile::TempDir,
    enrolled: &[Arc<Enrolled>],
    report: &mut Report,
) -> anyhow::Result<tempfile::TempDir> {
    let server = Arc::new(Server::start_in(options, folder).await?);
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut devices = enrolled.iter().cloned();
    let mut crowd = Vec::with_capacity(MANY);
    let mut sizes = Vec::new();
    for many in [FEW, MANY] {
        let mut proofs = JoinSet::new();
        for device in devices.by_ref().take(many - crowd.len()) {
            let (place, server) = (places.clone().acquire_owned().await?, server.clone());
            proofs.spawn(async move {
                let _place = place;
                prove(&server, &device).await
            });
        }
        while let Some(session) = proofs.join_next().await {
            crowd.push(session??);
        }
        sizes.push(size(&server, &crowd).await?);
    }
    report.figure(
        "bytes_per_enrolled_session",
        slope(&sizes),
        "B",
        Mark::AtMost(4096.0),
    );
    drop(crowd);
    Arc::into_inner(server)
        .context("somebody still talks to the server")?
        .stop()
        .await
}

/// Opens a device's session with its certificate.
pub(crate) async fn prove(server: &Server, device: &Enrolled) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect(server.address).await?;
    prove_on(stream, &server.url(), server.tls.as_ref(), device).await
}

/// Opens a device's session on this connection: upgrade, challenge, proof, welcome.
pub(crate) async fn prove_on(
    stream: TcpStream,
    origin: &str,
    tls: Option<&Tls>,
    device: &Enrolled,
) -> anyhow::Result<Socket> {
    let mut socket = Socket::upgrade(stream, tls, path::SESSION_SOCKET, SESSION_SUBPROTOCOL, None).await?;
    let challenge = socket.receive_type("challenge").await?;
    let nonce: Base64 = serde_json::from_value(challenge["nonce"].clone())?;
    let signed = proof_message(&nonce.0, origin, &device.sha256);
    let proof = json!({
        "type": "proof",
        "chain": device.chain,
        "signature": Base64(device.key.sign(&signed)?),
        "counter": NEXT_COUNTER.fetch_add(1, Ordering::Relaxed),
        "agent": "gangway-bench/0.1.0 (linux)",
    });
    socket.send(&proof.to_string()).await?;
    socket.receive_type("welcome").await?;
    Ok(socket)
}

/// The server's memory once it is at rest, with every socket of the crowd still open.
async fn size(server: &Server, crowd: &[Socket]) -> anyhow::Result<(usize, u64)> {
    tokio::time::sleep(SETTLE).await;
    let size = server.pss()?;
    let open = crowd.iter().filter(|socket| socket.is_open()).count();
    ensure!(
        open == crowd.len(),
        "only {open} of {} sockets are still open: this machine is too busy, as devices answer no pings here",
        crowd.len()
    );
    Ok((open, size))
}

/// Bytes per socket between the first crowd and the last.
fn slope(sizes: &[(usize, u64)]) -> f64 {
    match (sizes.first(), sizes.last()) {
        (Some((few, at_few)), Some((many, at_many))) => {
            (bytes(*at_many) - bytes(*at_few)) / (count(*many) - count(*few))
        }
        _ => f64::NAN,
    }
}
