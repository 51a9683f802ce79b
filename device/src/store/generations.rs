//! The state in two generations, written in turn into two files: the later one that is whole counts. One of them is never
//! touched while the other is written, and a damaged one leaves the former.

use std::io::ErrorKind;

use super::{Disk, Record, StoreError, keep_damaged, replace};

/// Where the generations are.
pub(super) const SLOTS: [&str; 2] = ["state.json", "state-2.json"];

/// Which file is next, and what is to be mended before.
#[derive(Debug)]
pub(super) struct Generations {
    /// Place in [`SLOTS`] of the older generation, which the next one replaces.
    next: usize,
    state: State,
}

/// Whether both files are as they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was written yet.
    New,
    /// The first change was cut short: its second file is not there.
    Unfinished,
    /// There are two.
    Whole,
    /// The next file cannot be read, or has gone.
    Harmed,
}

/// What was found.
pub(super) struct Read {
    pub(super) record: Record,
    pub(super) generations: Generations,
    /// In words.
    pub(super) damage: Option<String>,
}

/// Reads the later generation that is whole.
pub(super) fn read(disk: &dyn Disk) -> Result<Read, StoreError> {
    let [first, second] = SLOTS.map(|name| read_one(disk, name));
    match (first?, second?) {
        (Ok(None), Ok(None)) => Ok(found(Record::default(), 0, State::New)),
        (Ok(Some(record)), Ok(None)) => Ok(found_alone(record, 1)),
        (Ok(None), Ok(Some(record))) => Ok(found_alone(record, 0)),
        (Ok(Some(first)), Ok(Some(second))) => Ok(if first.generation() >= second.generation() {
            found(first, 1, State::Whole)
        } else {
            found(second, 0, State::Whole)
        }),
        (Err(damage), Ok(Some(record))) => Ok(found_harmed(record, 0, &damage)),
        (Ok(Some(record)), Err(damage)) => Ok(found_harmed(record, 1, &damage)),
        (Err(damage), _) | (_, Err(damage)) => Err(StoreError::Damaged(damage)),
    }
}

impl Generations {
    /// Whether a file cannot be read, or has gone: it may have held a later generation.
    pub(super) fn is_harmed(&self) -> bool {
        self.state == State::Harmed
    }

    /// Whether the record is to be written at once, so that there are two files again.
    pub(super) fn is_incomplete(&self) -> bool {
        matches!(self.state, State::Unfinished | State::Harmed)
    }

    /// Keeps what cannot be read for whoever looks into it. The file stays what it is until it is written anew: without
    /// it, a start after a crash would not know that something was lost.
    pub(super) fn keep_harmed(&self, disk: &mut dyn Disk) -> Result<(), StoreError> {
        if self.is_harmed() {
            keep_damaged(disk, SLOTS[self.next])?;
        }
        Ok(())
    }

    /// Writes `record` as the next generation; durable when this returns.
    pub(super) fn write(&mut self, disk: &mut dyn Disk, record: &mut Record) -> Result<(), StoreError> {
        record.advance();
        replace(disk, SLOTS[self.next], &record.to_json())?;
        if self.state == State::New {
            // From the first change on there are two. The second one is a generation of its own, so that the first one
            // alone is never taken for what a lost file has left.
            record.advance();
            replace(disk, SLOTS[1 - self.next], &record.to_json())?;
        } else {
            self.next = 1 - self.next;
        }
        self.state = State::Whole;
        Ok(())
    }
}

/// One generation: there, not there, or damaged. An error is what the other generation does not mend.
fn read_one(disk: &dyn Disk, name: &str) -> Result<Result<Option<Record>, String>, StoreError> {
    let bytes = match disk.read(name) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Ok(None)),
        // A sector that cannot be read is damage; rights that are missing are a mistake that a person mends.
        Err(error) if error.kind() != ErrorKind::PermissionDenied => return Ok(Err(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    match Record::from_json(&bytes) {
        Ok(record) => Ok(Ok(Some(record))),
        Err(StoreError::Damaged(text)) => Ok(Err(text)),
        Err(error) => Err(error),
    }
}

fn found(record: Record, next: usize, state: State) -> Read {
    Read {
        record,
        generations: Generations { next, state },
        damage: None,
    }
}

/// The other file is not there. Beside the first generation it was never written, or held the same.
fn found_alone(record: Record, next: usize) -> Read {
    if record.generation() <= 1 {
        found(record, next, State::Unfinished)
    } else {
        found_harmed(record, next, "it is not there")
    }
}

fn found_harmed(record: Record, next: usize, damage: &str) -> Read {
    let told = format!(
        "{} could not be read ({damage}); the device goes on with the generation before.",
        SLOTS[next]
    );
    Read {
        damage: Some(told),
        ..found(record, next, State::Harmed)
    }
}
