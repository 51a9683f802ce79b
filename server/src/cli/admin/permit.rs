//! `gangway admin preapprove`, `registration-key` and `ticket`: how devices join without a person at the screen, set up without a
//! browser.

use std::path::{Path, PathBuf};

use gangway_protocol::id::OrganisationId;
use gangway_protocol::permit::{PermitKind, PermitMode, PermitRequest, Preapproval, PreapprovalImport};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use zeroize::Zeroizing;

use crate::authority::Error;
use crate::ca::CertificateAuthority;
use crate::cli::{CommandError, output};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, DataFlags};
use crate::db::Db;
use crate::permits::operator::{self, Tools};
use crate::rng::SystemRandom;

/// Options of `gangway admin preapprove`.
#[derive(Debug, clap::Args)]
pub(super) struct PreapproveArgs {
    /// The device id that the device states
    #[arg(long)]
    id: String,
    /// A file with the secret that the device has
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// The name that the device gets, instead of its id
    #[arg(long)]
    name: Option<String>,
    /// A label that it gets. May be repeated
    #[arg(long = "label")]
    labels: Vec<String>,
    /// For how many days this works; for ever when absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3660))]
    valid_days: Option<u32>,
    #[command(flatten)]
    place: Place,
}

/// `gangway admin registration-key …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum RegistrationKeyCommand {
    /// Make a registration key; it is the last line of standard output
    Create(RegistrationKeyArgs),
}

/// `gangway admin ticket …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum TicketCommand {
    /// Make a ticket; it is the last line of standard output
    Create(TicketArgs),
}

/// Options of `gangway admin registration-key create`.
#[derive(Debug, clap::Args)]
pub(super) struct RegistrationKeyArgs {
    /// What becomes of devices that come by it: auto (they join), lobby (they wait for a decision) or list (those join whose serial
    /// number is on its list)
    #[arg(long, default_value = "auto", value_parser = mode)]
    mode: PermitMode,
    /// For the mode list: a file with a serial number on each line
    #[arg(long, value_name = "FILE")]
    serials_file: Option<PathBuf>,
    /// How many devices may come by it; as many as like when absent
    #[arg(long)]
    uses: Option<u32>,
    #[command(flatten)]
    more: More,
}

/// Options of `gangway admin ticket create`.
#[derive(Debug, clap::Args)]
pub(super) struct TicketArgs {
    /// What becomes of devices that come by it: auto (they join) or lobby (they wait for a decision)
    #[arg(long, default_value = "auto", value_parser = mode)]
    mode: PermitMode,
    /// How many devices may come by it
    #[arg(long, default_value_t = 1)]
    uses: u32,
    #[command(flatten)]
    more: More,
}

/// What keys and tickets have in common.
#[derive(Debug, clap::Args)]
struct More {
    /// What people find it by, as the panel shows it
    #[arg(long, default_value = "command line")]
    name: String,
    /// A label that devices get. May be repeated
    #[arg(long = "label")]
    labels: Vec<String>,
    /// A range of addresses from which it works (192.0.2.0/24). May be repeated; from everywhere when absent
    #[arg(long = "network")]
    networks: Vec<String>,
    /// For how many days it works; for ever when absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3660))]
    valid_days: Option<u32>,
    #[command(flatten)]
    place: Place,
}

/// Where it belongs.
#[derive(Debug, clap::Args)]
struct Place {
    /// Id of the organisation that devices join; the first one when absent, which is made when there is none
    #[arg(long, value_parser = organisation)]
    organisation: Option<OrganisationId>,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin preapprove`.
pub(super) async fn preapprove(args: PreapproveArgs) -> Result<(), CommandError> {
    let request = PreapprovalImport {
        devices: vec![Preapproval {
            device_id: args.id,
            secret: SecretString::new(read(&args.secret_file)?.trim().to_owned()),
            name: args.name,
            labels: args.labels,
            expires_at: end(args.valid_days),
        }],
        signer: None,
        dry_run: false,
    };
    let opened = Opened::of(&args.place.flags).await?;
    let outcome = operator::preapprove(opened.tools(), args.place.organisation, request).await;
    opened.db.close().await;
    let outcome = outcome.map_err(|error| refused(&error))?;
    match outcome.refused.first() {
        Some(row) => Err(CommandError::Refused(format!(
            "{}: {}",
            row.device_id, row.detail
        ))),
        None if outcome.added == 0 => {
            eprintln!("This device was approved before, with the same secret: nothing has changed.");
            Ok(())
        }
        None => {
            eprintln!("The device may come. Its secret works once.");
            Ok(())
        }
    }
}

/// Runs `gangway admin registration-key …`.
pub(super) async fn registration_key(command: RegistrationKeyCommand) -> Result<(), CommandError> {
    let RegistrationKeyCommand::Create(args) = command;
    let serials = args.serials_file.as_deref().map(read).transpose()?;
    let serials = serials
        .iter()
        .flat_map(|text| text.lines())
        .map(str::to_owned)
        .collect();
    make(
        PermitKind::RegistrationKey,
        args.mode,
        args.uses,
        serials,
        args.more,
    )
    .await
}

/// Runs `gangway admin ticket …`.
pub(super) async fn ticket(command: TicketCommand) -> Result<(), CommandError> {
    let TicketCommand::Create(args) = command;
    make(
        PermitKind::Ticket,
        args.mode,
        Some(args.uses),
        Vec::new(),
        args.more,
    )
    .await
}

async fn make(
    kind: PermitKind,
    mode: PermitMode,
    max_uses: Option<u32>,
    serials: Vec<String>,
    more: More,
) -> Result<(), CommandError> {
    let More {
        name,
        labels,
        networks,
        valid_days,
        place,
    } = more;
    let request = PermitRequest {
        kind,
        name,
        mode,
        signer: None,
        labels,
        networks,
        max_uses,
        expires_at: end(valid_days),
        serials,
    };
    let opened = Opened::of(&place.flags).await?;
    let made = operator::make(opened.tools(), place.organisation, request).await;
    opened.db.close().await;
    let key = made.map_err(|error| refused(&error))?;
    eprintln!("This is the only time that it is shown:");
    output::line(format_args!("{}", key.expose()))
}

/// The data of the server beside this command, and what opens its secrets.
struct Opened {
    db: Db,
    ca: CertificateAuthority,
}

impl Opened {
    async fn of(flags: &DataFlags) -> Result<Self, CommandError> {
        let (config, db): (Config, Db) = super::open_or_make(flags).await?;
        let ca = CertificateAuthority::open(&config, &db, &SystemClock, &SystemRandom).await?;
        Ok(Self { db, ca })
    }

    fn tools(&self) -> Tools<'_> {
        Tools {
            db: &self.db,
            key_store: self.ca.key_store(),
            clock: &SystemClock,
            random: &SystemRandom,
        }
    }
}

fn read(file: &Path) -> Result<Zeroizing<String>, CommandError> {
    std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| CommandError::Refused(format!("{} cannot be read: {error}", file.display())))
}

fn end(valid_days: Option<u32>) -> Option<UnixMillis> {
    valid_days.map(|days| SystemClock.now().plus(i64::from(days) * UnixMillis::DAY))
}

fn mode(name: &str) -> Result<PermitMode, String> {
    PermitMode::from_name(name).ok_or_else(|| {
        let names = PermitMode::ALL.map(PermitMode::as_str).join(", ");
        format!("there are the modes {names}")
    })
}

fn organisation(id: &str) -> Result<OrganisationId, String> {
    id.parse().map_err(|error| format!("{error}"))
}

fn refused(error: &Error) -> CommandError {
    match error {
        Error::NotFound => CommandError::Refused("there is no such organisation".to_owned()),
        other => CommandError::Refused(other.to_string()),
    }
}
