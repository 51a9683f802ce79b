//! Commands beside a service of another user. Root runs them with that user's rights: what they leave the service can read,
//! and what the service's user left in their way leads nowhere that this user could not go.

use std::path::Path;

use super::Failure;

/// Makes this process one of the owner of `state_dir`, where root runs it and another user owns the folder. For commands that
/// have no other thread yet.
#[cfg(target_os = "linux")]
pub(super) fn act_as_owner(state_dir: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt as _;

    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    let Ok(found) = state_dir.metadata() else {
        return Ok(());
    };
    let user = rustix::process::Uid::from_raw(found.uid());
    let group = rustix::process::Gid::from_raw(found.gid());
    if !rustix::process::geteuid().is_root() || user.is_root() {
        return Ok(());
    }
    // The user comes last: without root the others cannot be changed.
    set_thread_groups(&[group])
        .and_then(|()| set_thread_res_gid(group, group, group))
        .and_then(|()| set_thread_res_uid(user, user, user))
        .map_err(|error| {
            Failure::Unexpected(format!(
                "the rights of the user with the id {}, to whom {} belongs, cannot be taken: {error}",
                found.uid(),
                state_dir.display()
            ))
        })
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux it can fail")]
pub(super) fn act_as_owner(_state_dir: &Path) -> Result<(), Failure> {
    Ok(())
}
