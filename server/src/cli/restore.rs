//! `gangway restore`: puts a backup back.
//!
//! 1. The backup is copied into the data directory under another name and looked at there: whether it is whole, ours, not of
//!    a newer version, its record unbroken since the backup was made, and its CA's keys those of the key that is with it.
//! 2. Only then is present data set aside, by a second name, and the copy gets the database's name. Whatever fails before
//!    leaves everything as it was; and at no moment is there no database, which a server would take for its first start.
//!
//! What was issued after the backup is unknown to it. Devices with such certificates are held when they come, until an
//! operator readmits them; their serial numbers are random, so no new certificate takes one of theirs. What was revoked
//! after the backup stands again: look through the record that was kept elsewhere, or revoke by time span.

use gangway_protocol::audit::Action;
use std::path::{Path, PathBuf};

use super::CommandError;
use super::backup::{CHECKPOINTS_FILE, DATABASE_FILE, copy_private, failed, write_private};
use super::data_lock;
use crate::audit::Checkpoint;
use crate::audit::verification::{CheckError, verify};
use crate::ca::{KEY_FILE, KeyStore, KeyStoreError};
use crate::cli::output::print_line;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, DataFlags, Database, EncryptionKey, Environment};
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::{Db, audit, issuers, snapshot, write};
use crate::measurements;
use crate::start_error::StartError;

/// Options of `gangway restore`.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// Folder that `gangway backup` made
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// Put the present data aside, should there be any, instead of refusing
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    flags: DataFlags,
}

/// Runs `gangway restore`.
///
/// # Errors
/// Why it was not done.
pub async fn run(args: RestoreArgs) -> Result<(), CommandError> {
    let config = args.flags.load(&Environment::of_process())?;
    let Database::Sqlite(file) = config.database() else {
        return Err(CommandError::Refused(format!(
            "with PostgreSQL, put the copy back with pg_restore, and the key file to {}",
            config.data_dir.join(KEY_FILE).display()
        )));
    };
    let backup = Backup::find(&args.from)?;
    let _lock = data_lock::take_directory(&config)?;
    refuse_what_is_in_the_way(&file, args.replace)?;
    let key = KeyToPlace::find(
        backup.key.as_deref(),
        &config.data_dir.join(KEY_FILE),
        args.replace,
    )?;
    let staged = Staged::copy_of(&backup.database, &file)?;
    let has_key = staged.prove(&config, &backup).await?;
    let key = key.stage()?;
    let measured = config.data_dir.join(measurements::FILE);
    let values = match &backup.measurements {
        Some(from) => Some(Staged::copy_of(from, &measured)?),
        None => None,
    };
    // Nothing was touched until here.
    set_aside(&file)?;
    set_aside(&measured)?;
    // Values of feeds that the restored database does not know would be another feed's some day.
    match values {
        Some(values) => values.take_the_place_of(&measured)?,
        None if measured.exists() => {
            std::fs::remove_file(&measured).map_err(|error| failed("put aside", &measured, &error))?;
        }
        None => {}
    }
    if let Some(key) = key {
        key.place()?;
    }
    staged.take_the_place_of(&file)?;
    print_line!("{}", file.display());
    if !has_key {
        eprintln!(
            "The backup does not hold the CA's encryption key: put it to {} before the server starts.",
            config.data_dir.join(KEY_FILE).display()
        );
    }
    eprintln!(
        "Restored. Devices enrolled after the backup are held when they connect: `gangway admin held list` shows them, \
         `gangway admin held readmit` lets them in. What was revoked after the backup is not revoked any more: revoke it again."
    );
    Ok(())
}

/// What a backup consists of.
struct Backup {
    database: PathBuf,
    checkpoints: Vec<Checkpoint>,
    /// The key file, if it is part of the backup.
    key: Option<PathBuf>,
    /// The measurements, if there were any.
    measurements: Option<PathBuf>,
}

impl Backup {
    fn find(folder: &Path) -> Result<Self, CommandError> {
        if !folder.is_dir() {
            return Err(CommandError::Refused(format!(
                "there is no folder {}: --from takes one that `gangway backup` made",
                folder.display()
            )));
        }
        let database = folder.join(DATABASE_FILE);
        let not_whole =
            |why: String| CommandError::Refused(format!("{} is not a whole backup: {why}", folder.display()));
        for name in [DATABASE_FILE, CHECKPOINTS_FILE] {
            if !folder.join(name).is_file() {
                return Err(not_whole(format!("it has no {name}")));
            }
        }
        let noted = folder.join(CHECKPOINTS_FILE);
        let text = std::fs::read(&noted).map_err(|error| failed("read", &noted, &error))?;
        let checkpoints = serde_json::from_slice(&text)
            .map_err(|error| not_whole(format!("its {CHECKPOINTS_FILE} is damaged ({error})")))?;
        snapshot::check(&database).map_err(|error| {
            CommandError::Refused(format!(
                "{} is damaged, take another backup ({error})",
                database.display()
            ))
        })?;
        if !snapshot::is_ours(&database)? {
            return Err(not_whole(format!(
                "its {DATABASE_FILE} is not a database of Gangway"
            )));
        }
        let key = Some(folder.join(KEY_FILE)).filter(|key| key.is_file());
        let measurements = Some(folder.join(measurements::FILE)).filter(|file| file.is_file());
        if let Some(file) = &measurements {
            snapshot::check(file).map_err(|error| {
                CommandError::Refused(format!(
                    "{} is damaged, take another backup ({error})",
                    file.display()
                ))
            })?;
        }
        Ok(Self {
            measurements,
            database,
            checkpoints,
            key,
        })
    }
}

/// Nothing is overwritten: present data is put aside or in the way.
fn refuse_what_is_in_the_way(file: &Path, replace: bool) -> Result<(), CommandError> {
    if !file.exists() {
        return Ok(());
    }
    if snapshot::is_in_use(file)? {
        return Err(CommandError::Refused(format!(
            "a server is running on {}; stop it first",
            file.display()
        )));
    }
    if !replace {
        return Err(CommandError::Refused(format!(
            "there is a database at {} already; --replace puts it aside",
            file.display()
        )));
    }
    Ok(())
}

/// Gives the present database a second name. What SQLite has beside it belongs to that one alone, and would be read into the
/// restored one.
fn set_aside(file: &Path) -> Result<(), CommandError> {
    if !file.exists() {
        return Ok(());
    }
    let stamp = SystemClock.now().as_secs();
    let aside = with_suffix(file, &format!(".before-restore-{stamp}"));
    name_again(file, &aside)?;
    for suffix in ["-wal", "-shm"] {
        let from = with_suffix(file, suffix);
        if from.exists() {
            let aside = with_suffix(&aside, suffix);
            std::fs::rename(&from, &aside).map_err(|error| failed("put aside", &from, &error))?;
        }
    }
    Ok(())
}

/// A second name for a file; a copy where the file system has no such names.
fn name_again(file: &Path, aside: &Path) -> Result<(), CommandError> {
    if std::fs::hard_link(file, aside).is_ok() {
        return Ok(());
    }
    let mut copied = std::fs::File::open(file).map_err(|error| failed("read", file, &error))?;
    copy_private(&mut copied, aside)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The key that the restored CA was sealed with. Another one in its place would be needed by nothing any more, but it is
/// not ours to throw away.
enum KeyToPlace {
    /// There is none in the backup, or it is there already.
    Nothing,
    /// The text of the key, its place, and whether something is there now.
    Key(zeroize::Zeroizing<Vec<u8>>, PathBuf, bool),
}

/// A key beside its place.
struct StagedKey {
    staged: PathBuf,
    to: PathBuf,
    is_occupied: bool,
}

impl KeyToPlace {
    fn find(from: Option<&Path>, to: &Path, replace: bool) -> Result<Self, CommandError> {
        let Some(from) = from else {
            return Ok(Self::Nothing);
        };
        let restored = zeroize::Zeroizing::new(read(from)?);
        if !to.exists() {
            return Ok(Self::Key(restored, to.to_owned(), false));
        }
        if read(to)? == *restored {
            return Ok(Self::Nothing);
        }
        if !replace {
            return Err(CommandError::Refused(format!(
                "{} holds another key than the backup; --replace puts it aside",
                to.display()
            )));
        }
        Ok(Self::Key(restored, to.to_owned(), true))
    }

    /// Writes the key beside its place: a full disk shows before anything is touched.
    fn stage(self) -> Result<Option<StagedKey>, CommandError> {
        let Self::Key(text, to, is_occupied) = self else {
            return Ok(None);
        };
        let staged = with_suffix(&to, ".restoring");
        // One that was interrupted may have left it.
        let _absent = std::fs::remove_file(&staged);
        write_private(&staged, &text)?;
        Ok(Some(StagedKey {
            staged,
            to,
            is_occupied,
        }))
    }
}

impl StagedKey {
    fn place(self) -> Result<(), CommandError> {
        if self.is_occupied {
            let aside = with_suffix(
                &self.to,
                &format!(".before-restore-{}", SystemClock.now().as_secs()),
            );
            name_again(&self.to, &aside)?;
        }
        std::fs::rename(&self.staged, &self.to).map_err(|error| failed("put the key to", &self.to, &error))
    }
}

/// The backup's database beside its future place. Dropped, it is gone.
struct Staged(PathBuf);

impl Staged {
    fn copy_of(backup: &Path, file: &Path) -> Result<Self, CommandError> {
        let staged = Self(with_suffix(file, ".restoring"));
        // One that was interrupted may have left it.
        staged.remove();
        let mut copy = std::fs::File::open(backup).map_err(|error| failed("read", backup, &error))?;
        copy_private(&mut copy, &staged.0)?;
        Ok(staged)
    }

    /// Brings the copied tables up to date, checks the record and the keys, and notes in the record what is being done.
    /// Returns whether the key that opens the CA's keys is at hand.
    async fn prove(&self, config: &Config, backup: &Backup) -> Result<bool, CommandError> {
        let db = Db::open_sqlite(&self.0).await.map_err(StartError::from)?;
        let proved = prove(&db, config, backup).await;
        db.close().await;
        proved
    }

    fn take_the_place_of(self, file: &Path) -> Result<(), CommandError> {
        std::fs::rename(&self.0, file).map_err(|error| failed("put the copy to", file, &error))
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm"] {
            // What is not there need not be removed; what cannot be is found when the copy is made.
            let _absent = std::fs::remove_file(with_suffix(&self.0, suffix));
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.remove();
    }
}

async fn prove(db: &Db, config: &Config, backup: &Backup) -> Result<bool, CommandError> {
    let issuers = issuers::all(&mut db.reader().await?.conn()).await?;
    let sealed: Vec<_> = issuers
        .iter()
        .filter_map(|issuer| Some((issuer.sealed_key.as_deref()?, &issuer.id)))
        .collect();
    if sealed.is_empty() {
        return Err(CommandError::Refused(
            "the backup holds no CA: it was made before the server's first start, or is not a backup of a server".to_owned(),
        ));
    }
    match verify(db, &backup.checkpoints).await {
        Ok(_) => {}
        Err(CheckError::Db(error)) => return Err(error.into()),
        Err(CheckError::Broken(broken)) => {
            return Err(CommandError::Refused(format!(
                "the record in the backup does not hold: {broken}"
            )));
        }
    }
    let key_store = key_store(config, backup)?;
    if let Some(key_store) = &key_store {
        for (sealed, id) in sealed {
            key_store
                .open(sealed, id.as_str())
                .map_err(|error| CommandError::Refused(error.to_string()))?;
        }
    }
    let at = SystemClock.now();
    write!(db, |tx| {
        let entry = Entry {
            scope: Scope::Server,
            at,
            actor: Actor::Server,
            action: Action::ServerRestored,
            subject: "server",
            detail: "from a backup",
        };
        audit::append(tx, &entry).await
    })?;
    Ok(key_store.is_some())
}

/// What will open the CA's keys: the configured key, the backup's, or the one that is there.
fn key_store(config: &Config, backup: &Backup) -> Result<Option<KeyStore>, CommandError> {
    let refused = |error: KeyStoreError| CommandError::Refused(error.to_string());
    if let Some(key) = &config.ca_key {
        return Ok(Some(KeyStore::new(key)));
    }
    if let Some(path) = &backup.key {
        let text = zeroize::Zeroizing::new(read(path)?);
        let key = EncryptionKey::from_base64(&String::from_utf8_lossy(&text))
            .map_err(|_| refused(KeyStoreError::NotAKey(path.display().to_string())))?;
        return Ok(Some(KeyStore::new(&key)));
    }
    match KeyStore::from_data_dir(&config.data_dir, config.ca_key_readers) {
        Ok(key_store) => Ok(Some(key_store)),
        Err(KeyStoreError::Missing(_)) => Ok(None),
        Err(error) => Err(refused(error)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|error| failed("read", path, &error))
}
