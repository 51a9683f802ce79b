//! `gangway-device status`: what the state directory says, beside a running agent or without one.

use std::path::{Path, PathBuf};

use clap::Args;
use gangway_device::clock::{Clock as _, SystemClock};
use gangway_device::store::{Record, Store, is_in_use};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::time::UnixMillis;
use serde::Serialize;

use super::owner::act_as_owner;
use super::{Failure, StateDir};
use crate::screen::{Posted, answer_command, posted};

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    state: StateDir,
    /// Print one JSON object, for programs.
    #[arg(long)]
    pub(super) json: bool,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Report {
    running: bool,
    key_sha256: Option<Sha256Hex>,
    device: Option<String>,
    organisation: Option<String>,
    certificate: Option<CertificateReport>,
    /// A newer one that no session has proved yet.
    certificate_being_proved: Option<CertificateReport>,
    configuration_revision: u64,
    /// Where other programs find the credential.
    key_file: String,
    certificate_file: String,
    /// What it shows, as long as it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    screen: Option<Posted>,
}

#[derive(Serialize)]
struct CertificateReport {
    sha256: Sha256Hex,
    subject: String,
    not_before: UnixMillis,
    not_after: UnixMillis,
}

pub(crate) fn status(status: &Status) -> Result<(), Failure> {
    let directory = &status.state.state_dir;
    act_as_owner(directory)?;
    let (key, record) = Store::peek(directory)?;
    let running = is_in_use(directory);
    let certificate = |credential: &gangway_device::credential::Credential| CertificateReport {
        sha256: credential.sha256,
        subject: credential.subject.clone(),
        not_before: credential.not_before,
        not_after: credential.not_after,
    };
    let report = Report {
        running,
        key_sha256: key,
        device: record.device.as_ref().map(ToString::to_string),
        organisation: record.organisation.as_ref().map(ToString::to_string),
        certificate: record.proved.as_ref().map(certificate),
        certificate_being_proved: record.fresh.as_ref().map(certificate),
        configuration_revision: record.configuration.revision,
        key_file: key_file(directory).display().to_string(),
        certificate_file: directory.join("certificate.pem").display().to_string(),
        screen: if running { posted(directory) } else { None },
    };
    if status.json {
        println!(
            "{}",
            serde_json::to_string(&report).map_err(|error| Failure::unexpected("JSON", &error))?
        );
    } else {
        print(&report, &record, directory);
        if !directory.exists() {
            println!("State      there is no {}", directory.display());
        }
    }
    Ok(())
}

/// What other programs find the key by: the key itself, or its URI in a token.
fn key_file(directory: &Path) -> PathBuf {
    let in_a_token = directory.join("key.uri");
    if in_a_token.is_file() {
        in_a_token
    } else {
        directory.join("key.pem")
    }
}

fn print(report: &Report, record: &Record, directory: &Path) {
    println!(
        "State      {}",
        if report.running { "running" } else { "not running" }
    );
    match (&report.certificate, &report.device) {
        (Some(certificate), Some(device)) => {
            println!("Device     {device}");
            println!(
                "Belongs to {}",
                report.organisation.as_deref().unwrap_or("unknown")
            );
            println!("Subject    {}", certificate.subject);
            let expired = if SystemClock.now() > certificate.not_after {
                " (expired)"
            } else {
                ""
            };
            println!(
                "Valid      {} to {}{expired}",
                certificate.not_before.to_the_minute(),
                certificate.not_after.to_the_minute()
            );
            println!("SHA-256    {}", certificate.sha256);
            println!("Files      {}, {}", report.certificate_file, report.key_file);
        }
        _ => println!("Enrolled   not yet"),
    }
    if record.fresh.is_some() {
        println!("           a new certificate waits to be proved by a session");
    }
    if let Some(key) = &report.key_sha256 {
        println!("Key        {key} (SHA-256 of the public key)");
    }
    if let Some(screen) = &report.screen {
        println!("Screen     {}", screen.status);
        if let Some(code) = &screen.code {
            println!();
            println!("To add this device, open  {}", code.verification_uri);
            println!("and enter                 {}", code.user_code.expose());
        }
        if let Some(asked) = &screen.asked {
            println!();
            println!("{}", asked.text);
            println!("Answer with: {}", answer_command(directory, &asked.claim));
        }
    }
}
