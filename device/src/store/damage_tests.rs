//! A device that nobody stands before survives damaged files, and says so.

use std::sync::Arc;

use super::crash::CrashDisk;
use super::tests::{Files, Life, gist};
use super::{COUNTER_BLOCK, Store, StoreError};
use crate::key::{FileKeys, KeyProvider as _, KeyType};

/// What may become of a file: nothing left, half of it, other bytes, another file's content.
fn harmed(content: &[u8]) -> [Vec<u8>; 4] {
    [
        Vec::new(),
        content[..content.len() / 2].to_vec(),
        vec![0xff; content.len()],
        b"{}".to_vec(),
    ]
}

fn open(files: &Files) -> Result<Store, StoreError> {
    Store::on(
        Box::new(CrashDisk::with(files, None)),
        KeyType::P256,
        Arc::new(FileKeys),
    )
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

/// Threat model: SES-3.
#[test]
fn a_damaged_state_falls_back_to_the_generation_before_and_says_so() {
    for changes in 1..=Life::CHANGES {
        let (files, life) = after(changes);
        let generation = life.store.record().generation();
        // A counter out of the reserved block makes no generation.
        let before = (0..changes)
            .rev()
            .map(|fewer| after(fewer).1)
            .find(|former| former.store.record().generation() < generation);
        let gists = [before.expect("a generation before").gist(), life.gist()];
        for name in super::generations::SLOTS {
            for content in harmed(&files[name]) {
                let mut files = files.clone();
                files.insert(name.to_owned(), content.clone());
                let store = open(&files).expect("a device that nobody stands before goes on");
                assert!(
                    store.damage().is_some_and(|told| told.contains(name)),
                    "it is told"
                );
                let found = gist(&store, &life.first_key);
                assert!(
                    gists.iter().any(|gist| gist.is_like(&found)),
                    "after {changes} changes, {name}: {found:?} is none of {gists:?}"
                );
                assert!(
                    store.counter() >= life.store.counter(),
                    "no counter comes twice: that looks like a clone"
                );
                let kept = store.disk.read(&format!("{name}.damaged")).expect("readable");
                assert_eq!(kept, Some(content), "whoever looks into it finds it");
                assert!(
                    matches!(store.disk.read(name), Ok(Some(_))),
                    "there are two again"
                );
            }
        }
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
fn a_damaged_key_file_falls_back_to_its_copy_and_says_so() {
    let (files, life) = after(4);
    for content in harmed(&files["key.pem"]) {
        let mut files = files.clone();
        files.insert("key.pem".to_owned(), content.clone());
        let store = open(&files).expect("a device that nobody stands before goes on");
        assert_eq!(store.key().id(), life.first_key);
        assert!(store.damage().is_some_and(|told| told.contains("key.pem")));
        assert!(store.credential().is_some(), "it is the same device");
        let kept = store.disk.read("key.pem.damaged").expect("readable");
        assert_eq!(kept, Some(content), "it may be somebody's key");
    }
}

#[test]
fn a_key_that_was_set_aside_never_comes_back() {
    let (mut files, life) = after(Life::CHANGES);
    assert_ne!(life.store.key().id(), life.first_key);
    files.insert("key.pem".to_owned(), b"damaged".to_vec());
    let store = open(&files).expect("the copy of the new key");
    assert_eq!(store.key().id(), life.store.key().id());
}

#[test]
fn a_key_that_was_brought_replaces_the_copy() {
    let (mut files, _) = after(1);
    let brought = FileKeys.make(KeyType::P384).expect("a key");
    files.insert("key.pem".to_owned(), brought.note.expose().as_bytes().to_vec());
    let disk = CrashDisk::with(&files, None);
    Store::on(Box::new(disk.clone()), KeyType::P256, Arc::new(FileKeys)).expect("opened");
    let mut files = disk.survivors().pop().expect("what is there");
    files.insert("key.pem".to_owned(), Vec::new());
    assert_eq!(open(&files).expect("opened").key().id(), brought.key.id());
}

/// Threat model: SES-3.
#[test]
fn a_session_costs_no_write() {
    let (files, _) = after(4);
    let disk = CrashDisk::with(&files, None);
    let mut store = Store::on(Box::new(disk.clone()), KeyType::P256, Arc::new(FileKeys)).expect("opened");
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
    let mut store = Store::on(Box::new(disk), KeyType::P256, Arc::new(FileKeys)).expect("opened");
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
