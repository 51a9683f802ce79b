//! Who may get at a state directory on Windows, by the programs that Windows has for it.
//!
//! 1. The directory, and what lies in it, gets the current user as its owner: whoever made it before would keep every right
//!    as its owner.
//! 2. A directory inherits the rights of the one above it, and `ProgramData` lets every user read. `icacls` takes inheritance
//!    away and leaves the owner, the system and administrators (by their well-known SIDs).
//! 3. What lies in it loses rights of its own.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes the directory if need be, for its owner's eyes only. One that was there before is restricted too, whoever made it
/// and with whatever rights.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let existed = path.is_dir();
    std::fs::create_dir_all(path)?;
    let is_another_users = || {
        io::Error::other(format!(
            "{} belongs to another user, from whom this one cannot take it; remove it, choose another directory, or run this as \
             an administrator",
            path.display()
        ))
    };
    let owner = format!("*{}", current_user()?);
    // Of a link the link itself (/L): what it leads to is not ours.
    icacls(path, &["/setowner", &owner, "/T", "/L", "/Q"]).map_err(|_| is_another_users())?;
    let owners_only = [
        "/inheritance:r",
        "/grant:r",
        "*S-1-3-4:(OI)(CI)F",
        "*S-1-5-18:(OI)(CI)F",
        "*S-1-5-32-544:(OI)(CI)F",
    ];
    icacls(path, &owners_only)?;
    // Rights that others were given by name outlast `/grant:r`: everyone, users, authenticated users, guests.
    let others = [
        "/remove",
        "*S-1-1-0",
        "*S-1-5-32-545",
        "*S-1-5-11",
        "*S-1-5-32-546",
    ];
    icacls(path, &others)?;
    let is_empty = std::fs::read_dir(path)?.next().is_none();
    if existed && !is_empty {
        icacls(&path.join("*"), &["/reset", "/T", "/Q"])?;
    }
    Ok(())
}

/// The SID of the user as whom this process runs. `whoami` prints a name, which may be in any language, and the SID: the last
/// field.
fn current_user() -> io::Result<String> {
    let output = Command::new("whoami")
        .args(["/user", "/fo", "csv", "/nh"])
        .stderr(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let sid = said
        .trim()
        .rsplit(',')
        .next()
        .unwrap_or_default()
        .trim_matches('"');
    if output.status.success() && sid.starts_with("S-1-") {
        Ok(sid.to_owned())
    } else {
        Err(io::Error::other("whoami does not say who the current user is"))
    }
}

fn icacls(path: &Path, arguments: &[&str]) -> io::Result<()> {
    let status = Command::new("icacls")
        .arg(path)
        .args(arguments)
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(
            "icacls could not restrict the directory to its owner",
        ))
    }
}
