//! Whether the unit can reach a path: as its user with its groups, without any right to pass over permissions
//! (`CapabilityBoundingSet=`), and with folders of its own where `PrivateTmp=` makes them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use gangway_device::store;

use super::account::Ids;
use crate::screen;

const ROOT: u32 = 0;
/// Folders that the unit has for itself, or that are gone after a restart of the machine.
const PRIVATE: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// What the unit does with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Run,
}

/// Whether the folder `path` can be made for the unit or given to it, or why not. `named` are paths that options name: what
/// lies there may lie in the folder too. Gives the folder without symbolic links.
pub(super) fn state_dir(path: &Path, ids: &Ids, named: &[PathBuf]) -> Result<PathBuf, String> {
    let path = not_private(path)?;
    if let Some(parent) = path.parent() {
        enterable(parent, ids)?;
    }
    let Ok(found) = path.metadata() else {
        return Ok(path);
    };
    if !found.is_dir() {
        return Err("it is not a folder".to_owned());
    }
    if Some(found.uid()) == ids.user {
        return Ok(path);
    }
    if found.uid() != ROOT {
        return Err(format!(
            "it belongs to the user with the id {}, and not to root or to the service",
            found.uid()
        ));
    }
    match foreign(&path, named) {
        Some(name) => Err(format!(
            "it is to be given to the service's user and holds {name}, which no device made"
        )),
        None => Ok(path),
    }
}

/// Whether the unit can use the file `path` so, or why not.
pub(super) fn file(path: &Path, how: Use, ids: &Ids) -> Result<(), String> {
    let path = not_private(path)?;
    enterable(path.parent().unwrap_or(&path), ids)?;
    let found = path.metadata().map_err(|error| error.to_string())?;
    let (right, verb) = match how {
        Use::Read => (0o4, "read"),
        Use::Run => (0o1, "run"),
    };
    if may(&found, right, ids) {
        Ok(())
    } else {
        Err(format!("its permissions do not let the service {verb} it"))
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
        Some((part, real)) => match path.strip_prefix(part) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            _ => real,
        },
        None => path.to_owned(),
    }
}

/// Whether every folder on the way that is there can be passed.
fn enterable(path: &Path, ids: &Ids) -> Result<(), String> {
    for folder in path.ancestors() {
        let Ok(found) = folder.metadata() else { continue };
        if !may(&found, 0o1, ids) {
            return Err(format!(
                "the permissions of the folder {} do not let the service pass",
                folder.display()
            ));
        }
    }
    Ok(())
}

/// Whether the first class that holds the user has this right (path_resolution(7)): owner, group, others.
fn may(found: &std::fs::Metadata, right: u32, ids: &Ids) -> bool {
    let shift = if Some(found.uid()) == ids.user {
        6
    } else if ids.groups.contains(&found.gid()) {
        3
    } else {
        0
    };
    found.mode() >> shift & right != 0
}

/// A name in the folder that neither a device makes nor an option leads to: the folder is something else, such as /etc.
fn foreign(path: &Path, named: &[PathBuf]) -> Option<String> {
    let named: Vec<PathBuf> = named.iter().map(|path| real(path)).collect();
    let entries = std::fs::read_dir(path).ok()?;
    entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .find(|name| {
            let is_ours = store::is_ours(name) || screen::FILES.contains(&name.as_str());
            !is_ours && !named.iter().any(|named| named.starts_with(path.join(name)))
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown};

    use super::*;

    const SERVICE: u32 = 64_000;
    const GROUP: u32 = 64_001;
    const OTHER: u32 = 65_534;

    fn ids() -> Ids {
        Ids {
            user: Some(SERVICE),
            groups: vec![SERVICE, GROUP],
        }
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    }

    /// Where the unit could have its state. Without root's rights there is nothing to test: only root installs services.
    fn place() -> Option<tempfile::TempDir> {
        let place = tempfile::tempdir_in("/var/lib").ok()?;
        mode(place.path(), 0o755);
        Some(place)
    }

    #[test]
    fn a_temporary_folder_is_refused_because_the_unit_has_its_own() {
        let refused =
            state_dir(Path::new("/tmp/gangway-device"), &ids(), &[]).expect_err("it would be another folder");
        assert!(refused.contains("/tmp of its own"), "{refused}");
        let missing = Path::new("/var/lib/gangway-device-that-is-not-there");
        assert_eq!(state_dir(missing, &ids(), &[]), Ok(missing.to_owned()));
        assert!(file(missing, Use::Read, &ids()).is_err());
    }

    #[test]
    fn a_folder_on_the_way_that_is_only_roots_is_named() {
        let Some(place) = place() else { return };
        let (home, inner) = (place.path().join("home"), place.path().join("home/state"));
        std::fs::create_dir_all(&inner).expect("a folder");
        mode(&home, 0o700);
        let refused = state_dir(&inner, &ids(), &[]).expect_err("root's alone");
        assert!(refused.contains("/home do not let the service pass"), "{refused}");
        mode(&home, 0o750);
        chown(&home, None, Some(GROUP)).expect("root may");
        assert_eq!(
            state_dir(&inner, &ids(), &[]),
            Ok(inner.clone()),
            "by a group of the user"
        );
        mode(&home, 0o705);
        assert!(
            state_dir(&inner, &ids(), &[]).is_err(),
            "the first class that holds the user decides"
        );
        let nobody_yet = Ids {
            user: None,
            groups: Vec::new(),
        };
        assert_eq!(
            state_dir(&inner, &nobody_yet, &[]),
            Ok(inner),
            "before the user is made, it is one of the others"
        );
    }

    #[test]
    fn a_state_directory_of_a_third_user_is_refused() {
        let Some(place) = place() else { return };
        let state = place.path().join("state");
        std::fs::create_dir(&state).expect("a folder");
        assert_eq!(state_dir(&state, &ids(), &[]), Ok(state.clone()), "root's");
        chown(&state, Some(SERVICE), None).expect("root gives it away");
        assert_eq!(state_dir(&state, &ids(), &[]), Ok(state.clone()), "the service's");
        chown(&state, Some(OTHER), None).expect("root gives it away");
        let refused = state_dir(&state, &ids(), &[]).expect_err("another's");
        assert!(
            refused.contains("belongs to the user with the id 65534"),
            "{refused}"
        );
    }

    #[test]
    fn only_a_devices_own_folder_is_given_away() {
        let Some(place) = place() else { return };
        let state = place.path().join("state");
        std::fs::create_dir(&state).expect("a folder");
        for name in [
            "lock",
            "state.json",
            "key.pem",
            "key.pem.copy",
            "screen.json",
            "answer",
        ] {
            std::fs::write(state.join(name), "").expect("written");
        }
        assert_eq!(state_dir(&state, &ids(), &[]), Ok(state.clone()));
        std::fs::create_dir(state.join("token")).expect("a folder");
        let refused = state_dir(&state, &ids(), &[]).expect_err("no device made it");
        assert!(refused.contains("holds token, which no device made"), "{refused}");
        let named = [state.join("token/store.conf")];
        assert_eq!(
            state_dir(&state, &ids(), &named),
            Ok(state),
            "an option leads to it"
        );
        let etc = state_dir(Path::new("/etc"), &ids(), &[]).expect_err("the system's");
        assert!(etc.contains("which no device made"), "{etc}");
    }

    #[test]
    fn a_file_is_judged_by_what_the_unit_does_with_it() {
        let Some(place) = place() else { return };
        let path = place.path().join("file");
        std::fs::write(&path, "").expect("written");
        for (bits, readable, runnable) in [(0o600, false, false), (0o644, true, false), (0o711, false, true)]
        {
            mode(&path, bits);
            assert_eq!(file(&path, Use::Read, &ids()).is_ok(), readable, "{bits:o}");
            assert_eq!(file(&path, Use::Run, &ids()).is_ok(), runnable, "{bits:o}");
        }
        mode(&path, 0o640);
        chown(&path, None, Some(GROUP)).expect("root may");
        assert_eq!(file(&path, Use::Read, &ids()), Ok(()));
    }
}
