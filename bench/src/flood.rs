//! What a stranger can do to others: sockets of one address flood the relay with Pings, and another address asks for a nameplate.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use gangway_protocol::enrolment::ENROLMENT_SUBPROTOCOL;
use gangway_protocol::path;
use tokio::task::JoinSet;

use crate::Options;
use crate::report::{Mark, Report, quantile};
use crate::server::Server;
use crate::socket::Socket;

/// Sockets that flood at a time. One that is closed is opened again.
const FLOODING: usize = 50;
/// Bytes that a flooding socket writes at once: Pings of six bytes.
const WRITE_LEN: usize = 64 * 1024;
/// Devices that ask, one after another.
const ASKING: usize = 1_000;
/// After so long the flood is at its height.
const SWELLING: Duration = Duration::from_millis(500);
/// What a flooding socket waits that was refused altogether. Without a pause the load generator would use up the machine.
const REFUSED_PAUSE: Duration = Duration::from_millis(1);

/// Takes `hello_p99_ms_under_flood`, and the same without a flood.
pub(crate) async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    for (suffix, mark) in [("", Mark::None), ("_under_flood", Mark::AtMost(5.0))] {
        let _flood = match suffix {
            "" => None,
            _ => Some(
                tokio::process::Command::new(std::env::current_exe()?)
                    .args(["flood", &server.address.to_string()])
                    .kill_on_drop(true)
                    .spawn()?,
            ),
        };
        tokio::time::sleep(SWELLING).await;
        let mut samples = Vec::with_capacity(ASKING);
        for _ in 0..ASKING {
            samples.push(ask(server.address).await?);
        }
        for (name, q, mark) in [("p50", 0.5, Mark::None), ("p99", 0.99, mark)] {
            let key = format!("hello_{name}_ms{suffix}");
            report.figure(&key, quantile(&mut samples, q), "ms", mark);
        }
    }
    Ok(())
}

/// Milliseconds from `hello` to `nameplate`, at another address than the flood's.
async fn ask(server: SocketAddr) -> anyhow::Result<f64> {
    let own = IpAddr::from(Ipv4Addr::new(127, 0, 0, 2));
    let mut socket = Socket::open_from(own, server, path::ENROLMENT_SOCKET, ENROLMENT_SUBPROTOCOL).await?;
    let started = Instant::now();
    socket
        .send(r#"{"type":"hello","agent":"gangway-bench/0.1.0 (linux)"}"#)
        .await?;
    socket.receive_type("nameplate").await?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// Floods until it is killed.
pub(crate) async fn pour(server: SocketAddr) -> anyhow::Result<()> {
    let mut sockets = JoinSet::new();
    for _ in 0..FLOODING {
        sockets.spawn(async move {
            loop {
                // However it ends, it begins anew.
                let _ = pour_one(server).await;
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        });
    }
    while sockets.join_next().await.is_some() {}
    Ok(())
}

async fn pour_one(server: SocketAddr) -> anyhow::Result<()> {
    let mut socket = Socket::open(server, path::ENROLMENT_SOCKET, ENROLMENT_SUBPROTOCOL, None).await?;
    socket
        .send(r#"{"type":"hello","agent":"gangway-bench/0.1.0 (linux)"}"#)
        .await?;
    socket.receive_type("nameplate").await?;
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    let pings = ping.repeat(WRITE_LEN / ping.len());
    loop {
        socket.send_raw(&pings).await?;
    }
}
