//! Durable issuance, in process, as the server's handlers call it; and the enrolled devices that come of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use gangway_device::key::{DeviceKey as _, FileKey, KeyType};
use gangway_protocol::certificate::ApprovalRequest;
use gangway_protocol::device::Facts;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::ClaimId;
use gangway_protocol::organisation::Role;
use gangway_server::authority::{Means, Member};
use gangway_server::clock::SystemClock;
use gangway_server::config::{Config, Environment, Values};
use gangway_server::db::approvals::Evidence;
use gangway_server::enrolment::approval::{Approving, approve, consent};
use gangway_server::enrolment::issuance::{Grounds, Order, issue};
use gangway_server::enrolment::{check_csr, present};
use gangway_server::rng::SystemRandom;
use gangway_server::state::Gangway;
use tokio::task::JoinSet;

use crate::Options;
use crate::approver::Approver;
use crate::memory::MANY;
use crate::report::{Mark, Report, count};
use crate::server::Server;

/// Requests that are on their way at a time: what a fleet that comes in at once looks like.
const SIDE_BY_SIDE: usize = 128;

/// A CA on an SQLite database, and who may use it.
pub(crate) struct Issuer {
    /// The server's inside.
    pub(crate) gangway: Arc<Gangway>,
    /// Who approves.
    pub(crate) approver: Approver,
    folder: tempfile::TempDir,
}

/// A device with its certificate.
pub(crate) struct Enrolled {
    /// Its key.
    pub(crate) key: FileKey,
    /// Its certificate and what stands above it, PEM.
    pub(crate) chain: String,
    /// Digest of its certificate.
    pub(crate) sha256: Sha256Hex,
}

impl Issuer {
    /// The server makes organisation, signer and account; then it stops, and this process opens what it left.
    pub(crate) async fn open(options: &Options) -> anyhow::Result<Self> {
        let server = Server::start(options).await?;
        let approver = Approver::open(&server).await?;
        let folder = server.stop().await?;
        let flags = BTreeMap::from([
            ("data_dir".to_owned(), folder.path().display().to_string()),
            ("public_url".to_owned(), "http://localhost:8080".to_owned()),
        ]);
        let config = Config::from_values(&Values::collect(&flags, None, &Environment::default())?)?;
        let gangway = Gangway::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
        Ok(Self {
            gangway,
            approver,
            folder,
        })
    }

    /// Leaves the issuer to a server.
    pub(crate) async fn close(self) -> tempfile::TempDir {
        self.gangway.measurements.close().await;
        self.gangway.db.close().await;
        self.folder
    }
}

/// Takes `durable_issuances_per_s`: certificates that are reserved, signed, stored and synced, SQLite with `synchronous=FULL`.
/// Returns the data directory and the devices.
pub(crate) async fn measure(
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<(tempfile::TempDir, Vec<Arc<Enrolled>>)> {
    let issuer = Issuer::open(options).await?;
    let mut approvals = JoinSet::new();
    let mut orders = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        let (gangway, approver) = (issuer.gangway.clone(), issuer.approver.clone());
        approvals.spawn(async move { order(&gangway, &approver).await });
        if approvals.len() >= SIDE_BY_SIDE {
            orders.push(approvals.join_next().await.context("an approval")???);
        }
    }
    while let Some(order) = approvals.join_next().await {
        orders.push(order??);
    }
    let started = Instant::now();
    let mut issuing = JoinSet::new();
    let mut enrolled = Vec::with_capacity(MANY);
    for (key, order) in orders {
        let gangway = issuer.gangway.clone();
        issuing.spawn(async move {
            let record = issue(&gangway, &order).await?;
            let sha256 = record.sha256;
            let chain = present(&gangway, record)?.chain;
            anyhow::Ok(Arc::new(Enrolled { key, chain, sha256 }))
        });
        if issuing.len() >= SIDE_BY_SIDE {
            enrolled.push(issuing.join_next().await.context("an issuance")???);
        }
    }
    while let Some(device) = issuing.join_next().await {
        enrolled.push(device??);
    }
    report.figure(
        "durable_issuances_per_s",
        count(MANY) / started.elapsed().as_secs_f64(),
        "/s",
        Mark::AtLeast(5000.0),
    );
    Ok((issuer.close().await, enrolled))
}

/// An approved and consented enrolment that waits for its certificate.
pub(crate) async fn order(gangway: &Gangway, approver: &Approver) -> anyhow::Result<(FileKey, Order)> {
    let key = FileKey::generate(KeyType::P256)?;
    let pem = key.csr("bench")?.pem;
    let claim = ClaimId::new(gangway.clock.now(), gangway.random.for_id());
    let member = Member {
        account: approver.account.clone(),
        name: "bench".to_owned(),
        means: Means::Own,
    };
    let approving = Approving {
        claim: claim.clone(),
        csr: check_csr(&pem)?,
        request: ApprovalRequest {
            organisation: approver.organisation.clone(),
            csr: pem.clone(),
            facts: Facts {
                hostname: "bench".to_owned(),
                ..Facts::default()
            },
            signer: approver.signer.clone(),
            name: None,
            labels: Vec::new(),
            replace: false,
        },
        member: member.clone(),
        role: Role::Operator,
        evidence: Some(Evidence {
            proof: "bench".to_owned(),
            device_address: None,
        }),
        permit: None,
    };
    let approval = approve(gangway, approving).await?;
    consent(gangway, &claim, member.clone()).await?;
    let order = Order {
        device: approval.device.id,
        csr: check_csr(&pem)?,
        grounds: Grounds::Approval(member),
        known_as: None,
        again: false,
    };
    Ok((key, order))
}
