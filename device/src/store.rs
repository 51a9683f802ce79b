//! What a device keeps: its key, its credentials, its counter. Killed at any point, it finds a usable state again.
//!
//! | file | what it is |
//! | --- | --- |
//! | `key.pem` | the device key, PKCS#8, readable by its owner alone; never leaves this directory |
//! | `state.json` | everything else: counter, credentials, configuration, resume token, last good time |
//! | `certificate.pem`, `trust-anchors.pem` | copies of the proved credential for other programs on the device |
//! | `key-set-aside-….pem` | keys whose certificates were revoked |
//! | `lock` | held while an agent runs |
//!
//! `state.json` is the one truth and is replaced in one step, so that every change here happens whole or not at all. A
//! credential counts only if it is for the key in `key.pem`: setting a key aside needs no second truth.

mod disk;
mod record;

use std::path::Path;
use std::sync::Arc;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::secret::SecretString;
use gangway_protocol::session::Configuration;
use gangway_protocol::time::UnixMillis;

use crate::credential::Credential;
use crate::enrolment::Installation;
use crate::key::{DeviceKey, KeyError, KeyType};
use crate::session::Standing;

pub(crate) use disk::{Directory, Disk, Memory};
pub use record::Record;

const KEY: &str = "key.pem";
const STATE: &str = "state.json";
const CERTIFICATE: &str = "certificate.pem";
const TRUST_ANCHORS: &str = "trust-anchors.pem";
/// What is being written ends in this; found at a start, it is left over from a crash.
const UNFINISHED: &str = ".tmp";

/// The last good time is written by itself when it has moved on by this much; otherwise along with other changes.
const TIME_STEP: i64 = UnixMillis::DAY;

/// The opened state of one device.
pub struct Store {
    disk: Box<dyn Disk>,
    key_type: KeyType,
    key: Arc<DeviceKey>,
    record: Record,
    time: Option<UnixMillis>,
}

impl Store {
    /// Opens the state directory `path`, made if it is not there, and locks it for this process.
    ///
    /// # Errors
    /// Another process has it, it cannot be written, or its content is damaged or newer than this software.
    pub fn open(path: &Path, key_type: KeyType) -> Result<Self, StoreError> {
        Self::on(Box::new(Directory::open(path)?), key_type)
    }

    /// State that lives as long as the process: for simulations and tests.
    ///
    /// # Errors
    /// No key could be made.
    pub fn in_memory(key_type: KeyType) -> Result<Self, StoreError> {
        Self::on(Box::new(Memory::default()), key_type)
    }

    /// Reads what `path` holds without locking it, beside a running agent.
    ///
    /// # Errors
    /// It cannot be read, or its content is damaged or newer than this software.
    pub fn peek(path: &Path) -> Result<(Option<DeviceKey>, Record), StoreError> {
        let disk = Directory::unlocked(path);
        let record = read_record(&disk)?;
        Ok((read_key(&disk)?, record))
    }

    pub(crate) fn on(mut disk: Box<dyn Disk>, key_type: KeyType) -> Result<Self, StoreError> {
        for name in disk.names()? {
            if name.ends_with(UNFINISHED) {
                disk.remove(&name)?;
            }
        }
        let mut record = read_record(disk.as_ref())?;
        let key = match read_key(disk.as_ref())? {
            Some(key) => key,
            None => make_key(disk.as_mut(), key_type)?,
        };
        record.forget_other_keys(&key.id());
        let time = record.last_good_time;
        let mut store = Self {
            disk,
            key_type,
            key: Arc::new(key),
            record,
            time,
        };
        store.export()?;
        Ok(store)
    }

    /// Whether changes take the time of a disk.
    pub(crate) fn is_durable(&self) -> bool {
        self.disk.is_durable()
    }

    /// The device key.
    #[must_use]
    pub fn key(&self) -> Arc<DeviceKey> {
        Arc::clone(&self.key)
    }

    /// Everything but the key.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The credential to open the next session with: the newest first, so that it gets proved.
    #[must_use]
    pub fn credential(&self) -> Option<(&Credential, Standing)> {
        match (&self.record.fresh, &self.record.proved) {
            (Some(fresh), Some(_)) => Some((fresh, Standing::NewBesideOld)),
            (Some(fresh), None) => Some((fresh, Standing::NewAndOnly)),
            (None, Some(proved)) => Some((proved, Standing::Proved)),
            (None, None) => None,
        }
    }

    /// The last time that was known to be good, written or not.
    #[must_use]
    pub fn last_good_time(&self) -> Option<UnixMillis> {
        self.time
    }

    /// Saves the counter of sessions; durable when this returns.
    ///
    /// # Errors
    /// It could not be written.
    pub fn save_counter(&mut self, counter: u64) -> Result<(), StoreError> {
        self.change(|record| record.counter = record.counter.max(counter))
    }

    /// Keeps what `hello` gives back to the server after a broken connection.
    ///
    /// # Errors
    /// It could not be written.
    pub fn keep_resume(&mut self, resume: Option<String>) -> Result<(), StoreError> {
        let resume = resume.map(SecretString::new);
        if self.record.resume == resume {
            return Ok(());
        }
        self.change(|record| record.resume = resume)
    }

    /// Writes a verified credential beside the proved one; durable when this returns.
    ///
    /// # Errors
    /// It could not be written; what was there still is.
    pub fn install(&mut self, installation: Installation) -> Result<(), StoreError> {
        self.change(|record| {
            record.fresh = Some(installation.credential);
            if let Some(values) = installation.configuration {
                record.configuration = Configuration { revision: 0, values };
            }
        })
    }

    /// A session was opened with the credential `sha256`: it takes the place of any older one.
    ///
    /// # Errors
    /// It could not be written; what was there still is.
    pub fn prove(
        &mut self,
        sha256: &Sha256Hex,
        device: &DeviceId,
        organisation: &OrganisationId,
    ) -> Result<(), StoreError> {
        let fresh = self
            .record
            .fresh
            .as_ref()
            .is_some_and(|fresh| fresh.sha256 == *sha256);
        let known = self.record.device.as_ref() == Some(device)
            && self.record.organisation.as_ref() == Some(organisation);
        if known && !fresh {
            return Ok(());
        }
        self.change(|record| {
            if fresh {
                record.proved = record.fresh.take();
            }
            record.device = Some(device.clone());
            record.organisation = Some(organisation.clone());
        })?;
        self.export()
    }

    /// Forgets the credential that was not proved.
    ///
    /// # Errors
    /// It could not be written.
    pub fn forget_fresh(&mut self) -> Result<(), StoreError> {
        self.change(|record| record.fresh = None)
    }

    /// Keeps the settings that members gave the device.
    ///
    /// # Errors
    /// They could not be written.
    pub fn keep_configuration(&mut self, configuration: Configuration) -> Result<(), StoreError> {
        if self.record.configuration == configuration {
            return Ok(());
        }
        self.change(|record| record.configuration = configuration)
    }

    /// Sets the key aside, makes a new one and forgets the credentials of the old one.
    ///
    /// # Errors
    /// It could not be done; begun, it is finished when the directory is opened again.
    pub fn set_key_aside(&mut self) -> Result<(), StoreError> {
        let name = format!(
            "key-set-aside-{}.pem",
            self.key.id().to_string().get(..16).unwrap_or_default()
        );
        self.disk.rename(KEY, &name)?;
        self.disk.sync_names()?;
        // A kind that cannot be made here was brought; its successor is of the ordinary kind.
        let kind = if self.key_type == KeyType::Rsa {
            KeyType::P256
        } else {
            self.key_type
        };
        self.key = Arc::new(make_key(self.disk.as_mut(), kind)?);
        let id = self.key.id();
        self.change(|record| record.forget_other_keys(&id))?;
        self.export()
    }

    /// The server, over a verified connection, said that it is `time`. Never moves back.
    ///
    /// # Errors
    /// It could not be written.
    pub fn note_time(&mut self, time: UnixMillis) -> Result<(), StoreError> {
        self.time = self.time.max(Some(time));
        let written = self.record.last_good_time.unwrap_or(UnixMillis(0));
        if time.since(written) >= TIME_STEP {
            self.change(|_| ())
        } else {
            Ok(())
        }
    }

    /// Changes the record in one step: on disk first, so that memory never knows what a crash would forget.
    fn change(&mut self, change: impl FnOnce(&mut Record)) -> Result<(), StoreError> {
        let mut next = self.record.clone();
        next.last_good_time = self.time;
        change(&mut next);
        replace(self.disk.as_mut(), STATE, &next.to_json())?;
        self.record = next;
        Ok(())
    }

    /// Brings the copies for other programs up to date.
    fn export(&mut self) -> Result<(), StoreError> {
        let proved = self.record.proved.as_ref();
        let chain = proved.map(|credential| credential.chain.clone());
        let anchors = proved.and_then(|credential| credential.trust_anchors.clone());
        for (name, wanted) in [(CERTIFICATE, chain), (TRUST_ANCHORS, anchors)] {
            let present = self.disk.read(name)?;
            match wanted {
                Some(text) if present.as_deref() != Some(text.as_bytes()) => {
                    replace(self.disk.as_mut(), name, text.as_bytes())?;
                }
                None if present.is_some() => self.disk.remove(name)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether an agent runs on the state directory `path`.
#[must_use]
pub fn is_in_use(path: &Path) -> bool {
    Directory::is_in_use(path)
}

/// Writes a file that only its owner can read, in one step. It is not made durable: for what a running agent shows.
///
/// # Errors
/// The system said no.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    let mut disk = Directory::unlocked(directory);
    let unfinished = format!("{name}{UNFINISHED}");
    disk.write(&unfinished, bytes)?;
    disk.rename(&unfinished, name)
}

/// Removes everything that the device keeps in `path`, its key included.
///
/// # Errors
/// An agent runs on it, or something could not be removed.
pub fn reset(path: &Path) -> Result<(), StoreError> {
    let mut disk = Directory::open(path)?;
    let ours = |name: &str| {
        [KEY, STATE, CERTIFICATE, TRUST_ANCHORS].contains(&name)
            || name.ends_with(UNFINISHED)
            || name.starts_with("key-set-aside-")
    };
    // The state goes first: a key without one is a device that was never enrolled.
    disk.remove(STATE)?;
    for name in disk.names()?.into_iter().filter(|name| ours(name)) {
        disk.remove(&name)?;
    }
    disk.sync_names()?;
    Ok(())
}

/// Replaces `name` by `bytes` in one step that a crash can only do whole or not at all.
fn replace(disk: &mut dyn Disk, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let unfinished = format!("{name}{UNFINISHED}");
    disk.write(&unfinished, bytes)?;
    disk.sync(&unfinished)?;
    disk.rename(&unfinished, name)?;
    disk.sync_names()?;
    Ok(())
}

fn make_key(disk: &mut dyn Disk, kind: KeyType) -> Result<DeviceKey, StoreError> {
    let key = DeviceKey::generate(kind)?;
    replace(disk, KEY, key.to_pem().expose().as_bytes())?;
    Ok(key)
}

fn read_key(disk: &dyn Disk) -> Result<Option<DeviceKey>, StoreError> {
    let Some(bytes) = disk.read(KEY)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes).map_err(|_| KeyError::Unreadable)?;
    Ok(Some(DeviceKey::from_pem(&SecretString::new(text))?))
}

fn read_record(disk: &dyn Disk) -> Result<Record, StoreError> {
    match disk.read(STATE)? {
        Some(bytes) => Record::from_json(&bytes),
        None => Ok(Record::default()),
    }
}

/// Why the state is not usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the lock.
    #[error(
        "another gangway-device runs with the state directory {0}; stop it, or choose another --state-dir"
    )]
    InUse(String),
    /// The operating system said no.
    #[error(
        "the state directory cannot be used: {0}; check that it exists, belongs to this user and has room"
    )]
    Io(#[from] std::io::Error),
    /// `state.json` is not what this software wrote.
    #[error(
        "state.json is damaged ({0}); restore it from a backup, or run `gangway-device reset` and enrol again"
    )]
    Damaged(String),
    /// `state.json` was written by a later version.
    #[error("state.json was written by a newer version of this software; install that version again")]
    Newer,
    /// `key.pem`.
    #[error("key.pem: {0}")]
    Key(#[from] KeyError),
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod tests;
