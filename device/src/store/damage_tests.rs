//! A device that nobody stands before survives damaged files, and says so.

use std::collections::BTreeSet;
use std::sync::Arc;

use gangway_protocol::encoding::Sha256Hex;

use super::crash::CrashDisk;
use super::tests::{Files, Gist, Life, gist};
use super::{COUNTER_BLOCK, Store, StoreError};
use crate::key::{FileKeys, KeyError, KeyProvider as _, KeyType};

/// What may become of a file: nothing left, half of it, other bytes, another file's content; or it is not there.
fn harmed(content: &[u8]) -> [Option<Vec<u8>>; 5] {
    [
        Some(Vec::new()),
        Some(content[..content.len() / 2].to_vec()),
        Some(vec![0xff; content.len()]),
        Some(b"{}".to_vec()),
        None,
    ]
}

/// The files with another content under `name`, or without it.
fn with(files: &Files, name: &str, content: Option<&Vec<u8>>) -> Files {
    let mut files = files.clone();
    match content {
        Some(content) => files.insert(name.to_owned(), content.clone()),
        None => files.remove(name),
    };
    files
}

fn open_on(disk: CrashDisk) -> Result<Store, StoreError> {
    Store::on(Box::new(disk), KeyType::P256, Arc::new(FileKeys))
}

fn open(files: &Files) -> Result<Store, StoreError> {
    open_on(CrashDisk::with(files, None))
}

/// Everything that may be found after the power was cut before a step of the repair of `files`, or after the last.
fn cut_repairs(files: &Files) -> BTreeSet<Files> {
    let whole = CrashDisk::with(files, None);
    open_on(whole.clone()).expect("a device that nobody stands before goes on");
    assert!(whole.steps() >= 4, "what is harmed is written anew");
    let mut found = BTreeSet::from_iter(whole.survivors());
    for fuse in 0..whole.steps() {
        let cut = CrashDisk::with(files, Some(fuse));
        assert!(open_on(cut.clone()).is_err(), "the power was cut");
        found.extend(cut.survivors());
    }
    found
}

/// The files as they are after so many changes.
fn after(changes: usize) -> (Files, Life) {
    let disk = CrashDisk::default();
    let mut life = Life::begin(disk.clone()).expect("begun");
    for which in 0..changes {
        life.change(which).expect("changed");
    }
    let files = disk.survivors().pop().expect("what is there");
    (files, life)
}

/// A state of which one generation is harmed.
struct HarmedState {
    files: Files,
    name: &'static str,
    /// Of the harmed file; without one it is missing.
    content: Option<Vec<u8>>,
    first_key: Sha256Hex,
    counter: u64,
    /// What the device may go on from: the state before the last change, or after it.
    gists: [Gist; 2],
}

impl HarmedState {
    /// The device goes on, repeats no counter, and has two files again.
    fn check(&self, store: &Store) {
        let found = gist(store, &self.first_key);
        let Self { name, gists, .. } = self;
        assert!(
            gists.iter().any(|gist| gist.is_like(&found)),
            "{name}: {found:?} is none of {gists:?}"
        );
        assert!(
            store.counter() >= self.counter,
            "no counter comes twice: that looks like a clone"
        );
        if self.content.is_some() {
            let kept = store.disk.read(&format!("{name}.damaged")).expect("readable");
            assert_eq!(kept, self.content, "whoever looks into it finds it");
        }
        assert!(
            matches!(store.disk.read(name), Ok(Some(_))),
            "there are two again"
        );
    }
}

/// Either generation, harmed in every way after every change.
fn harmed_states() -> Vec<HarmedState> {
    let (mut states, mut former) = (Vec::new(), vec![after(0).1]);
    for changes in 1..=Life::CHANGES {
        let (files, life) = after(changes);
        let generation = life.store.record().generation();
        // A counter out of the reserved block makes no generation.
        let mut earlier = former.iter().rev();
        let before = earlier.find(|former| former.store.record().generation() < generation);
        let gists = [before.expect("a generation before").gist(), life.gist()];
        for name in super::generations::SLOTS {
            for content in harmed(&files[name]) {
                // A second file that is missing after the first change may as well not have been written yet.
                if changes == 1 && content.is_none() {
                    continue;
                }
                states.push(HarmedState {
                    files: with(&files, name, content.as_ref()),
                    name,
                    content,
                    first_key: life.first_key,
                    counter: life.store.counter(),
                    gists: gists.clone(),
                });
            }
        }
        former.push(life);
    }
    states
}

/// Threat model: SES-3.
#[test]
fn a_damaged_state_falls_back_to_the_generation_before_and_says_so() {
    for state in harmed_states() {
        let store = open(&state.files).expect("a device that nobody stands before goes on");
        assert!(
            store.damage().is_some_and(|told| told.contains(state.name)),
            "it is told"
        );
        state.check(&store);
    }
}

/// Threat model: SES-3.
#[test]
fn a_repair_that_is_cut_short_repeats_no_counter() {
    for state in harmed_states() {
        for survivor in cut_repairs(&state.files) {
            state.check(&open(&survivor).expect("it goes on all the same"));
        }
    }
}

#[test]
fn a_first_change_that_is_cut_short_is_no_damage() {
    let (mut files, life) = after(1);
    files.remove("state-2.json");
    let store = open(&files).expect("opened");
    assert_eq!((store.damage(), store.counter()), (None, life.store.counter()));
    for survivor in cut_repairs(&files) {
        let store = open(&survivor).expect("opened");
        assert_eq!(
            (store.damage(), gist(&store, &life.first_key)),
            (None, life.gist())
        );
        assert!(
            matches!(store.disk.read("state-2.json"), Ok(Some(_))),
            "it is finished"
        );
    }
}

#[test]
fn two_damaged_generations_are_no_state() {
    let (mut files, _) = after(1);
    for name in super::generations::SLOTS {
        files.insert(name.to_owned(), b"{".to_vec());
    }
    assert!(matches!(open(&files), Err(StoreError::Damaged(_))));
}

#[test]
fn a_damaged_or_missing_key_file_falls_back_to_its_copy_and_says_so() {
    let (files, life) = after(4);
    for content in harmed(&files["key.pem"]) {
        let files = with(&files, "key.pem", content.as_ref());
        let seen = super::key_note::peek(&CrashDisk::with(&files, None)).expect("readable");
        assert_eq!(seen.map(|key| key.id()), Some(life.first_key));
        let store = open(&files).expect("a device that nobody stands before goes on");
        assert_eq!(store.key().id(), life.first_key);
        assert!(store.damage().is_some_and(|told| told.contains("key.pem")));
        assert!(store.credential().is_some(), "it is the same device");
        let kept = store.disk.read("key.pem.damaged").expect("readable");
        assert_eq!(kept, content, "it may be somebody's key");
    }
}

#[test]
fn a_repair_of_the_key_that_is_cut_short_makes_no_other_device() {
    let (files, life) = after(4);
    for content in harmed(&files["key.pem"]) {
        for survivor in cut_repairs(&with(&files, "key.pem", content.as_ref())) {
            let store = open(&survivor).expect("it goes on all the same");
            assert_eq!(store.key().id(), life.first_key);
            assert!(store.credential().is_some(), "it is the same device");
            let kept = store.disk.read("key.pem.damaged").expect("readable");
            assert_eq!(kept, content, "it may be somebody's key");
        }
    }
}

#[test]
fn a_missing_key_file_with_a_damaged_copy_is_no_reason_to_begin_anew() {
    let (files, _) = after(4);
    let files = with(&files, "key.pem", None);
    for content in harmed(&files["key.pem.copy"]).iter().flatten() {
        let files = with(&files, "key.pem.copy", Some(content));
        assert!(matches!(open(&files), Err(StoreError::Key(KeyError::Unreadable))));
    }
}

#[test]
fn a_key_that_was_set_aside_never_comes_back() {
    let (files, life) = after(Life::CHANGES);
    assert_ne!(life.store.key().id(), life.first_key);
    for content in harmed(&files["key.pem"]) {
        let store = open(&with(&files, "key.pem", content.as_ref())).expect("the copy of the new key");
        assert_eq!(store.key().id(), life.store.key().id());
    }
}

#[test]
fn a_key_that_was_brought_replaces_the_copy() {
    let (mut files, _) = after(1);
    let brought = FileKeys.make(KeyType::P384).expect("a key");
    files.insert("key.pem".to_owned(), brought.note.expose().as_bytes().to_vec());
    let disk = CrashDisk::with(&files, None);
    open_on(disk.clone()).expect("opened");
    let mut files = disk.survivors().pop().expect("what is there");
    files.insert("key.pem".to_owned(), Vec::new());
    assert_eq!(open(&files).expect("opened").key().id(), brought.key.id());
}

/// Threat model: SES-3.
#[test]
fn a_session_costs_no_write() {
    let (files, _) = after(4);
    let disk = CrashDisk::with(&files, None);
    let mut store = open_on(disk.clone()).expect("opened");
    let first = store.counter() + 1;
    store.save_counter(first).expect("saved");
    let steps = disk.steps();
    for counter in first + 1..first + COUNTER_BLOCK {
        store.save_counter(counter).expect("saved");
    }
    assert_eq!(disk.steps(), steps, "the block was reserved");
    store.save_counter(first + COUNTER_BLOCK).expect("saved");
    assert!(disk.steps() > steps, "the next block is");

    // Killed now, it never takes one of those again.
    for survivor in disk.survivors() {
        assert!(open(&survivor).expect("opened").counter() >= first + COUNTER_BLOCK);
    }
}

#[test]
fn a_counter_that_cannot_be_reserved_is_not_used() {
    let (files, _) = after(4);
    let disk = CrashDisk::with(&files, Some(0));
    let mut store = open_on(disk).expect("opened");
    let before = store.counter();
    assert!(store.save_counter(before + 1).is_err());
    assert_eq!(store.counter(), before);
}

#[test]
fn another_providers_key_is_no_reason_to_begin_anew() {
    let (mut files, _) = after(4);
    files.insert("key.uri".to_owned(), b"pkcs11:token=ship".to_vec());
    assert!(matches!(
        open(&files),
        Err(StoreError::OtherKey { found, wanted: "key.pem" }) if found == "key.uri"
    ));
}

#[test]
fn copies_that_cannot_be_read_do_not_stop_a_device() {
    for name in ["certificate.pem", "trust-anchors.pem", "key.pem.copy"] {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Store::open(folder.path(), KeyType::P256);
        let id = open().expect("begun").key().id();
        let path = folder.path().join(name);
        // It may be there, and what is no file cannot be read whoever runs the device.
        let _ = std::fs::remove_file(&path);
        std::fs::create_dir(&path).expect("in its place");
        let store = open().expect("the device goes on");
        assert_eq!(store.key().id(), id);
        let told = store.damage().expect("it is told");
        assert!(told.contains(name), "{told}");
    }
}
