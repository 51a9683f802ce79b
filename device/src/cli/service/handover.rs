//! Gives a state directory to the service's user, with what an earlier run by root left in it.
//!
//! What is there may be the work of whoever owned the directory before: no symbolic link is followed, every file is changed
//! by its open descriptor, and a file with a second name, which may be anybody's, stays root's.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid};

const ROOT: u32 = 0;
/// A store is flat; the folder of a token beside it has one or two levels.
const MAX_DEPTH: usize = 8;

/// Makes the folder `path` if it is not there, for its owner alone, and gives it to the user and group with these ids. What
/// belongs to another user than root stays as it is. `path` holds no symbolic link.
pub(super) fn give(path: &Path, user: u32, group: u32) -> io::Result<()> {
    make(path)?;
    let folder = rustix::fs::open(path, OFlags::DIRECTORY | careful(), Mode::empty())?;
    rustix::fs::fchmod(&folder, Mode::RWXU)?;
    give_folder(&folder, (Uid::from_raw(user), Gid::from_raw(group)), MAX_DEPTH)
}

/// Folders on the way that are made here can be passed by everybody, whatever root's umask is.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.exists()) {
        make(parent)?;
        std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o755))?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

fn give_folder(folder: &OwnedFd, to: (Uid, Gid), depth: usize) -> io::Result<()> {
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| io::Error::other("it holds more levels of folders than a device makes"))?;
    give_one(folder, to)?;
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let found = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => {
                let inner = rustix::fs::openat(folder, name, OFlags::DIRECTORY | careful(), Mode::empty())?;
                give_folder(&inner, to, depth)?;
            }
            FileType::RegularFile => {
                let file = rustix::fs::openat(folder, name, OFlags::PATH | careful(), Mode::empty())?;
                give_one(&file, to)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn give_one(file: &OwnedFd, (user, group): (Uid, Gid)) -> io::Result<()> {
    let found = rustix::fs::fstat(file)?;
    let is_folder = FileType::from_raw_mode(found.st_mode).is_dir();
    if found.st_uid != ROOT || (!is_folder && found.st_nlink != 1) {
        return Ok(());
    }
    rustix::fs::chownat(file, c"", Some(user), Some(group), AtFlags::EMPTY_PATH)?;
    Ok(())
}

fn careful() -> OFlags {
    OFlags::NOFOLLOW | OFlags::CLOEXEC
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, chown, symlink};

    use super::*;

    const NOBODY: u32 = 65534;

    fn owner(path: &Path) -> u32 {
        path.symlink_metadata().expect("there").uid()
    }

    /// Only root can give anything away, and only root installs services.
    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    #[test]
    fn what_root_left_in_a_state_directory_goes_to_the_services_user() {
        if !is_root() {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("made/on/the/way");
        give(&state, NOBODY, NOBODY).expect("made and given");
        assert_eq!(state.metadata().expect("there").mode() & 0o777, 0o700);
        assert_eq!(
            state.parent().expect("one").metadata().expect("there").mode() & 0o777,
            0o755
        );
        std::fs::write(state.join("key.pem"), "key").expect("written by root");
        std::fs::create_dir(state.join("token")).expect("made by root");
        std::fs::write(state.join("token/store"), "store").expect("written by root");
        give(&state, NOBODY, NOBODY).expect("given again");
        for name in ["", "key.pem", "token", "token/store"] {
            assert_eq!(owner(&state.join(name)), NOBODY, "{name}");
        }
        assert_eq!(owner(state.parent().expect("one")), ROOT);
    }

    #[test]
    fn links_are_not_followed_and_other_users_files_stay_theirs() {
        if !is_root() {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (state, elsewhere) = (folder.path().join("state"), folder.path().join("elsewhere"));
        std::fs::create_dir(&state).expect("a folder");
        std::fs::create_dir(&elsewhere).expect("a folder");
        let file = |name: &str| elsewhere.join(name);
        for name in ["soft", "hard"] {
            std::fs::write(file(name), "root's").expect("written");
        }
        symlink(file("soft"), state.join("soft")).expect("linked");
        symlink(&elsewhere, state.join("folder")).expect("linked");
        std::fs::hard_link(file("hard"), state.join("hard")).expect("linked");
        std::fs::write(state.join("theirs"), "another's").expect("written");
        chown(state.join("theirs"), Some(1), Some(1)).expect("root gives it away");
        give(&state, NOBODY, NOBODY).expect("given");
        assert_eq!(owner(&state), NOBODY);
        for path in [elsewhere.clone(), file("soft"), file("hard")] {
            assert_eq!(owner(&path), ROOT, "{}", path.display());
        }
        assert_eq!(owner(&state.join("theirs")), 1);
    }
}
