//! The units of deploy/, as systemd reads them.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

/// Fails on anything that systemd says of them: what it does not understand it ignores, and only says so.
#[test]
fn systemd_understands_the_units_of_the_server() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let folder = tempfile::tempdir().expect("a folder");
    let files = ["gangway.service", "gangway.socket"].map(|name| {
        let unit = std::fs::read_to_string(deploy.join(name)).expect("a unit");
        // The one complaint that would be the machine's fault: the server is not installed on it.
        let installed = unit.replace("ExecStart=/usr/bin/gangway ", "ExecStart=/bin/true ");
        let file = folder.path().join(name);
        std::fs::write(&file, installed).expect("written");
        file
    });
    let Ok(output) = Command::new("systemd-analyze")
        .arg("verify")
        .args(&files)
        .output()
    else {
        eprintln!("skipped: systemd-analyze is not here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}
