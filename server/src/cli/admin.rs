//! `gangway admin`: what only somebody with the data directory may do. It works while the server runs beside it.

mod audit;
mod ca;
mod recovery_link;
mod setup_link;
mod token;

use clap::Subcommand;

use super::CommandError;
use crate::config::{Config, DataFlags, Environment, Source};
use crate::db::{Db, settings};
use crate::state::open_database;

/// Options of `gangway admin`.
#[derive(Debug, clap::Args)]
pub struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Bearer tokens for programs
    #[command(subcommand)]
    Token(TokenCommand),
    /// The built-in CA: its root and its intermediate
    #[command(subcommand)]
    Ca(ca::CaCommand),
    /// The record of what was done
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Print a link by which somebody who lost every passkey adds a new one
    RecoveryLink(recovery_link::RecoveryLinkArgs),
    /// Print the link of the first registration, while there is no owner
    SetupLink(setup_link::SetupLinkArgs),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token; it is the last line of standard output
    Create(token::CreateArgs),
}

/// Runs `gangway admin …`.
///
/// # Errors
/// Why it was not done.
pub async fn run(args: AdminArgs) -> Result<(), CommandError> {
    match args.command {
        AdminCommand::Token(TokenCommand::Create(args)) => token::create(args).await,
        AdminCommand::Ca(command) => ca::run(command).await,
        AdminCommand::Audit(command) => audit::run(command).await,
        AdminCommand::RecoveryLink(args) => recovery_link::run(args).await,
        AdminCommand::SetupLink(args) => setup_link::run(args).await,
    }
}

/// The configuration and the data of the server beside this command. Where nobody says the public URL, it is the one with
/// which the server was last started, so that links lead to it.
async fn open(flags: &DataFlags) -> Result<(Config, Db), CommandError> {
    let values = flags.values(&Environment::of_process())?;
    let mut config = Config::from_values(&values)?;
    let db = open_database(&config).await?;
    if values
        .get("public_url")
        .is_none_or(|given| given.source == Source::Default)
    {
        let mut reader = db.reader().await?;
        let last = settings::get(&mut reader.conn(), settings::PUBLIC_URL).await?;
        if let Some(url) = last.and_then(|url| url.parse().ok()) {
            config.public_url = url;
        }
    }
    Ok((config, db))
}
