//! Other systems: what the environment knows.

use super::System;
use crate::config::environment;

pub(super) fn read() -> System {
    System {
        hostname: environment("HOSTNAME"),
        ..System::default()
    }
}
