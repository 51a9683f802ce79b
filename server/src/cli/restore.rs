//! `gangway restore`: puts a backup back.
//!
//! What was issued after the backup is unknown to it. Devices with such certificates are held when they come, until an
//! operator readmits them; their serial numbers are random, so no new certificate takes one of theirs. What was revoked
//! after the backup stands again: look through the record that was kept elsewhere, or revoke by time span.

use std::path::{Path, PathBuf};

use super::CommandError;
use super::backup::{DATABASE_FILE, copy_private, failed, write_private};
use crate::audit::verification::{CheckError, verify};
use crate::ca::KEY_FILE;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, DataFlags, Database, Environment};
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::{audit, snapshot, write};
use crate::state::open_database;

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
    let backup = args.from.join(DATABASE_FILE);
    if !backup.is_file() {
        return Err(CommandError::Refused(format!(
            "{} is not a backup: it has no {DATABASE_FILE}",
            args.from.display()
        )));
    }
    snapshot::check(&backup).map_err(|error| {
        CommandError::Refused(format!(
            "{} is damaged, take another backup ({error})",
            backup.display()
        ))
    })?;
    config.make_data_dir()?;
    make_room(&file, args.replace).await?;
    let key = args.from.join(KEY_FILE);
    if key.is_file() {
        place_key(&key, &config.data_dir.join(KEY_FILE), args.replace)?;
    }
    let mut copy = std::fs::File::open(&backup).map_err(|error| failed("read", &backup, &error))?;
    copy_private(&mut copy, &file)?;
    settle(&config).await?;
    println!("{}", file.display());
    eprintln!(
        "Restored. Devices enrolled after the backup are held when they connect: `gangway admin held list` shows them, \
         `gangway admin held readmit` lets them in. What was revoked after the backup is not revoked any more: revoke it again."
    );
    Ok(())
}

/// Makes sure that nothing is overwritten: present data is put aside or in the way.
async fn make_room(file: &Path, replace: bool) -> Result<(), CommandError> {
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
    let stamp = SystemClock.now().as_secs();
    for suffix in ["", "-wal", "-shm"] {
        let from = with_suffix(file, suffix);
        if from.exists() {
            let aside = with_suffix(file, &format!(".before-restore-{stamp}{suffix}"));
            std::fs::rename(&from, &aside).map_err(|error| failed("put aside", &from, &error))?;
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The key that the restored CA was sealed with. Another one in its place would be needed by nothing any more, but it is
/// not ours to throw away.
fn place_key(from: &Path, to: &Path, replace: bool) -> Result<(), CommandError> {
    let restored = std::fs::read(from).map_err(|error| failed("read", from, &error))?;
    if to.exists() {
        let present = std::fs::read(to).map_err(|error| failed("read", to, &error))?;
        if present == restored {
            return Ok(());
        }
        if !replace {
            return Err(CommandError::Refused(format!(
                "{} holds another key than the backup; --replace puts it aside",
                to.display()
            )));
        }
        let aside = with_suffix(to, &format!(".before-restore-{}", SystemClock.now().as_secs()));
        std::fs::rename(to, &aside).map_err(|error| failed("put aside", to, &error))?;
    }
    write_private(to, &restored)
}

/// Brings the restored tables up to date, checks the record, and notes there what was done.
async fn settle(config: &Config) -> Result<(), CommandError> {
    let db = open_database(config).await?;
    let checked = verify(&db, &[]).await;
    let at = SystemClock.now();
    let noted = write!(db, |tx| {
        let entry = Entry {
            scope: Scope::Server,
            at,
            actor: Actor::Server,
            action: "server.restored",
            subject: "server",
            detail: "from a backup",
        };
        audit::append(tx, &entry).await
    });
    db.close().await;
    noted?;
    match checked {
        Ok(_) => Ok(()),
        Err(CheckError::Db(error)) => Err(error.into()),
        Err(CheckError::Broken(broken)) => Err(CommandError::Refused(format!(
            "the backup was put back, but its record does not hold: {broken}"
        ))),
    }
}
