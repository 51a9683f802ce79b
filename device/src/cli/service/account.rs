//! The user that the unit runs as. systemd-sysusers makes it, from a file that stays: an image whose /etc/passwd is laid anew has the
//! user again at its next start. Where systemd was built without it, useradd does.

use std::path::Path;
use std::process::{Command, Stdio};

use super::write;
use crate::cli::Failure;

/// The name of the user, and of its group.
pub(super) const USER: &str = "gangway-device";
/// Whoever is in this group may use the machine's TPM, on Debian, Fedora, Arch and SUSE.
pub(super) const TPM_GROUP: &str = "tss";

/// It goes with the service; the user stays, because its id would be given to another, who could then read the key.
pub(super) const SYSUSERS_FILE: &str = "/etc/sysusers.d/gangway-device.conf";
/// sysusers.d(5): a system user with a group of its name, without a home and without a shell.
const SYSUSERS: &str = "u gangway-device - \"Gangway device\"\n";

/// By which ids the unit reaches files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    /// `None` as long as the user is not made: nothing belongs to it.
    pub(super) user: Option<u32>,
    pub(super) groups: Vec<u32>,
}

impl Ids {
    /// The ids of the user as it is, with those of `group`.
    pub(super) fn now(group: Option<u32>) -> Self {
        let groups = ids("-G").unwrap_or_default();
        Self {
            user: ids("-u").and_then(|ids| ids.first().copied()),
            groups: groups.into_iter().chain(group).collect(),
        }
    }
}

/// The id of the group that may use the TPM, where there is one.
pub(super) fn tpm_group() -> Option<u32> {
    let output = Command::new("getent").args(["group", TPM_GROUP]).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    line.split(':').nth(2)?.trim().parse().ok()
}

/// Makes the user where it is missing; gives its id and that of its group.
pub(super) fn make() -> Result<(u32, u32), Failure> {
    make_user()?;
    let first = |option| ids(option).and_then(|ids| ids.first().copied());
    first("-u").zip(first("-g")).ok_or_else(|| {
        Failure::Unexpected(format!(
            "the user {USER} was made and is not known; look at /etc/nsswitch.conf"
        ))
    })
}

fn make_user() -> Result<(), Failure> {
    let mut sysusers = Command::new("systemd-sysusers");
    if sysusers.arg("--version").stdout(Stdio::null()).status().is_ok() {
        let folder = Path::new(SYSUSERS_FILE).parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(folder)?;
        write(SYSUSERS_FILE, SYSUSERS, 0o644)?;
        return run(Command::new("systemd-sysusers").arg(SYSUSERS_FILE));
    }
    if ids("-u").is_some() {
        return Ok(());
    }
    run(Command::new("useradd").args([
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/",
        "--shell",
        "/usr/sbin/nologin",
        USER,
    ]))
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().display().to_string();
    let failed = |reason: String| {
        Failure::Unexpected(format!(
            "{program} could not make the user {USER} ({reason}); make a system user of that name by hand"
        ))
    };
    let status = command.status().map_err(|error| failed(error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(status.to_string()))
    }
}

/// What `id` says of the user; nothing where there is none.
fn ids(option: &str) -> Option<Vec<u32>> {
    let output = Command::new("id").args([option, USER]).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().map(|id| id.parse().ok()).collect()
}
