//! Why the state of a device cannot be used.

use crate::key::KeyError;

/// Why the state is not usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the lock.
    #[error(
        "another gangway-device runs with the state directory {0}; stop it, or choose another --state-dir"
    )]
    InUse(String),
    /// The operating system said no when the directory was opened.
    #[error(
        "the state directory {0} cannot be used: {1}; run this as the user to whom it belongs, or choose another with --state-dir"
    )]
    Directory(String, #[source] std::io::Error),
    /// The operating system said no.
    #[error(
        "the state directory cannot be used: {0}; check that it exists, belongs to this user and has room"
    )]
    Io(#[from] std::io::Error),
    /// The state is not what this software wrote, in both of its generations.
    #[error(
        "state.json is damaged ({0}); restore it from a backup, or run `gangway-device reset` and enrol again"
    )]
    Damaged(String),
    /// The state was written by a later version.
    #[error("state.json was written by a newer version of this software; install that version again")]
    Newer,
    /// The key.
    #[error("the device key: {0}")]
    Key(#[from] KeyError),
    /// The directory holds another provider's key.
    #[error(
        "the state directory holds {found}, and this device was told to keep its key elsewhere ({wanted}); start it as \
         before, or run `gangway-device reset` and enrol it anew"
    )]
    OtherKey {
        /// The file that is there.
        found: String,
        /// The file that would be.
        wanted: &'static str,
    },
}
