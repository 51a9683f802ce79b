//! Entries by slices of time: the first value of each, or their sum, mean or median, as the original reckons them. Pure.

use std::collections::BTreeMap;

use gangway_protocol::time::UnixMillis;

use super::parameters::Parameters;
use crate::measurements::block::{Entry, Values};
use crate::measurements::summary::float;

/// The minutes that a slice may have; `daily` is the last.
const MINUTES: [i64; 8] = [10, 15, 20, 30, 60, 240, 720, 1_440];
/// Most slices of an answer, those without values among them.
const MAX_SLICES: i64 = 8_000;

/// What is made of the values of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    First,
    Sum,
    Mean,
    Median,
}

/// How entries are sliced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slicing {
    made: Made,
    len: i64,
}

impl Slicing {
    /// What these parameters ask for; the first of several counts, in the original's order.
    pub(super) fn of(parameters: &Parameters) -> Option<Self> {
        let kinds = [
            ("timescale", Made::First),
            ("sum", Made::Sum),
            ("average", Made::Mean),
            ("median", Made::Median),
        ];
        kinds.into_iter().find_map(|(name, made)| {
            let minutes = match parameters.text(name)? {
                "daily" => 1_440,
                number => number.parse().ok()?,
            };
            MINUTES.contains(&minutes).then_some(Self {
                made,
                len: minutes * UnixMillis::MINUTE,
            })
        })
    }

    /// Times and values of the slices from the first entry's to the last one's. Slices without values are there too.
    pub(super) fn apply(self, entries: &[Entry]) -> Vec<(i64, Values)> {
        let mut slices: BTreeMap<i64, Vec<Values>> = BTreeMap::new();
        for entry in entries {
            let start = entry.at.div_euclid(self.len) * self.len;
            slices.entry(start).or_default().push(entry.values);
        }
        let ends = slices
            .keys()
            .next()
            .copied()
            .zip(slices.keys().next_back().copied());
        let Some((first, last)) = ends else {
            return Vec::new();
        };
        if (last - first) / self.len < MAX_SLICES {
            let mut start = first;
            while start < last {
                slices.entry(start).or_default();
                start += self.len;
            }
        }
        slices
            .into_iter()
            .map(|(start, values)| (start, self.made.of(&values)))
            .collect()
    }
}

impl Made {
    fn of(self, slice: &[Values]) -> Values {
        let mut made = Values::default();
        if self == Self::First {
            // The first entry of the slice, whole: what it does not say is not filled from others.
            return slice.first().copied().unwrap_or_default();
        }
        for field in 1..=8 {
            let mut values: Vec<f64> = slice.iter().filter_map(|values| values.of(field)).collect();
            if values.is_empty() {
                continue;
            }
            let count = float(u64::try_from(values.len()).unwrap_or(u64::MAX));
            let value = match self {
                Self::First | Self::Sum => values.iter().sum(),
                Self::Mean => values.iter().map(|value| value / count).sum(),
                Self::Median => median(&mut values),
            };
            // A sum may be beyond what a number holds: then there is none.
            if value.is_finite() {
                made.set(field, value);
            }
        }
        made
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => values[middle - 1] / 2.0 + values[middle] / 2.0,
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(values: &[(i64, f64)]) -> Vec<Entry> {
        let entry = |(minute, value): &(i64, f64)| {
            let mut values = Values::default();
            values.set(1, *value);
            Entry {
                at: minute * UnixMillis::MINUTE,
                number: 1,
                values,
            }
        };
        values.iter().map(entry).collect()
    }

    #[test]
    fn slices_are_reckoned_as_the_original_does() {
        let entries = entries(&[(61, 1.0), (62, 4.0), (69, 2.0), (85, 8.0), (86, 2.0)]);
        let first = |made| {
            let sliced = Slicing {
                made,
                len: 10 * UnixMillis::MINUTE,
            }
            .apply(&entries);
            let of = |(at, values): (i64, Values)| (at / UnixMillis::MINUTE, values.of(1));
            sliced.into_iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(first(Made::First), [(60, Some(1.0)), (70, None), (80, Some(8.0))]);
        assert_eq!(first(Made::Sum), [(60, Some(7.0)), (70, None), (80, Some(10.0))]);
        assert_eq!(first(Made::Mean)[2], (80, Some(5.0)));
        assert_eq!(
            first(Made::Median),
            [(60, Some(2.0)), (70, None), (80, Some(5.0))]
        );
    }

    #[test]
    fn a_sum_beyond_all_numbers_is_none_and_a_mean_stays() {
        let entries = entries(&[(0, 1e308), (1, 1e308)]);
        let of = |made| Slicing { made, len: 600_000 }.apply(&entries)[0].1.of(1);
        assert_eq!(of(Made::Sum), None);
        assert_eq!(of(Made::Mean), Some(1e308));
        assert_eq!(of(Made::Median), Some(1e308));
    }
}
