//! Who owns what is written into a state directory. The service runs as a user of its own, and root may run the device on its
//! directory meanwhile: what root leaves there, the service must be able to read.

use std::fs::File;
use std::io;
use std::path::Path;

/// Gives `file`, which was just opened in `folder` for writing, to the owner of that folder. Only root can, and only root has
/// to. By the open file, and never one with a second name: that name may be in a folder of somebody else.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub(super) fn follow_folder(file: &File, folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    const ROOT: u32 = 0;
    let (made, folder) = (file.metadata()?, folder.metadata()?);
    if made.uid() == ROOT && folder.uid() != ROOT && made.nlink() == 1 {
        fchown(file, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(())
}

/// Elsewhere a file inherits its rights from its folder.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
pub(super) fn follow_folder(_file: &File, _folder: &Path) -> io::Result<()> {
    Ok(())
}
