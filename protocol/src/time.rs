//! Instants as they cross the wire. Reading a clock is the business of whoever has one.

use ::time::{Date, Month, UtcDateTime};
use serde::{Deserialize, Serialize};

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z in seconds: the years of RFC 3339 have four digits.
const RFC_3339_SECS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// An instant in milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored (POSIX time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// One second.
    pub const SECOND: i64 = 1_000;
    /// One minute.
    pub const MINUTE: i64 = 60 * Self::SECOND;
    /// One hour.
    pub const HOUR: i64 = 60 * Self::MINUTE;
    /// One day of 24 hours.
    pub const DAY: i64 = 24 * Self::HOUR;

    /// This instant moved by `millis`, which may be negative; stays at the limits instead of wrapping.
    #[must_use]
    pub fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this instant; negative when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(Self::SECOND)
    }

    /// This instant in UTC as RFC 3339, in whole seconds: `2026-11-22T14:03:09Z`. What lies outside the years 0 to 9999 is
    /// shown as the nearest second within.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let secs = self.as_secs().clamp(*RFC_3339_SECS.start(), *RFC_3339_SECS.end());
        let at = UtcDateTime::from_unix_timestamp(secs).expect("years of four digits have dates");
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = at.as_hms();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// The beginning of a day in UTC, as RFC 3339 writes it: `2026-11-22`. `None` for what is no day.
    #[must_use]
    pub fn from_day(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let mut part = |len: usize| {
            let digits = parts.next()?;
            (digits.len() == len && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let month: u8 = month.parse().ok()?;
        let date = Date::from_calendar_date(
            year.parse().ok()?,
            Month::try_from(month).ok()?,
            day.parse().ok()?,
        );
        let secs = date.ok()?.midnight().as_utc().unix_timestamp();
        Some(Self(secs * Self::SECOND))
    }

    /// This instant in UTC for people, to the minute: `2026-11-22 14:03 UTC`.
    #[must_use]
    pub fn to_the_minute(self) -> String {
        let stamp = self.rfc3339();
        format!("{} {} UTC", &stamp[..10], &stamp[11..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_the_calendar_has_them() {
        for (millis, rfc3339) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_340_000, "2000-02-28T23:59:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_827_696_999, "2000-02-29T12:34:56Z"),
            (1_893_456_000_000, "2030-01-01T00:00:00Z"),
        ] {
            assert_eq!(UnixMillis(millis).rfc3339(), rfc3339);
        }
        assert_eq!(
            UnixMillis(1_795_305_780_000).to_the_minute(),
            "2026-11-22 00:03 UTC"
        );
        assert_eq!(UnixMillis(-1).to_the_minute(), "1969-12-31 23:59 UTC");
    }

    #[test]
    fn days_are_read_as_they_are_written() {
        for millis in [0, 951_782_400_000, 1_893_456_000_000, -86_400_000] {
            let at = UnixMillis(millis);
            assert_eq!(UnixMillis::from_day(&at.rfc3339()[..10]), Some(at));
        }
        for none in [
            "",
            "2026-02-30",
            "2026-13-01",
            "2026-1-1",
            "+026-01-01",
            "2026-01-01T00:00:00Z",
        ] {
            assert_eq!(UnixMillis::from_day(none), None, "{none}");
        }
    }

    #[test]
    fn years_keep_to_four_digits() {
        assert_eq!(UnixMillis(i64::MIN).rfc3339(), "0000-01-01T00:00:00Z");
        assert_eq!(UnixMillis(i64::MAX).rfc3339(), "9999-12-31T23:59:59Z");
    }
}
