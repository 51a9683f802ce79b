//! `gangway-device answer`: the voice of a person before a device that runs elsewhere, above all as a service.

use clap::{Args, ValueEnum};
use gangway_device::store::is_in_use;

use super::owner::act_as_owner;
use super::{Failure, StateDir};
use crate::screen::{answer_command, is_named, leave_answer, posted};

#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// Whether the organisation that `gangway-device status` names may have this device.
    #[arg(value_enum)]
    answer: YesOrNo,
    /// The question, as `gangway-device status` names it: an answer that comes late must not count for another.
    #[arg(value_name = "QUESTION")]
    question: Option<String>,
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
    act_as_owner(directory)?;
    if !is_in_use(directory) {
        return Err(Failure::Unexpected(format!(
            "no device runs on {}; start it first",
            directory.display()
        )));
    }
    let Some(asked) = posted(directory).and_then(|posted| posted.asked) else {
        return Err(Failure::NotConfirmed(
            "the device asks nothing at the moment; `gangway-device status` shows its questions".to_owned(),
        ));
    };
    let named = answer.question.as_deref();
    if !named.is_some_and(|name| is_named(&asked.claim, name)) {
        let why = named.map_or_else(
            || "say which question you answer, by its name after yes or no".to_owned(),
            |name| format!("{name} is not the question that the device asks"),
        );
        let command = answer_command(directory, &asked.claim);
        return Err(Failure::NotConfirmed(format!(
            "{why}; the device asks: {} Answer with: {command}",
            asked.text
        )));
    }
    leave_answer(directory, &asked.claim, answer.answer == YesOrNo::Yes)?;
    println!("The device hears it within a second; `gangway-device status` tells what becomes of it.");
    Ok(())
}
