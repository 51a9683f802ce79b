//! Whole crossings: how many a second, and what an enrolled device's session costs in memory afterwards.
//!
//! The pace is taken with the real programs, `gangway-device simulate` and `gangway link`. The crowd of sessions is enrolled
//! by lean sockets through the same frames and endpoints, because 15,000 terminals would be measured instead of the server.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use gangway_client::{Api, Native, NativeOptions};
use gangway_device::key::{DeviceKey, KeyType};
use gangway_protocol::certificate::{ApprovalRequest, CertificateRequest};
use gangway_protocol::device::Facts;
use gangway_protocol::encoding::Base64;
use gangway_protocol::id::{AccountId, OrganisationId, SignerId};
use gangway_protocol::page::PageQuery;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::session::{SESSION_SUBPROTOCOL, proof_message};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Options;
use crate::claims::redeem;
use crate::memory::{FEW, MANY, slope};
use crate::report::{Report, count};
use crate::server::Server;
use crate::socket::Socket;

/// Crossings that are timed with the real programs.
const TERMINALS: usize = 200;
/// How many go on at a time.
const SIDE_BY_SIDE: usize = 16;

/// Takes `crossings_per_s`: `simulate` shows codes, a terminal claims each of them.
pub(crate) async fn pace(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let token = server.token().await?;
    let mut devices = tokio::process::Command::new(&options.gangway_device)
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
            codes.push(
                event["user_code"]
                    .as_str()
                    .context("a code without a code")?
                    .to_owned(),
            );
        }
    }
    let started = Instant::now();
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut terminals = JoinSet::new();
    for code in codes {
        let place = places.clone().acquire_owned().await?;
        let (gangway, url, token) = (options.gangway.clone(), server.url(), token.clone());
        terminals.spawn(async move {
            let _place = place;
            let mut terminal = tokio::process::Command::new(gangway)
                .args(["link", "--server", &url, "--yes", "--json"])
                .env("GANGWAY_TOKEN", token)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            let mut input = terminal.stdin.take().context("no input")?;
            input.write_all(format!("{code}\n").as_bytes()).await?;
            drop(input);
            let status = terminal.wait().await?;
            ensure!(status.success(), "gangway link ended with {status}");
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
        "simulate and link, code to online",
    );
    Ok(())
}

/// Takes `bytes_per_enrolled_session`, and the pace of lean crossings on the way.
pub(crate) async fn sessions(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Arc::new(Server::start(options).await?);
    let desk = Arc::new(Desk::open(&server).await?);
    let started = Instant::now();
    let mut crowd = enrol(&server, &desk, FEW).await?;
    let at_few = server.pss()?;
    crowd.extend(enrol(&server, &desk, MANY - FEW).await?);
    let elapsed = started.elapsed().as_secs_f64();
    let slope = slope(at_few, server.pss()?)?;
    report.figure(
        "lean_crossings_per_s",
        count(MANY) / elapsed,
        "/s",
        "claim to welcome, without the programs",
    );
    report.figure("bytes_per_enrolled_session", slope, "B", "≤ 4,096");
    drop(crowd);
    Ok(())
}

/// Who approves: an account with a token, its organisation and signer.
#[derive(Clone)]
pub(crate) struct Desk {
    api: Api,
    token: String,
    /// The account.
    pub(crate) account: AccountId,
    /// Where devices go.
    pub(crate) organisation: OrganisationId,
    /// Who signs.
    pub(crate) signer: SignerId,
}

impl Desk {
    /// Asks the server for all of it.
    pub(crate) async fn open(server: &Server) -> anyhow::Result<Self> {
        let token = server.token().await?;
        let options = NativeOptions {
            server: server.url(),
            token: Some(SecretString::new(token.clone())),
            trust_anchors: None,
        };
        let api = Api::new(Arc::new(Native::new(&options)?));
        let page = PageQuery::default();
        let organisation = api
            .organisations(&page)
            .await?
            .items
            .into_iter()
            .next()
            .context("no organisation")?
            .id;
        let signer = api
            .signers(&organisation, &page)
            .await?
            .items
            .into_iter()
            .next()
            .context("no signer")?
            .id;
        let account = api.account().await?.id;
        Ok(Self {
            api,
            token,
            account,
            organisation,
            signer,
        })
    }
}

async fn enrol(server: &Arc<Server>, desk: &Arc<Desk>, many: usize) -> anyhow::Result<Vec<Socket>> {
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut crossings = JoinSet::new();
    let mut sessions = Vec::with_capacity(many);
    for _ in 0..many {
        let place = places.clone().acquire_owned().await?;
        let (server, desk) = (server.clone(), desk.clone());
        crossings.spawn(async move {
            let _place = place;
            cross(&server, &desk).await
        });
        while let Some(done) = crossings.try_join_next() {
            sessions.push(done??);
        }
    }
    while let Some(done) = crossings.join_next().await {
        sessions.push(done??);
    }
    Ok(sessions)
}

/// One device from claim to welcome; what is left is its session.
async fn cross(server: &Server, desk: &Desk) -> anyhow::Result<Socket> {
    let key = DeviceKey::generate(KeyType::P256)?;
    let csr = key.csr("bench")?.pem;
    let claim = redeem(server, &desk.token).await?;
    let id = claim.id.parse()?;
    let request = ApprovalRequest {
        organisation: desk.organisation.clone(),
        csr: csr.clone(),
        facts: Facts {
            hostname: "bench".into(),
            os: "linux".into(),
            ..Facts::default()
        },
        signer: desk.signer.clone(),
        name: None,
        labels: Vec::new(),
        replace: false,
    };
    let approval = desk.api.approve(&id, &request).await?;
    desk.api.record_consent(&id).await?;
    let certificate = desk
        .api
        .request_certificate(&approval.device.id, &CertificateRequest::Sign { csr })
        .await?;
    drop(claim);

    let mut socket = Socket::open(server.address, path::SESSION_SOCKET, SESSION_SUBPROTOCOL, None).await?;
    let challenge = socket.receive_type("challenge").await?;
    let nonce: Base64 = serde_json::from_value(challenge["nonce"].clone())?;
    let signed = proof_message(&nonce.0, &server.url(), &certificate.sha256);
    let proof = json!({
        "type": "proof",
        "chain": certificate.chain,
        "signature": Base64(key.sign(&signed)?),
        "counter": 1,
        "agent": "gangway-bench/0.1.0 (linux)",
    });
    socket.send(&proof.to_string()).await?;
    socket.receive_type("welcome").await?;
    Ok(socket)
}
