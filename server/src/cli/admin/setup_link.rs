//! `gangway admin setup-link`: the link of the first registration, for when the one printed at start has expired.

use crate::cli::CommandError;
use crate::cli::output::print_line;
use crate::clock::SystemClock;
use crate::config::DataFlags;
use crate::people::links;
use crate::rng::SystemRandom;

/// Options of `gangway admin setup-link`.
#[derive(Debug, clap::Args)]
pub(super) struct SetupLinkArgs {
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin setup-link`. The link stands alone on the last line of standard output.
pub(super) async fn run(args: SetupLinkArgs) -> Result<(), CommandError> {
    let (config, db) = super::open(&args.flags).await?;
    let made = links::setup_link(&db, &config, &SystemClock, &SystemRandom).await;
    db.close().await;
    match made? {
        Some(link) => {
            eprintln!("Open this link within an hour. It works once, and makes the first account:");
            print_line!("{}", link.expose());
            Ok(())
        }
        None => Err(CommandError::Refused(
            "this server is set up already: its members invite others, and `gangway admin recovery-link` helps who lost every passkey".to_owned(),
        )),
    }
}
