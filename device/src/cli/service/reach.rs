//! Whether the unit can reach a path: as root by name, but without the right to pass over permissions
//! (`CapabilityBoundingSet=`), and with folders of its own where `PrivateTmp=` makes them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const ROOT: u32 = 0;
/// Folders that the unit has for itself, or that are gone after a restart of the machine.
const PRIVATE: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Whether the unit can make and use the folder `path`, or why not.
pub(super) fn state_dir(path: &Path) -> Result<(), String> {
    let path = not_private(path)?;
    enterable(&path)?;
    match path.metadata() {
        Ok(found) if !found.is_dir() => Err("it is not a folder".to_owned()),
        Ok(found) if found.uid() != ROOT => Err(format!(
            "it belongs to the user with the id {}, and not to root",
            found.uid()
        )),
        _ => Ok(()),
    }
}

/// Whether the unit can read the file `path`, or why not.
pub(super) fn file(path: &Path) -> Result<(), String> {
    let path = not_private(path)?;
    enterable(path.parent().unwrap_or(&path))?;
    let found = path.metadata().map_err(|error| error.to_string())?;
    if may(&found, 0o4) {
        Ok(())
    } else {
        Err("root could read it only by passing over its permissions".to_owned())
    }
}

fn not_private(path: &Path) -> Result<PathBuf, String> {
    let path = real(path);
    match PRIVATE.iter().find(|folder| path.starts_with(folder)) {
        Some(folder) => Err(format!(
            "the service has a {folder} of its own, which does not last"
        )),
        None => Ok(path),
    }
}

/// Where the path leads, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let existing = path
        .ancestors()
        .find_map(|part| Some((part, part.canonicalize().ok()?)));
    match existing {
        Some((part, real)) => path
            .strip_prefix(part)
            .map_or_else(|_| path.to_owned(), |rest| real.join(rest)),
        None => path.to_owned(),
    }
}

/// Whether every folder on the way can be passed.
fn enterable(path: &Path) -> Result<(), String> {
    for folder in path.ancestors() {
        let Ok(found) = folder.metadata() else { continue };
        if !may(&found, 0o1) {
            return Err(format!(
                "the folder {} can be entered only by the user with the id {}",
                folder.display(),
                found.uid()
            ));
        }
    }
    Ok(())
}

/// Whether the first class that holds root has this right (path_resolution(7)): owner, group, others.
fn may(found: &std::fs::Metadata, right: u32) -> bool {
    let shift = match (found.uid(), found.gid()) {
        (ROOT, _) => 6,
        (_, ROOT) => 3,
        _ => 0,
    };
    found.mode() >> shift & right != 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown};

    use super::*;

    #[test]
    fn a_temporary_folder_is_refused_because_the_unit_has_its_own() {
        let refused = state_dir(Path::new("/tmp/gangway-device")).expect_err("it would be another folder");
        assert!(refused.contains("/tmp of its own"), "{refused}");
        assert_eq!(
            state_dir(Path::new("/var/lib/gangway-device-that-is-not-there")),
            Ok(())
        );
        assert!(file(Path::new("/var/lib/gangway-device-that-is-not-there")).is_err());
    }

    #[test]
    fn what_root_reaches_only_by_its_rights_is_refused_with_the_folder() {
        let home = tempfile::tempdir_in("/var/lib");
        // Without root's rights there is nothing to test: only root installs services.
        let Ok(home) = home else { return };
        let inner = home.path().join("state");
        std::fs::create_dir(&inner).expect("a folder");
        assert_eq!(state_dir(&inner), Ok(()));
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).expect("ours");
        chown(home.path(), Some(65534), Some(65534)).expect("root gives it away");
        let refused = state_dir(&inner).expect_err("it is another user's");
        assert!(
            refused.contains("can be entered only by the user with the id 65534"),
            "{refused}"
        );
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).expect("root may");
        chown(&inner, Some(65534), None).expect("root gives it away");
        let refused = state_dir(&inner).expect_err("it is another user's");
        assert!(
            refused.contains("belongs to the user with the id 65534"),
            "{refused}"
        );
    }
}
