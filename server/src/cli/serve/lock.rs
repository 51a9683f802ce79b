//! One server per data directory: two would take each other's devices for lost, and each other's nameplates for free.

use std::fs::{File, TryLockError};

use crate::config::{Config, Database};
use crate::start_error::StartError;

const LOCK_FILE: &str = "lock";

/// Taken by the running server; the system gives it back when the process ends, however it ends.
pub(super) struct DataLock {
    _file: Option<File>,
}

impl DataLock {
    /// Takes the data directory of the embedded database. With PostgreSQL there is nothing to take.
    pub(super) fn take(config: &Config) -> Result<Self, StartError> {
        let Database::Sqlite(_) = config.database() else {
            return Ok(Self { _file: None });
        };
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
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(StartError::Refused(format!(
                "another server is running on {}: stop it first, or give this one its own --data-dir",
                config.data_dir.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }
}
