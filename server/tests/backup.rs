//! Backup and restore by the binary, and what becomes of devices that were enrolled in between.

use std::path::Path;
use std::process::{Command, Output};

use gangway_protocol::device::{DeviceQuery, DeviceState};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::time::UnixMillis;
use gangway_server::session_gate::{Admission, hold};

use crate::support::device::SoftDevice;
use crate::support::{Engine, Server};

fn gangway(data_dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gangway"))
        .args(arguments)
        .arg("--data-dir")
        .arg(data_dir)
        .output()
        .expect("gangway runs")
}

#[track_caller]
fn succeeds(output: &Output) {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[track_caller]
fn refuses(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains(words),
        "{words}: {said}"
    );
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[tokio::test]
async fn what_was_issued_after_the_backup_is_held_until_it_is_readmitted() {
    let server = Server::start(Engine::Sqlite).await;
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Operator, "Ada").await;
    let old = SoftDevice::new();
    let before = ada.enrol(&server, &old.key).await;
    old.prove(&server, &before.chain, 1).await.expect("a session");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("backup");
    let data_dir = server.gangway.config.data_dir.clone();
    succeeds(&gangway(&data_dir, &["backup", "--to", text(&copy)]));
    refuses(
        &gangway(&data_dir, &["backup", "--to", text(&copy)]),
        "cannot make",
    );

    let new = SoftDevice::new();
    let after = ada.enrol(&server, &new.key).await;
    new.prove(&server, &after.chain, 1).await.expect("a session");
    old.prove(&server, &before.chain, 2).await.expect("a session");

    let restore = ["restore", "--from", text(&copy)];
    refuses(&gangway(&data_dir, &restore), "stop it first");
    server.gangway.db.close().await;
    refuses(&gangway(&data_dir, &restore), "--replace");
    succeeds(&gangway(
        &data_dir,
        &["restore", "--from", text(&copy), "--replace"],
    ));

    let server = server.restart().await;
    let ada = server.again(&ada);
    old.prove(&server, &before.chain, 3)
        .await
        .expect("what the backup knows goes on");
    let fleet = ada.api.devices(&DeviceQuery::default()).await.expect("the fleet");
    assert_eq!(fleet.items.len(), 1, "the backup knows one device");

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
async fn a_restored_server_numbers_its_revocation_lists_on() {
    let server = Server::start(Engine::Sqlite).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("backup");
    let data_dir = server.gangway.config.data_dir.clone();
    let root = server
        .gangway
        .authority
        .export_root(&server.gangway.db)
        .await
        .expect("the root")
        .id;
    succeeds(&gangway(&data_dir, &["backup", "--to", text(&copy)]));
    server.clock.advance(3 * UnixMillis::DAY);
    let now = server.gangway.clock.now();
    let before = server
        .gangway
        .authority
        .crl(&server.gangway.db, &root, now)
        .await
        .expect("a list")
        .expect("its issuer");
    server.gangway.db.close().await;
    succeeds(&gangway(
        &data_dir,
        &["restore", "--from", text(&copy), "--replace"],
    ));
    let server = server.restart().await;
    server.clock.advance(UnixMillis::MINUTE);
    let now = server.gangway.clock.now();
    let after = server
        .gangway
        .authority
        .crl(&server.gangway.db, &root, now)
        .await
        .expect("a list")
        .expect("its issuer");
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
    succeeds(&gangway(
        &data_dir,
        &["backup", "--without-ca-key", "--to", text(&copy)],
    ));
    assert!(!copy.join("ca.key").exists());
    let elsewhere = folder.path().join("elsewhere");
    succeeds(&gangway(&elsewhere, &["restore", "--from", text(&copy)]));
    refuses(
        &gangway(
            &elsewhere,
            &[
                "admin",
                "ca",
                "export-root",
                "--to",
                text(&folder.path().join("root.pem")),
            ],
        ),
        "do not open",
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
    succeeds(&gangway(
        &data_dir,
        &["admin", "ca", "export-root", "--remove", "--to", text(&root)],
    ));
    let exported = std::fs::read_to_string(&root).expect("a file");
    assert!(exported.contains("BEGIN CERTIFICATE") && exported.contains("BEGIN PRIVATE KEY"));
    refuses(
        &gangway(
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

    let noted = gangway(&data_dir, &["admin", "audit", "checkpoint"]);
    succeeds(&noted);
    let checkpoint = folder.path().join("checkpoint.json");
    std::fs::write(&checkpoint, &noted.stdout).expect("a file is written");
    let verify = ["admin", "audit", "verify", "--checkpoint", text(&checkpoint)];
    succeeds(&gangway(&data_dir, &verify));

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
    refuses(&gangway(&data_dir, &verify), "tampered");
}
