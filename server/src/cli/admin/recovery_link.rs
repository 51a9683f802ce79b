//! `gangway admin recovery-link`: the way back for a person who lost every passkey and every recovery code.

use crate::cli::CommandError;
use crate::cli::output::print_line;
use crate::clock::SystemClock;
use crate::config::DataFlags;
use crate::people::links;
use crate::rng::SystemRandom;

/// Options of `gangway admin recovery-link`.
#[derive(Debug, clap::Args)]
pub(super) struct RecoveryLinkArgs {
    /// The person: the name that the panel shows, or the id of the account
    #[arg(long)]
    account: String,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin recovery-link`. The link stands alone on the last line of standard output.
pub(super) async fn run(args: RecoveryLinkArgs) -> Result<(), CommandError> {
    let (config, db) = super::open(&args.flags).await?;
    let made = links::recovery_link(&db, &config, &SystemClock, &SystemRandom, &args.account).await;
    db.close().await;
    let link = made.map_err(|error| CommandError::Refused(error.to_string()))?;
    eprintln!(
        "Give this link to that person and nobody else. It works once, within an hour, and adds a passkey:"
    );
    print_line!("{}", link.expose());
    Ok(())
}
