//! Systems without `runuser` and modes.

use std::path::{Path, PathBuf};

use crate::cli::CommandError;

pub(super) fn run_again_as(user: &str) -> CommandError {
    CommandError::Refused(format!("this system has no way to check as {user}"))
}

pub(super) fn only_for_root(_file: &Path) -> Option<PathBuf> {
    None
}
