//! `gangway link`: the terminal's claim of a device.

use std::process::ExitCode;

/// Options of `gangway link`.
#[derive(Debug, clap::Args)]
pub struct LinkArgs {}

/// Runs `gangway link`.
pub async fn run(_args: LinkArgs) -> ExitCode {
    ExitCode::FAILURE
}
