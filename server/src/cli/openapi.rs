//! `gangway openapi`: the API's description, as `/api/openapi.json` serves it and `docs/openapi.json` keeps it.

use super::CommandError;
use crate::cli::output::print_line;
use crate::router::description;

/// Options of `gangway openapi`.
#[derive(Debug, clap::Args)]
pub struct OpenapiArgs {}

/// Runs `gangway openapi`.
///
/// # Errors
/// Never in practice: the description is made of plain values.
pub fn run(_args: &OpenapiArgs) -> Result<(), CommandError> {
    let text = description()
        .to_pretty_json()
        .map_err(|error| CommandError::Refused(error.to_string()))?;
    print_line!("{text}");
    Ok(())
}
