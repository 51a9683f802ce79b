//! The page of a device in a fleet of 100,000: what it asks of the API, as the panel asks it.

use std::time::Instant;

use anyhow::Context as _;
use gangway_protocol::id::DeviceId;
use gangway_protocol::page::PageQuery;
use gangway_server::db::{DbError, assembled};
use gangway_server::enrolment::issuance::issue;
use gangway_server::state::Gangway;

use crate::Options;
use crate::approver::Approver;
use crate::issuance::{Issuer, order};
use crate::report::{Mark, Report, quantile};
use crate::server::Server;

/// Devices, with a certificate and an entry of the record each.
const DEVICES: u32 = 100_000;
/// Pages that are timed, of devices all over the fleet.
const PAGES: u32 = 500;

/// Takes `device_page_100k_p95_ms`.
pub(crate) async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::open(options).await?;
    let (_, order) = order(&issuer.gangway, &issuer.approver).await?;
    issue(&issuer.gangway, &order).await?;
    multiply(&issuer.gangway, &order.device).await?;
    let server = Server::start_in(options, issuer.close().await).await?;
    let approver = Approver::open(&server).await?;
    let mut times = Vec::new();
    for page in 0..PAGES {
        let device: DeviceId = id(page * (DEVICES / PAGES) + 1).parse().context("an id")?;
        let started = Instant::now();
        approver.api.device(&device).await?;
        approver
            .api
            .device_certificates(&device, &PageQuery::default())
            .await?;
        approver.api.device_events(&device, &PageQuery::default()).await?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    report.figure(
        "device_page_100k_p95_ms",
        quantile(&mut times, 0.95),
        "ms",
        Mark::AtMost(5.0),
    );
    Ok(())
}

fn id(number: u32) -> String {
    format!("dev_{number:026}")
}

/// Adds devices that are like this one in everything but their ids, keys and serial numbers.
async fn multiply(gangway: &Gangway, model: &DeviceId) -> anyhow::Result<()> {
    let series =
        format!("WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {DEVICES})");
    let statements = [
        format!(
            "{series} INSERT INTO devices (id, organisation, customer, name, sort_name, labels, state, state_since, facts, search,
                 approver, created_at)
             SELECT 'dev_' || PRINTF('%026d', n), organisation, customer, name, sort_name, labels, state, state_since, facts, search,
                 approver, created_at + n FROM s, devices WHERE id = '{model}'"
        ),
        format!(
            "{series} INSERT INTO certificates (issuer, serial, organisation, device, signer, spki_sha256, generation, sha256,
                 leaf, subject, issuer_name, key_kind, not_before, not_after, issued_at, search)
             SELECT issuer, PRINTF('%032d', n), organisation, 'dev_' || PRINTF('%026d', n), signer, PRINTF('%064d', n), 1,
                 PRINTF('%064d', n), leaf, subject, issuer_name, key_kind, not_before, not_after, issued_at + n, search
             FROM s, certificates WHERE device = '{model}'"
        ),
        format!(
            "{series} INSERT INTO audit (chain, seq, at, actor, action, subject, detail, hash)
             SELECT chain, seq + n, at, actor, action, 'dev_' || PRINTF('%026d', n), detail, hash
             FROM s, (SELECT * FROM audit WHERE subject = '{model}' ORDER BY seq DESC LIMIT 1)"
        ),
        // What is recorded from now on comes behind them.
        "UPDATE audit_heads SET seq = (SELECT MAX(seq) FROM audit WHERE audit.chain = audit_heads.chain)".to_owned(),
    ];
    for sql in statements {
        let added: Result<u64, DbError> = gangway
            .db
            .write(move |mut conn| Box::pin(async move { assembled(sql).execute(&mut conn).await }))
            .await;
        added?;
    }
    Ok(())
}
