//! How near issuance comes to what the cryptography and the disk allow: the CA itself, in process, as the server calls it.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use gangway_device::key::{DeviceKey, KeyType};
use gangway_protocol::certificate::ApprovalRequest;
use gangway_protocol::device::Facts;
use gangway_protocol::id::{ClaimId, DeviceId};
use gangway_server::audit::Member;
use gangway_server::ca::DeviceIdentity;
use gangway_server::clock::{Clock as _, SystemClock};
use gangway_server::config::{Config, Environment, Values};
use gangway_server::db::approvals::Evidence;
use gangway_server::enrolment::approval::{Approving, approve, consent};
use gangway_server::enrolment::check_csr;
use gangway_server::enrolment::issuance::{Grounds, Order, issue};
use gangway_server::rng::{Random, SystemRandom};
use gangway_server::state::Gangway;
use tokio::task::JoinSet;

use crate::Options;
use crate::crossings::Desk;
use crate::report::{Report, count};
use crate::server::Server;

/// For how long one core verifies and signs.
const SIGNING_FOR: Duration = Duration::from_secs(3);
/// Certificates that are issued durably, each for a key of its own.
const ISSUANCES: usize = 4_000;
/// Requests that are on their way at a time: what a fleet that comes in at once looks like.
const SIDE_BY_SIDE: usize = 128;

/// A CA on an SQLite database, and who may use it.
struct Office {
    gangway: Arc<Gangway>,
    desk: Desk,
    _folder: tempfile::TempDir,
}

impl Office {
    /// The server makes organisation, signer and account; then it stops, and this process opens what it left.
    async fn open(options: &Options) -> anyhow::Result<Self> {
        let server = Server::start(options).await?;
        let desk = Desk::open(&server).await?;
        let folder = server.stop().await?;
        let flags = BTreeMap::from([
            ("data_dir".to_owned(), folder.path().display().to_string()),
            ("public_url".to_owned(), "http://localhost:8080".to_owned()),
        ]);
        let config = Config::from_values(&Values::collect(&flags, None, &Environment::default())?)?;
        let gangway = Gangway::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
        Ok(Self {
            gangway,
            desk,
            _folder: folder,
        })
    }
}

/// Takes `csr_ceiling_ratio`: verifying a CSR and signing a certificate on one core, against OpenSSL's bare verify and sign.
pub(crate) async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let office = Office::open(options).await?;
    let pem = DeviceKey::generate(KeyType::P256)?.csr("bench")?.pem;
    let now = SystemClock.now();
    let random: &dyn Random = &SystemRandom;
    let identity = DeviceIdentity {
        organisation: office.desk.organisation.clone(),
        device: DeviceId::new(now, random.for_id()),
    };
    let (started, mut signed) = (Instant::now(), 0_usize);
    while started.elapsed() < SIGNING_FOR {
        let csr = check_csr(&pem)?;
        let draft = office
            .gangway
            .authority
            .draft(&identity, csr.key(), 90, now, random)?;
        office
            .gangway
            .authority
            .complete(&draft.issuer, &draft.to_be_signed)?;
        signed += 1;
    }
    let ours = count(signed) / started.elapsed().as_secs_f64();
    let ceiling = openssl_ceiling()?;
    report.figure("csr_per_s_per_core", ours, "/s", "verify, draft, sign");
    report.figure("csr_ceiling_per_s", ceiling, "/s", "openssl speed ecdsap256");
    report.figure("csr_ceiling_ratio", ours / ceiling, "×", "≥ 0.5");
    Ok(())
}

/// One verification and one signature by OpenSSL on one core, per second.
fn openssl_ceiling() -> anyhow::Result<f64> {
    let output = Command::new("openssl")
        .args(["speed", "-mr", "-seconds", "3", "ecdsap256"])
        .output()
        .context("running openssl")?;
    let text = String::from_utf8(output.stdout)?;
    // `+F4:` number, bits, signing, verifying.
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("+F4:"))
        .context("openssl speed printed no +F4 line")?;
    let fields: Vec<f64> = line.split(':').filter_map(|field| field.parse().ok()).collect();
    ensure!(fields.len() >= 4, "openssl speed printed {line}");
    // OpenSSL 3 prints operations a second there, older versions seconds for one; neither is anywhere near 1.
    let seconds = |field: f64| if field > 1.0 { field.recip() } else { field };
    Ok((seconds(fields[2]) + seconds(fields[3])).recip())
}

/// Takes `durable_issuances_per_s`: certificates that are reserved, signed, stored and synced, SQLite with `synchronous=FULL`.
pub(crate) async fn durable(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let office = Office::open(options).await?;
    let mut orders = Vec::with_capacity(ISSUANCES);
    let mut approvals = JoinSet::new();
    for _ in 0..ISSUANCES {
        let (gangway, desk) = (office.gangway.clone(), office.desk.clone());
        approvals.spawn(async move { order(&gangway, &desk).await });
        if approvals.len() >= SIDE_BY_SIDE {
            orders.push(approvals.join_next().await.context("an approval")???);
        }
    }
    while let Some(order) = approvals.join_next().await {
        orders.push(order??);
    }
    let started = Instant::now();
    let mut issuing = JoinSet::new();
    for order in orders {
        let gangway = office.gangway.clone();
        issuing.spawn(async move { issue(&gangway, &order).await });
        if issuing.len() >= SIDE_BY_SIDE {
            issuing.join_next().await.context("an issuance")???;
        }
    }
    while let Some(done) = issuing.join_next().await {
        done??;
    }
    report.figure(
        "durable_issuances_per_s",
        count(ISSUANCES) / started.elapsed().as_secs_f64(),
        "/s",
        "≥ 1,000",
    );
    Ok(())
}

/// An approved and consented enrolment that waits for its certificate.
async fn order(gangway: &Gangway, desk: &Desk) -> anyhow::Result<Order> {
    let pem = DeviceKey::generate(KeyType::P256)?.csr("bench")?.pem;
    let claim = ClaimId::new(gangway.clock.now(), gangway.random.for_id());
    let member = Member {
        account: desk.account.clone(),
        name: "bench".to_owned(),
        token: None,
    };
    let approving = Approving {
        claim: claim.clone(),
        request: ApprovalRequest {
            organisation: desk.organisation.clone(),
            csr: pem.clone(),
            facts: Facts {
                hostname: "bench".to_owned(),
                ..Facts::default()
            },
            signer: desk.signer.clone(),
            name: None,
            labels: Vec::new(),
            replace: false,
        },
        member: member.clone(),
        evidence: Some(Evidence {
            proof: "bench".to_owned(),
            device_address: None,
        }),
    };
    let approval = approve(gangway, approving).await?;
    consent(gangway, &claim, &desk.account).await?;
    Ok(Order {
        device: approval.device.id,
        csr: check_csr(&pem)?,
        grounds: Grounds::Approval(member),
    })
}
