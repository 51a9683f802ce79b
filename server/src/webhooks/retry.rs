//! When an event is sent again that did not get through: the times that Standard Webhooks recommends, with some jitter, so that
//! what failed together does not come back together.

use gangway_protocol::time::UnixMillis;

/// Pauses after the first attempt, the second, and so on. After the last of them it is not tried again: 75 hours in all.
const PAUSES: [i64; 9] = [
    5 * UnixMillis::SECOND,
    5 * UnixMillis::MINUTE,
    30 * UnixMillis::MINUTE,
    2 * UnixMillis::HOUR,
    5 * UnixMillis::HOUR,
    10 * UnixMillis::HOUR,
    14 * UnixMillis::HOUR,
    20 * UnixMillis::HOUR,
    24 * UnixMillis::HOUR,
];
/// The longest pause that a receiver can ask for.
const LONGEST: i64 = UnixMillis::DAY;

/// How long to wait after so many attempts, or `None` when it is not tried again. `random` spreads it over a tenth more; what the
/// receiver asks for (`Retry-After`) makes it longer, never shorter.
pub(super) fn pause(tries: i64, retry_after_secs: Option<u32>, random: u8) -> Option<i64> {
    let place = usize::try_from(tries.max(1) - 1).ok()?;
    let pause = PAUSES.get(place)?;
    let spread = pause / 10 * i64::from(random) / i64::from(u8::MAX);
    let asked = i64::from(retry_after_secs.unwrap_or_default()) * UnixMillis::SECOND;
    Some((pause + spread).max(asked.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_are_spread_and_end() {
        assert_eq!(pause(1, None, 0), Some(5_000));
        assert_eq!(pause(1, None, u8::MAX), Some(5_500));
        assert_eq!(pause(9, None, 0), Some(UnixMillis::DAY));
        assert_eq!(pause(10, None, 0), None);
        let all: Vec<i64> = (1..=9).filter_map(|tries| pause(tries, None, 128)).collect();
        assert!(all.is_sorted() && all.len() == 9, "{all:?}");
    }

    #[test]
    fn a_receiver_asks_for_longer_pauses_within_bounds() {
        assert_eq!(pause(1, Some(120), 0), Some(120_000));
        assert_eq!(pause(2, Some(1), 0), Some(5 * UnixMillis::MINUTE));
        assert_eq!(pause(1, Some(u32::MAX), 0), Some(UnixMillis::DAY));
        assert_eq!(pause(10, Some(120), 0), None);
    }
}
