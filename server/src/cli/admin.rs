//! `gangway admin`: what only somebody with the data directory may do. It works while the server runs beside it.

mod audit;
mod ca;
mod customer;
mod feed;
mod held;
mod invitation;
mod permit;
mod recovery_link;
mod setup_link;
mod signer;
mod token;

use std::path::Path;

use clap::Subcommand;

use super::CommandError;
use crate::config::{Config, DataFlags, Database, Environment, Source};
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
    /// Customers: inviting them, and what each may have
    #[command(subcommand)]
    Customer(customer::CustomerCommand),
    /// Print a link by which somebody joins any organisation, for when nobody there can invite
    Invitation(invitation::InvitationArgs),
    /// Measurement feeds for programs
    #[command(subcommand)]
    Feed(feed::FeedCommand),
    /// Certificates that a restored backup does not know, and the devices that wait with them
    #[command(subcommand)]
    Held(held::HeldCommand),
    /// The record of what was done
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Who signs for an organisation
    #[command(subcommand)]
    Signer(signer::SignerCommand),
    /// Approve a device before it appears, by its id and a secret that it has
    Preapprove(permit::PreapproveArgs),
    /// Keys by which devices join without a person at the screen
    #[command(subcommand)]
    RegistrationKey(permit::RegistrationKeyCommand),
    /// Tickets, which bind downloaded device software to an organisation
    #[command(subcommand)]
    Ticket(permit::TicketCommand),
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
        AdminCommand::Customer(command) => customer::run(command).await,
        AdminCommand::Invitation(args) => invitation::run(args).await,
        AdminCommand::Feed(command) => feed::run(command).await,
        AdminCommand::Held(command) => held::run(command).await,
        AdminCommand::Audit(command) => audit::run(command).await,
        AdminCommand::Signer(command) => signer::run(command).await,
        AdminCommand::Preapprove(args) => permit::preapprove(args).await,
        AdminCommand::RegistrationKey(command) => permit::registration_key(command).await,
        AdminCommand::Ticket(command) => permit::ticket(command).await,
        AdminCommand::RecoveryLink(args) => recovery_link::run(args).await,
        AdminCommand::SetupLink(args) => setup_link::run(args).await,
    }
}

/// The configuration and the data of the server beside this command. Where nobody says the public URL, it is the one with
/// which the server was last started, so that links lead to it. A data directory without data is a mistyped one.
async fn open(flags: &DataFlags) -> Result<(Config, Db), CommandError> {
    open_data(flags, true).await
}

/// As [`open`], making the database where there is none yet: for what may come before the server's first start.
async fn open_or_make(flags: &DataFlags) -> Result<(Config, Db), CommandError> {
    open_data(flags, false).await
}

/// Whether the file exists. A folder that this user may not read says neither yes nor no.
pub(super) fn is_there(file: &Path) -> Result<bool, CommandError> {
    file.try_exists().map_err(|error| {
        CommandError::Refused(format!(
            "{} cannot be looked at ({error}): run this as the server's user, or as root",
            file.display()
        ))
    })
}

async fn open_data(flags: &DataFlags, must_exist: bool) -> Result<(Config, Db), CommandError> {
    let values = flags.values(&Environment::of_process())?;
    let mut config = Config::from_values(&values)?;
    if let Database::Sqlite(file) = config.database()
        && !is_there(&file)?
    {
        let file = file.display();
        if must_exist {
            return Err(CommandError::Refused(format!(
                "there is no database at {file}: name the server's folder with --data-dir, or its options with --config"
            )));
        }
        eprintln!("There is no database at {file} yet: it is made now.");
    }
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
