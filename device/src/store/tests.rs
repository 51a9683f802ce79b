//! The store on a real directory, and on a disk whose power is cut before every single step.

use std::collections::BTreeMap;
use std::sync::Arc;

use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::time::UnixMillis;

use super::crash::CrashDisk;
use super::{Point, Store, StoreError};
use crate::credential::{self, Credential};
use crate::enrolment::Installation;
use crate::key::{DeviceKey, FileKeys, KeyType};
use crate::session::Standing;
use crate::testing::{NOW, shared_ca_and_key};

pub(super) type Files = BTreeMap<String, Vec<u8>>;

fn credential(key: &dyn DeviceKey, name: &str) -> Credential {
    let ca = &shared_ca_and_key().0;
    credential::verify(
        &ca.chain_for(key, name),
        Some(&ca.root_pem()),
        Vec::new(),
        &key.spki(),
        NOW,
    )
    .expect("accepted")
}

fn install(store: &mut Store, name: &str) -> Result<Sha256Hex, StoreError> {
    let credential = credential(store.key().as_ref(), name);
    let sha256 = credential.sha256;
    store.install(Installation {
        credential,
        configuration: None,
    })?;
    Ok(sha256)
}

fn prove(store: &mut Store, sha256: &Sha256Hex) -> Result<(), StoreError> {
    store.prove(
        sha256,
        &DeviceId::new(NOW, [1; 10]),
        &OrganisationId::new(NOW, [2; 10]),
    )
}

#[test]
fn what_was_kept_is_found_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("state");
    let mut store = Store::open(&path, KeyType::P256).expect("opened");
    let id = store.key().id();
    store.save_counter(7).expect("saved");
    store.keep_resume(Some("token".to_owned())).expect("kept");
    let first = install(&mut store, "first").expect("installed");
    prove(&mut store, &first).expect("proved");
    let second = install(&mut store, "second").expect("installed");
    store.note_time(NOW).expect("noted");
    drop(store);

    let store = Store::open(&path, KeyType::P256).expect("opened again");
    assert_eq!(store.key().id(), id);
    assert!(store.counter() >= 7, "no counter comes twice");
    assert_eq!(store.last_good_time(), Some(NOW));
    assert_eq!(
        store
            .record()
            .resume
            .as_ref()
            .map(|token| token.expose().to_owned()),
        Some("token".to_owned())
    );
    let (newest, standing) = store.credential().expect("a credential");
    assert_eq!((newest.sha256, standing), (second, Standing::NewBesideOld));
    assert_eq!(
        store.record().proved.as_ref().map(|old| old.sha256),
        Some(first),
        "the old one stays beside it"
    );
}

#[test]
fn other_programs_find_the_proved_certificate_and_only_that() {
    let directory = tempfile::tempdir().expect("a directory");
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).ok();
    let mut store = Store::open(directory.path(), KeyType::P256).expect("opened");
    let first = install(&mut store, "first").expect("installed");
    assert_eq!(read("certificate.pem"), None);
    prove(&mut store, &first).expect("proved");
    assert_eq!(
        read("certificate.pem"),
        Some(store.record().proved.as_ref().expect("proved").chain.clone())
    );
    assert_eq!(read("trust-anchors.pem"), Some(shared_ca_and_key().0.root_pem()));
    store.set_key_aside().expect("set aside");
    assert_eq!((read("certificate.pem"), read("trust-anchors.pem")), (None, None));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_what_is_kept() {
    use std::fs::DirEntry;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("state");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let modes = || {
        let entries = std::fs::read_dir(&path).expect("listed");
        let of = |entry: std::io::Result<DirEntry>| {
            let entry = entry.expect("an entry");
            (
                entry.file_name().into_string().expect("text"),
                mode(&entry.path()),
            )
        };
        entries.map(of).collect::<BTreeMap<_, _>>()
    };
    let own = |names: &[&str]| {
        let own = names.iter().map(|name| ((*name).to_owned(), 0o600));
        own.collect::<BTreeMap<_, _>>()
    };
    let mut names = vec!["key.pem", "key.pem.copy", "lock", "state-2.json", "state.json"];
    let mut store = Store::open(&path, KeyType::P256).expect("opened");
    store.save_counter(1).expect("saved");
    store.keep_resume(Some("token".to_owned())).expect("kept");
    assert_eq!((mode(&path), modes()), (0o700, own(&names)));
    drop(store);

    for brought in ["key.pem", "key.pem.copy"] {
        let loose = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(path.join(brought), loose).expect("loosened");
    }
    Store::open(&path, KeyType::P256).expect("opened");
    assert_eq!(
        modes(),
        own(&names),
        "what was brought with loose rights is tightened"
    );

    for damaged in ["key.pem", "state.json"] {
        std::fs::write(path.join(damaged), "{").expect("written");
    }
    names.extend(["key.pem.damaged", "state.json.damaged"]);
    Store::open(&path, KeyType::P256).expect("repaired");
    assert_eq!(modes(), own(&names), "what is kept of damage may be a key");
}

#[test]
fn two_agents_cannot_share_one_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = Store::open(directory.path(), KeyType::P256).expect("opened");
    let second = Store::open(directory.path(), KeyType::P256);
    assert!(matches!(second, Err(StoreError::InUse(_))));
    assert!(super::Directory::is_in_use(directory.path()));
    assert!(Store::peek(directory.path()).is_ok(), "looking is allowed");
    drop(first);
    assert!(!super::Directory::is_in_use(directory.path()));
    assert!(Store::open(directory.path(), KeyType::P256).is_ok());
}

#[test]
fn a_reset_leaves_nothing_of_the_device() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("notes.txt"), "mine").expect("written");
    let mut store = Store::open(directory.path(), KeyType::P256).expect("opened");
    let id = store.key().id();
    let first = install(&mut store, "first").expect("installed");
    prove(&mut store, &first).expect("proved");
    store.set_key_aside().expect("set aside");
    // Another organisation may have the device next: what it measured for this one is not for that.
    let point = Point {
        name: "temperature".to_owned(),
        at: UnixMillis(1),
        value: 21.5,
    };
    store.spool().keep(&[point]).expect("kept");
    assert!(matches!(
        super::reset(directory.path()),
        Err(StoreError::InUse(_))
    ));
    drop(store);
    super::reset(directory.path()).expect("reset");
    let mut left: Vec<_> = std::fs::read_dir(directory.path())
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["lock", "notes.txt"], "what is not ours stays");
    assert_ne!(
        Store::open(directory.path(), KeyType::P256)
            .expect("opened")
            .key()
            .id(),
        id
    );
}

#[test]
fn damaged_and_newer_states_are_told_apart() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join("state.json");
    std::fs::write(&state, "{").expect("written");
    assert!(matches!(
        Store::open(directory.path(), KeyType::P256),
        Err(StoreError::Damaged(_))
    ));
    std::fs::write(&state, r#"{"version":2,"unheard":true}"#).expect("written");
    assert!(matches!(
        Store::open(directory.path(), KeyType::P256),
        Err(StoreError::Newer)
    ));
}

#[test]
fn the_last_good_time_never_moves_back_and_is_not_written_every_time() {
    let mut store = Store::in_memory(KeyType::P256).expect("a store");
    store.note_time(NOW).expect("noted");
    store.note_time(NOW.plus(UnixMillis::HOUR)).expect("noted");
    assert_eq!(store.record().last_good_time, Some(NOW));
    store.note_time(NOW.plus(-UnixMillis::DAY)).expect("noted");
    assert_eq!(store.last_good_time(), Some(NOW.plus(UnixMillis::HOUR)));
    store.save_counter(1).expect("saved");
    assert_eq!(
        store.record().last_good_time,
        Some(NOW.plus(UnixMillis::HOUR)),
        "along with other changes it is"
    );
}

/// What counts about a state, comparable between runs that each make their own keys.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gist {
    first_key: bool,
    counter: u64,
    resume: bool,
    proved: Option<String>,
    fresh: Option<String>,
}

impl Gist {
    /// The same but for the counter, of which a fallback skips a block.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let without_counter = |gist: &Self| Self {
            counter: 0,
            ..gist.clone()
        };
        without_counter(self) == without_counter(other)
    }
}

/// The life of a device, one acknowledged change after the other.
pub(super) struct Life {
    pub(super) store: Store,
    pub(super) first_key: Sha256Hex,
    last: Option<Sha256Hex>,
}

impl Life {
    pub(super) fn begin(disk: CrashDisk) -> Result<Self, StoreError> {
        let store = Store::on(Box::new(disk), KeyType::P256, Arc::new(FileKeys))?;
        let first_key = store.key().id();
        Ok(Self {
            store,
            first_key,
            last: None,
        })
    }

    pub(super) const CHANGES: usize = 12;

    pub(super) fn change(&mut self, which: usize) -> Result<(), StoreError> {
        match which {
            0 => self.store.keep_resume(Some("token".to_owned())),
            1 | 7 => {
                install(&mut self.store, &format!("number {which}")).map(|sha256| self.last = Some(sha256))
            }
            2 => self.store.save_counter(1),
            3 | 9 => prove(&mut self.store, &self.last.expect("installed before")),
            4 => self.store.keep_resume(None),
            5 => install(&mut self.store, "a certificate that no server knows").map(|_| ()),
            6 => self.store.forget_fresh(),
            8 => self.store.save_counter(2),
            10 => self.store.set_key_aside(),
            _ => install(&mut self.store, "anew").map(|_| ()),
        }
    }

    pub(super) fn gist(&self) -> Gist {
        gist(&self.store, &self.first_key)
    }
}

pub(super) fn gist(store: &Store, first_key: &Sha256Hex) -> Gist {
    let record = store.record();
    Gist {
        first_key: store.key().id() == *first_key,
        counter: record.counter,
        resume: record.resume.is_some(),
        proved: record
            .proved
            .as_ref()
            .map(|credential| credential.subject.clone()),
        fresh: record.fresh.as_ref().map(|credential| credential.subject.clone()),
    }
}

#[test]
fn a_device_killed_at_any_step_finds_the_state_before_or_after_its_last_change() {
    let whole = CrashDisk::default();
    let mut life = Life::begin(whole.clone()).expect("begun");
    let mut gists = vec![life.gist()];
    for which in 0..Life::CHANGES {
        life.change(which).expect("changed");
        gists.push(life.gist());
    }
    let steps = whole.steps();
    assert!(steps > 3 * Life::CHANGES, "most changes take several steps");

    for fuse in 0..steps {
        let disk = CrashDisk::with(&Files::new(), Some(fuse));
        let Ok(mut life) = Life::begin(disk.clone()) else {
            for survivor in disk.survivors() {
                Life::begin(CrashDisk::with(&survivor, None))
                    .expect("a device that was never started starts");
            }
            continue;
        };
        let done = (0..Life::CHANGES)
            .take_while(|which| life.change(*which).is_ok())
            .count();
        assert!(done < Life::CHANGES, "the power was cut");
        for survivor in disk.survivors() {
            let store = Store::on(
                Box::new(CrashDisk::with(&survivor, None)),
                KeyType::P256,
                Arc::new(FileKeys),
            )
            .expect("a usable state");
            let found = gist(&store, &life.first_key);
            let (before, after) = (&gists[done], &gists[done + 1]);
            assert!(
                found == *before || found == *after,
                "step {fuse}: {found:?} is neither {before:?} nor {after:?}"
            );
            for name in store.disk.names().expect("names") {
                assert!(!name.ends_with(".tmp"), "{name} was left over");
            }
        }
    }
}
