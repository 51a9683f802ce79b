//! `gangway backup`: a consistent copy of the data, while the server runs.
//!
//! The copy is a folder: the database, the measurements (`measurements.db`), the key that its CA's keys are sealed with (`ca.key`, unless the configuration
//! holds it), and the present state of the record (`checkpoints.json`), by which `gangway admin audit verify` can tell
//! later whether anything before the backup was rewritten. Whoever has the folder has the CA: keep it as such.

use std::path::{Path, PathBuf};

use super::CommandError;
use super::admin::is_there;
use crate::audit::checkpoints::checkpoints;
use crate::ca::KEY_FILE;
use crate::cli::output::print_line;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, DataFlags, Database, Environment};
use crate::db::snapshot;
use crate::measurements;
use crate::ownership;
use crate::state::open_database;

/// Name of the database in a backup, as in the data directory.
pub(super) const DATABASE_FILE: &str = "gangway.sqlite3";
/// Name of the record's state in a backup.
pub(super) const CHECKPOINTS_FILE: &str = "checkpoints.json";

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
    if !is_there(&file)? {
        return Err(CommandError::Refused(format!(
            "there is no database at {}; is --data-dir right?",
            file.display()
        )));
    }
    if args.to.exists() {
        return Err(failed(
            "make",
            &args.to,
            &std::io::ErrorKind::AlreadyExists.into(),
        ));
    }
    let unfinished = Unfinished::beside(&args.to)?;
    let with_key = fill(&unfinished.0, &config, &file, args.without_ca_key).await?;
    unfinished.finish(&args.to)?;
    print_line!("{}", args.to.display());
    if with_key {
        eprintln!(
            "The backup holds the CA's keys and the key that opens them: keep it where nobody else gets it."
        );
    } else {
        eprintln!("The backup does not hold the CA's encryption key: keep that one too, elsewhere.");
    }
    Ok(())
}

/// Puts everything into the folder; tells whether the CA's encryption key is part of it.
async fn fill(
    folder: &Path,
    config: &Config,
    database: &Path,
    without_ca_key: bool,
) -> Result<bool, CommandError> {
    let checkpoints = note_checkpoints(config).await?;
    // Before the database: values of a feed that the database does not know would be another feed's some day.
    let measurements = config.data_dir.join(measurements::FILE);
    if is_there(&measurements)? {
        copy_database(&measurements, &folder.join(measurements::FILE))?;
    }
    copy_database(database, &folder.join(DATABASE_FILE))?;
    write_private(&folder.join(CHECKPOINTS_FILE), checkpoints.as_bytes())?;
    let key = config.data_dir.join(KEY_FILE);
    let with_key = !without_ca_key && key.is_file();
    if with_key {
        let text = std::fs::read(&key).map_err(|error| failed("read", &key, &error))?;
        write_private(&folder.join(KEY_FILE), &text)?;
    }
    Ok(with_key)
}

fn copy_database(file: &Path, copy: &Path) -> Result<(), CommandError> {
    // SQLite writes into an empty file, and leaves its permissions as they are.
    write_private(copy, b"")?;
    Ok(snapshot::copy(file, copy)?)
}

/// A backup that is being made, beside its future place. Dropped, it is gone.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(to: &Path) -> Result<Self, CommandError> {
        let mut name = to.as_os_str().to_owned();
        // The process's id: what another left when it was killed is not in the way.
        name.push(format!(".unfinished-{}", std::process::id()));
        let folder = PathBuf::from(name);
        make_folder(&folder).map_err(|error| failed("make", to, &error))?;
        Ok(Self(folder))
    }

    fn finish(self, to: &Path) -> Result<(), CommandError> {
        std::fs::rename(&self.0, to).map_err(|error| failed("make", to, &error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After `finish` there is nothing; what cannot be removed is not in the way of the next backup.
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Taken before the copy, so that the copy holds at least what they say.
async fn note_checkpoints(config: &Config) -> Result<String, CommandError> {
    let db = open_database(config).await?;
    let noted = checkpoints(&db, SystemClock.now()).await;
    db.close().await;
    serde_json::to_string_pretty(&noted?).map_err(|error| CommandError::Refused(error.to_string()))
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
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
        ownership::follow_folder(path)?;
        std::io::copy(from, &mut file)?;
        file.sync_all()
    };
    write().map_err(|error| {
        // A part of it is of no use to anybody, and would be in the way of the next attempt.
        if error.kind() != std::io::ErrorKind::AlreadyExists {
            let _ = std::fs::remove_file(path);
        }
        failed("write", path, &error)
    })
}

pub(super) fn failed(what: &str, path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::Refused(format!("cannot {what} {}: {error}", path.display()))
}
