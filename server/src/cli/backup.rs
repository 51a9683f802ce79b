//! Writes a consistent copy of the data directory.

use std::process::ExitCode;

/// Options of `gangway backup`.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {}

/// Runs `gangway backup`.
pub async fn run(_args: BackupArgs) -> ExitCode {
    ExitCode::FAILURE
}
