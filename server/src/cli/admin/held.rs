//! `gangway admin held`: lists the certificates that a restored backup does not know, and readmits their devices. A running
//! server lets them in within a minute.

use clap::ArgAction;

use gangway_protocol::certificate::HeldCertificate;
use gangway_protocol::encoding::Sha256Hex;

use crate::ca::CertificateAuthority;
use crate::ca::moment::shown;
use crate::cli::CommandError;
use crate::cli::output::print_line;
use crate::clock::{Clock as _, SystemClock};
use crate::config::DataFlags;
use crate::db::{Db, held};
use crate::enrolment::EnrolmentError;
use crate::enrolment::readmission::record;
use crate::people::service::command_line;
use crate::rng::SystemRandom;

/// Certificates of one look: more than a screen, and less than a minute of readmissions.
const MAX_LISTED: u32 = 10_000;

/// Commands of `gangway admin held`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum HeldCommand {
    /// Print what is held: SHA-256, first seen, device, subject; nothing when nothing is
    List(ListArgs),
    /// Record a held certificate again and let its device in
    Readmit(ReadmitArgs),
}

/// Options of `gangway admin held list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: DataFlags,
}

/// Options of `gangway admin held readmit`.
#[derive(Debug, clap::Args)]
pub(super) struct ReadmitArgs {
    /// SHA-256 of the certificate, as `list` prints it; may be repeated
    #[arg(value_name = "SHA256", value_parser = digest, required_unless_present = "all")]
    certificates: Vec<Sha256Hex>,
    /// Readmit everything that is held
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "certificates")]
    all: bool,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin held …`.
pub(super) async fn run(command: HeldCommand) -> Result<(), CommandError> {
    match command {
        HeldCommand::List(args) => list(args).await,
        HeldCommand::Readmit(args) => readmit(args).await,
    }
}

async fn list(args: ListArgs) -> Result<(), CommandError> {
    let (_, db) = super::open(&args.flags).await?;
    let found = read(&db).await;
    db.close().await;
    let found = found?;
    if args.json {
        let text = serde_json::to_string_pretty(&found);
        print_line!(
            "{}",
            text.map_err(|error| CommandError::Refused(error.to_string()))?
        );
        return Ok(());
    }
    if found.is_empty() {
        eprintln!("Nothing is held.");
    }
    for held in found {
        print_line!(
            "{}  {}  {}  {}",
            held.sha256,
            shown(held.first_seen_at),
            held.device,
            held.subject
        );
    }
    Ok(())
}

async fn readmit(args: ReadmitArgs) -> Result<(), CommandError> {
    let (config, db) = super::open(&args.flags).await?;
    let ca = CertificateAuthority::open(&config, &db, &SystemClock, &SystemRandom).await?;
    let held = read(&db).await?;
    let wanted: Vec<HeldCertificate> = if args.all {
        held
    } else {
        let of = |digest: &Sha256Hex| held.iter().find(|held| held.sha256 == *digest).cloned();
        let found = args.certificates.iter().map(|digest| {
            of(digest).ok_or_else(|| CommandError::Refused(format!("no certificate {digest} is held")))
        });
        found.collect::<Result<_, _>>()?
    };
    let mut refused = Vec::new();
    for held in wanted {
        match readmit_one(&db, &ca, &held).await {
            Ok(()) => print_line!("{}  {}", held.sha256, held.device),
            Err(EnrolmentError::Db(error)) => return Err(error.into()),
            Err(error) => refused.push(format!("{} of {}: {error}", held.sha256, held.device)),
        }
    }
    db.close().await;
    if refused.is_empty() {
        eprintln!("A running server lets these devices in within a minute.");
        Ok(())
    } else {
        Err(CommandError::Refused(format!(
            "not readmitted:\n{}",
            refused.join("\n")
        )))
    }
}

async fn readmit_one(
    db: &Db,
    ca: &CertificateAuthority,
    held: &HeldCertificate,
) -> Result<(), EnrolmentError> {
    let member = command_line(db, &SystemClock, &SystemRandom, &held.organisation).await?;
    record(db, ca, held.sha256, member, SystemClock.now())
        .await
        .map(drop)
}

async fn read(db: &Db) -> Result<Vec<HeldCertificate>, CommandError> {
    Ok(held::everywhere(&mut db.reader().await?.conn(), MAX_LISTED).await?)
}

fn digest(text: &str) -> Result<Sha256Hex, String> {
    text.to_lowercase()
        .parse()
        .map_err(|_| "a SHA-256 digest is 64 hex digits".to_owned())
}
