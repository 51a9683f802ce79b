//! Whole crossings a second, from the code to the first session.
//!
//! The pace is taken with the real programs, `gangway-device simulate` and one `gangway link` for each device; and with lean
//! sockets that say the same in one process, to see what the server manages when nobody pays for terminals.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use gangway_device::key::{DeviceKey as _, FileKey, KeyType};
use gangway_protocol::certificate::{ApprovalRequest, CertificateRequest};
use gangway_protocol::device::Facts;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Options;
use crate::approver::Approver;
use crate::claims::redeem;
use crate::issuance::Enrolled;
use crate::memory::prove;
use crate::report::{Mark, Report, count};
use crate::server::Server;
use crate::socket::Socket;

/// Crossings that are timed with the real programs.
const TERMINALS: usize = 500;
/// Terminals at a time. Each waits for the disk and for the network most of its time.
const TERMINALS_SIDE_BY_SIDE: usize = 48;
/// Crossings by lean sockets.
const LEAN: usize = 2_000;
/// Lean crossings at a time.
const LEAN_SIDE_BY_SIDE: usize = 64;

/// Takes `crossings_per_s`: `simulate` shows the codes, a terminal claims each of them and ends when the device is online.
pub(crate) async fn pace(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let token = server.token().await?;
    let mut devices = tokio::process::Command::new(options.gangway_device()?)
        .args([
            "simulate",
            "--count",
            &TERMINALS.to_string(),
            "--server",
            &server.url(),
            "--json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(devices.stdout.take().context("no output")?).lines();
    let mut codes = Vec::with_capacity(TERMINALS);
    while codes.len() < TERMINALS {
        let line = lines.next_line().await?.context("the simulation ended")?;
        let event: serde_json::Value = serde_json::from_str(&line)?;
        if event["event"] == "code" {
            let code = event["user_code"].as_str().context("a code without a code")?;
            codes.push(code.to_owned());
        }
    }
    // The devices go on talking; somebody has to listen.
    let listener = tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let started = Instant::now();
    let places = Arc::new(Semaphore::new(TERMINALS_SIDE_BY_SIDE));
    let mut terminals = JoinSet::new();
    for code in codes {
        let place = places.clone().acquire_owned().await?;
        let (gangway, url, token) = (options.gangway()?, server.url(), token.clone());
        terminals.spawn(async move {
            let _place = place;
            let mut terminal = tokio::process::Command::new(gangway)
                .args(["link", "--server", &url, "--yes", "--json"])
                .env("GANGWAY_TOKEN", token)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            let mut input = terminal.stdin.take().context("no input")?;
            input.write_all(format!("{code}\n").as_bytes()).await?;
            drop(input);
            let output = terminal.wait_with_output().await?;
            ensure!(
                output.status.success(),
                "gangway link ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stdout)
            );
            anyhow::Ok(())
        });
    }
    while let Some(done) = terminals.join_next().await {
        done??;
    }
    report.figure(
        "crossings_per_s",
        count(TERMINALS) / started.elapsed().as_secs_f64(),
        "/s",
        Mark::None,
    );
    listener.abort();
    Ok(())
}

/// Takes `lean_crossings_per_s`.
pub(crate) async fn lean(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let pace = lean_pace(server).await?;
    report.figure("lean_crossings_per_s", pace, "/s", Mark::None);
    Ok(())
}

/// Takes `crossings_postgres_per_s`: as `lean_crossings_per_s`, on PostgreSQL.
pub(crate) async fn postgres(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let Some(url) = &options.postgres else {
        println!("crossings_postgres_per_s: left out, no PostgreSQL was named");
        return Ok(());
    };
    let server = Server::start_on(options, url).await?;
    let pace = lean_pace(server).await?;
    report.figure("crossings_postgres_per_s", pace, "/s", Mark::AtLeast(400.0));
    Ok(())
}

async fn lean_pace(server: Server) -> anyhow::Result<f64> {
    let server = Arc::new(server);
    let approver = Arc::new(Approver::open(&server).await?);
    let places = Arc::new(Semaphore::new(LEAN_SIDE_BY_SIDE));
    let mut crossings = JoinSet::new();
    let mut sessions = Vec::with_capacity(LEAN);
    let started = Instant::now();
    for _ in 0..LEAN {
        let place = places.clone().acquire_owned().await?;
        let (server, approver) = (server.clone(), approver.clone());
        crossings.spawn(async move {
            let _place = place;
            cross(&server, &approver).await
        });
    }
    while let Some(session) = crossings.join_next().await {
        sessions.push(session??);
    }
    Ok(count(LEAN) / started.elapsed().as_secs_f64())
}

/// One device from claim to welcome; what is left is its session.
async fn cross(server: &Server, approver: &Approver) -> anyhow::Result<Socket> {
    let key = FileKey::generate(KeyType::P256)?;
    let csr = key.csr("bench")?.pem;
    let claim = redeem(server, &approver.token).await?;
    let id = claim.id.parse()?;
    let request = ApprovalRequest {
        organisation: approver.organisation.clone(),
        csr: csr.clone(),
        facts: Facts {
            hostname: "bench".into(),
            os: "linux".into(),
            ..Facts::default()
        },
        signer: approver.signer.clone(),
        name: None,
        labels: Vec::new(),
        replace: false,
    };
    let approval = approver.api.approve(&id, &request).await?;
    approver.api.record_consent(&id).await?;
    let certificate = approver
        .api
        .request_certificate(&approval.device.id, &CertificateRequest::sign(csr))
        .await?;
    drop(claim);
    let enrolled = Enrolled {
        key,
        chain: certificate.chain,
        sha256: certificate.sha256,
    };
    prove(server, &enrolled).await
}
