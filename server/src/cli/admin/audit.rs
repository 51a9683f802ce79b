//! `gangway admin audit`: what the record says, whether it is what was written, and what to keep elsewhere so that this can
//! be told later.

use std::path::PathBuf;

use gangway_protocol::device::is_deceptive;
use gangway_protocol::id::OrganisationId;

use crate::audit::Checkpoint;
use crate::audit::checkpoints::{checkpoints, read as read_checkpoints, written};
use crate::audit::verification::{CheckError, verify};
use crate::ca::CertificateAuthority;
use crate::ca::moment::shown;
use crate::cli::CommandError;
use crate::cli::backup::failed;
use crate::cli::output::print_line;
use crate::clock::{Clock as _, SystemClock};
use crate::config::DataFlags;
use crate::db::audit::{Recorded, Scope};
use crate::db::{Db, DbError, audit};
use crate::rng::SystemRandom;

/// Commands of `gangway admin audit`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum AuditCommand {
    /// Print the last entries of a chain: the server's (sign-ins, links), or an organisation's
    List(ListArgs),
    /// Print the present state of every chain as JSON; keep it where the server cannot reach it
    Checkpoint(CheckpointArgs),
    /// Follow every chain from its first entry, through the checkpoints that are given
    Verify(VerifyArgs),
}

/// Options of `gangway admin audit list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Id of the organisation whose record to print; the server's when absent
    #[arg(long, value_name = "ID")]
    organisation: Option<OrganisationId>,
    /// How many of its last entries
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    last: u32,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: DataFlags,
}

/// Options of `gangway admin audit checkpoint`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckpointArgs {
    /// Sign it with the key that signs devices' certificates: whoever keeps it can show that this server has stated it
    #[arg(long)]
    signed: bool,
    #[command(flatten)]
    flags: DataFlags,
}

/// Options of `gangway admin audit verify`.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// What `gangway admin audit checkpoint` printed at some time, signed or not, or a checkpoint from the panel. May be repeated
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin audit …`.
pub(super) async fn run(command: AuditCommand) -> Result<(), CommandError> {
    match command {
        AuditCommand::List(args) => list(args).await,
        AuditCommand::Checkpoint(args) => print_checkpoints(args).await,
        AuditCommand::Verify(args) => check(args).await,
    }
}

async fn list(args: ListArgs) -> Result<(), CommandError> {
    let scope = args
        .organisation
        .as_ref()
        .map_or(Scope::Server, Scope::Organisation);
    let (_, db) = super::open(&args.flags).await?;
    let found = read(&db, scope.chain(), args.last).await;
    db.close().await;
    let found = found?;
    if found.is_empty() {
        eprintln!("Nothing is recorded under {}.", scope.chain());
    }
    for entry in &found {
        print_line!(
            "{}",
            if args.json {
                line_of_json(entry)
            } else {
                line(entry)
            }
        );
    }
    Ok(())
}

async fn read(db: &Db, chain: &str, last: u32) -> Result<Vec<Recorded>, DbError> {
    audit::last(&mut db.reader().await?.conn(), chain, last).await
}

/// Names and details come from outside: what would move the cursor is left out.
fn line(entry: &Recorded) -> String {
    let who = match &entry.actor_name {
        Some(name) => format!("{name} ({})", entry.actor),
        None => entry.actor.clone(),
    };
    let text = format!(
        "{:>6}  {}  {:<24} {:<31} by {who}  {}",
        entry.seq,
        shown(entry.at),
        entry.action,
        entry.subject,
        entry.detail
    );
    let text: String = text.chars().filter(|c| !is_deceptive(*c)).collect();
    text.trim_end().to_owned()
}

fn line_of_json(entry: &Recorded) -> String {
    serde_json::json!({
        "seq": entry.seq, "at": entry.at, "actor": entry.actor, "actor_name": entry.actor_name,
        "action": entry.action, "subject": entry.subject, "detail": entry.detail, "hash": entry.hash,
    })
    .to_string()
}

async fn print_checkpoints(args: CheckpointArgs) -> Result<(), CommandError> {
    let (config, db) = super::open(&args.flags).await?;
    let now = SystemClock.now();
    let text =
        written(&checkpoints(&db, now).await?).map_err(|error| CommandError::Refused(error.to_string()))?;
    let text = if args.signed {
        let ca = CertificateAuthority::open(&config, &db, &SystemClock, &SystemRandom).await?;
        ca.sign_message(text.as_bytes(), now)
            .map_err(|error| CommandError::Refused(error.to_string()))?
    } else {
        text
    };
    db.close().await;
    print_line!("{}", text.trim_end());
    Ok(())
}

async fn check(args: VerifyArgs) -> Result<(), CommandError> {
    let mut texts = Vec::new();
    for path in &args.checkpoint {
        let text = std::fs::read_to_string(path).map_err(|error| failed("read", path, &error))?;
        texts.push((path, text));
    }
    let (_, db) = super::open(&args.flags).await?;
    let mut noted: Vec<Checkpoint> = Vec::new();
    for (path, text) in texts {
        let more = read_checkpoints(&db, &text).await;
        noted.extend(more.map_err(|error| CommandError::Refused(format!("{} {error}", path.display())))?);
    }
    let checked = verify(&db, &noted).await;
    db.close().await;
    match checked {
        Ok(ends) => {
            for (chain, entries) in ends {
                print_line!("{chain}: {entries} entries hold");
            }
            Ok(())
        }
        Err(CheckError::Db(error)) => Err(error.into()),
        Err(CheckError::Broken(broken)) => Err(CommandError::Refused(format!(
            "the record was tampered with: {broken}"
        ))),
    }
}
