//! `gangway migrate`: brings the tables up to date without serving, e.g. before several nodes start.

use crate::cli::output::print_line;
use crate::config::{DataFlags, Environment};
use crate::state::open_database;

use super::CommandError;

/// Options of `gangway migrate`.
#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway migrate`.
///
/// # Errors
/// When the configuration or the database is not usable.
pub async fn run(args: MigrateArgs) -> Result<(), CommandError> {
    let config = args.flags.load(&Environment::of_process())?;
    open_database(&config).await?.close().await;
    print_line!("The database is up to date.");
    Ok(())
}
