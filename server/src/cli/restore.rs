//! Puts a backup back.

use std::process::ExitCode;

/// Options of `gangway restore`.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {}

/// Runs `gangway restore`.
pub async fn run(_args: RestoreArgs) -> ExitCode {
    ExitCode::FAILURE
}
