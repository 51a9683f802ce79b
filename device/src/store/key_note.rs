//! The file that leads to the key: the private key itself, or its place in a token. There are two copies, because a device
//! whose key cannot be read any more is another device.

use std::io::ErrorKind;
use std::sync::Arc;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::secret::SecretString;

use super::{Disk, StoreError, keep_damaged, replace};
use crate::key::{DeviceKey, FileKeys, KeyError, KeyProvider, KeyType, MadeKey};

/// What every such file is called, and before which dot: `key.pem`, `key.uri`.
const STEM: &str = "key.";
const COPY: &str = ".copy";
const ASIDE: &str = "key-set-aside-";

/// A key that was found.
pub(super) struct Found {
    pub(super) key: Arc<dyn DeviceKey>,
    /// What was damaged, in words.
    pub(super) damage: Option<String>,
}

/// A key and the note that led to it.
struct Opened {
    key: Arc<dyn DeviceKey>,
    note: SecretString,
    /// What is wrong with the first file, if the copy stands in for it.
    harm: Option<Harm>,
}

enum Harm {
    Missing,
    Unreadable,
}

/// The key, if there is one.
pub(super) fn find(disk: &mut dyn Disk, keys: &dyn KeyProvider) -> Result<Option<Found>, StoreError> {
    let (name, copy) = names(keys);
    let other = |found: &String| found.starts_with(STEM) && !found.starts_with(name) && is_one(found);
    if let Some(found) = disk.names()?.into_iter().find(other) {
        return Err(StoreError::OtherKey { found, wanted: name });
    }
    let Some(Opened { key, note, harm }) = open_either(disk, keys)? else {
        return Ok(None);
    };
    let note = note.expose().as_bytes();
    let what = match harm {
        None => {
            let damage = match disk.read(&copy) {
                Ok(found) if found.as_deref() == Some(note) => None,
                Ok(_) => {
                    replace(disk, &copy, note)?;
                    None
                }
                // The key itself is whole: that is no reason to stop.
                Err(error) => Some(format!(
                    "{copy} cannot be read ({error}); the device goes on without a copy of its key."
                )),
            };
            return Ok(Some(Found { key, damage }));
        }
        Some(Harm::Missing) => "is not there",
        Some(Harm::Unreadable) => {
            keep_damaged(disk, name)?;
            "could not be read"
        }
    };
    replace(disk, name, note)?;
    let damage = Some(format!(
        "{name} {what}; the device goes on with its copy of the same key."
    ));
    Ok(Some(Found { key, damage }))
}

/// The key in `key.pem`, read and nothing else.
pub(super) fn peek(disk: &dyn Disk) -> Result<Option<Arc<dyn DeviceKey>>, StoreError> {
    Ok(open_either(disk, &FileKeys)?.map(|opened| opened.key))
}

/// Makes a new key; durable when this returns.
pub(super) fn make(
    disk: &mut dyn Disk,
    keys: &dyn KeyProvider,
    kind: KeyType,
) -> Result<Arc<dyn DeviceKey>, StoreError> {
    let MadeKey { key, note } = keys.make(kind)?;
    let (name, copy) = names(keys);
    replace(disk, name, note.expose().as_bytes())?;
    replace(disk, &copy, note.expose().as_bytes())?;
    Ok(key)
}

/// Sets the key `id` aside. The copy goes first, so that it never brings a revoked key back.
pub(super) fn set_aside(
    disk: &mut dyn Disk,
    keys: &dyn KeyProvider,
    id: &Sha256Hex,
) -> Result<(), StoreError> {
    let (name, copy) = names(keys);
    disk.remove(&copy)?;
    disk.sync_names()?;
    let id = id.to_string();
    let extension = name.strip_prefix(STEM).unwrap_or(name);
    let aside = format!("{ASIDE}{}.{extension}", id.get(..16).unwrap_or_default());
    disk.rename(name, &aside)?;
    disk.sync_names()?;
    Ok(())
}

/// Whether a file of this name leads to a key, or did.
pub(super) fn is_one(name: &str) -> bool {
    let kinds = ["pem", "uri"];
    let is_key = |name: &str| name.strip_prefix(STEM).is_some_and(|kind| kinds.contains(&kind));
    name.starts_with(ASIDE) || is_key(name) || name.strip_suffix(COPY).is_some_and(is_key)
}

fn names(keys: &dyn KeyProvider) -> (&'static str, String) {
    let name = keys.note_name();
    (name, format!("{name}{COPY}"))
}

/// Opens the key, from the copy if the first file is missing or unreadable.
fn open_either(disk: &dyn Disk, keys: &dyn KeyProvider) -> Result<Option<Opened>, StoreError> {
    let (name, copy) = names(keys);
    let from_copy = |harm| {
        let opened = open(disk, keys, &copy)?;
        let harm = Some(harm);
        Ok::<_, StoreError>(opened.map(|opened| Opened { harm, ..opened }))
    };
    match open(disk, keys, name) {
        // What has no copy either was set aside, or never made.
        Ok(None) => from_copy(Harm::Missing),
        Err(error @ (StoreError::Key(KeyError::Unreadable) | StoreError::Io(_))) => {
            match from_copy(Harm::Unreadable) {
                Ok(Some(opened)) => Ok(Some(opened)),
                Ok(None) | Err(_) => Err(error),
            }
        }
        other => other,
    }
}

fn open(disk: &dyn Disk, keys: &dyn KeyProvider, name: &str) -> Result<Option<Opened>, StoreError> {
    let Some(note) = read(disk, name)? else {
        return Ok(None);
    };
    let key = keys.open(&note)?;
    Ok(Some(Opened {
        key,
        note,
        harm: None,
    }))
}

fn read(disk: &dyn Disk, name: &str) -> Result<Option<SecretString>, StoreError> {
    match disk.read(name) {
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(SecretString::new(text))),
            Err(_) => Err(KeyError::Unreadable.into()),
        },
        Ok(None) => Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
