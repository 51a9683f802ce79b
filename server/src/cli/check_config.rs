//! `gangway check-config`: what holds, and where it came from; or what is wrong, all of it at once.

use crate::config::{Config, Environment, ServeFlags, Source, document};

use super::CommandError;
use crate::listen::Tls;

/// Options of `gangway check-config`.
#[derive(Debug, clap::Args)]
pub struct CheckConfigArgs {
    /// Print docs/configuration.md instead
    #[arg(long)]
    document: bool,
    #[command(flatten)]
    flags: ServeFlags,
}

/// Runs `gangway check-config`.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn run(args: &CheckConfigArgs) -> Result<(), CommandError> {
    if args.document {
        print!("{}", document());
        return Ok(());
    }
    let values = args.flags.values(&Environment::of_process())?;
    let config = Config::from_values(&values)?;
    if let Some(files) = config.tls() {
        Tls::load(files).map_err(|error| CommandError::Refused(error.to_string()))?;
    }
    for option in Config::options() {
        let (text, source) = match values.get(option.name) {
            None => ("–", "not set"),
            Some(given) if option.secret => ("(secret)", name(&given.source)),
            Some(given) => (given.text.as_str(), name(&given.source)),
        };
        println!("{:<36} {text}  ({source})", option.name);
    }
    Ok(())
}

fn name(source: &Source) -> &'static str {
    match source {
        Source::Default => "default",
        Source::File => "file",
        Source::Environment => "environment",
        Source::Flag => "flag",
    }
}
