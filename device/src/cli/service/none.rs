//! Systems whose service managers this software does not know.

use super::Install;
use crate::cli::Failure;

pub(super) fn install(_install: &Install) -> Result<(), Failure> {
    unsupported()
}

pub(super) fn uninstall() -> Result<(), Failure> {
    unsupported()
}

pub(super) fn serve(_install: &Install) -> Result<(), Failure> {
    unsupported()
}

fn unsupported() -> Result<(), Failure> {
    Err(Failure::Unsupported(
        "this system's service manager is not known here; let it start `gangway-device run --service`"
            .to_owned(),
    ))
}
