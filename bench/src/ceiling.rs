//! How near the CA comes to what the cryptography allows: one core, in process, against OpenSSL's bare verify and sign.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use gangway_device::key::{DeviceKey as _, FileKey, KeyType};
use gangway_protocol::id::DeviceId;
use gangway_server::ca::DeviceIdentity;
use gangway_server::enrolment::check_csr;

use crate::Options;
use crate::issuance::Issuer;
use crate::report::{Mark, Report, count, quantile};

/// Ours and OpenSSL's take turns, so that the machine's moods fall on both.
const ROUNDS: usize = 3;
/// Processor time of ours in a round; OpenSSL takes as much for each of its two halves.
const ROUND: Duration = Duration::from_secs(1);
/// Certificates between two looks at the clock.
const BATCH: usize = 64;

/// Takes `csr_ceiling_ratio`: a CSR verified, its certificate drafted and signed, in processor time (which is what
/// `openssl speed` counts in).
pub(crate) async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let issuer = Issuer::open(options).await?;
    let pem = FileKey::generate(KeyType::P256)?.csr("bench")?.pem;
    let (mut ours, mut ceilings, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mine = std::thread::scope(|scope| {
            let work = scope.spawn(|| certificates_per_s(&issuer, &pem));
            work.join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        let bare = openssl_ceiling()?;
        ours.push(mine);
        ceilings.push(bare);
        ratios.push(mine / bare);
    }
    report.figure("csr_per_s_per_core", quantile(&mut ours, 0.5), "/s", Mark::None);
    report.figure(
        "csr_openssl_per_s",
        quantile(&mut ceilings, 0.5),
        "/s",
        Mark::None,
    );
    report.figure(
        "csr_ceiling_ratio",
        quantile(&mut ratios, 0.5),
        "×",
        Mark::AtLeast(0.5),
    );
    issuer.close().await;
    Ok(())
}

fn certificates_per_s(issuer: &Issuer, pem: &str) -> anyhow::Result<f64> {
    let gangway = &*issuer.gangway;
    let now = gangway.clock.now();
    let identity = DeviceIdentity {
        organisation: issuer.approver.organisation.clone(),
        device: DeviceId::new(now, gangway.random.for_id()),
        known_as: None,
    };
    let begun = processor_time()?;
    let mut signed = 0;
    loop {
        for _ in 0..BATCH {
            let csr = check_csr(pem)?;
            let draft = gangway
                .ca
                .draft(&identity, csr.key(), 90, now, &*gangway.random)?;
            gangway
                .ca
                .leaf_issuer(&draft.issuer)
                .and_then(|issuer| issuer.sign(&draft.to_be_signed))?;
            signed += 1;
        }
        let spent = processor_time()?.saturating_sub(begun);
        if spent >= ROUND {
            return Ok(count(signed) / spent.as_secs_f64());
        }
    }
}

/// For how long this thread has run on a processor: the first field of schedstat, in nanoseconds (Linux,
/// Documentation/scheduler/sched-stats.rst).
fn processor_time() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let field = text.split_whitespace().next().context("schedstat is empty")?;
    Ok(Duration::from_nanos(field.parse()?))
}

/// One verification and one signature by OpenSSL on one core, per second.
fn openssl_ceiling() -> anyhow::Result<f64> {
    let seconds = ROUND.as_secs().to_string();
    let output = Command::new("openssl")
        .args(["speed", "-mr", "-seconds", &seconds, "ecdsap256"])
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
