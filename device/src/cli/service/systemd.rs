//! Linux: a systemd unit. Its log gets no code; `gangway-device status` shows it, and `gangway-device answer` answers.
//!
//! Installing judges first whether the unit could reach what it is given, then makes the user, gives it the state directory,
//! and writes the unit.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use gangway_device::config::{proxies_from_environment, token_environment};
use gangway_device::store::{StoreError, is_in_use};

use super::Install;
use crate::cli::Failure;

#[path = "account.rs"]
mod account;
#[path = "handover.rs"]
mod handover;
#[path = "quoting.rs"]
mod quoting;
#[path = "reach.rs"]
mod reach;
#[path = "unit.rs"]
mod unit;

use account::{Ids, USER};
use reach::Use;
use unit::Unit;

const UNIT: &str = "gangway-device.service";
/// Beside the state directory's usual place; units can be read by everybody.
const ENVIRONMENT_FILE: &str = "/etc/gangway-device.environment";
const UNIT_FILE: &str = "/etc/systemd/system/gangway-device.service";
/// DMI's serial number, which only root may read.
const SERIAL: &str = "/sys/class/dmi/id/product_serial";

pub(super) fn install(install: &Install) -> Result<(), Failure> {
    let tpm_group = install.key.module().and_then(|_| account::tpm_group());
    let unit = unit(install, tpm_group.is_some())?;
    let text = unit.text()?;
    if install.print {
        print!("{text}");
        return Ok(());
    }
    let state_dir = usable(&unit, &Ids::now(tpm_group))?;
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(Failure::Unsupported(
            "systemd does not run here; start `gangway-device run --service` with the service manager that does".to_owned(),
        ));
    }
    // An older unit may run with other rights; it ends before its state changes hands.
    if Path::new(UNIT_FILE).exists() {
        systemctl(&["stop", UNIT])?;
    }
    if is_in_use(&state_dir) {
        return Err(StoreError::InUse(state_dir.display().to_string()).into());
    }
    let (user, group) = account::make()?;
    handover::give(&state_dir, user, group).map_err(|error| {
        Failure::Unexpected(format!(
            "{} could not be given to the user {USER} ({error}); run this as root",
            state_dir.display()
        ))
    })?;
    match environment() {
        Some(environment) => write(ENVIRONMENT_FILE, &environment, 0o600)?,
        None => remove(ENVIRONMENT_FILE)?,
    }
    write(UNIT_FILE, &text, 0o644)?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", UNIT])?;
    systemctl(&["restart", UNIT])?;
    println!("The device runs, now and whenever this machine runs. Its code: gangway-device status");
    Ok(())
}

pub(super) fn uninstall() -> Result<(), Failure> {
    let files = [UNIT_FILE, ENVIRONMENT_FILE, account::SYSUSERS_FILE];
    if !files.iter().any(|file| Path::new(file).exists()) {
        println!("There is nothing to remove.");
        return Ok(());
    }
    if Path::new(UNIT_FILE).exists() {
        systemctl(&["disable", "--now", UNIT])?;
    }
    files.into_iter().try_for_each(remove)?;
    systemctl(&["daemon-reload"])?;
    println!(
        "Removed. The state directory stays, and the user {USER}, to whom it belongs; `gangway-device reset` empties the \
         directory."
    );
    Ok(())
}

pub(super) fn serve(_install: &Install) -> Result<(), Failure> {
    Err(Failure::Unsupported(
        "only Windows starts services like this; use `gangway-device run --service`".to_owned(),
    ))
}

fn systemctl(arguments: &[&str]) -> Result<(), Failure> {
    let status = Command::new("systemctl").args(arguments).status()?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Unexpected(format!(
        "systemctl {} failed; run this as root, and see journalctl -u {UNIT}",
        arguments.join(" ")
    )))
}

/// The unit for these options on this machine.
fn unit(install: &Install, has_tpm_group: bool) -> Result<Unit, Failure> {
    let mut install = install.clone();
    let pin = match install.key.take_pin_file() {
        Some((name, path)) => Some((name, std::path::absolute(path)?)),
        None => None,
    };
    let opened = [install.server.ca_file.as_deref(), install.key.module()];
    let files = opened.into_iter().flatten().map(std::path::absolute);
    Ok(Unit {
        program: std::env::current_exe()?,
        arguments: install.arguments()?,
        state_dir: std::path::absolute(&install.state.state_dir)?,
        files: files.collect::<Result<_, _>>()?,
        in_token: install.key.module().is_some(),
        has_tpm_group,
        pin,
        hands_over_serial: can_hand_over_serial(),
    })
}

/// In some containers the file is there and not even root can read it: then a unit that names it would not start.
fn can_hand_over_serial() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    match std::fs::read(SERIAL) {
        Err(error) if is_root => error.kind() == ErrorKind::NotFound,
        _ => true,
    }
}

/// Whether the unit can use what it is told to; gives the state directory without symbolic links.
fn usable(unit: &Unit, ids: &Ids) -> Result<PathBuf, Failure> {
    let refused = |path: &Path, reason: &str| {
        Failure::Settings(format!(
            "the service could not use {}: {reason}. It runs as the user {USER}; choose another place, such as \
             /var/lib/gangway-device for its state and /usr/local for files, or change the permissions",
            path.display()
        ))
    };
    let needed = unit.files.iter().map(|file| (file, Use::Read));
    for (file, how) in needed.chain([(&unit.program, Use::Run)]) {
        reach::file(file, how, ids).map_err(|reason| refused(file, &reason))?;
    }
    let mut named = unit.files.clone();
    named.extend(unit.pin.iter().map(|(_, path)| path.clone()));
    named.extend(token_environment().into_iter().map(|(_, value)| value.into()));
    reach::state_dir(&unit.state_dir, ids, &named).map_err(|reason| refused(&unit.state_dir, &reason))
}

/// Proxies, and where libraries of tokens find theirs, for a file that only root can read: a proxy's URL may hold a password,
/// and everybody can read units.
fn environment() -> Option<String> {
    let proxies = proxies_from_environment();
    let mut variables = token_environment();
    if let Some(proxy) = proxies.https {
        variables.extend([("HTTPS_PROXY", proxy), ("NO_PROXY", proxies.none)]);
    }
    let line = |(name, value): &(&str, String)| format!("{name}={}\n", in_environment_file(value));
    (!variables.is_empty()).then(|| variables.iter().map(line).collect())
}

/// systemd.exec(5), "EnvironmentFile=": within double quotes a backslash escapes, and nothing is expanded.
fn in_environment_file(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// Writes a file whole, with these permissions from its first byte on.
fn write(path: &str, text: &str, mode: u32) -> Result<(), Failure> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    let write = || {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error: std::io::Error| {
        Failure::Unexpected(format!("{path} could not be written ({error}); run this as root"))
    })
}

/// Removes a file, if it is there.
fn remove(path: &str) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::Unexpected(format!(
            "{path} could not be removed ({error}); run this as root"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_stands_in_a_file_that_only_root_can_read() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("environment");
        std::fs::write(&path, "older").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("readable by all");
        let text = path.to_str().expect("text");
        write(text, "HTTPS_PROXY=x", 0o600).expect("written");
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            in_environment_file(r#"http://a:"\$#@p"#),
            r#""http://a:\"\\$#@p""#
        );
    }
}
