//! A thermometer that is not there, so that a first device has a curve: warmer and colder within ten minutes, with a little noise.

use gangway_device::clock::Clock;
use gangway_device::store::Point;
use gangway_protocol::time::UnixMillis;

/// How often it measures.
const EVERY: i64 = 5 * UnixMillis::SECOND;
/// How long it takes to get warm and cold again.
const PERIOD: i64 = 10 * UnixMillis::MINUTE;
/// What it measures on average, and by how much that changes.
const MEAN: f64 = 21.0;
const SWING: f64 = 3.0;

/// When it measured last.
#[derive(Debug, Default)]
pub(super) struct Thermometer {
    last: Option<UnixMillis>,
}

impl Thermometer {
    /// What it measures now, where it is time for that.
    pub(super) fn read(&mut self, clock: &dyn Clock) -> Option<Point> {
        let now = clock.now();
        if self.last.is_some_and(|last| now.since(last) < EVERY) {
            return None;
        }
        self.last = Some(now);
        Some(Point {
            name: "Temperature".to_owned(),
            at: now,
            value: temperature(now),
        })
    }
}

fn temperature(at: UnixMillis) -> f64 {
    let part = |period: i64| {
        let millis = u32::try_from(at.0.rem_euclid(period)).unwrap_or(0);
        let whole = u32::try_from(period).unwrap_or(u32::MAX);
        f64::from(millis) / f64::from(whole)
    };
    let wave = (part(PERIOD) * std::f64::consts::TAU).sin();
    // Two waves that no multiple of the first meets look like noise.
    let noise = (part(7 * UnixMillis::SECOND + 300) * std::f64::consts::TAU).sin() * 0.2;
    ((MEAN + SWING * wave + noise) * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_what_rooms_have() {
        let all = (0..10_000).map(|step| temperature(UnixMillis(step * 997)));
        assert!(all.into_iter().all(|value| (17.0..25.0).contains(&value)));
    }
}
