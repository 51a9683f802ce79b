//! The command line of the binary `gangway`: which commands there are, and what they share.

pub mod admin;
pub mod backup;
pub mod check_config;
pub mod healthcheck;
pub mod link;
pub mod migrate;
pub mod openapi;
pub mod restore;
pub mod serve;

mod data_lock;
mod output;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::ConfigError;
use crate::start_error::StartError;

/// Gangway: the panel and relay through which devices join a fleet.
#[derive(Debug, Parser)]
#[command(name = "gangway", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Bring the database's tables up to date, and stop
    Migrate(migrate::MigrateArgs),
    /// Tokens and links, for whoever has the data directory
    Admin(admin::AdminArgs),
    /// Claim a device from the terminal
    Link(link::LinkArgs),
    /// Say what is wrong with the configuration, or which value holds and why
    CheckConfig(check_config::CheckConfigArgs),
    /// Write a consistent copy of the data, while the server runs
    Backup(backup::BackupArgs),
    /// Put a backup back
    Restore(restore::RestoreArgs),
    /// Ask the server beside this command whether it is ready (for containers)
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Print the API's description, OpenAPI 3.1
    Openapi(openapi::OpenapiArgs),
}

/// Runs the command that was given.
pub async fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Serve(args) => serve::run(args).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Admin(args) => admin::run(args).await,
        Command::Link(args) => return link::run(args).await,
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Healthcheck(args) => healthcheck::run(args).await,
        Command::Openapi(args) => openapi::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has ended and wants no more of it.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::FAILURE
        }
        Err(error) => {
            // Standard error may be gone as well.
            let _ = writeln!(std::io::stderr(), "gangway: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration does not hold together.
    #[error("the configuration does not hold together:\n{0}")]
    Config(#[from] ConfigError),
    /// The server or its data cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database failed.
    #[error("the database failed: {0}")]
    Db(#[from] crate::db::DbError),
    /// A running server lost something without which it cannot go on.
    #[error(transparent)]
    Failed(#[from] crate::supervisor::Failure),
    /// Standard output could not be written.
    #[error("the output could not be written: {0}")]
    Output(std::io::Error),
    /// Anything else, in a sentence that says what to do.
    #[error("{0}")]
    Refused(String),
}
