//! The few file operations that durability is made of, as separate steps: tests cut the power between any two of them.

#[cfg(windows)]
mod windows;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::ownership::follow_folder;

/// Held while an agent runs.
pub(super) const LOCK: &str = "lock";

/// A flat directory of small files.
pub(crate) trait Disk: Send + Sync {
    /// The content of `name`, if it exists.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Writes `name` anew, readable by its owner alone. Not durable before [`Disk::sync`].
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content of `name` durable.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Renames in one step, over what is there. Not durable before [`Disk::sync_names`].
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes `name`, if it exists.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes names durable: what was renamed and removed.
    fn sync_names(&mut self) -> io::Result<()>;
    /// Whether writing takes the time of a disk.
    fn is_durable(&self) -> bool;
    /// All names.
    fn names(&self) -> io::Result<Vec<String>>;
}

/// A directory of the file system.
pub(crate) struct Directory {
    path: PathBuf,
    /// Held open for its lock, which ends with the process however it ends.
    _lock: Option<File>,
}

impl Directory {
    /// Makes the directory if need be, and locks it for this process.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        make_directory(path)?;
        let lock = own_file().create(true).truncate(false).open(path.join(LOCK))?;
        follow_folder(&lock, path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::InUse(path.display().to_string()));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let directory = Self {
            path: path.to_owned(),
            _lock: Some(lock),
        };
        for name in directory.names()? {
            if super::key_note::is_one(&name) {
                protect(&path.join(name))?;
            }
        }
        Ok(directory)
    }

    /// Only to be read from.
    pub(crate) fn unlocked(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            _lock: None,
        }
    }

    /// Whether an agent holds the lock of `path`.
    pub(crate) fn is_in_use(path: &Path) -> bool {
        let Ok(lock) = File::open(path.join(LOCK)) else {
            return false;
        };
        matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
    }
}

impl Disk for Directory {
    fn is_durable(&self) -> bool {
        true
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        match File::open(self.path.join(name)) {
            Ok(mut file) => file.read_to_end(&mut bytes).map(|_| Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = own_file()
            .create(true)
            .truncate(true)
            .open(self.path.join(name))?;
        follow_folder(&file, &self.path)?;
        file.write_all(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        OpenOptions::new()
            .write(true)
            .open(self.path.join(name))?
            .sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        match std::fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_names(&mut self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }
}

/// No disk at all.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<String, Vec<u8>>);

impl Disk for Memory {
    fn is_durable(&self) -> bool {
        false
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(name).cloned())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn sync(&mut self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let bytes = self.0.remove(from).ok_or(ErrorKind::NotFound)?;
        self.0.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.0.remove(name);
        Ok(())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }
}

#[cfg(windows)]
use windows::make_directory;

#[cfg(unix)]
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// A file that only its owner can read. No symbolic link: whoever owns the directory may have laid one there for root.
#[cfg(unix)]
pub(super) fn own_file() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits());
    options
        .write(true)
        .mode(0o600)
        .custom_flags(flags.expect("the flags of open(2) are an int"));
    options
}

/// A file with the rights of its directory, which are its owner's alone.
#[cfg(windows)]
pub(super) fn own_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    options
}

/// A key that was brought may have come with any rights.
#[cfg(unix)]
fn protect(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    match std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(windows)]
fn protect(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// fsync(2): "Calling fsync() does not necessarily ensure that the entry in the directory containing the file has also
/// reached disk. For that an explicit fsync() on a file descriptor for the directory is also needed."
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// NTFS journals names; a directory cannot be opened as a file.
#[cfg(windows)]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}
