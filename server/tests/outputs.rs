//! What the command line prints where it cannot be written.

use std::process::Stdio;

use crate::support::program::{gangway, refuses, stderr, text};

#[test]
fn a_token_that_cannot_be_shown_is_revoked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let mut create = gangway(&["admin", "token", "create", "--scope", "enrol"]);
    create.args(["--data-dir", text(folder.path())]).stdout(full);
    refuses(&create.output().expect("the binary runs"), "could not be written");
    let database = rusqlite::Connection::open(folder.path().join("gangway.sqlite3")).expect("it was made");
    let count = |sql: &str| -> i64 { database.query_row(sql, [], |row| row.get(0)).expect("a number") };
    assert_eq!(count("SELECT COUNT(*) FROM tokens"), 0);
    assert_eq!(
        count("SELECT COUNT(*) FROM audit WHERE action = 'token.revoked'"),
        1
    );
}

#[test]
fn a_reader_that_ends_early_is_no_fault() {
    let mut child = gangway(&["openapi"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), stderr(&output)), (Some(1), String::new()));
}
