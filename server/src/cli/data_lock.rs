//! One server per data: two would take each other's devices for lost, and each other's nameplates for free.

use std::fs::{File, TryLockError};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;

use crate::config::{Config, Database};
use crate::db::ServerLock;
use crate::rng::Random;
use crate::start_error::StartError;
use crate::state::Gangway;
use crate::supervisor::Failure;

const LOCK_FILE: &str = "lock";

/// Taken by the running server, and by whoever puts a backup in its place; the system or the database gives it back when the
/// process ends, however it ends.
pub(super) enum DataLock {
    /// On the data directory of the embedded database.
    Directory(File),
    /// On a PostgreSQL database.
    Database(Box<ServerLock>),
}

impl DataLock {
    /// Takes what `config` names, before anything in it is looked at.
    pub(super) async fn take(config: &Config, random: &dyn Random) -> Result<Self, StartError> {
        match config.database() {
            Database::Sqlite(_) => take_directory(config).map(Self::Directory),
            Database::Postgres(url) => {
                let lock = ServerLock::take(url.expose(), &random.bytes::<8>()).await?;
                Ok(Self::Database(Box::new(lock)))
            }
        }
    }

    /// Watches over it until what is returned is dropped: when the database has been closed, and not before. A stopping
    /// server still writes who was online.
    pub(super) async fn watch(self, gangway: &Arc<Gangway>) -> Result<Watched, StartError> {
        let lock = match self {
            Self::Directory(file) => return Ok(Watched::Directory { _file: file }),
            Self::Database(lock) => lock,
        };
        gangway.db.take_over().await?;
        let (supervisor, db) = (gangway.supervisor.clone(), gangway.db.clone());
        let keeping = tokio::spawn(async move {
            let ended = AssertUnwindSafe(lock.keep(db)).catch_unwind().await;
            let reason = match ended {
                Ok(()) => "another server has taken this one's place at the database",
                Err(_) => "watching over the lock on the database panicked",
            };
            supervisor.fail(Failure {
                job: "server lock",
                reason: reason.to_owned(),
            });
        });
        Ok(Watched::Database(keeping))
    }
}

/// A lock that this server has, and gives back when this is dropped.
pub(super) enum Watched {
    /// On the data directory.
    Directory { _file: File },
    /// On a database, by the task that keeps its session.
    Database(JoinHandle<()>),
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Self::Database(keeping) = self {
            keeping.abort();
        }
    }
}

/// The lock on the data directory of the embedded database, which is made where it is missing.
pub(super) fn take_directory(config: &Config) -> Result<File, StartError> {
    config.make_data_dir()?;
    let path = config.data_dir.join(LOCK_FILE);
    let unusable = |error| StartError::File {
        what: format!("the lock {} cannot be taken", path.display()),
        error,
    };
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(unusable)?;
    crate::ownership::follow_folder(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::Refused(format!(
            "another server is running on {}: stop it first, or give this one its own --data-dir",
            config.data_dir.display()
        ))),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}
