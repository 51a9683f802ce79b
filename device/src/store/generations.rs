//! The state in two generations, written in turn into two files: the later one that is whole counts. One of them is never
//! touched while the other is written, and a damaged one leaves the former.

use std::io::ErrorKind;

use super::{DAMAGED, Disk, Record, StoreError, replace};

/// Where the generations are.
pub(super) const SLOTS: [&str; 2] = ["state.json", "state-2.json"];

/// Which file is next, and which is harmed.
#[derive(Debug, Default)]
pub(super) struct Generations {
    /// Place in [`SLOTS`] of the older generation, which the next one replaces.
    next: usize,
    /// Whether there are two already.
    both: bool,
    harmed: Option<usize>,
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
        (Ok(None), Ok(None)) => Ok(found(Record::default(), 0, false, None)),
        (Ok(Some(record)), Ok(None)) => Ok(found(record, 1, false, None)),
        (Ok(None), Ok(Some(record))) => Ok(found(record, 0, false, None)),
        (Ok(Some(first)), Ok(Some(second))) => Ok(if first.generation() >= second.generation() {
            found(first, 1, true, None)
        } else {
            found(second, 0, true, None)
        }),
        (Err(damage), Ok(Some(record))) => Ok(found(record, 0, true, Some(damage))),
        (Ok(Some(record)), Err(damage)) => Ok(found(record, 1, true, Some(damage))),
        (Err(damage), _) | (_, Err(damage)) => Err(StoreError::Damaged(damage)),
    }
}

impl Generations {
    /// Whether a file could not be read.
    pub(super) fn is_harmed(&self) -> bool {
        self.harmed.is_some()
    }

    /// Keeps what could not be read for whoever looks into it.
    pub(super) fn set_harmed_aside(&mut self, disk: &mut dyn Disk) -> Result<(), StoreError> {
        if let Some(slot) = self.harmed.take() {
            let name = SLOTS[slot];
            disk.rename(name, &format!("{name}{DAMAGED}"))?;
            disk.sync_names()?;
        }
        Ok(())
    }

    /// Writes `record` as the next generation; durable when this returns.
    pub(super) fn write(&mut self, disk: &mut dyn Disk, record: &mut Record) -> Result<(), StoreError> {
        record.advance();
        let json = record.to_json();
        replace(disk, SLOTS[self.next], &json)?;
        self.next = 1 - self.next;
        if !self.both {
            // From the first change on there are two.
            replace(disk, SLOTS[self.next], &json)?;
            self.both = true;
        }
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

fn found(record: Record, next: usize, both: bool, damage: Option<String>) -> Read {
    Read {
        record,
        generations: Generations {
            next,
            both,
            harmed: damage.is_some().then_some(next),
        },
        damage: damage.map(|damage| {
            format!(
                "{} could not be read ({damage}); the device goes on with the generation before.",
                SLOTS[next]
            )
        }),
    }
}
