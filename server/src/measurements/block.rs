//! Entries as bytes: one by itself, as it arrives, and those of an hour together. Pure.
//!
//! A block is a list of entries in the order of their times: the time since the one before, the number's distance from the one
//! before, a bit for each field that has a value, and the values. A value is written as what differs from the one before in the
//! same field (the exclusive or of their bits), without the zeros at both ends: one byte says how many there were. A value in
//! a minute takes some 13 bytes so, whatever the engine adds to a row is shared by an hour.

use gangway_protocol::measurement::MAX_FIELDS;

use super::varint::{Reader, Unreadable, put_signed};

/// The values of an entry, by the number of their field less one. None of them is infinite or no number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Values(pub [Option<f64>; MAX_FIELDS]);

impl Values {
    /// The values with the numbers of their fields, from 1.
    pub fn numbered(&self) -> impl Iterator<Item = (u8, f64)> {
        let numbered = (1_u8..).zip(self.0);
        numbered.filter_map(|(field, value)| Some((field, value?)))
    }

    /// The value of a field, counted from 1.
    #[must_use]
    pub fn of(&self, field: u8) -> Option<f64> {
        let place = usize::from(field).checked_sub(1)?;
        self.0.get(place).copied().flatten()
    }

    /// Gives a field its value.
    pub fn set(&mut self, field: u8, value: f64) {
        let place = usize::from(field).checked_sub(1);
        if let Some(place) = place.and_then(|place| self.0.get_mut(place)) {
            *place = Some(value);
        }
    }

    /// Takes the values of fields that have none from another, and says which those were.
    pub fn fill(&mut self, other: &Self) -> Self {
        let mut filled = Self::default();
        for ((own, other), filled) in self.0.iter_mut().zip(other.0).zip(&mut filled.0) {
            if own.is_none() {
                (*own, *filled) = (other, other);
            }
        }
        filled
    }

    fn mask(&self) -> u8 {
        self.numbered()
            .fold(0, |mask, (field, _)| mask | 1 << (field - 1))
    }
}

/// What was measured at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// When, in unix milliseconds.
    pub at: i64,
    /// Its number in its channel.
    pub number: i64,
    /// The values.
    pub values: Values,
}

/// The bytes of values that arrive.
pub(super) fn pack_values(values: &Values) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + 8);
    put_values(&mut bytes, values, &mut Before::default());
    bytes
}

/// The values in these bytes.
pub(super) fn unpack_values(bytes: &[u8]) -> Result<Values, Unreadable> {
    read_values(&mut Reader(bytes), &mut Before::default())
}

/// The bytes of the entries of a time that begins at `start`, which are in the order of their times.
pub(super) fn pack(start: i64, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * 16);
    let mut before = Before::default();
    let (mut at, mut number) = (start, 0);
    for entry in entries {
        put_signed(&mut bytes, entry.at - at);
        put_signed(&mut bytes, entry.number.wrapping_sub(number));
        put_values(&mut bytes, &entry.values, &mut before);
        (at, number) = (entry.at, entry.number);
    }
    bytes
}

/// The entries in these bytes.
pub(super) fn unpack(start: i64, bytes: &[u8]) -> Result<Vec<Entry>, Unreadable> {
    let mut reader = Reader(bytes);
    let mut before = Before::default();
    let (mut at, mut number) = (start, 0_i64);
    let mut entries = Vec::new();
    while !reader.is_done() {
        at = at.checked_add(reader.signed()?).ok_or(Unreadable)?;
        number = number.wrapping_add(reader.signed()?);
        let values = read_values(&mut reader, &mut before)?;
        entries.push(Entry { at, number, values });
    }
    Ok(entries)
}

/// The bits of the last value of each field.
type Before = [u64; MAX_FIELDS];

fn put_values(bytes: &mut Vec<u8>, values: &Values, before: &mut Before) {
    bytes.push(values.mask());
    for (value, before) in values.0.iter().zip(before) {
        if let Some(value) = value {
            put_float(bytes, *value, before);
        }
    }
}

fn read_values(reader: &mut Reader<'_>, before: &mut Before) -> Result<Values, Unreadable> {
    let mask = reader.byte()?;
    let mut values = Values::default();
    for (place, (value, before)) in values.0.iter_mut().zip(before).enumerate() {
        if mask >> place & 1 == 1 {
            *value = Some(read_float(reader, before)?);
        }
    }
    Ok(values)
}

/// Appends a number, as what differs from the bits before.
pub(super) fn put_float(bytes: &mut Vec<u8>, value: f64, before: &mut u64) {
    let bits = value.to_bits();
    let differs = (bits ^ *before).to_be_bytes();
    *before = bits;
    let leading = differs.iter().take_while(|byte| **byte == 0).count();
    let trailing = differs.iter().rev().take_while(|byte| **byte == 0).count();
    let kept = &differs[leading..(8 - trailing).max(leading)];
    // Both counts are at most eight, so that each has four bits.
    let counts = u8::try_from(leading << 4 | kept.len()).unwrap_or_default();
    bytes.push(counts);
    bytes.extend_from_slice(kept);
}

/// Reads one.
pub(super) fn read_float(reader: &mut Reader<'_>, before: &mut u64) -> Result<f64, Unreadable> {
    let counts = reader.byte()?;
    let (leading, len) = (usize::from(counts >> 4), usize::from(counts & 0xf));
    let mut differs = [0; 8];
    for byte in differs.get_mut(leading..leading + len).ok_or(Unreadable)? {
        *byte = reader.byte()?;
    }
    *before ^= u64::from_be_bytes(differs);
    Ok(f64::from_bits(*before))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Values> {
        let value = prop_oneof![
            Just(0.0),
            Just(-0.0),
            Just(1e308),
            Just(-1e308),
            Just(f64::MIN_POSITIVE),
            -1e6..1e6,
            any::<i32>().prop_map(|number| f64::from(number) / 100.0),
        ];
        prop::array::uniform8(prop::option::of(value)).prop_map(Values)
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let entry = (any::<i32>(), any::<i64>(), values());
        let entries = prop::collection::vec(entry, 0..40);
        entries.prop_map(|entries| {
            let made = |(at, number, values): (i32, i64, Values)| Entry {
                at: i64::from(at),
                number,
                values,
            };
            entries.into_iter().map(made).collect()
        })
    }

    fn bits(values: &Values) -> [Option<u64>; MAX_FIELDS] {
        values.0.map(|value| value.map(f64::to_bits))
    }

    proptest! {
        #[test]
        fn a_block_gives_back_what_was_packed(start in -1_000_000_i64..1_000_000, entries in entries()) {
            let found = unpack(start, &pack(start, &entries)).expect("it was packed");
            prop_assert_eq!(found.len(), entries.len());
            for (found, entry) in found.iter().zip(&entries) {
                prop_assert_eq!((found.at, found.number), (entry.at, entry.number));
                prop_assert_eq!(bits(&found.values), bits(&entry.values));
            }
        }

        #[test]
        fn values_that_arrive_come_back(values in values()) {
            let found = unpack_values(&pack_values(&values)).expect("they were packed");
            prop_assert_eq!(bits(&found), bits(&values));
        }

        #[test]
        fn whatever_is_unpacked_nothing_panics(start: i64, bytes: Vec<u8>) {
            let _unreadable = unpack(start, &bytes);
        }
    }

    #[test]
    fn a_value_in_a_minute_takes_less_than_the_mark() {
        let entries: Vec<Entry> = (0..60_i32)
            .map(|minute| {
                let mut values = Values::default();
                values.set(1, 20.0 + f64::from(minute * 37 % 100) / 10.0);
                Entry {
                    at: i64::from(minute) * 60_000 + 123,
                    number: i64::from(minute) + 100_000,
                    values,
                }
            })
            .collect();
        let packed = pack(0, &entries).len();
        // 24 bytes are the mark for a point on the disk; some are the engine's.
        assert!(packed <= 16 * entries.len(), "{packed} bytes");
    }
}
