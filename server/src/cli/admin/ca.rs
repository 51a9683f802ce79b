//! `gangway admin ca`: the root's key taken offline, another intermediate put in place. A running server follows within
//! a minute.

use std::path::{Path, PathBuf};

use gangway_protocol::secret::SecretString;
use zeroize::Zeroizing;

use crate::ca::{CaError, CertificateAuthority};
use crate::cli::CommandError;
use crate::cli::backup::{failed, write_private};
use crate::cli::output::print_line;
use crate::clock::{Clock as _, SystemClock};
use crate::config::DataFlags;
use crate::rng::SystemRandom;

/// Commands of `gangway admin ca`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum CaCommand {
    /// Write the root's certificate and private key to a file, to keep them offline
    ExportRoot(ExportRootArgs),
    /// Sign devices' certificates with an intermediate that another CA has made
    ImportIntermediate(ImportIntermediateArgs),
}

/// Options of `gangway admin ca export-root`.
#[derive(Debug, clap::Args)]
pub(super) struct ExportRootArgs {
    /// File to write, PEM: the certificate, then the private key in PKCS#8. It must not exist
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Remove the private key from the server afterwards
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    flags: DataFlags,
}

/// Options of `gangway admin ca import-intermediate`.
#[derive(Debug, clap::Args)]
pub(super) struct ImportIntermediateArgs {
    /// PEM: the intermediate first, its self-signed root last
    #[arg(long, value_name = "FILE")]
    chain: PathBuf,
    /// The intermediate's private key, PKCS#8 in PEM, unencrypted
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway admin ca …`.
pub(super) async fn run(command: CaCommand) -> Result<(), CommandError> {
    match command {
        CaCommand::ExportRoot(args) => export_root(args).await,
        CaCommand::ImportIntermediate(args) => import_intermediate(args).await,
    }
}

async fn export_root(args: ExportRootArgs) -> Result<(), CommandError> {
    let (config, db) = super::open(&args.flags).await?;
    let ca = CertificateAuthority::open(&config, &db, &SystemClock, &SystemRandom).await?;
    let root = ca.export_root(&db).await.map_err(|error| refused(&error))?;
    let text = SecretString::new(format!("{}{}", root.certificate, root.private_key.expose()));
    // On the disk before it is removed here: there is no other copy.
    write_private(&args.to, text.expose().as_bytes())?;
    if args.remove {
        ca.remove_root_key(&db, SystemClock.now())
            .await
            .map_err(|error| refused(&error))?;
        eprintln!(
            "The root's private key is now only in this file. Its last revocation list stands as long as the intermediate."
        );
    }
    db.close().await;
    print_line!("{}", args.to.display());
    Ok(())
}

async fn import_intermediate(args: ImportIntermediateArgs) -> Result<(), CommandError> {
    let chain = read(&args.chain)?;
    let key = Zeroizing::new(read(&args.key)?);
    let (config, db) = super::open(&args.flags).await?;
    let ca = CertificateAuthority::open(&config, &db, &SystemClock, &SystemRandom).await?;
    let now = SystemClock.now();
    let id = ca
        .import_intermediate(&db, &chain, &key, now, &SystemRandom)
        .await
        .map_err(|error| refused(&error))?;
    db.close().await;
    eprintln!("From now on this intermediate signs. A running server follows within a minute.");
    print_line!("{id}");
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|error| failed("read", path, &error))
}

fn refused(error: &CaError) -> CommandError {
    CommandError::Refused(error.to_string())
}
