//! Who owns what is made in the data directory. The service runs as a user of its own, the command line beside it often as
//! root: what root makes there, the service must be able to open.

use std::io;
use std::path::Path;

/// Gives the file or folder at `path`, which was just made, to the owner of the folder it is in. Only root can, and only
/// root has to.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn follow_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, lchown};

    const ROOT: u32 = 0;
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let (made, folder) = (path.symlink_metadata()?, folder.metadata()?);
    if made.uid() == ROOT && folder.uid() != ROOT {
        lchown(path, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(())
}

/// Elsewhere a file inherits its rights from its folder.
#[cfg(not(unix))]
pub fn follow_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
