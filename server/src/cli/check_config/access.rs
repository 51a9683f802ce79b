//! What another user than the one who checks could read: the service runs as a user of its own, the check often as root.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::CommandError;

const ROOT: u32 = 0;

/// Runs this check again as `user`; does not return where that works.
pub(super) fn run_again_as(user: &str) -> CommandError {
    let mut arguments = Vec::new();
    let mut given = std::env::args_os().skip(1);
    while let Some(argument) = given.next() {
        match argument.to_str() {
            Some("--as-user") => drop(given.next()),
            Some(text) if text.starts_with("--as-user=") => {}
            _ => arguments.push(argument),
        }
    }
    let error = std::env::current_exe().map_or_else(
        |error| error,
        // Groups and all, which setting an id alone would leave out.
        |program| {
            Command::new("runuser")
                .args(["-u", user, "--"])
                .arg(program)
                .args(arguments)
                .exec()
        },
    );
    CommandError::Refused(format!(
        "the check as {user} needs runuser (util-linux) and root: {error}"
    ))
}

/// The file, or the folder on the way to it, that root can pass and not everybody; `None` where everybody can read the file,
/// or root does not ask.
pub(super) fn only_for_root(file: &Path) -> Option<PathBuf> {
    let is_root = rustix::process::geteuid().is_root();
    let file = file.canonicalize().ok()?;
    file.ancestors()
        .enumerate()
        .filter(|_| is_root)
        .find(|(place, path)| {
            let right = if *place == 0 { 0o4 } else { 0o1 };
            path.metadata()
                .is_ok_and(|found| found.uid() == ROOT && found.mode() & right == 0)
        })
        .map(|(_, path)| path.to_owned())
}
