//! The file that leads to the key: the private key itself, or its place in a token. There are two copies, because a device
//! whose key cannot be read any more is another device.

use std::io::ErrorKind;
use std::sync::Arc;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::secret::SecretString;

use super::{DAMAGED, Disk, StoreError, replace};
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

/// The key, if there is one.
pub(super) fn find(disk: &mut dyn Disk, keys: &dyn KeyProvider) -> Result<Option<Found>, StoreError> {
    let (name, copy) = names(keys);
    let other = |found: &String| found.starts_with(STEM) && !found.starts_with(name) && is_one(found);
    if let Some(found) = disk.names()?.into_iter().find(other) {
        return Err(StoreError::OtherKey { found, wanted: name });
    }
    let damage = match read(disk, name) {
        Ok(None) => return Ok(None),
        Ok(Some(note)) => match keys.open(&note) {
            Ok(key) => {
                if disk.read(&copy).ok().flatten().as_deref() != Some(note.expose().as_bytes()) {
                    replace(disk, &copy, note.expose().as_bytes())?;
                }
                return Ok(Some(Found { key, damage: None }));
            }
            Err(KeyError::Unreadable) => StoreError::Key(KeyError::Unreadable),
            Err(error) => return Err(error.into()),
        },
        Err(error) => error,
    };
    let Ok(Some(note)) = read(disk, &copy) else {
        return Err(damage);
    };
    let Ok(key) = keys.open(&note) else {
        return Err(damage);
    };
    disk.rename(name, &format!("{name}{DAMAGED}"))?;
    replace(disk, name, note.expose().as_bytes())?;
    let told = format!("{name} could not be read; the device goes on with its copy of the same key.");
    Ok(Some(Found {
        key,
        damage: Some(told),
    }))
}

/// The key in `key.pem`, read and nothing else.
pub(super) fn peek(disk: &dyn Disk) -> Result<Option<Arc<dyn DeviceKey>>, StoreError> {
    let (name, copy) = names(&FileKeys);
    let open = |name: &str| match read(disk, name)? {
        Some(note) => Ok(Some(FileKeys.open(&note)?)),
        None => Ok(None),
    };
    open(name).or_else(|error: StoreError| match open(&copy) {
        Ok(Some(key)) => Ok(Some(key)),
        _ => Err(error),
    })
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
