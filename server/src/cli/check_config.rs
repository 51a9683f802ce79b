//! `gangway check-config`: what holds, and where it came from; or what is wrong, all of it at once.

#[cfg_attr(not(unix), path = "check_config/no_access.rs")]
mod access;

use super::CommandError;
use super::backup::failed;
use crate::ca::{KeyStore, KeyStoreError};
use crate::cli::output::print_line;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Database, Environment, ServeFlags, Source, document};
use crate::listen::{CertificateFault, Tls};

/// Options of `gangway check-config`.
#[derive(Debug, clap::Args)]
pub struct CheckConfigArgs {
    /// Print docs/configuration.md instead
    #[arg(long)]
    document: bool,
    /// Check as this user of the system, whom the service runs as: what root can read, that user may not be able to. Takes
    /// root and `runuser`
    #[arg(long, value_name = "USER")]
    as_user: Option<String>,
    #[command(flatten)]
    flags: ServeFlags,
}

/// Runs `gangway check-config`.
///
/// # Errors
/// Everything that is wrong with the configuration.
pub fn run(args: &CheckConfigArgs) -> Result<(), CommandError> {
    if args.document {
        print_line!("{}", document().trim_end());
        return Ok(());
    }
    if let Some(user) = &args.as_user {
        return Err(access::run_again_as(user));
    }
    let values = args.flags.values(&Environment::of_process())?;
    let config = Config::from_values(&values)?;
    let tls = config.tls();
    if let Some(files) = &tls {
        let tls = Tls::load(files.clone()).map_err(|error| CommandError::Refused(error.to_string()))?;
        check_certificate(&tls, &config)?;
    }
    check_data(&config)?;
    for option in Config::options() {
        let (text, source) = match values.get(option.name) {
            None => ("–", "not set"),
            Some(given) if option.secret => ("(secret)", name(&given.source)),
            Some(given) => (given.text.as_str(), name(&given.source)),
        };
        print_line!("{:<36} {text}  ({source})", option.name);
    }
    for file in tls.iter().flat_map(|files| [&files.certificate, &files.key]) {
        if let Some(barrier) = access::only_for_root(file) {
            eprintln!(
                "{} can be read by root, and perhaps a group, alone (because of {}): a service that runs as a user of its own cannot. \
                 Hand it over with LoadCredential= (docs/operations.md), or check with --as-user.",
                file.display(),
                barrier.display()
            );
        }
    }
    Ok(())
}

/// Whether browsers and devices will accept the certificate. One that is not valid yet may have been made for later, and where
/// a proxy is in front, that proxy alone sees the name.
fn check_certificate(tls: &Tls, config: &Config) -> Result<(), CommandError> {
    let host = config.public_url.host_str().unwrap_or_default();
    let is_behind_proxy = !config.trusted_proxies.is_empty();
    let (noted, refused): (Vec<_>, Vec<_>) =
        tls.faults(host, SystemClock.now())
            .into_iter()
            .partition(|fault| match fault {
                CertificateFault::Expired(_) => false,
                CertificateFault::NotYetValid(_) => true,
                CertificateFault::OtherName { .. } => is_behind_proxy,
            });
    for fault in noted {
        eprintln!("The TLS certificate will be refused by whoever comes to this server: {fault}.");
    }
    if refused.is_empty() {
        return Ok(());
    }
    let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
    Err(CommandError::Refused(format!(
        "browsers and devices will refuse the TLS certificate: {}",
        refused.join("; ")
    )))
}

/// Whether the data that is there can be used.
fn check_data(config: &Config) -> Result<(), CommandError> {
    if let Database::Sqlite(file) = config.database()
        && file
            .try_exists()
            .map_err(|error| failed("look for", &file, &error))?
    {
        let opened = std::fs::File::options().read(true).write(true).open(&file);
        opened.map_err(|error| failed("open", &file, &error))?;
    }
    if config.ca_key.is_none() {
        match KeyStore::from_data_dir(&config.data_dir, config.ca_key_readers) {
            // It is made at the first start.
            Ok(_) | Err(KeyStoreError::Missing(_)) => {}
            Err(error) => return Err(CommandError::Refused(error.to_string())),
        }
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
