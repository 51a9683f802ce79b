//! `gangway-device answer`: the voice of a person before a device that runs as a service.

use clap::{Args, ValueEnum};
use gangway_device::store::is_in_use;

use super::{Failure, StateDir};
use crate::screen::leave_answer;

#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// Whether the organisation that `gangway-device status` names may have this device.
    #[arg(value_enum)]
    answer: YesOrNo,
    #[command(flatten)]
    state: StateDir,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum YesOrNo {
    Yes,
    No,
}

pub(crate) fn answer(answer: &Answer) -> Result<(), Failure> {
    let directory = &answer.state.state_dir;
    if !is_in_use(directory) {
        return Err(Failure::Unexpected(format!(
            "no device runs on {}; start it first",
            directory.display()
        )));
    }
    leave_answer(directory, answer.answer == YesOrNo::Yes)?;
    println!("The device hears it within a second; `gangway-device status` tells what becomes of it.");
    Ok(())
}
