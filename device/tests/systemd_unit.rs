//! The unit that `service install` would write, as systemd reads it.
#![cfg(target_os = "linux")]

use std::process::Command;

/// Fails on anything that systemd says of the unit: what it does not understand it ignores, and only says so.
fn verify(text: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gangway-device.service");
    std::fs::write(&file, text).expect("written");
    let Ok(output) = Command::new("systemd-analyze").arg("verify").arg(&file).output() else {
        eprintln!("skipped: systemd-analyze is not here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}\nin\n{text}");
}

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_gangway-device"))
        .args([
            "service",
            "install",
            "--print",
            "--server",
            "https://panel.example",
        ])
        .args(arguments)
        .output()
        .expect("run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn systemd_understands_the_whole_unit() {
    verify(&printed(&[]));
}

#[test]
fn systemd_understands_names_and_paths_with_what_is_special_to_it() {
    let special = r#"$5 at 50% "a" \c ${HOME}"#;
    let state_dir = format!("/srv/{special}");
    verify(&printed(&["--name", special, "--state-dir", &state_dir]));
}

#[cfg(feature = "pkcs11")]
#[test]
fn systemd_understands_the_unit_of_a_device_whose_key_is_in_a_token() {
    verify(&printed(&[
        "--pkcs11-module",
        "/usr/lib/token.so",
        "--pkcs11-token",
        "the token",
        "--pkcs11-pin-file",
        "/root/the pin at 50%",
    ]));
}
