//! Backup and restore by the binary, and what becomes of devices that were enrolled in between.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gangway_protocol::device::DeviceState;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::time::UnixMillis;
use gangway_server::session::{Admission, hold};

use crate::support::device::SoftDevice;
use crate::support::program::{on, refuses, succeeds, text};
use crate::support::{Engine, Server};

#[tokio::test]
async fn what_was_issued_after_the_backup_is_held_until_it_is_readmitted() {
    let server = Server::start(Engine::Sqlite).await;
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Operator, "Ada").await;
    let (old, before) = SoftDevice::in_fleet(&server, &ada).await;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("backup");
    let data_dir = server.gangway.config.data_dir.clone();
    succeeds(&on(&data_dir, &["backup", "--to", text(&copy)]));
    refuses(&on(&data_dir, &["backup", "--to", text(&copy)]), "cannot make");

    let (new, after) = SoftDevice::in_fleet(&server, &ada).await;
    old.prove(&server, &before.chain, 2).await.expect("a session");

    let restore = ["restore", "--from", text(&copy)];
    refuses(&on(&data_dir, &restore), "stop it first");
    server.gangway.db.close().await;
    refuses(&on(&data_dir, &restore), "--replace");
    succeeds(&on(&data_dir, &["restore", "--from", text(&copy), "--replace"]));

    let server = server.restart().await;
    let ada = server.again(&ada);
    old.prove(&server, &before.chain, 3)
        .await
        .expect("what the backup knows goes on");
    assert_eq!(ada.fleet().await.len(), 1, "the backup knows one device");

    let Ok(Admission::Held(held)) = new.admission(&server, &after.chain).await else {
        panic!("it is held")
    };
    assert_eq!((&held.device, &held.organisation), (&after.device, &home));
    hold(&server.gangway, &held).await.expect("noted");
    hold(&server.gangway, &held).await.expect("noted once");
    let waiting = ada
        .api
        .held_certificates(&PageQuery::default())
        .await
        .expect("a list");
    let [waiting] = waiting.items.try_into().expect("one");
    assert_eq!((waiting.sha256, &waiting.device), (after.sha256, &after.device));
    let listed = succeeds(&on(&data_dir, &["admin", "held", "list"]));
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(
        listed.contains(&after.sha256.to_string()) && listed.contains(after.device.as_str()),
        "{listed}"
    );

    let viewer = server.member(&home, Role::Viewer, "Viewer").await;
    let refused = viewer
        .api
        .readmit_certificate(&after.sha256)
        .await
        .expect_err("a viewer may not");
    assert_eq!(refused.code(), Some(ProblemCode::Forbidden));
    let readmitted = ada
        .api
        .readmit_certificate(&after.sha256)
        .await
        .expect("readmitted");
    assert_eq!(
        (readmitted.serial, readmitted.sha256),
        (after.serial, after.sha256)
    );
    let again = ada
        .api
        .readmit_certificate(&after.sha256)
        .await
        .expect_err("it waits no more");
    assert_eq!(again.code(), Some(ProblemCode::NotFound));

    new.prove(&server, &after.chain, 2).await.expect("a session");
    let device = ada.api.device(&after.device).await.expect("the device");
    assert!(matches!(device.device.state, DeviceState::Active { .. }));
    server.verify_audit().await.expect("the record holds");
    let restored: Vec<(String,)> = server
        .query("SELECT action FROM audit WHERE chain = 'server'")
        .await;
    assert!(restored.contains(&("server.restored".to_owned(),)));
}

#[tokio::test]
async fn the_operator_readmits_from_the_command_line() {
    let server = Server::start(Engine::Sqlite).await;
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Operator, "Ada").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("backup");
    let data_dir = server.gangway.config.data_dir.clone();
    succeeds(&on(&data_dir, &["backup", "--to", text(&copy)]));
    let (first, one) = SoftDevice::enrolled(&server, &ada).await;
    let (second, two) = SoftDevice::enrolled(&server, &ada).await;
    server.gangway.db.close().await;
    let before = std::fs::read(copy.join("gangway.sqlite3")).expect("the copy");
    succeeds(&on(&data_dir, &["restore", "--from", text(&copy), "--replace"]));
    assert_eq!(
        std::fs::read(copy.join("gangway.sqlite3")).expect("the copy"),
        before,
        "restoring leaves the backup as it was"
    );
    assert!(!copy.join("gangway.sqlite3-wal").exists());
    let server = server.restart().await;
    for (device, certificate) in [(&first, &one), (&second, &two)] {
        let Ok(Admission::Held(held)) = device.admission(&server, &certificate.chain).await else {
            panic!("it is held")
        };
        hold(&server.gangway, &held).await.expect("noted");
    }

    let readmit = |what: &str| on(&data_dir, &["admin", "held", "readmit", what]);
    refuses(&readmit(&"0".repeat(64)), "is held");
    refuses(&readmit("0123"), "64 hex digits");
    let said = succeeds(&readmit(&one.sha256.to_string().to_uppercase()));
    assert_eq!(said, format!("{}  {}\n", one.sha256, one.device));
    first
        .prove(&server, &one.chain, 1)
        .await
        .expect("it is in the fleet again");
    refuses(&readmit(&one.sha256.to_string()), "is held");
    assert!(succeeds(&readmit("--all")).contains(two.device.as_str()));
    second
        .prove(&server, &two.chain, 1)
        .await
        .expect("so is this one");
    assert_eq!(succeeds(&on(&data_dir, &["admin", "held", "list"])), "");

    let ada = server.again(&ada);
    let detail = ada.api.device(&one.device).await.expect("the device");
    assert_eq!(detail.approved_by.as_deref(), Some("Command line"));
    let third = ada.enrol(&server, &SoftDevice::new().key).await;
    assert!(
        ![one.serial, two.serial].contains(&third.serial),
        "no serial number comes twice"
    );
    server.verify_audit().await.expect("the record holds");
}

#[tokio::test]
async fn a_restored_server_numbers_its_revocation_lists_on() {
    let server = Server::start(Engine::Sqlite).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("backup");
    let data_dir = server.gangway.config.data_dir.clone();
    let root = server
        .gangway
        .ca
        .export_root(&server.gangway.db)
        .await
        .expect("the root")
        .id;
    succeeds(&on(&data_dir, &["backup", "--to", text(&copy)]));
    server.clock.advance(3 * UnixMillis::DAY);
    let before = server.crl(&root, server.gangway.clock.now()).await;
    server.gangway.db.close().await;
    succeeds(&on(&data_dir, &["restore", "--from", text(&copy), "--replace"]));
    let server = server.restart().await;
    server.clock.advance(UnixMillis::MINUTE);
    let after = server.crl(&root, server.gangway.clock.now()).await;
    assert!(
        after.number > before.number,
        "RFC 5280 §5.2.3: monotonically increasing"
    );
}

#[tokio::test]
async fn a_backup_without_the_key_gives_nobody_the_ca() {
    let server = Server::start(Engine::Sqlite).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("backup");
    let data_dir = server.gangway.config.data_dir.clone();
    succeeds(&on(
        &data_dir,
        &["backup", "--without-ca-key", "--to", text(&copy)],
    ));
    assert!(!copy.join("ca.key").exists());
    let elsewhere = folder.path().join("elsewhere");
    succeeds(&on(&elsewhere, &["restore", "--from", text(&copy)]));
    refuses(
        &on(
            &elsewhere,
            &[
                "admin",
                "ca",
                "export-root",
                "--to",
                text(&folder.path().join("root.pem")),
            ],
        ),
        "ca.key, which opens the CA's private keys",
    );
}

#[tokio::test]
async fn the_root_goes_offline_and_the_record_is_verified_from_the_command_line() {
    let server = Server::start(Engine::Sqlite).await;
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Operator, "Ada").await;
    ada.enrol(&server, &SoftDevice::new().key).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data_dir = server.gangway.config.data_dir.clone();
    let root = folder.path().join("root.pem");
    succeeds(&on(
        &data_dir,
        &["admin", "ca", "export-root", "--remove", "--to", text(&root)],
    ));
    let mode = std::fs::metadata(&root).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a private key is for its owner alone");
    let exported = std::fs::read_to_string(&root).expect("a file");
    assert!(exported.contains("BEGIN CERTIFICATE") && exported.contains("BEGIN PRIVATE KEY"));
    refuses(
        &on(
            &data_dir,
            &[
                "admin",
                "ca",
                "export-root",
                "--to",
                text(&folder.path().join("again.pem")),
            ],
        ),
        "offline",
    );

    let noted = succeeds(&on(&data_dir, &["admin", "audit", "checkpoint"]));
    let checkpoint = folder.path().join("checkpoint.json");
    std::fs::write(&checkpoint, noted).expect("a file is written");
    let verify = ["admin", "audit", "verify", "--checkpoint", text(&checkpoint)];
    succeeds(&on(&data_dir, &verify));

    // Somebody with the database's file in hand: past the triggers, into the record.
    server
        .execute("DROP TRIGGER audit_is_append_only_update", &[])
        .await;
    let changed = server
        .execute(
            "UPDATE audit SET actor_name = 'Eve' WHERE action = 'device.approved'",
            &[],
        )
        .await;
    assert_eq!(changed, 1);
    refuses(&on(&data_dir, &verify), "tampered");
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_touched() {
    let server = Server::start(Engine::Sqlite).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("backup");
    let data_dir = server.gangway.config.data_dir.clone();
    succeeds(&on(&data_dir, &["backup", "--to", text(&copy)]));
    let file = copy.join("gangway.sqlite3");
    let whole = std::fs::read(&file).expect("it can be read");
    let elsewhere = folder.path().join("elsewhere");
    for damaged in [&whole[..whole.len() / 2], &whole[1..], b"not a database"] {
        std::fs::write(&file, damaged).expect("it can be written");
        refuses(
            &on(&elsewhere, &["restore", "--from", text(&copy)]),
            "is damaged, take another backup",
        );
        assert!(!elsewhere.exists());
    }
}

/// What the folder of a data directory holds, with the bytes of each file. The lock is nobody's data.
fn contents(folder: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        (
            path.file_name().expect("a name").to_owned(),
            std::fs::read(&path).expect("a file"),
        )
    };
    entries.map(file).filter(|(name, _)| name != "lock").collect()
}

#[tokio::test]
async fn what_is_not_a_whole_backup_of_ours_is_refused_before_anything_is_touched() {
    let server = Server::start(Engine::Sqlite).await;
    let data_dir = server.gangway.config.data_dir.clone();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("backup");
    succeeds(&on(&data_dir, &["backup", "--to", text(&copy)]));
    server.gangway.db.close().await;
    let (whole, present) = (contents(&copy), contents(&data_dir));
    assert!(!present.is_empty() && whole.len() == 4, "{:?}", whole.keys());

    let foreign = folder.path().join("foreign.sqlite3");
    let connection = rusqlite::Connection::open(&foreign).expect("opened");
    connection
        .execute_batch("CREATE TABLE notes (text TEXT)")
        .expect("made");
    drop(connection);
    let foreign = std::fs::read(&foreign).expect("a file");
    let unstarted = folder.path().join("unstarted");
    succeeds(&on(&unstarted, &["migrate"]));
    let unstarted_copy = folder.path().join("unstarted-backup");
    succeeds(&on(&unstarted, &["backup", "--to", text(&unstarted_copy)]));

    let (database, noted, key) = ("gangway.sqlite3", "checkpoints.json", "ca.key");
    let other_key = b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_vec();
    let no_checkpoint = br#"[{"chain":"server","seq":999,"hash":"0000000000000000000000000000000000000000000000000000000000000000","at":1}]"#;
    let cases: [(&str, Option<Vec<u8>>, &str); 9] = [
        (database, Some(Vec::new()), "not a database of Gangway"),
        (database, Some(foreign), "not a database of Gangway"),
        (
            database,
            Some(whole.get(OsStr::new(database)).expect("it is there")[..8192].to_vec()),
            "is damaged",
        ),
        (database, None, "it has no gangway.sqlite3"),
        (
            database,
            Some(std::fs::read(unstarted_copy.join(database)).expect("a file")),
            "holds no CA",
        ),
        (noted, None, "it has no checkpoints.json"),
        (noted, Some(b"[{".to_vec()), "its checkpoints.json is damaged"),
        (
            noted,
            Some(no_checkpoint.to_vec()),
            "the record in the backup does not hold",
        ),
        (key, Some(other_key), "do not open with this encryption key"),
    ];
    refuses(
        &on(
            &data_dir,
            &["restore", "--from", text(&folder.path().join("missing"))],
        ),
        "missing: --from takes one that `gangway backup` made",
    );
    for (name, content, words) in cases {
        match &content {
            Some(content) => std::fs::write(copy.join(name), content).expect("written"),
            None => std::fs::remove_file(copy.join(name)).expect("removed"),
        }
        refuses(
            &on(&data_dir, &["restore", "--replace", "--from", text(&copy)]),
            words,
        );
        assert_eq!(contents(&data_dir), present, "{words}: nothing was touched");
        for (name, content) in &whole {
            std::fs::write(copy.join(name), content).expect("written");
        }
    }
    succeeds(&on(&data_dir, &["restore", "--replace", "--from", text(&copy)]));
}

#[tokio::test]
async fn a_backup_that_failed_leaves_nothing_and_can_be_tried_again() {
    let server = Server::start(Engine::Sqlite).await;
    let data_dir = server.gangway.config.data_dir.clone();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let backup = ["backup", "--to", text(&folder.path().join("backup"))].map(str::to_owned);
    let backup: Vec<&str> = backup.iter().map(String::as_str).collect();
    // The last file that goes into a backup cannot be read: it is a folder to whoever opens it.
    let (key, aside) = (data_dir.join("ca.key"), data_dir.join("aside"));
    std::fs::rename(&key, &aside).expect("moved");
    std::os::unix::fs::symlink("/proc/self/mem", &key).expect("a link");
    refuses(&on(&data_dir, &backup), "cannot read");
    assert_eq!(contents(folder.path()).len(), 0, "nothing is left");
    std::fs::remove_file(&key).expect("removed");
    std::fs::rename(&aside, &key).expect("moved back");
    succeeds(&on(&data_dir, &backup));
}

/// The owner of what is made: the folder's, which only root can give. Without root's rights both are one user.
#[tokio::test]
async fn files_that_a_command_makes_belong_to_the_owner_of_their_folder() {
    use std::os::unix::fs::{MetadataExt as _, chown};

    const NOBODY: u32 = 65534;
    let is_root = rustix::process::geteuid().is_root();
    let server = Server::start(Engine::Sqlite).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("backup");
    succeeds(&on(
        &server.gangway.config.data_dir,
        &["backup", "--to", text(&copy)],
    ));
    let owned = |name: &str| {
        let data_dir = folder.path().join(name);
        std::fs::create_dir(&data_dir).expect("a folder");
        let given = chown(&data_dir, Some(NOBODY), Some(NOBODY));
        assert_eq!(given.is_ok(), is_root);
        data_dir
    };
    let check = |data_dir: &Path, expected: &[&str]| {
        let owner = std::fs::metadata(data_dir).expect("a folder").uid();
        assert_eq!(owner == NOBODY, is_root, "{owner}");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(data_dir).expect("a folder") {
            let entry = entry.expect("an entry");
            assert_eq!(
                entry.metadata().expect("a file").uid(),
                owner,
                "{:?}",
                entry.file_name()
            );
            names.push(entry.file_name());
        }
        for name in expected {
            assert!(names.contains(&OsString::from(name)), "{names:?}");
        }
    };
    let restored = owned("restored");
    succeeds(&on(&restored, &["restore", "--from", text(&copy)]));
    check(&restored, &["gangway.sqlite3", "ca.key"]);
    succeeds(&on(&restored, &["restore", "--replace", "--from", text(&copy)]));
    check(&restored, &["gangway.sqlite3", "ca.key"]);
    let unstarted = owned("unstarted");
    succeeds(&on(&unstarted, &["admin", "token", "create", "--scope", "read"]));
    check(&unstarted, &["gangway.sqlite3"]);
}
