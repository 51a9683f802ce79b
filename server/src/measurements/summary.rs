//! What values have in common: least, greatest, mean and count; and the bytes of those of an hour or of a day. Pure.
//!
//! A summary of summaries is that of all their values: hours are made of what arrives, not of minutes, and what comes late is
//! added to what stands. A mean is kept in place of a sum, which would overflow where no value does.

use gangway_protocol::measurement::MAX_FIELDS;

use super::block::{Values, put_float, read_float};
use super::varint::{Reader, Unreadable, put};

/// What one or more values have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// How many.
    pub count: u64,
}

impl Summary {
    /// Of one value.
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self {
            low: value,
            high: value,
            mean: value,
            count: 1,
        }
    }

    /// Takes in another one.
    pub fn add(&mut self, other: &Self) {
        let (own, others) = (share(self.count, other.count), share(other.count, self.count));
        let mean = self.mean * own + other.mean * others;
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        // Rounding shall not put it outside.
        self.mean = mean.clamp(self.low, self.high);
        self.count += other.count;
    }
}

/// The part that `own` is of both.
fn share(own: u64, other: u64) -> f64 {
    float(own) / (float(own) + float(other))
}

/// A count as a number to reckon with: exact up to 2⁵³, which is a value in each microsecond for centuries.
pub(crate) fn float(count: u64) -> f64 {
    const HALF: f64 = 4_294_967_296.0;
    let half = |bits: u64| f64::from(u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default());
    half(count >> 32) * HALF + half(count)
}

/// The summaries of a stretch that is parted into slots: the 60 minutes of an hour, or the 24 hours of a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summaries(std::collections::BTreeMap<(u8, u8), Summary>);

impl Summaries {
    /// Takes in the values of an entry.
    pub fn add_values(&mut self, slot: u8, values: &Values) {
        for (field, value) in values.numbered() {
            self.add(slot, field, &Summary::of(value));
        }
    }

    /// Takes in a summary of a field.
    pub fn add(&mut self, slot: u8, field: u8, summary: &Summary) {
        self.0
            .entry((slot, field))
            .and_modify(|own| own.add(summary))
            .or_insert(*summary);
    }

    /// Takes in all of another.
    pub fn add_all(&mut self, other: &Self) {
        for (slot, field, summary) in other.iter() {
            self.add(slot, field, summary);
        }
    }

    /// Slot, field and summary, in this order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, u8, &Summary)> {
        self.0
            .iter()
            .map(|((slot, field), summary)| (*slot, *field, summary))
    }

    /// Their bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 24);
        let mut before = [0; MAX_FIELDS + 1];
        for (slot, field, summary) in self.iter() {
            bytes.extend([slot, field]);
            put(&mut bytes, summary.count);
            let before = &mut before[usize::from(field).min(MAX_FIELDS)];
            put_float(&mut bytes, summary.mean, before);
            if summary.count > 1 {
                put_float(&mut bytes, summary.low, before);
                put_float(&mut bytes, summary.high, before);
            }
        }
        bytes
    }

    /// The summaries in these bytes.
    ///
    /// # Errors
    /// [`Unreadable`] for what was never packed.
    pub fn unpack(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader(bytes);
        let mut before = [0; MAX_FIELDS + 1];
        let mut summaries = Self::default();
        while !reader.is_done() {
            let (slot, field) = (reader.byte()?, reader.byte()?);
            let count = reader.number()?;
            let before = before.get_mut(usize::from(field)).ok_or(Unreadable)?;
            let mean = read_float(&mut reader, before)?;
            let mut summary = Summary {
                count,
                ..Summary::of(mean)
            };
            if count > 1 {
                summary.low = read_float(&mut reader, before)?;
                summary.high = read_float(&mut reader, before)?;
            }
            summaries.0.insert((slot, field), summary);
        }
        Ok(summaries)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(one: f64, other: f64, scale: f64) -> bool {
        (one - other).abs() <= scale * 1e-9
    }

    /// The mean without overflow, for comparison.
    fn mean(values: &[f64]) -> f64 {
        let count = float(u64::try_from(values.len()).expect("few"));
        values.iter().map(|value| value / count).sum()
    }

    proptest! {
        /// However values are parted, and in whatever order the parts come, their summary is that of all.
        #[test]
        fn a_summary_of_summaries_is_that_of_all_values(
            values in prop::collection::vec(prop_oneof![-1e6..1e6, Just(1e308), Just(-1e308)], 1..200),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        ) {
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(values.len())).collect();
            ends.extend([0, values.len()]);
            ends.sort_unstable();
            let mut parts: Vec<Summary> = Vec::new();
            for pair in ends.windows(2) {
                let mut part: Option<Summary> = None;
                for value in &values[pair[0]..pair[1]] {
                    match &mut part {
                        Some(part) => part.add(&Summary::of(*value)),
                        None => part = Some(Summary::of(*value)),
                    }
                }
                parts.extend(part);
            }
            // Late ones last.
            let middle = parts.len() / 2;
            parts.rotate_left(middle);
            let mut whole = parts[0];
            parts[1..].iter().for_each(|part| whole.add(part));
            let scale = values.iter().fold(1.0_f64, |scale, value| scale.max(value.abs()));
            prop_assert_eq!(whole.count, u64::try_from(values.len()).expect("few"));
            prop_assert_eq!(whole.low, values.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(whole.high, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            prop_assert!(close(whole.mean, mean(&values), scale), "{} {}", whole.mean, mean(&values));
        }

        #[test]
        fn summaries_come_back(all in prop::collection::vec((0_u8..60, 1_u8..=8, -1e9..1e9, 1_u64..5), 0..100)) {
            let mut summaries = Summaries::default();
            for (slot, field, value, count) in all {
                for step in 0..count {
                    summaries.add(slot, field, &Summary::of(value + float(step)));
                }
            }
            prop_assert_eq!(Summaries::unpack(&summaries.pack()), Ok(summaries));
        }

        #[test]
        fn whatever_is_unpacked_nothing_panics(bytes: Vec<u8>) {
            let _unreadable = Summaries::unpack(&bytes);
        }
    }
}
