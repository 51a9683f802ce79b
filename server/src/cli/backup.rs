//! `gangway backup`: a consistent copy of the data, while the server runs.
//!
//! The copy is a folder: the database, the key that its CA's keys are sealed with (`ca.key`, unless the configuration
//! holds it), and the present state of the record (`checkpoints.json`), by which `gangway admin audit verify` can tell
//! later whether anything before the backup was rewritten. Whoever has the folder has the CA: keep it as such.

use std::path::{Path, PathBuf};

use super::CommandError;
use crate::audit::verification::checkpoints;
use crate::ca::KEY_FILE;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, DataFlags, Database, Environment};
use crate::db::snapshot;
use crate::state::open_database;

/// Name of the database in a backup, as in the data directory.
pub(super) const DATABASE_FILE: &str = "gangway.sqlite3";
/// Name of the record's state in a backup.
const CHECKPOINTS_FILE: &str = "checkpoints.json";

/// Options of `gangway backup`.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// Folder to make; it must not exist
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Leave the CA's encryption key out: the backup alone then gives nobody the CA, nor you
    #[arg(long)]
    without_ca_key: bool,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway backup`.
///
/// # Errors
/// Why it was not done.
pub async fn run(args: BackupArgs) -> Result<(), CommandError> {
    let config = args.flags.load(&Environment::of_process())?;
    let Database::Sqlite(file) = config.database() else {
        return Err(CommandError::Refused(format!(
            "with PostgreSQL, make the copy with pg_dump, and keep {} beside it: the CA's keys are sealed with it",
            config.data_dir.join(KEY_FILE).display()
        )));
    };
    if !file.is_file() {
        return Err(CommandError::Refused(format!(
            "there is no database at {}; is --data-dir right?",
            file.display()
        )));
    }
    make_folder(&args.to)?;
    let checkpoints = note_checkpoints(&config).await?;
    let copy = args.to.join(DATABASE_FILE);
    // SQLite writes into an empty file, and leaves its permissions as they are.
    write_private(&copy, b"")?;
    snapshot::copy(&file, &copy)?;
    write_private(&args.to.join(CHECKPOINTS_FILE), checkpoints.as_bytes())?;
    let key = config.data_dir.join(KEY_FILE);
    let with_key = !args.without_ca_key && key.is_file();
    if with_key {
        let text = std::fs::read(&key).map_err(|error| failed("read", &key, &error))?;
        write_private(&args.to.join(KEY_FILE), &text)?;
    }
    println!("{}", args.to.display());
    if with_key {
        eprintln!(
            "The backup holds the CA's keys and the key that opens them: keep it where nobody else gets it."
        );
    } else {
        eprintln!("The backup does not hold the CA's encryption key: keep that one too, elsewhere.");
    }
    Ok(())
}

/// Taken before the copy, so that the copy holds at least what they say.
async fn note_checkpoints(config: &Config) -> Result<String, CommandError> {
    let db = open_database(config).await?;
    let noted = checkpoints(&db, SystemClock.now()).await;
    db.close().await;
    serde_json::to_string_pretty(&noted?).map_err(|error| CommandError::Refused(error.to_string()))
}

fn make_folder(folder: &Path) -> Result<(), CommandError> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| failed("make", folder, &error))
}

/// Writes a file that only its owner can read, down to the disk.
pub(super) fn write_private(path: &Path, mut content: &[u8]) -> Result<(), CommandError> {
    copy_private(&mut content, path)
}

/// The same with what `from` gives: databases are larger than memory.
pub(super) fn copy_private(from: &mut impl std::io::Read, path: &Path) -> Result<(), CommandError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut write = || {
        let mut file = options.open(path)?;
        std::io::copy(from, &mut file)?;
        file.sync_all()
    };
    write().map_err(|error| failed("write", path, &error))
}

pub(super) fn failed(what: &str, path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::Refused(format!("cannot {what} {}: {error}", path.display()))
}
