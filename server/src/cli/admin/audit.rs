//! `gangway admin audit`: is the record what was written, and what to keep elsewhere so that this can be told later.

use std::path::PathBuf;

use crate::audit::Checkpoint;
use crate::audit::verification::{CheckError, checkpoints, verify};
use crate::cli::CommandError;
use crate::cli::backup::failed;
use crate::clock::{Clock as _, SystemClock};
use crate::config::DataFlags;

/// Commands of `gangway admin audit`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum AuditCommand {
    /// Print the present state of every chain as JSON; keep it where the server cannot reach it
    Checkpoint(CheckpointArgs),
    /// Follow every chain from its first entry, through the checkpoints that are given
    Verify(VerifyArgs),
}

/// Options of `gangway admin audit checkpoint`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckpointArgs {
    #[command(flatten)]
    flags: DataFlags,
}

/// Options of `gangway admin audit verify`.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// What `gangway admin audit checkpoint` printed at some time. May be repeated
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin audit …`.
pub(super) async fn run(command: AuditCommand) -> Result<(), CommandError> {
    match command {
        AuditCommand::Checkpoint(args) => print_checkpoints(args).await,
        AuditCommand::Verify(args) => check(args).await,
    }
}

async fn print_checkpoints(args: CheckpointArgs) -> Result<(), CommandError> {
    let (_, db) = super::open(&args.flags).await?;
    let noted = checkpoints(&db, SystemClock.now()).await;
    db.close().await;
    let text =
        serde_json::to_string_pretty(&noted?).map_err(|error| CommandError::Refused(error.to_string()))?;
    println!("{text}");
    Ok(())
}

async fn check(args: VerifyArgs) -> Result<(), CommandError> {
    let mut noted: Vec<Checkpoint> = Vec::new();
    for path in &args.checkpoint {
        let text = std::fs::read_to_string(path).map_err(|error| failed("read", path, &error))?;
        let more: Vec<Checkpoint> = serde_json::from_str(&text).map_err(|error| {
            CommandError::Refused(format!("{} holds no checkpoints: {error}", path.display()))
        })?;
        noted.extend(more);
    }
    let (_, db) = super::open(&args.flags).await?;
    let checked = verify(&db, &noted).await;
    db.close().await;
    match checked {
        Ok(ends) => {
            for (chain, entries) in ends {
                println!("{chain}: {entries} entries hold");
            }
            Ok(())
        }
        Err(CheckError::Db(error)) => Err(error.into()),
        Err(CheckError::Broken(broken)) => Err(CommandError::Refused(format!(
            "the record was tampered with: {broken}"
        ))),
    }
}
