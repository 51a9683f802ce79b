//! A disk whose power can be cut before any step. What then survives is whatever POSIX allows: content that was not
//! synced may be missing, cut short or there; names that were not synced may be old or new, in the order they changed.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};

use super::disk::Disk;

/// Shared, so that the test can look at it after the store has gone.
#[derive(Clone, Default)]
pub(crate) struct CrashDisk(Arc<Mutex<Inner>>);

#[derive(Clone, Default)]
struct Inner {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending: Vec<NameChange>,
    /// Steps until the power is cut; `None`: never.
    fuse: Option<usize>,
    steps: usize,
}

#[derive(Clone)]
struct File {
    content: Vec<u8>,
    synced: bool,
}

#[derive(Clone)]
enum NameChange {
    Link(String, usize),
    Unlink(String),
}

/// What survives of content that was not synced.
#[derive(Clone, Copy)]
enum Unsynced {
    Missing,
    Half,
    Whole,
}

impl CrashDisk {
    /// A disk with these files, all durable, whose power is cut before step `fuse`.
    pub(crate) fn with(files: &BTreeMap<String, Vec<u8>>, fuse: Option<usize>) -> Self {
        let mut inner = Inner {
            fuse,
            ..Inner::default()
        };
        for (name, content) in files {
            inner.files.push(File {
                content: content.clone(),
                synced: true,
            });
            inner.names.insert(name.clone(), inner.files.len() - 1);
        }
        inner.durable_names = inner.names.clone();
        Self(Arc::new(Mutex::new(inner)))
    }

    /// How many steps have been done.
    pub(crate) fn steps(&self) -> usize {
        self.0.lock().expect("not poisoned").steps
    }

    /// Every directory that may be found after the power came back.
    pub(crate) fn survivors(&self) -> Vec<BTreeMap<String, Vec<u8>>> {
        let inner = self.0.lock().expect("not poisoned");
        let mut survivors = Vec::new();
        for done in 0..=inner.pending.len() {
            let mut names = inner.durable_names.clone();
            for change in &inner.pending[..done] {
                change.apply(&mut names);
            }
            for unsynced in [Unsynced::Missing, Unsynced::Half, Unsynced::Whole] {
                survivors.push(
                    names
                        .iter()
                        .map(|(name, file)| (name.clone(), inner.read(*file, unsynced)))
                        .collect(),
                );
            }
        }
        survivors
    }

    fn step<T>(&self, act: impl FnOnce(&mut Inner) -> io::Result<T>) -> io::Result<T> {
        let mut inner = self.0.lock().expect("not poisoned");
        match &mut inner.fuse {
            Some(0) => return Err(io::Error::other("the power was cut")),
            Some(left) => *left -= 1,
            None => {}
        }
        inner.steps += 1;
        act(&mut inner)
    }
}

impl Inner {
    fn read(&self, file: usize, unsynced: Unsynced) -> Vec<u8> {
        let File { content, synced } = &self.files[file];
        match unsynced {
            Unsynced::Missing if !synced => Vec::new(),
            Unsynced::Half if !synced => content[..content.len() / 2].to_vec(),
            _ => content.clone(),
        }
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Link(name, file) => {
                // A rename moves: the file has one name at a time.
                names.retain(|_, other| other != file);
                names.insert(name.clone(), *file);
            }
            Self::Unlink(name) => {
                names.remove(name);
            }
        }
    }
}

impl Disk for CrashDisk {
    fn is_durable(&self) -> bool {
        true
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let inner = self.0.lock().expect("not poisoned");
        Ok(inner
            .names
            .get(name)
            .map(|file| inner.files[*file].content.clone()))
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(|inner| {
            inner.files.push(File {
                content: bytes.to_vec(),
                synced: false,
            });
            let file = inner.files.len() - 1;
            inner.rename(NameChange::Link(name.to_owned(), file));
            Ok(())
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.step(|inner| {
            let file = *inner.names.get(name).ok_or(ErrorKind::NotFound)?;
            inner.files[file].synced = true;
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.step(|inner| {
            let file = *inner.names.get(from).ok_or(ErrorKind::NotFound)?;
            inner.rename(NameChange::Link(to.to_owned(), file));
            Ok(())
        })
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.step(|inner| {
            inner.rename(NameChange::Unlink(name.to_owned()));
            Ok(())
        })
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.step(|inner| {
            inner.durable_names = inner.names.clone();
            inner.pending.clear();
            Ok(())
        })
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self
            .0
            .lock()
            .expect("not poisoned")
            .names
            .keys()
            .cloned()
            .collect())
    }
}
