//! What a device keeps: its key, its credentials, its counter. Killed at any point, it finds a usable state again.
//!
//! | file | what it is |
//! | --- | --- |
//! | `key.pem`, or `key.uri` | the device key, PKCS#8, readable by its owner alone; or where it is in a token |
//! | `key.pem.copy` | the same once more |
//! | `state.json`, `state-2.json` | everything else: counter, credentials, configuration, resume token, last good time |
//! | `certificate.pem`, `trust-anchors.pem` | copies of the proved credential for other programs on the device |
//! | `key-set-aside-….pem` | keys whose certificates were revoked |
//! | `….damaged` | what could not be read, kept for whoever looks into it |
//! | `lock` | held while an agent runs |
//! | `measurements…` | what was measured and not sent yet ([`spool`]) |
//!
//! The state is the one truth and is replaced in one step, so that every change here happens whole or not at all. It is
//! kept in two generations, so that a damaged file does not stop a device that nobody stands before. A credential counts
//! only if it is for the present key: setting a key aside needs no second truth.
//!
//! Counters of sessions are reserved in blocks: a session costs no write, and gaps are legal (protocol.md §3).

mod disk;
mod error;
mod generations;
mod key_note;
mod ownership;
mod record;
mod spool;

use std::path::Path;
use std::sync::Arc;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::secret::SecretString;
use gangway_protocol::session::Configuration;
use gangway_protocol::time::UnixMillis;

use crate::credential::Credential;
use crate::enrolment::Installation;
use crate::key::{DeviceKey, FileKeys, KeyError, KeyProvider, KeyType};
use crate::session::Standing;

pub(crate) use disk::{Directory, Disk, Memory};
pub use error::StoreError;
use generations::{Generations, Read};
pub use record::Record;
pub use spool::{NotKept, Point, Spool};

const CERTIFICATE: &str = "certificate.pem";
const TRUST_ANCHORS: &str = "trust-anchors.pem";
/// What is being written ends in this; found at a start, it is left over from a crash.
const UNFINISHED: &str = ".tmp";
/// What could not be read is kept under its name with this after it.
const DAMAGED: &str = ".damaged";

/// Counters that are reserved with one write: enough that writes are rare, few enough that restarts never use up 2⁵³.
const COUNTER_BLOCK: u64 = 256;

/// The last good time is written by itself when it has moved on by this much; otherwise along with other changes.
const TIME_STEP: i64 = UnixMillis::DAY;

/// The opened state of one device.
pub struct Store {
    disk: Box<dyn Disk>,
    key_type: KeyType,
    keys: Arc<dyn KeyProvider>,
    key: Arc<dyn DeviceKey>,
    record: Record,
    generations: Generations,
    /// The last counter that may have been sent; up to `record.counter` more are reserved.
    counter: u64,
    time: Option<UnixMillis>,
    damage: Option<String>,
    spool: Spool,
}

impl Store {
    /// Opens the state directory `path`, made if it is not there, and locks it for this process. The key is in a file.
    ///
    /// # Errors
    /// Another process has it, it cannot be written, or its content is damaged beyond its copies or newer than this
    /// software.
    pub fn open(path: &Path, key_type: KeyType) -> Result<Self, StoreError> {
        Self::open_with(path, key_type, Arc::new(FileKeys))
    }

    /// The same with keys from `keys`.
    ///
    /// # Errors
    /// As [`Self::open`]; the key cannot be used; or the directory holds the key of another provider.
    pub fn open_with(path: &Path, key_type: KeyType, keys: Arc<dyn KeyProvider>) -> Result<Self, StoreError> {
        Directory::open(path)
            .and_then(|directory| Self::on(Box::new(directory), key_type, keys))
            .map(|store| Self {
                spool: Spool::in_folder(path),
                ..store
            })
            .map_err(|error| match error {
                StoreError::Io(error) => StoreError::Directory(path.display().to_string(), error),
                other => other,
            })
    }

    /// State that lives as long as the process: for simulations and tests.
    ///
    /// # Errors
    /// No key could be made.
    pub fn in_memory(key_type: KeyType) -> Result<Self, StoreError> {
        Self::on(Box::new(Memory::default()), key_type, Arc::new(FileKeys))
    }

    /// Reads what `path` holds without locking it, beside a running agent: the digest of the key's SubjectPublicKeyInfo,
    /// and everything else.
    ///
    /// # Errors
    /// It cannot be read, or its content is damaged beyond its copies or newer than this software.
    pub fn peek(path: &Path) -> Result<(Option<Sha256Hex>, Record), StoreError> {
        let disk = Directory::unlocked(path);
        let record = generations::read(&disk)?.record;
        let key = match key_note::peek(&disk)? {
            Some(key) => Some(key.id()),
            // The key is in a token, which a look does not open.
            None => record.key,
        };
        Ok((key, record))
    }

    pub(crate) fn on(
        mut disk: Box<dyn Disk>,
        key_type: KeyType,
        keys: Arc<dyn KeyProvider>,
    ) -> Result<Self, StoreError> {
        for name in disk.names()? {
            if name.ends_with(UNFINISHED) {
                disk.remove(&name)?;
            }
        }
        let Read {
            record,
            generations,
            mut damage,
        } = generations::read(disk.as_ref())?;
        let key = match key_note::find(disk.as_mut(), keys.as_ref())? {
            Some(found) => {
                let told = [damage.take(), found.damage];
                let told: Vec<String> = told.into_iter().flatten().collect();
                damage = (!told.is_empty()).then(|| told.join(" "));
                found.key
            }
            None => key_note::make(disk.as_mut(), keys.as_ref(), key_type)?,
        };
        let mut store = Self {
            disk,
            key_type,
            keys,
            counter: record.counter,
            time: record.last_good_time,
            key,
            record,
            generations,
            damage,
            spool: Spool::in_memory(),
        };
        store.record.forget_other_keys(&store.key.id());
        if store.generations.is_harmed() {
            // What was lost may have reserved one block more; a counter that comes twice looks like a clone.
            store.counter = store.counter.saturating_add(COUNTER_BLOCK);
            store.generations.keep_harmed(store.disk.as_mut())?;
        }
        if store.generations.is_incomplete() {
            let counter = store.counter;
            store.change(|record| record.counter = counter)?;
        }
        let told = [store.damage.take(), store.export()?];
        let told: Vec<String> = told.into_iter().flatten().collect();
        store.damage = (!told.is_empty()).then(|| told.join(" "));
        Ok(store)
    }

    /// What was found damaged when the state was opened, and what is used in its place; in words.
    #[must_use]
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Whether changes take the time of a disk.
    pub(crate) fn is_durable(&self) -> bool {
        self.disk.is_durable()
    }

    /// The device key.
    #[must_use]
    pub fn key(&self) -> Arc<dyn DeviceKey> {
        Arc::clone(&self.key)
    }

    /// Where measurements wait for a session.
    #[must_use]
    pub fn spool(&self) -> Spool {
        self.spool.clone()
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

    /// The last counter of a session that may have been sent.
    #[must_use]
    pub fn counter(&self) -> u64 {
        self.counter
    }

    /// Makes sure that no later session, not even after a crash, takes this counter again. It is written only where no
    /// reserved block holds it; then a whole block is reserved.
    ///
    /// # Errors
    /// It could not be written.
    pub fn save_counter(&mut self, counter: u64) -> Result<(), StoreError> {
        if counter > self.record.counter {
            self.change(|record| record.counter = counter.saturating_add(COUNTER_BLOCK - 1))?;
        }
        self.counter = self.counter.max(counter);
        Ok(())
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
        self.export().map(drop)
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
        key_note::set_aside(self.disk.as_mut(), self.keys.as_ref(), &self.key.id())?;
        let made = key_note::make(self.disk.as_mut(), self.keys.as_ref(), self.key_type);
        self.key = match made {
            // A kind that cannot be made here was brought; its successor is of the ordinary kind.
            Err(StoreError::Key(KeyError::RsaIsBrought)) => {
                key_note::make(self.disk.as_mut(), self.keys.as_ref(), KeyType::P256)?
            }
            made => made?,
        };
        let id = self.key.id();
        self.change(|record| record.forget_other_keys(&id))?;
        self.export().map(drop)
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
        next.key = Some(self.key.id());
        change(&mut next);
        self.generations.write(self.disk.as_mut(), &mut next)?;
        self.record = next;
        Ok(())
    }

    /// Brings the copies for other programs up to date. Says which of them could not be read.
    fn export(&mut self) -> Result<Option<String>, StoreError> {
        let mut unreadable = Vec::new();
        let proved = self.record.proved.as_ref();
        let chain = proved.map(|credential| credential.chain.clone());
        let anchors = proved.and_then(|credential| credential.trust_anchors.clone());
        for (name, wanted) in [(CERTIFICATE, chain), (TRUST_ANCHORS, anchors)] {
            let present = match self.disk.read(name) {
                Ok(present) => present,
                Err(error) => {
                    unreadable.push(format!("{name} cannot be read ({error}) and is left as it is."));
                    continue;
                }
            };
            match wanted {
                Some(text) if present.as_deref() != Some(text.as_bytes()) => {
                    replace(self.disk.as_mut(), name, text.as_bytes())?;
                }
                None if present.is_some() => self.disk.remove(name)?,
                _ => {}
            }
        }
        Ok((!unreadable.is_empty()).then(|| unreadable.join(" ")))
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
    // The state goes first: a key without one is a device that was never enrolled.
    for name in generations::SLOTS {
        disk.remove(name)?;
    }
    for name in disk.names()?.into_iter().filter(|name| is_state(name)) {
        disk.remove(&name)?;
    }
    disk.sync_names()?;
    Ok(())
}

/// Whether a file of this name in a state directory is a store's: what [`reset`] removes, and the lock.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    is_state(name) || name == disk::LOCK
}

fn is_state(name: &str) -> bool {
    generations::SLOTS.contains(&name)
        || key_note::is_one(name)
        || [CERTIFICATE, TRUST_ANCHORS].contains(&name)
        || spool::is_one(name)
        || name.ends_with(UNFINISHED)
        || name.ends_with(DAMAGED)
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

/// Copies what cannot be read under `name` to where it is kept for whoever looks into it. `name` itself stays until
/// something good replaces it: a crash in between must find the damage again.
fn keep_damaged(disk: &mut dyn Disk, name: &str) -> Result<(), StoreError> {
    match disk.read(name) {
        Ok(Some(bytes)) => replace(disk, &format!("{name}{DAMAGED}"), &bytes),
        // Nothing is left that could be kept.
        Ok(None) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod crash;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod tests;
